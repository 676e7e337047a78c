/// What stands behind the sound whose length a header declares. Recorders that correct their header now and then, and sizes
/// of 32 bits that wrapped, declare less than there is.
package enum SoundTail: Equatable, Sendable {
    /// Nothing, other chunks, or less than anybody would miss.
    case nothing
    /// More sound, up to this place.
    case sound(end: Int64)
    /// Something that is no sound, as far as can be told: text, or another file.
    case other

    package var isSound: Bool { if case .sound = self { true } else { false } }

    /// How the chunks of a container are headed.
    package enum Chunks: Equatable, Sendable {
        case none
        case iff(isBigEndian: Bool)
        case caf
        case wave64
    }

    /// Bytes at the end in which chunks are looked for that follow sound of unknown length.
    private static let window: Int64 = 1 << 20

    /// - Parameters:
    ///   - end: where the sound ends by the header.
    ///   - minimumByteCount: bytes that would be missed.
    package init(_ source: some ByteSource, from end: Int64, _ chunks: Chunks, minimumByteCount: Int64) {
        let rest = source.size - end
        guard end > 0, rest >= max(4, minimumByteCount) else {
            self = .nothing
            return
        }
        if Self.isRecording(source, at: end) {
            self = .other
            return
        }
        if chunks.lead(to: source.size, in: source, from: end) {
            self = .nothing
            return
        }
        // A size of 32 bits that wrapped.
        var wrapped = end + 1 << 32
        while wrapped <= source.size {
            if source.size - wrapped < 4 || chunks.lead(to: source.size, in: source, from: wrapped) {
                self = .sound(end: wrapped)
                return
            }
            wrapped += 1 << 32
        }
        if Self.isOther(source, at: end) {
            self = .other
        } else if Self.isEmpty(source, from: end) {
            self = .nothing
        } else {
            self = .sound(end: Self.beginOfLastChunks(source, behind: end, chunks))
        }
    }

    /// Where the chunks behind sound of unknown length begin; the end of the file without any.
    package static func beginOfLastChunks(_ source: some ByteSource, behind start: Int64, _ chunks: Chunks) -> Int64 {
        guard chunks != .none else { return source.size }
        let first = max(start, source.size - window)
        let bytes = source.bytes(at: first, count: Int(source.size - first))
        guard bytes.count >= 8 else { return source.size }
        // Sound has few of these letters; a file that is full of them means harm.
        for i in (0...(bytes.count - 8)).lazy.filter({ Chunks.isKnown(bytes, at: $0) }).prefix(1000) {
            if chunks.lead(to: source.size, in: source, from: first + Int64(i)) { return first + Int64(i) }
        }
        return source.size
    }

    /// A file that was joined to this one.
    private static func isRecording(_ source: some ByteSource, at place: Int64) -> Bool {
        let head = source.bytes(at: place, count: 40)
        return (head.has("RIFF") || head.has("RF64")) && head.has("WAVE", at: 8)
            || head.has("FORM") && (head.has("AIFF", at: 8) || head.has("AIFC", at: 8))
            || head.has("riff") && head.has("wave", at: 24) || head.has("caff\0\u{1}") || head.has(".snd\0\0")
    }

    private static func isOther(_ source: some ByteSource, at place: Int64) -> Bool {
        let head = source.bytes(at: place, count: 4096)
        let magics: [StaticString] = ["ID3", "fLaC", "OggS", "PK\u{3}\u{4}", "TAG", "APETAGEX"]
        if magics.contains(where: { head.has($0) }) { return true }
        let text = head.filter { (0x20...0x7E).contains($0) || (0x09...0x0D).contains($0) }
        return text.count * 20 > head.count * 19
    }

    /// Nothing but zeros, by what is read here and there.
    private static func isEmpty(_ source: some ByteSource, from start: Int64) -> Bool {
        let rest = source.size - start
        let steps: Int64 = 64
        return (0...steps).allSatisfy { step in
            source.bytes(at: start + max(0, rest - 4096) * step / steps, count: 4096).allSatisfy { $0 == 0 }
        }
    }
}

extension SoundTail.Chunks {
    /// Those that writers put behind the sound.
    private static let known: [StaticString] = [
        "LIST", "id3 ", "ID3 ", "bext", "iXML", "cue ", "fact", "PEAK", "smpl", "inst", "plst", "acid", "JUNK", "junk",
        "FLLR", "PAD ", "LGWV", "afsp", "_PMX", "axml", "chna", "umid", "cart", "DISP", "strc", "minf", "elm1", "regn",
        "DGDA", "SAUR", "NAME", "AUTH", "ANNO", "(c) ", "MARK", "COMT", "APPL", "info", "free", "uuid", "strg", "mark",
        "list", "levl", "summ",
    ]

    fileprivate static func isKnown(_ bytes: [UInt8], at offset: Int) -> Bool {
        (0x20...0x7E).contains(bytes[offset]) && known.contains { bytes.has($0, at: offset) }
    }

    /// Whether chunks follow each other from `start` (or the padding behind an odd length) to the end of the file. One that
    /// is well known and fits the file is enough.
    fileprivate func lead(to end: Int64, in source: some ByteSource, from start: Int64) -> Bool {
        guard self != .none else { return false }
        return [start, start + 1].contains { place in
            var at = place
            for _ in 0..<4096 {
                guard let next = next(in: source, at: at), next <= end + 8 else { return false }
                if Self.isKnown(source.tag(at: at), at: 0) || next >= end - 8 { return true }
                at = next
            }
            return false
        }
    }

    /// The place behind a chunk; nil where none can be.
    private func next(in source: some ByteSource, at place: Int64) -> Int64? {
        let name = source.tag(at: place)
        guard name.count == 4, name.allSatisfy({ (0x20...0x7E).contains($0) }) else { return nil }
        let field: (offset: Int64, count: Int, isBig: Bool, head: Int64, unit: Int64) =
            switch self {
            case .none, .iff(isBigEndian: false): (4, 4, false, 8, 2)
            case .iff(isBigEndian: true): (4, 4, true, 8, 2)
            case .caf: (4, 8, true, 12, 1)
            case .wave64: (16, 8, false, 0, 8)
            }
        guard let size = source.number(at: place + field.offset, count: field.count, bigEndian: field.isBig),
            size < 1 << 62
        else { return nil }
        let next = place + field.head + Int64(size)
        return next > place ? next + (field.unit - next % field.unit) % field.unit : nil
    }
}
