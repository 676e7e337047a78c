/// A logical stream in an Ogg file (RFC 3533); several may follow each other ("chained").
package struct OggStream: Equatable, Sendable {
    package enum Codec: Equatable, Sendable { case vorbis, opus, flac, speex, other }
    package let codec: Codec
    /// The bytes of its pages.
    package let start: Int64
    package var end: Int64
    package let sampleRate: Int
    package let channels: Int
    /// The last position the stream tells, in frames of `sampleRate` (48 kHz for Opus).
    package var lastGranule: Int64 = 0
    /// The last page says that it is the last.
    package var isFinished = false

    /// Reads the page headers of a whole file; no page's contents but the first are looked at.
    /// - Returns: nil where streams are interleaved (video, several tracks).
    package static func streams(of source: some ByteSource, from start: Int64) -> [OggStream]? {
        var streams: [OggStream] = []
        var serial: UInt64?
        var at = start
        while at < source.size {
            let header = source.bytes(at: at, count: 27 + 255)
            guard header.count >= 27, header.has("OggS") else {
                guard let next = nextPage(in: source, after: at) else { break }
                at = next
                continue
            }
            let segments = Int(header[26])
            guard header.count >= 27 + segments else { break }
            let body = header[27..<27 + segments].reduce(0) { $0 + Int($1) }
            let size = Int64(27 + segments + body)
            let flags = header[5]
            let pageSerial = header.number(at: 14, count: 4, bigEndian: false)
            if flags & 2 != 0 {
                if let last = streams.last, !last.isFinished, last.lastGranule == 0, serial != pageSerial { return nil }
                guard streams.count < 1000 else { return streams }
                streams.append(beginning(source, at: at, packet: at + 27 + Int64(segments)))
                serial = pageSerial
            }
            guard !streams.isEmpty, pageSerial == serial else { return nil }
            let current = streams.count - 1
            let granule = Int64(bitPattern: header.number(at: 6, count: 8, bigEndian: false))
            if granule > streams[current].lastGranule { streams[current].lastGranule = granule }
            let isWhole = at + size <= source.size
            streams[current].end = min(at + size, source.size)
            streams[current].isFinished = flags & 4 != 0 && isWhole
            at += size
        }
        return streams
    }

    private static func beginning(_ source: some ByteSource, at start: Int64, packet: Int64) -> OggStream {
        let bytes = source.bytes(at: packet, count: 64)
        func stream(_ codec: Codec, _ rate: Int, _ channels: Int) -> OggStream {
            OggStream(codec: codec, start: start, end: start, sampleRate: rate, channels: channels)
        }
        if bytes.has("OpusHead") { return stream(.opus, 48_000, Int(bytes.number(at: 9, count: 1, bigEndian: false))) }
        if bytes.has("vorbis", at: 1) {
            return stream(
                .vorbis, Int(bytes.number(at: 12, count: 4, bigEndian: false)),
                Int(bytes.number(at: 11, count: 1, bigEndian: false)))
        }
        if bytes.has("FLAC", at: 1) { return stream(.flac, 0, 0) }
        if bytes.has("Speex   ") { return stream(.speex, 0, 0) }
        return stream(.other, 0, 0)
    }

    /// Behind damage: the next page's place.
    private static func nextPage(in source: some ByteSource, after start: Int64) -> Int64? {
        var at = start + 1
        while at < source.size {
            let bytes = source.bytes(at: at, count: (64 << 10) + 3)
            guard bytes.count >= 4 else { return nil }
            for i in 0...(bytes.count - 4) where bytes[i] == 0x4F && bytes.has("OggS", at: i) { return at + Int64(i) }
            at += Int64(bytes.count - 3)
        }
        return nil
    }

    /// How a file of Ogg pages ends.
    package enum Ending: Equatable, Sendable {
        /// With a page that says that it is the last of its stream.
        case finished
        /// Behind a whole page, or with something else behind the pages.
        case open
        /// Within a page, or without any page where one must be.
        case cut
    }

    /// Follows the last pages only; none is longer than 65 307 bytes.
    package static func ending(of source: some ByteSource) -> Ending {
        let first = max(0, source.size - 2 * 65_307)
        let bytes = source.bytes(at: first, count: Int(source.size - first))
        var at = 0
        var best = Ending.cut
        while at + 27 <= bytes.count {
            guard bytes[at] == 0x4F, bytes.has("OggS", at: at), bytes[at + 4] == 0 else {
                at += 1
                continue
            }
            let segments = Int(bytes[at + 26])
            guard at + 27 + segments <= bytes.count else { return .cut }
            let end = at + 27 + segments + bytes[(at + 27)..<(at + 27 + segments)].reduce(0) { $0 + Int($1) }
            if end == bytes.count { return bytes[at + 5] & 4 != 0 ? .finished : .open }
            // Four letters in the sound look like a page now and then: what fits nothing is passed over.
            if end < bytes.count, bytes.has("OggS", at: end) {
                at = end
                best = .cut
            } else {
                if end < bytes.count { best = .open }
                at += 1
            }
        }
        return best
    }
}
