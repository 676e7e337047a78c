import CSherpaONNX
import Glibc
import Transcription

/// sherpa-onnx, opened for good.
struct SherpaLibrary: @unchecked Sendable {
    // @unchecked: a table of functions that never changes.
    let handle: OpaquePointer

    /// Why it cannot be used, in words.
    struct Fault: Error { let reason: String }

    /// - Throws: `Fault`.
    init(path: String) throws(Fault) {
        var reason = [CChar](repeating: 0, count: 512)
        guard let handle = csherpa_open(path, &reason, reason.count) else {
            let text = reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw Fault(reason: String(decoding: text, as: UTF8.self))
        }
        self.handle = handle
    }
}

/// The one owner of a loaded model. Several threads may decode with it at once, unless its family is exclusive.
final class SherpaRecognizer: @unchecked Sendable {
    // @unchecked: the pointer never changes, and the library lets several threads decode with one recognizer.
    private let handle: OpaquePointer

    /// Nil where the library refuses the model.
    init?(_ library: SherpaLibrary, folder: String, layout: ModelLayout, language: String?) {
        func path(_ name: String?) -> UnsafeMutablePointer<CChar>? { name.flatMap { strdup("\(folder)/\($0)") } }
        let paths = [layout.encoder, layout.decoder, layout.joiner, layout.model, layout.tokens].map(path)
        let spoken = language.flatMap { strdup($0) }
        defer { for path in paths + [spoken] { free(path) } }
        var model = csherpa_model(
            family: layout.family.code, encoder: paths[0], decoder: paths[1], joiner: paths[2], model: paths[3],
            tokens: paths[4], language: spoken)
        guard let handle = csherpa_recognizer_open(library.handle, &model) else { return nil }
        self.handle = handle
    }

    deinit { csherpa_recognizer_close(handle) }

    /// Nil when the library gives nothing back.
    func decode(_ samples: [Float]) -> DecodedText? {
        var result = csherpa_result()
        let status = samples.withUnsafeBufferPointer {
            csherpa_decode(handle, $0.baseAddress, Int32($0.count), &result)
        }
        guard status == 0 else { return nil }
        defer { csherpa_result_close(handle, &result) }
        let count = Int(result.token_count)
        var decoded = DecodedText(
            text: String(cString: result.text), tokenCount: count,
            language: result.language.flatMap { Self.code(String(cString: $0)) })
        if let tokens = result.tokens, let times = result.times {
            decoded.tokens = (0..<count).map { at in
                (tokens[at].map { String(cString: $0) } ?? "", Double(times[at]))
            }
        }
        return decoded
    }

    /// `en` of `<|en|>`.
    private static func code(_ tag: String) -> String? {
        let letters = tag.filter(\.isLetter).lowercased()
        return (2...3).contains(letters.count) ? letters : nil
    }
}

/// The one owner of a voice detector; belongs to the thread that uses it.
struct SherpaDetector: ~Copyable {
    private let handle: OpaquePointer

    /// Nil where the library refuses the detector's model.
    init?(_ library: SherpaLibrary, model: String) {
        guard let handle = csherpa_detector_open(library.handle, model) else { return nil }
        self.handle = handle
    }

    deinit { csherpa_detector_close(handle) }

    borrowing func speech(in samples: [Float]) -> [SampleRange] {
        var found: [SampleRange] = []
        withUnsafeMutablePointer(to: &found) { found in
            samples.withUnsafeBufferPointer {
                csherpa_detect(
                    handle, $0.baseAddress, Int32($0.count),
                    { @Sendable context, start, count in
                        context?.assumingMemoryBound(to: [SampleRange].self).pointee.append(
                            SampleRange(start, start + count))
                    }, found)
            }
        }
        return found
    }
}
