/// The logical streams of an Ogg file that follow each other ("chained"), however many: what can be said of all of them.
/// The streams themselves are read again when they are needed (`OggReader`), so that a file of many keeps no memory.
package struct OggChain: Equatable, Sendable {
    package let first: OggStream
    package private(set) var count = 1
    /// Of all streams, by the last position that each tells.
    package private(set) var seconds: Double
    /// Codecs of the streams that are in it.
    package private(set) var isVorbisOrOpus: Bool
    /// All streams are FLAC.
    package private(set) var isFLAC: Bool
    /// The last page of the last stream says that it is the last.
    package private(set) var isFinished: Bool
    /// Where pages are missing, in seconds; a bounded number of them.
    package private(set) var holes: [Double] = []
    private static let maximumHoles = 1000

    /// Reads the page headers of a whole file.
    /// - Returns: nil where there is no stream, or where streams are interleaved (video, several tracks).
    package init?(of source: some ByteSource, from start: Int64) {
        var reader = OggReader(source, from: start)
        guard let first = reader.next() else { return nil }
        self.first = first
        seconds = 0
        isVorbisOrOpus = true
        isFLAC = true
        isFinished = false
        add(first)
        while let stream = reader.next() {
            count += 1
            add(stream)
        }
        if reader.isInterleaved { return nil }
    }

    private mutating func add(_ stream: OggStream) {
        for hole in stream.holes.prefix(Self.maximumHoles - holes.count) where stream.sampleRate > 0 {
            holes.append(seconds + Double(hole.granule) / Double(stream.sampleRate))
        }
        isFLAC = isFLAC && stream.codec == .flac
        seconds += Double(stream.lastGranule) / Double(max(1, stream.sampleRate))
        isVorbisOrOpus = isVorbisOrOpus && (stream.codec == .vorbis || stream.codec == .opus)
        isFinished = stream.isFinished
    }
}

/// Reads the streams of an Ogg file one after the other; no page's contents but each stream's first are looked at.
package struct OggReader<Source: ByteSource> {
    private let source: Source
    private var at: Int64
    private var serial: UInt64?
    private var current: OggStream?
    /// Streams are interleaved: there is no further one that could be read by itself.
    package private(set) var isInterleaved = false

    package init(_ source: Source, from start: Int64) {
        self.source = source
        at = start
    }

    /// Serial numbers of the streams that came.
    private var ended: Set<UInt64> = []

    /// A broken page that seems to be of another stream, or to begin one without holding a header.
    private func isForeign(_ page: OggPage) -> Bool {
        guard let current, page.end <= source.size, page.isFirst || page.serial != current.serial else { return false }
        return !(page.isFirst && page.hasHeader(in: source)) && !page.isIntact(in: source)
    }

    /// A stream begins whose first pages are lost. Those of streams that are interleaved come again and again.
    private func beginsHeadless(_ page: OggPage, behind last: OggStream) -> Bool {
        guard !page.isFirst, last.lastGranule > 0 else { return false }
        return page.serial == last.serial
            ? last.isFinished && !last.continues(with: page) : !ended.contains(page.serial)
    }

    /// Nil behind the last stream.
    package mutating func next() -> OggStream? {
        while at < source.size, !isInterleaved {
            guard let page = OggPage(source, at: at) else {
                guard let next = OggPage.next(in: source, after: at) else { break }
                at = next
                continue
            }
            if isForeign(page) {
                at = page.end
                continue
            }
            var done: OggStream?
            if let last = current, beginsHeadless(page, behind: last) {
                done = last
                ended.insert(last.serial)
                current = OggStream(behind: last, page)
                serial = page.serial
            } else if page.isFirst {
                done = current
                if let done { ended.insert(done.serial) }
                current = OggStream(beginning: source, page)
                if let done, !done.isFinished, done.lastGranule == 0, serial != page.serial { isInterleaved = true }
                serial = page.serial
            }
            guard !isInterleaved, var stream = current, page.serial == serial else {
                isInterleaved = true
                break
            }
            stream.append(page, of: source)
            current = stream
            at = page.end
            if let done { return done }
        }
        at = source.size
        return isInterleaved ? nil : current.take()
    }
}

