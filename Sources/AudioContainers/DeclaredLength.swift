/// What a recording's container says of its own length, against the bytes that are there. Only heads of chunks, boxes
/// and frames are read, a bounded number of them; nothing is decoded, and nothing in the file is believed that could
/// make the look long.
package enum DeclaredLength: Equatable, Sendable {
    /// The length is declared, and the file has it.
    case met
    /// The file ends too early.
    /// - Parameter expected: bytes of the whole file, at least; nil where only the end is missing.
    case short(expected: Int64?)
    /// The format does not tell, the writer left it open, or the file is too odd to be sure.
    case undeclared
    /// A header that leaves the length open, and nothing behind it: how recorders and some copiers begin.
    case headerOnly

    /// Bytes that may be missing without a verdict: writers that count a header or a padding byte wrongly are common.
    static let slack: Int64 = 64

    /// - Parameter fileExtension: of the file's name, without its dot: sound without a header may look like anything.
    package init(of source: some ByteSource, fileExtension: String? = nil) {
        let tags = ID3Tags(source)
        guard source.size > tags.end else {
            self = .undeclared
            return
        }
        if tags.isOverrun {
            self = .short(expected: nil)
            return
        }
        let isRaw = fileExtension.flatMap { RawCoding(fileExtension: $0) } != nil
        let verdict = Self.ofContainer(source, at: tags.end, isRaw: isRaw)
        if verdict != .headerOnly, let layout = SoundLayout(source, at: tags.end), layout.tail(in: source) != .nothing {
            // A header that declares less than there is says nothing about the rest.
            self = .undeclared
            return
        }
        // Room that was made for a copy and not filled yet looks like this where the file system knows no holes.
        self = verdict == .met && Self.endsInZeros(source) ? .undeclared : verdict
    }

    private static func ofContainer(_ source: some ByteSource, at start: Int64, isRaw: Bool) -> DeclaredLength {
        let head = source.bytes(at: start, count: 32)
        if let layout = WaveLayout(source, at: start) { return wave(layout, source) }
        if head.has("RIFF") { return riff(head, at: start, size: source.size) }
        if head.has("FORM"), head.has("AIFF", at: 8) || head.has("AIFC", at: 8) { return aiff(source, at: start) }
        if head.has("fLaC") { return flac(source, at: start) }
        if head.has("OggS") {
            return switch OggStream.ending(of: source) {
            case .finished: .met
            case .open: .undeclared
            case .cut: .short(expected: nil)
            }
        }
        if head.has("ftyp", at: 4) { return mp4(source) }
        if head.has(".snd") { return au(head, at: start, size: source.size) }
        if head.has("caff") { return caf(source, at: start) }
        if head.starts(with: [0x1A, 0x45, 0xDF, 0xA3]) { return matroska(source) }
        return isRaw ? .undeclared : mpeg(source, from: start)
    }

    /// A declared end of the file against its size.
    static func compare(_ end: Int64, size: Int64) -> DeclaredLength {
        size >= end ? .met : size + slack >= end ? .undeclared : .short(expected: end)
    }

    /// No compressed sound and hardly any other ends in 4 KiB of zeros.
    static func endsInZeros(_ source: some ByteSource) -> Bool {
        guard source.size >= 8192 else { return false }
        return source.bytes(at: source.size - 4096, count: 4096).allSatisfy { $0 == 0 }
    }
}

// RIFF and IFF.
extension DeclaredLength {
    private static func wave(_ layout: WaveLayout, _ source: some ByteSource) -> DeclaredLength {
        let size = source.size
        guard let sound = layout.sound else {
            return layout.declaredFileBytes.map { compare($0, size: size) == .met ? .undeclared : .short(expected: $0) }
                ?? .undeclared
        }
        guard let bytes = sound.declaredBytes else { return size > sound.start ? .undeclared : .headerOnly }
        let verdict = compare(sound.start &+ bytes, size: size)
        // A header that declares less than there is says nothing about the rest.
        if verdict == .met, layout.tail(in: source) != .nothing { return .undeclared }
        // With all the sound there, something behind it may still be on its way.
        guard verdict == .met, let whole = layout.declaredFileBytes, whole > size + 1 else { return verdict }
        return .undeclared
    }

