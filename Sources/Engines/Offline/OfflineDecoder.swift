import CPocketSphinx
import SystemPackage
import SystemSupport
package import Transcription

/// The model's three parts on disk.
struct OfflineModel: Sendable {
    let acousticModel: FilePath
    let languageModel: FilePath
    let dictionary: FilePath
    let speed: OfflineEngineSettings.Speed

    /// - Throws: `TranscriptionError` with code `engineUnavailable` when a part is missing.
    init(_ settings: OfflineEngineSettings) throws {
        let directory = settings.modelDirectory
        acousticModel = directory.appending("en-us")
        languageModel = directory.appending("en-us.lm.bin")
        dictionary = directory.appending("cmudict-en-us.dict")
        speed = settings.speed
        for part in [acousticModel.appending("mdef"), languageModel, dictionary] {
            guard (try? FileStatus(at: part)) == nil else { continue }
            throw TranscriptionError(
                .engineUnavailable,
                directory == OfflineEngineSettings.installedModel
                    ? "The offline engine's English model is not installed: apt install pocketsphinx-en-us."
                    : "The offline engine's model is not complete: \(part.printable) is missing. Correct "
                        + "model_directory, or leave it out and install the package pocketsphinx-en-us.")
        }
    }
}

/// A word as the decoder gives it, fillers included.
package struct DecodedWord: Sendable, Hashable {
    /// As in the dictionary: `read(2)`, `<sil>`, `[NOISE]`.
    package var text: String
    /// In samples from the start of the utterance.
    package var range: SampleRange
    /// 0...1.
    package var probability: Double

    package init(text: String, range: SampleRange, probability: Double) {
        self.text = text
        self.range = range
        self.probability = probability
    }
}

/// The one owner of a PocketSphinx decoder. Belongs to the thread that made it.
struct OfflineDecoder: ~Copyable {
    private let handle: OpaquePointer

    /// The decoder's clock: one frame is 10 ms.
    static let samplesPerFrame: Int64 = 160

    /// Loads the model: half a second of CPU and 93 MB.
    /// - Throws: `TranscriptionError` with code `engineUnavailable`.
    init(_ model: OfflineModel) throws {
        let fast = model.speed == .fast
        let handle = model.acousticModel.withPlatformString { acousticModel in
            model.languageModel.withPlatformString { languageModel in
                model.dictionary.withPlatformString { dictionary in
                    var settings = cps_settings(
                        acoustic_model: acousticModel, language_model: languageModel, dictionary: dictionary,
                        max_hypotheses: fast ? 3000 : 5000, max_words: fast ? 10 : 20,
                        language_weight: Self.languageWeight)
                    return cps_open(&settings)
                }
            }
        }
        guard let handle else {
            throw TranscriptionError(
                .engineUnavailable,
                "The offline engine cannot load its model from \(model.acousticModel.removingLastComponent().printable). "
                    + "Install the package pocketsphinx-en-us again, and see that 100 MB of memory are free.")
        }
        self.handle = handle
    }

    deinit { cps_close(handle) }

    /// PocketSphinx' own default is 6.5; 5.5 gave fewer wrong words on recorded speech of every kind but one.
    private static let languageWeight = 5.5

    /// Decodes one utterance; the result depends on these samples alone.
    /// - Throws: `TranscriptionError` with code `requestFailed`.
    borrowing func words(in samples: ArraySlice<Int16>) throws -> [DecodedWord] {
        var words: [DecodedWord] = []
        let status = withUnsafeMutablePointer(to: &words) { words in
            samples.withUnsafeBufferPointer { samples in
                cps_decode(
                    handle, samples.baseAddress, samples.count,
                    { @Sendable context, word, first, last, probability in
                        guard let context, let word else { return }
                        let range = SampleRange(
                            Int64(first) * OfflineDecoder.samplesPerFrame,
                            Int64(last + 1) * OfflineDecoder.samplesPerFrame)
                        context.assumingMemoryBound(to: [DecodedWord].self).pointee.append(
                            DecodedWord(
                                text: String(cString: word), range: range,
                                probability: min(1, max(0, probability))))
                    }, words)
            }
        }
        guard status == 0 else {
            throw TranscriptionError(
                .requestFailed, "The offline engine's decoder refused a chunk.", remedy: .giveUpChunk)
        }
        return words
    }
}
