/// One chunk of a RIFF or IFF file: four characters, a length, contents.
package struct IFFChunk {
    package let id: [UInt8]
    /// As declared; the file may end before.
    package let byteCount: UInt64
    /// Where the contents begin.
    package let contents: Int64
}

/// The chunks of a RIFF or IFF file, one after the other, as far as the file goes. Only their heads are read.
package struct IFFChunks<Source: ByteSource>: Sequence, IteratorProtocol {
    private let source: Source
    private let first: Int64
    private let isBigEndian: Bool
    private var at: Int64
    /// A file with more chunks in front of its sound than this means harm.
    private var left = 4096

    /// - Parameter first: where the first chunk begins, behind `RIFF`, a length and a form.
    package init(of source: Source, from first: Int64, bigEndian: Bool) {
        self.source = source
        self.first = first
        isBigEndian = bigEndian
        at = first
    }

    package mutating func next() -> IFFChunk? {
        while left > 0 {
            left -= 1
            let head = source.bytes(at: at, count: 8)
            guard head.count == 8 else { return nil }
            let id = Array(head[..<4])
            if !Self.isName(id), at > first, Self.isName(source.tag(at: at - 1)) {
                at -= 1  // the chunk before had an odd length and no padding
                continue
            }
            let size = head.number(at: 4, count: 4, bigEndian: isBigEndian)
            let chunk = IFFChunk(id: id, byteCount: size, contents: at + 8)
            at += 8 + Int64(size) + Int64(size & 1)
            return chunk
        }
        return nil
    }

    private static func isName(_ id: [UInt8]) -> Bool { id.count == 4 && id.allSatisfy { (0x20...0x7E).contains($0) } }
}

/// Where the sound of a RIFF, RIFX, RF64 or BW64 file lies.
package struct WaveLayout: Equatable, Sendable {
    /// The `data` chunk.
    package struct Sound: Equatable, Sendable {
        /// Where the samples begin.
        package let start: Int64
        /// Nil where the header leaves that open: a recorder that streamed or did not finish.
        package let declaredBytes: Int64?
    }

    package let isBigEndian: Bool
    /// Bytes of the whole file as the header has it; nil where it leaves that open.
    package let declaredFileBytes: Int64?
    /// The `fmt ` chunk's contents; empty where there is none in front of the sound.
    package let format: [UInt8]
    /// Nil where the file has no `data` chunk, or ends before it.
    package let sound: Sound?

    /// What is behind the declared sound.
    package func tail(in source: some ByteSource) -> SoundTail {
        guard let sound, let bytes = sound.declaredBytes else { return .nothing }
        let bytesPerSecond = Int64(format.number(at: 8, count: 4, bigEndian: isBigEndian))
        return SoundTail(
            source, from: sound.start &+ bytes, chunks, minimumByteCount: min(max(bytesPerSecond, 8_000), 1 << 20) / 4)
    }

    /// What else there is to the declared length: the size of the whole file.
    package func trust(in source: some ByteSource) -> DeclaredTrust {
        guard let bytes = sound?.declaredBytes, let start = sound?.start, let whole = declaredFileBytes else {
            return .alone
        }
        return DeclaredTrust(soundEnd: start &+ bytes, whole: whole, size: source.size)
    }

    /// Where sound of unknown length ends.
    package func end(in source: some ByteSource) -> Int64 {
        SoundTail.beginOfLastChunks(source, behind: sound?.start ?? 0, chunks)
    }

    private var chunks: SoundTail.Chunks { .iff(isBigEndian: isBigEndian) }

    /// Nil when `start` holds no RIFF file with sound.
    package init?(_ source: some ByteSource, at start: Int64) {
        let head = source.bytes(at: start, count: 12)
        guard head.has("RIFF") || head.has("RIFX") || head.has("RF64") || head.has("BW64"), head.has("WAVE", at: 8)
        else { return nil }
        isBigEndian = head.has("RIFX")
        var format: [UInt8] = []
        var wideFile: Int64?
        var wideSound: Int64?
        var sound: Sound?
        for chunk in IFFChunks(of: source, from: start + 12, bigEndian: isBigEndian) {
            if chunk.id.has("fmt ") {
                format = source.bytes(at: chunk.contents, count: Int(min(chunk.byteCount, 4096)))
            } else if chunk.id.has("ds64") {
                wideFile = Self.wide(source, at: chunk.contents)
                wideSound = Self.wide(source, at: chunk.contents + 8)
            } else if chunk.id.has("data") {
                let declared = Self.isOpen(chunk.byteCount) ? nil : Int64(chunk.byteCount)
                sound = Sound(
                    start: chunk.contents, declaredBytes: chunk.byteCount == 0xFFFF_FFFF ? wideSound : declared)
                break
            }
        }
        let size = head.number(at: 4, count: 4, bigEndian: isBigEndian)
        let whole = size == 0xFFFF_FFFF ? wideFile : Self.isOpen(size) ? nil : Int64(size)
        declaredFileBytes = whole.map { start &+ 8 &+ $0 }
        self.format = format
        self.sound = sound
    }

    /// Nil for nothing, and for lengths that no file has.
    private static func wide(_ source: some ByteSource, at offset: Int64) -> Int64? {
        guard let value = source.number(at: offset, count: 8, bigEndian: false), value > 0, value < 1 << 62 else {
            return nil
        }
        return Int64(value)
    }

    /// Placeholders of streaming writers: 0, or the greatest numbers of 32 and 31 bits less a header's length or rounded
    /// to a block (0x7FFFF000 by SoX, 0x80000000 by arecord), or 0x7F000000 and a header's length (AIFF by SoX).
    static func isOpen(_ size: UInt64) -> Bool {
        size == 0 || size >= 0xFFFF_0000 || (0x7FFF_0000...0x8000_0000).contains(size)
            || (0x7F00_0000...0x7F00_1000).contains(size)
    }
}