    private static func riff(_ head: [UInt8], at start: Int64, size: Int64) -> DeclaredLength {
        let declared = head.number(at: 4, count: 4, bigEndian: false)
        guard !WaveLayout.isOpen(declared) else { return .undeclared }
        let verdict = compare(start + 8 + Int64(declared), size: size)
        return verdict == .met ? .undeclared : verdict
    }

    private static func aiff(_ source: some ByteSource, at start: Int64) -> DeclaredLength {
        let whole = source.number(at: start + 4, count: 4, bigEndian: true) ?? 0
        for chunk in IFFChunks(of: source, from: start + 12, bigEndian: true) where chunk.id.has("SSND") {
            guard !WaveLayout.isOpen(chunk.byteCount), !WaveLayout.isOpen(whole) else {
                // Offset and block size stand in front of the samples.
                return source.size > chunk.contents + 8 ? .undeclared : .headerOnly
            }
            let verdict = compare(chunk.contents + Int64(chunk.byteCount), size: source.size)
            return verdict == .met && start + 8 + Int64(whole) > source.size + 1 ? .undeclared : verdict
        }
        guard !WaveLayout.isOpen(whole), start + 8 + Int64(whole) > source.size + slack else { return .undeclared }
        return .short(expected: start + 8 + Int64(whole))
    }

    private static func au(_ head: [UInt8], at start: Int64, size: Int64) -> DeclaredLength {
        let bytes = head.number(at: 8, count: 4, bigEndian: true)
        let sound = start + Int64(head.number(at: 4, count: 4, bigEndian: true))
        guard !WaveLayout.isOpen(bytes) else { return size > sound ? .undeclared : .headerOnly }
        return compare(sound + Int64(bytes), size: size)
    }

    /// Core Audio Format: chunks with 64-bit lengths; -1 for sound that is still being written.
    private static func caf(_ source: some ByteSource, at start: Int64) -> DeclaredLength {
        var at = start + 8
        var hasSound = false
        for _ in 0..<4096 where at < source.size {
            let head = source.bytes(at: at, count: 12)
            guard head.count == 12 else { return hasSound ? .undeclared : .short(expected: nil) }
            let bytes = Int64(bitPattern: head.number(at: 4, count: 8, bigEndian: true))
            guard bytes >= 0, bytes < 1 << 62 else { return .undeclared }
            hasSound = hasSound || head.has("data")
            guard at + 12 + bytes <= source.size else { return compare(at + 12 + bytes, size: source.size) }
            at += 12 + bytes
        }
        return at == source.size && hasSound ? .met : .undeclared
    }
}

// Boxes and elements.
extension DeclaredLength {
    /// MP4, M4A, 3GP, QuickTime (ISO/IEC 14496-12): the boxes must add up to the file, and the index must be there.
    private static func mp4(_ source: some ByteSource) -> DeclaredLength {
        var at: Int64 = 0
        var kinds: Set<[UInt8]> = []
        let (index, fragment, fragmentIndex) = (Array("moov".utf8), Array("moof".utf8), Array("mfra".utf8))
        for _ in 0..<10_000 where at < source.size {
            let head = source.bytes(at: at, count: 16)
            guard head.count >= 8 else { return kinds.contains(index) ? .undeclared : .short(expected: nil) }
            let kind = Array(head[4..<8])
            guard kind.allSatisfy({ $0 >= 0x20 }) else {
                return kinds.contains(index) ? .undeclared : .short(expected: nil)
            }
            kinds.insert(kind)
            var bytes = head.number(at: 0, count: 4, bigEndian: true)
            if bytes == 1 { bytes = head.number(at: 8, count: 8, bigEndian: true) }
            if bytes == 0 { return kinds.contains(index) ? .undeclared : .short(expected: nil) }
            guard bytes >= 8, bytes < 1 << 62 else { return .undeclared }
            let end = at + Int64(bytes)
            if end > source.size {
                let isPadding = kind == Array("free".utf8) || kind == Array("skip".utf8)
                return isPadding && kinds.contains(index) ? .undeclared : .short(expected: end)
            }
            at = end
        }
        guard at == source.size else { return .undeclared }
        guard kinds.contains(index) else { return .short(expected: nil) }
        return kinds.contains(fragment) && !kinds.contains(fragmentIndex) ? .undeclared : .met
    }