/// The header of a page.
struct OggPage: Equatable {
    let start: Int64
    let end: Int64
    let contents: Int64
    let granule: Int64
    let serial: UInt64
    /// Counts the pages of a stream.
    let sequence: UInt64
    let isFirst: Bool
    let isLast: Bool

    /// Nil where there is none, or not a whole header.
    init?(_ source: some ByteSource, at start: Int64) {
        let header = source.bytes(at: start, count: 27 + 255)
        guard header.count >= 27, header.has("OggS") else { return nil }
        let segments = Int(header[26])
        guard header.count >= 27 + segments else { return nil }
        self.start = start
        contents = start + Int64(27 + segments)
        end = contents + header[27..<27 + segments].reduce(0) { $0 + Int64($1) }
        granule = Int64(bitPattern: header.number(at: 6, count: 8, bigEndian: false))
        serial = header.number(at: 14, count: 4, bigEndian: false)
        sequence = header.number(at: 18, count: 4, bigEndian: false)
        isFirst = header[5] & 2 != 0
        isLast = header[5] & 4 != 0
    }

    /// Of each byte, by the polynomial of RFC 3533.
    private static let checksums = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte) << 24) { crc, _ in crc & 0x8000_0000 != 0 ? crc << 1 ^ 0x04C1_1DB7 : crc << 1 }
    }

    /// The header of a codec stands in it.
    func hasHeader(in source: some ByteSource) -> Bool {
        let bytes = source.bytes(at: contents, count: 9)
        return bytes.has("OpusHead") || bytes.has("vorbis", at: 1) || bytes.has("FLAC", at: 1) || bytes.has("Speex   ")
    }

    /// The checksum is right.
    func isIntact(in source: some ByteSource) -> Bool {
        var bytes = source.bytes(at: start, count: Int(end - start))
        guard Int64(bytes.count) == end - start else { return false }
        let expected = UInt32(bytes.number(at: 22, count: 4, bigEndian: false))
        bytes.replaceSubrange(22..<26, with: [0, 0, 0, 0])
        return Self.checksum(bytes) == expected
    }

    private static func checksum(_ page: [UInt8]) -> UInt32 {
        page.reduce(0) { crc, byte in crc << 8 ^ checksums[Int(crc >> 24) ^ Int(byte)] }
    }

    /// The bytes of whole pages, as those of the stream with another serial number.
    static func pages(_ bytes: [UInt8], as serial: UInt64) -> [UInt8] {
        var out: [UInt8] = []
        var at = 0
        while at + 27 <= bytes.count, bytes.has("OggS", at: at) {
            let segments = Int(bytes[at + 26])
            guard at + 27 + segments <= bytes.count else { break }
            let end = at + 27 + segments + bytes[(at + 27)..<(at + 27 + segments)].reduce(0) { $0 + Int($1) }
            guard end <= bytes.count else { break }
            var page = Array(bytes[at..<end])
            for i in 0..<4 {
                page[14 + i] = UInt8(truncatingIfNeeded: serial >> (8 * UInt64(i)))
                page[22 + i] = 0
            }
            let crc = checksum(page)
            for i in 0..<4 { page[22 + i] = UInt8(truncatingIfNeeded: crc >> (8 * UInt32(i))) }
            out += page
            at = end
        }
        return out
    }

    /// Behind damage: the next page's place.
    static func next(in source: some ByteSource, after start: Int64) -> Int64? {
        var at = start + 1
        while at < source.size {
            let bytes = source.bytes(at: at, count: (64 << 10) + 3)
            guard bytes.count >= 4 else { return nil }
            for i in 0...(bytes.count - 4) where bytes[i] == 0x4F && bytes.has("OggS", at: i) { return at + Int64(i) }
            at += Int64(bytes.count - 3)
        }
        return nil
    }
}
