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

    /// A stream whose first page this is, before `append` takes that page.
    init(beginning source: some ByteSource, _ page: OggPage) {
        let bytes = source.bytes(at: page.contents, count: 64)
        let (codec, rate, channels): (Codec, UInt64, UInt64) =
            if bytes.has("OpusHead") {
                (.opus, 48_000, bytes.number(at: 9, count: 1, bigEndian: false))
            } else if bytes.has("vorbis", at: 1) {
                (
                    .vorbis, bytes.number(at: 12, count: 4, bigEndian: false),
                    bytes.number(at: 11, count: 1, bigEndian: false)
                )
            } else if bytes.has("FLAC", at: 1) {
                (.flac, 0, 0)
            } else {
                (bytes.has("Speex   ") ? .speex : .other, 0, 0)
            }
        self.codec = codec
        start = page.start
        end = page.start
        sampleRate = Int(rate)
        self.channels = Int(channels)
    }

    mutating func append(_ page: OggPage, fileSize: Int64) {
        lastGranule = max(lastGranule, page.granule)
        end = min(page.end, fileSize)
        isFinished = page.isLast && page.end <= fileSize
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