    /// Matroska, WebM: an EBML header, then one segment, whose length is all ones while it is streamed.
    private static func matroska(_ source: some ByteSource) -> DeclaredLength {
        guard let (headerBytes, headerAt) = ebmlLength(source, at: 4), let headerBytes, headerBytes < 4096 else {
            return .undeclared
        }
        let segment = headerAt + headerBytes
        guard source.bytes(at: segment, count: 4).starts(with: [0x18, 0x53, 0x80, 0x67]),
            let (bytes, contents) = ebmlLength(source, at: segment + 4), let bytes
        else { return .undeclared }
        return compare(contents + bytes, size: source.size)
    }

    /// A number of variable length, and the place behind it; the number is nil where all its bits are ones.
    private static func ebmlLength(_ source: some ByteSource, at offset: Int64) -> (Int64?, Int64)? {
        let bytes = source.bytes(at: offset, count: 8)
        guard let first = bytes.first, first != 0 else { return nil }
        let count = first.leadingZeroBitCount + 1
        guard bytes.count >= count else { return nil }
        let mask = (UInt64(1) << UInt64(7 * count)) - 1
        let value = bytes.number(at: 0, count: count, bigEndian: true) & mask
        return (value == mask ? nil : Int64(value), offset + Int64(count))
    }
}

// Frames.
extension DeclaredLength {
    /// Longest frame that is looked for at the end: eight channels of 24 bits at the usual 4096 samples, with room.
    private static let flacWindow = 256 << 10

    /// FLAC: the last frame must be the one that ends at the total that STREAMINFO has, and be whole.
    private static func flac(_ source: some ByteSource, at start: Int64) -> DeclaredLength {
        guard let frames = FLACFrames(source, at: start), let total = frames.declaredSamples else { return .undeclared }
        guard frames.maximumFrame ?? 0 <= flacWindow - 4096 else { return .undeclared }
        let first = max(start + 42, source.size - Int64(flacWindow))
        let bytes = source.bytes(at: first, count: Int(source.size - first))
        // A frame of silence is shorter than the longest header.
        let padded = bytes + [UInt8](repeating: 0, count: 16)
        var last: Int64 = 0
        var at = 0
        while let next = bytes[at...].firstIndex(of: 0xFF) {
            at = next + 1
            guard let frame = frames.frame(padded, at: next) else { continue }
            let covered = frame.firstSample + frame.samples
            if covered == total {
                return endsWhole(bytes, frame: next) ? .met : .short(expected: nil)
            }
            if covered < total { last = max(last, covered) }
        }
        if endsInZeros(source) { return .short(expected: nil) }
        // The rest is as dense as what is there, more or less.
        let expected = Double(source.size) * Double(total) / Double(max(1, last))
        return .short(expected: last > 0 && expected < 1e15 ? max(Int64(expected), source.size + 1) : nil)
    }

    /// The last frame is there to its end, with nothing behind it but tags.
    private static func endsWhole(_ bytes: [UInt8], frame: Int) -> Bool {
        let tags = (frame..<bytes.count).lazy.filter {
            bytes.has("TAG", at: $0) || bytes.has("APETAGEX", at: $0) || bytes.has("ID3", at: $0)
        }
        return ([bytes.count] + tags.prefix(8)).contains {
            FLACFrames.frameChecksum(bytes[frame..<$0]) == 0 && $0 > frame
        }
    }

    /// MPEG audio: the bytes that the first frame declares; constant bit rate without such a frame tells nothing.
    private static func mpeg(_ source: some ByteSource, from start: Int64) -> DeclaredLength {
        guard let scan = MPEGScan(source, from: start, limit: 64 << 10) else { return .undeclared }
        if endsInZeros(source) { return .short(expected: nil) }
        guard let tag = MPEGLengthTag(source, header: scan.header, at: scan.start), let bytes = tag.bytes, bytes > 0,
            tag.frames ?? 1 > 0
        else { return .undeclared }
        let verdict = compare(scan.start + bytes, size: source.size)
        // Some count without the frame that declares it, some with the tag behind the sound.
        guard case .short = verdict, source.size + Int64(4 * scan.header.frameBytes) + 128 >= scan.start + bytes else {
            return verdict
        }
        return .undeclared
    }
}
