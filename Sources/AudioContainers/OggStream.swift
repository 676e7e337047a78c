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
    let serial: UInt64
    /// The pages that hold what the decoder needs to know end here.
    package private(set) var headerEnd: Int64
    /// The first page with sound; nil without any.
    package private(set) var soundStart: Int64?
    /// Samples in front of the sound that positions count and the decoder leaves out (Opus).
    package let preSkip: Int64
    /// Where pages are missing.
    package private(set) var holes: [Hole] = []
    private var lastPage: OggPage?
    private var granuleBefore: Int64 = 0

    /// A place where pages are missing.
    package struct Hole: Equatable, Sendable {
        /// Behind the last whole page, whose position is `granule`.
        package let start: Int64
        package let granule: Int64
        /// The next page.
        package let end: Int64
    }
    private static let maximumHoles = 1000

    /// A stream whose first pages are lost: of the same kind as the one in front of it, as far as can be told.
    init(behind before: OggStream, _ page: OggPage) {
        codec = before.codec
        start = page.start
        end = page.start
        headerEnd = page.start
        preSkip = before.preSkip
        sampleRate = before.sampleRate
        channels = before.channels
        serial = page.serial
    }

    /// The header pages of this stream as those of another, whose own are lost.
    package func header(for other: OggStream, of source: some ByteSource) -> [UInt8] {
        OggPage.pages(source.bytes(at: start, count: Int(min(headerEnd - start, 1 << 20))), as: other.serial)
    }

    /// The page is the next one by its number.
    func continues(with page: OggPage) -> Bool {
        lastPage.map { page.sequence == ($0.sequence + 1) & 0xFFFF_FFFF } ?? true
    }

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
                // STREAMINFO: a rate of 20 bits.
                (.flac, bytes.number(at: 27, count: 3, bigEndian: true) >> 4, 0)
            } else {
                bytes.has("Speex   ")
                    ? (.speex, bytes.number(at: 36, count: 4, bigEndian: false), 0) : (.other, 0, 0)
            }
        self.codec = codec
        serial = page.serial
        start = page.start
        end = page.start
        headerEnd = page.end
        preSkip = codec == .opus ? Int64(bytes.number(at: 10, count: 2, bigEndian: false)) : 0
        sampleRate = Int(rate)
        self.channels = Int(channels)
    }

    /// A page whose checksum is wrong is missing, as decoders take it.
    mutating func append(_ page: OggPage, of source: some ByteSource) {
        guard lastPage == nil || page.end > source.size || page.isIntact(in: source) else {
            end = page.end
            return
        }
        if let lastPage, page.sequence != (lastPage.sequence + 1) & 0xFFFF_FFFF, holes.count < Self.maximumHoles {
            // What is broken begins within the page before, mostly.
            let isWhole = lastPage.end <= page.start && lastPage.isIntact(in: source)
            holes.append(
                Hole(
                    start: isWhole ? lastPage.end : lastPage.start, granule: isWhole ? lastGranule : granuleBefore,
                    end: page.start))
        }
        if page.granule == 0, lastGranule == 0 { headerEnd = page.end }
        if page.granule > 0, soundStart == nil { soundStart = page.start }
        lastPage = page
        granuleBefore = lastGranule
        lastGranule = max(lastGranule, page.granule)
        let fileSize = source.size
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
