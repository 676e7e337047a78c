/// How long the sound of a video or audio container lasts by its own header, for the containers that ffmpeg reads: what ffmpeg
/// says is the length of the longest track, or a guess by the bit rate where the file is shorter than its header says.
package enum DeclaredSound: Equatable, Sendable {
    /// In seconds.
    case seconds(Double, DeclaredTrust)
    /// The header leaves it open, as where it was written to a pipe, or contradicts itself.
    case open
    /// A container whose header is not read here.
    case unread

    /// - Parameter tracks: of sound, counted from 0: the longest of them counts.
    package init(of source: some ByteSource, tracks: [Int] = [0]) {
        let head = source.bytes(at: 0, count: 16)
        self =
            if head.has("ftyp", at: 4) || head.has("moov", at: 4) || head.has("wide", at: 4) {
                Self.mp4(source, tracks)
            } else if tracks != [0] {
                .unread
            } else if head.has("RIFF"), head.has("AVI ", at: 8) {
                Self.avi(source)
            } else if head.starts(with: [0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11]) {
                Self.asf(source)
            } else if head.has(".RMF") {
                Self.realMedia(source)
            } else {
                .unread
            }
        if case .seconds(let seconds, _) = self, !(seconds > 0 && seconds < 1e9) { self = .unread }
    }

    /// In the length that it gives.
    package var trust: DeclaredTrust {
        if case .seconds(_, let trust) = self { trust } else { .alone }
    }

    private static func mp4(_ source: some ByteSource, _ tracks: [Int]) -> DeclaredSound {
        let headers = tracks.compactMap { MP4Header(source, track: $0) }
        let lengths = headers.compactMap(\.seconds)
        guard lengths.count == tracks.count, let longest = lengths.max() else { return .unread }
        return .seconds(longest, headers.allSatisfy(\.isConfirmed) ? .confirmed : .alone)
    }

    // MARK: AVI

    private static func avi(_ source: some ByteSource) -> DeclaredSound {
        guard let header = IFFChunks(of: source, from: 12, bigEndian: false).first(where: { $0.id.has("LIST") }),
            source.tag(at: header.contents).has("hdrl")
        else { return .unread }
        // Written to a pipe: nobody came back to correct the header.
        let whole = source.number(at: 4, count: 4, bigEndian: false) ?? 0
        if WaveLayout.isOpen(whole) { return .open }
        let end = header.contents + Int64(header.byteCount)
        for list in IFFChunks(of: source, from: header.contents + 4, bigEndian: false).prefix(100) {
            guard list.contents < end else { break }
            guard list.id.has("LIST"), source.tag(at: list.contents).has("strl") else { continue }
            // strh: type, …, scale, rate, start, length. Behind it strf: tag, channels, rate, bytes a second.
            let stream = source.bytes(at: list.contents + 12, count: 88)
            guard source.tag(at: list.contents + 4).has("strh"), stream.count == 88, stream.has("auds") else {
                continue
            }
            let rate = stream.number(at: 24, count: 4, bigEndian: false)
            let scale = stream.number(at: 20, count: 4, bigEndian: false)
            let length = stream.number(at: 32, count: 4, bigEndian: false)
            guard rate > 0, !WaveLayout.isOpen(length) else { return .open }
            let seconds = Double(length) * Double(scale) / Double(rate)
            guard stream.has("strf", at: 56), stream.number(at: 64, count: 2, bigEndian: false) == 1 else {
                return .seconds(seconds, .alone)
            }
            // Uncompressed: it has to fit. Files of more than a gigabyte have further parts.
            let bytes = seconds * Double(stream.number(at: 72, count: 4, bigEndian: false))
            let room = Double(max(Int64(whole), source.size))
            return bytes <= room ? .seconds(seconds, .confirmed) : .open
        }
        return .unread
    }

    // MARK: Windows Media

    /// The play duration of the file properties, without what is buffered before it; the time it takes to be sent is about
    /// the same.
    private static func asf(_ source: some ByteSource) -> DeclaredSound {
        let properties: [UInt8] = [
            0xA1, 0xDC, 0xAB, 0x8C, 0x47, 0xA9, 0xCF, 0x11, 0x8E, 0xE4, 0x00, 0xC0, 0x0C, 0x20, 0x53, 0x65,
        ]
        let end = Int64(clamping: source.number(at: 16, count: 8, bigEndian: false) ?? 0)
        var at: Int64 = 30
        for _ in 0..<1000 where at < min(end, source.size) {
            let head = source.bytes(at: at, count: 104)
            let size = head.number(at: 16, count: 8, bigEndian: false)
            guard head.count >= 24, size >= 24, size < 1 << 40 else { return .unread }
            if head.starts(with: properties), head.count == 104 {
                // A broadcast knows no length.
                guard head[88] & 1 == 0 else { return .open }
                func number(_ offset: Int, _ count: Int = 8) -> Double {
                    Double(head.number(at: offset, count: count, bigEndian: false))
                }
                let played = number(64) / 1e7 - number(80) / 1e3
                let sent = number(72) / 1e7
                let isAgreed = abs(played - sent) <= max(10, sent / 20)
                if isAgreed || sent <= 0 { return .seconds(played, isAgreed ? .confirmed : .alone) }
                // One of them is damaged: the bytes of all packets at the highest rate tell which.
                let least = number(56) * number(96, 4) * 8 / max(1, number(100, 4))
                return .seconds([played, sent].min { abs($0 - least) < abs($1 - least) } ?? played, .alone)
            }
            at += Int64(size)
        }
        return .unread
    }

    // MARK: RealMedia

    /// Written to a pipe, its properties count no packets, and an hour stands for any length.
    private static func realMedia(_ source: some ByteSource) -> DeclaredSound {
        let size = Int64(source.number(at: 4, count: 4, bigEndian: true) ?? 0)
        let properties = source.bytes(at: size, count: 50)
        guard properties.count == 50, properties.has("PROP") else { return .unread }
        let packets = properties.number(at: 26, count: 4, bigEndian: true)
        let milliseconds = properties.number(at: 30, count: 4, bigEndian: true)
        return packets == 0 || milliseconds == 0 ? .open : .seconds(Double(milliseconds) / 1e3, .alone)
    }
}
