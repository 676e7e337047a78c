/// How long the sound of a video or audio container lasts by its own header, for the containers that ffmpeg reads: what ffmpeg
/// says is the length of the longest track, or a guess by the bit rate where the file is shorter than its header says.
package enum DeclaredSound {
    /// In seconds; nil where the header does not tell, or another format.
    /// - Parameter tracks: of sound, counted from 0: the longest of them counts.
    package static func seconds(of source: some ByteSource, tracks: [Int] = [0]) -> Double? {
        let head = source.bytes(at: 0, count: 16)
        let found: Double? =
            if head.has("ftyp", at: 4) || head.has("moov", at: 4) || head.has("wide", at: 4) {
                longest(mp4(source), tracks)
            } else if tracks != [0] {
                nil
            } else if head.has("RIFF"), head.has("AVI ", at: 8) {
                avi(source)
            } else if head.starts(with: [0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11]) {
                asf(source)
            } else {
                nil
            }
        return found.flatMap { $0 > 0 && $0 < 1e9 ? $0 : nil }
    }

    // MARK: ISO base media files, QuickTime

    private struct Box {
        let kind: [UInt8]
        let contents: Int64
        let end: Int64
    }

    private static func boxes(_ source: some ByteSource, in range: Range<Int64>) -> [Box] {
        var found: [Box] = []
        var at = range.lowerBound
        while at + 8 <= range.upperBound, found.count < 1000 {
            let head = source.bytes(at: at, count: 16)
            guard head.count >= 8 else { break }
            var bytes = head.number(at: 0, count: 4, bigEndian: true)
            var contents = at + 8
            if bytes == 1 { (bytes, contents) = (head.number(at: 8, count: 8, bigEndian: true), at + 16) }
            guard bytes >= 8, bytes < 1 << 62 else { break }
            found.append(
                Box(kind: Array(head[4..<8]), contents: contents, end: min(at + Int64(bytes), range.upperBound)))
            at += Int64(bytes)
        }
        return found
    }

    private static func box(_ source: some ByteSource, _ path: StaticString..., in box: Box) -> Box? {
        var current = box
        for name in path {
            guard current.contents < current.end,
                let next = boxes(source, in: current.contents..<current.end).first(where: { $0.kind.has(name) })
            else { return nil }
            current = next
        }
        return current
    }

    private static func longest(_ lengths: [Double?], _ tracks: [Int]) -> Double? {
        let chosen = tracks.map { lengths.indices.contains($0) ? lengths[$0] : nil }
        return chosen.contains { $0 == nil } ? nil : chosen.compactMap { $0 }.max()
    }

    /// The tracks of sound: as they are presented or as they are stored, whichever is shorter, since some writers give all
    /// tracks the length of the longest.
    private static func mp4(_ source: some ByteSource) -> [Double?] {
        guard let index = boxes(source, in: 0..<source.size).first(where: { $0.kind.has("moov") }),
            index.contents < index.end
        else { return [] }
        var lengths: [Double?] = []
        let scale = box(source, "mvhd", in: index).flatMap { time(source, $0, scaleAt: 12, 20, lengthAt: 16, 24) }?
            .scale
        for track in boxes(source, in: index.contents..<index.end) where track.kind.has("trak") {
            guard let handler = box(source, "mdia", "hdlr", in: track),
                source.tag(at: handler.contents + 8).has("soun")
            else { continue }
            guard let media = box(source, "mdia", "mdhd", in: track),
                let stored = time(source, media, scaleAt: 12, 20, lengthAt: 16, 24)
            else {
                lengths.append(nil)
                continue
            }
            let length = stored.length / stored.scale
            guard let scale, let header = box(source, "tkhd", in: track),
                let shown = time(source, header, scaleAt: 12, 20, lengthAt: 20, 28)?.length, shown > 0
            else {
                lengths.append(length)
                continue
            }
            lengths.append(min(length, shown / scale))
        }
        return lengths
    }

    /// A time scale and a length in it, at other places in version 1 of a box than in version 0.
    private static func time(
        _ source: some ByteSource, _ box: Box, scaleAt scale0: Int, _ scale1: Int, lengthAt length0: Int, _ length1: Int
    ) -> (scale: Double, length: Double)? {
        let bytes = source.bytes(at: box.contents, count: 36)
        guard bytes.count == 36, bytes[0] <= 1 else { return nil }
        let isWide = bytes[0] == 1
        let scale = bytes.number(at: isWide ? scale1 : scale0, count: 4, bigEndian: true)
        let length = bytes.number(at: isWide ? length1 : length0, count: isWide ? 8 : 4, bigEndian: true)
        let open = isWide ? UInt64.max : 0xFFFF_FFFF
        return scale > 0 && length != open ? (Double(scale), Double(length)) : nil
    }

    // MARK: AVI

    private static func avi(_ source: some ByteSource) -> Double? {
        guard let header = IFFChunks(of: source, from: 12, bigEndian: false).first(where: { $0.id.has("LIST") }),
            source.tag(at: header.contents).has("hdrl")
        else { return nil }
        let end = header.contents + Int64(header.byteCount)
        for list in IFFChunks(of: source, from: header.contents + 4, bigEndian: false).prefix(100) {
            guard list.contents < end else { break }
            guard list.id.has("LIST"), source.tag(at: list.contents).has("strl") else { continue }
            // strh: type, …, scale, rate, start, length.
            let stream = source.bytes(at: list.contents + 12, count: 36)
            guard source.tag(at: list.contents + 4).has("strh"), stream.count == 36, stream.has("auds") else {
                continue
            }
            let rate = stream.number(at: 24, count: 4, bigEndian: false)
            let scale = stream.number(at: 20, count: 4, bigEndian: false)
            let length = stream.number(at: 32, count: 4, bigEndian: false)
            guard rate > 0, length < 0xFFFF_FFFF else { return nil }
            return Double(length) * Double(scale) / Double(rate)
        }
        return nil
    }

    // MARK: Windows Media

    /// The play duration of the file properties, without what is buffered before it.
    private static func asf(_ source: some ByteSource) -> Double? {
        let properties: [UInt8] = [
            0xA1, 0xDC, 0xAB, 0x8C, 0x47, 0xA9, 0xCF, 0x11, 0x8E, 0xE4, 0x00, 0xC0, 0x0C, 0x20, 0x53, 0x65,
        ]
        let end = Int64(clamping: source.number(at: 16, count: 8, bigEndian: false) ?? 0)
        var at: Int64 = 30
        for _ in 0..<1000 where at < min(end, source.size) {
            let head = source.bytes(at: at, count: 104)
            let size = head.number(at: 16, count: 8, bigEndian: false)
            guard head.count >= 24, size >= 24, size < 1 << 40 else { return nil }
            if head.starts(with: properties), head.count == 104 {
                // A broadcast knows no length.
                guard head[88] & 1 == 0 else { return nil }
                let length = Double(head.number(at: 64, count: 8, bigEndian: false)) / 1e7
                return length - Double(head.number(at: 80, count: 8, bigEndian: false)) / 1e3
            }
            at += Int64(size)
        }
        return nil
    }
}
