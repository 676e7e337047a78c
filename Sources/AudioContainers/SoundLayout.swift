/// Where the sound of an AIFF, AU, Core Audio or Wave64 file lies and how much of it the header declares, read by ourselves:
/// libsndfile clamps the sizes to the file, so that a truncated file looks whole to it, and believes those that are too small.
package struct SoundLayout: Equatable, Sendable {
    /// A number in the header that tells of the length, and what it is to be where the file holds more.
    private struct Field: Equatable, Sendable {
        let offset: Int64
        let count: Int
        let isBigEndian: Bool
        /// What it counts besides the bytes of sound.
        let extra: Int64
        /// Bytes of sound for each that it counts.
        let unit: Int64
    }

    /// The first byte of sound.
    package let start: Int64
    /// Nil where the header leaves that open.
    package let declaredBytes: Int64?
    package let bytesPerSecond: Double
    /// Where the whole file ends by its header; nil where that says nothing.
    private let whole: Int64?
    /// Bytes of sound by another number of the header; nil where there is none.
    private let otherBytes: Int64?
    private let fields: [Field]
    private let chunks: SoundTail.Chunks

    /// Nil for another format, for one whose bytes do not tell how long the sound is, and for a header without sense.
    package init?(_ source: some ByteSource, at start: Int64) {
        let head = source.bytes(at: start, count: 40)
        let layout: SoundLayout? =
            if head.has(".snd") || head.has("dns.") {
                Self.au(head, at: start)
            } else if head.has("caff") {
                Self.caf(source, at: start)
            } else if head.has("riff"), head.has("wave", at: 24) {
                Self.wave64(source, at: start)
            } else if head.has("FORM"), head.has("AIFF", at: 8) || head.has("AIFC", at: 8) {
                Self.aiff(source, at: start)
            } else {
                nil
            }
        guard let layout, layout.bytesPerSecond >= 1, layout.bytesPerSecond < 1e9 else { return nil }
        self = layout
    }

    private init(
        start: Int64, declaredBytes: Int64?, bytesPerSecond: Double, whole: Int64? = nil, otherBytes: Int64? = nil,
        fields: [Field], chunks: SoundTail.Chunks
    ) {
        self.start = start
        self.declaredBytes = declaredBytes
        self.bytesPerSecond = bytesPerSecond
        self.whole = whole
        self.otherBytes = otherBytes
        self.fields = fields
        self.chunks = chunks
    }

    /// The numbers of the header do not contradict each other.
    package var isConsistent: Bool {
        (otherBytes == nil || otherBytes == declaredBytes) && (whole.map { $0 >= start + (declaredBytes ?? 0) } ?? true)
    }

    /// What else there is to the declared length.
    package func trust(in source: some ByteSource) -> DeclaredTrust {
        guard let declaredBytes else { return .alone }
        if let otherBytes, otherBytes == declaredBytes { return .confirmed }
        return whole.map { DeclaredTrust(soundEnd: start &+ declaredBytes, whole: $0, size: source.size) } ?? .alone
    }

    package var declaredSeconds: Double? { declaredBytes.map { Double($0) / bytesPerSecond } }

    /// What is behind the declared sound.
    package func tail(in source: some ByteSource) -> SoundTail {
        guard let declaredBytes else { return .nothing }
        return SoundTail(source, from: start &+ declaredBytes, chunks, minimumByteCount: Int64(bytesPerSecond / 4))
    }

    /// The place behind the sound that is there.
    package func end(in source: some ByteSource, _ tail: SoundTail) -> Int64 {
        if case .sound(let end) = tail { return end }
        guard let declaredBytes else { return SoundTail.beginOfLastChunks(source, behind: start, chunks) }
        return min(source.size, start &+ declaredBytes)
    }

    /// The file's bytes in front of the sound, for so much sound; nil where these are too many to keep.
    package func header(for bytes: Int64, of source: some ByteSource) -> [UInt8]? {
        guard start <= 1 << 20 else { return nil }
        var header = source.bytes(at: 0, count: Int(start))
        for field in fields {
            let value = UInt64(max(0, bytes / field.unit + field.extra))
            for i in 0..<field.count where Int(field.offset) + i < header.count {
                let shift = 8 * (field.isBigEndian ? field.count - 1 - i : i)
                let limit = field.count == 4 ? min(value, 0xFFFF_FFFE) : value
                header[Int(field.offset) + i] = UInt8(truncatingIfNeeded: limit >> UInt64(shift))
            }
        }
        return header
    }

    private static func au(_ head: [UInt8], at start: Int64) -> SoundLayout? {
        let isBig = head.has(".snd")
        func number(_ offset: Int) -> UInt64 { head.number(at: offset, count: 4, bigEndian: isBig) }
        guard let width = [1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1][number(12)] as Int64? else { return nil }
        return SoundLayout(
            start: start + Int64(number(4)), declaredBytes: WaveLayout.isOpen(number(8)) ? nil : Int64(number(8)),
            bytesPerSecond: Double(number(16)) * Double(number(20)) * Double(width),
            fields: [Field(offset: start + 8, count: 4, isBigEndian: isBig, extra: 0, unit: 1)], chunks: .none)
    }

    private static func caf(_ source: some ByteSource, at start: Int64) -> SoundLayout? {
        var at = start + 8
        var bytesPerSecond = 0.0
        for _ in 0..<4096 where at < source.size {
            let head = source.bytes(at: at, count: 12 + 32)
            guard head.count >= 12 else { return nil }
            let size = Int64(bitPattern: head.number(at: 4, count: 8, bigEndian: true))
            if head.has("desc"), head.count == 44 {
                let packet = Double(head.number(at: 28, count: 4, bigEndian: true))
                let frames = Double(head.number(at: 32, count: 4, bigEndian: true))
                bytesPerSecond = Double(bitPattern: head.number(at: 12, count: 8, bigEndian: true)) * packet / frames
            }
            if head.has("data") {
                guard bytesPerSecond.isFinite else { return nil }
                return SoundLayout(
                    // The sound begins behind a count of edits.
                    start: at + 16, declaredBytes: size >= 4 && size < 1 << 62 ? size - 4 : nil,
                    bytesPerSecond: bytesPerSecond,
                    fields: [Field(offset: at + 4, count: 8, isBigEndian: true, extra: 4, unit: 1)], chunks: .caf)
            }
            guard size >= 0, size < 1 << 62 else { return nil }
            at += 12 + size
        }
        return nil
    }

    private static func wave64(_ source: some ByteSource, at start: Int64) -> SoundLayout? {
        var at = start + 40
        var bytesPerSecond = 0.0
        for _ in 0..<4096 where at < source.size {
            let head = source.bytes(at: at, count: 24 + 16)
            guard head.count >= 24 else { return nil }
            let size = Int64(bitPattern: head.number(at: 16, count: 8, bigEndian: false))
            if head.has("fmt ") { bytesPerSecond = Double(head.number(at: 32, count: 4, bigEndian: false)) }
            if head.has("data") {
                return SoundLayout(
                    start: at + 24, declaredBytes: size > 24 && size < 1 << 62 ? size - 24 : nil,
                    bytesPerSecond: bytesPerSecond,
                    whole: Self.whole(start, source.number(at: start + 16, count: 8, bigEndian: false)),
                    fields: [
                        Field(offset: start + 16, count: 8, isBigEndian: false, extra: at + 24 - start, unit: 1),
                        Field(offset: at + 16, count: 8, isBigEndian: false, extra: 24, unit: 1),
                    ], chunks: .wave64)
            }
            guard size >= 24, size < 1 << 62 else { return nil }
            at += (size + 7) / 8 * 8
        }
        return nil
    }

    private static func aiff(_ source: some ByteSource, at start: Int64) -> SoundLayout? {
        var common: (IFFChunk, [UInt8])?
        for chunk in IFFChunks(of: source, from: start + 12, bigEndian: true) {
            if chunk.id.has("COMM") { common = (chunk, source.bytes(at: chunk.contents, count: 22)) }
            guard chunk.id.has("SSND") else { continue }
            guard let (comm, values) = common, values.count >= 18 else { return nil }
            let plain: [StaticString] = [
                "NONE", "sowt", "twos", "raw ", "fl32", "FL32", "fl64", "FL64", "in24", "in32",
            ]
            let isPlain = source.tag(at: start + 8).has("AIFF") || plain.contains { values.has($0, at: 18) }
            let channels = Int64(values.number(at: 0, count: 2, bigEndian: true))
            let width = channels * Int64((values.number(at: 6, count: 2, bigEndian: true) + 7) / 8)
            guard isPlain, width > 0 else { return nil }
            let offset = Int64(source.number(at: chunk.contents, count: 4, bigEndian: true) ?? 0)
            let sound = chunk.contents + 8 + offset
            var bytes = Int64(chunk.byteCount) - 8 - offset
            let whole = Self.whole(start + 8, source.number(at: start + 4, count: 4, bigEndian: true))
            let other = Int64(values.number(at: 2, count: 4, bigEndian: true)) * width
            if let whole, other > 0, sound + other <= whole, sound + bytes > whole + DeclaredLength.slack {
                bytes = other  // of two numbers, the one that fits the third
            }
            return SoundLayout(
                start: sound, declaredBytes: WaveLayout.isOpen(chunk.byteCount) || bytes <= 0 ? nil : bytes,
                bytesPerSecond: extended(values) * Double(width),
                whole: whole, otherBytes: other,
                fields: [
                    Field(offset: start + 4, count: 4, isBigEndian: true, extra: sound - start - 8, unit: 1),
                    Field(offset: comm.contents + 2, count: 4, isBigEndian: true, extra: 0, unit: width),
                    Field(offset: chunk.contents - 4, count: 4, isBigEndian: true, extra: 8 + offset, unit: 1),
                ], chunks: .iff(isBigEndian: true))
        }
        return nil
    }

    /// Where a file ends whose header declares so many bytes behind `start`; nil where it leaves that open.
    private static func whole(_ start: Int64, _ bytes: UInt64?) -> Int64? {
        guard let bytes, bytes < 1 << 62, !WaveLayout.isOpen(bytes) || bytes > 0xFFFF_FFFF else { return nil }
        return start + Int64(bytes)
    }

    /// The sample rate of a COMM chunk, 80 bits wide.
    private static func extended(_ values: [UInt8]) -> Double {
        let exponent = Int(values.number(at: 8, count: 2, bigEndian: true)) - 16_383 - 63
        guard (-63...0).contains(exponent) else { return 0 }
        return Double(
            sign: .plus, exponent: exponent, significand: Double(values.number(at: 10, count: 8, bigEndian: true)))
    }
}
