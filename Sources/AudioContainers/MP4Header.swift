/// What the index of an ISO base media file (MP4, M4A, 3GP, QuickTime) says of a track of sound.
package struct MP4Header: Equatable, Sendable {
    /// Seconds of sound by the table of sample times; nil in a file of fragments, whose index has none.
    package private(set) var stored: Double?
    /// Seconds of the sound that the list of edits leaves; nil without such a list.
    package private(set) var kept: Double?
    /// The list of edits contradicts the rest of the index: taken at its word it would cut away sound for a damaged number.
    package private(set) var editsAreOdd = false
    /// Two numbers of the index give the length.
    package private(set) var isConfirmed = false

    /// Seconds that are left out by a list of edits that is in order, because somebody wanted that.
    package var leftOut: Double {
        guard !editsAreOdd, let stored, let kept else { return 0 }
        return max(0, stored - kept)
    }

    /// What is to be heard, in seconds; nil where the index does not tell.
    package var seconds: Double? {
        guard let stored else { return nil }
        return editsAreOdd ? stored : stored - leftOut
    }

    /// Units of a second that programs use for a whole file.
    private static let usualScales: Set<Double> = [
        100, 600, 1000, 1200, 2400, 10_000, 12_800, 15_360, 24_000, 25_000, 30_000, 44_100, 48_000, 60_000, 90_000,
        100_000,
        1_000_000, 10_000_000,
    ]

    /// Nil where there is no index or no such track in it.
    /// - Parameter track: counted from 0 among those of sound.
    package init?(_ source: some ByteSource, track number: Int = 0) {
        let file = MP4Box(of: source)
        guard let index = file.first("moov", in: source),
            let track = Self.soundTracks(in: index, source).dropFirst(number).first
        else {
            return nil
        }
        let movie = index.first("mvhd", in: source)?.time(scaleAt: 12, 20, lengthAt: 16, 24, in: source)
        guard let media = track.first("mdia", in: source),
            let time = media.first("mdhd", in: source)?.time(scaleAt: 12, 20, lengthAt: 16, 24, in: source)
        else { return }
        let table = media.first("minf", in: source)?.first("stbl", in: source)
        let listed = table.flatMap { Self.units(ofSamplesIn: $0, source) }
        let isFragmented = index.first("mvex", in: source) != nil
        if isFragmented, listed ?? 0 == 0 { return }
        let declared = time.length > 0 ? time.length / time.scale : nil
        stored = listed.map { $0 / time.scale } ?? declared
        guard let stored, stored > 0 else {
            self.stored = nil
            return
        }
        func agrees(_ other: Double?) -> Bool { other.map { abs($0 - stored) <= max(1, stored / 50) } ?? false }
        let shown = track.first("tkhd", in: source)?.time(scaleAt: -1, -1, lengthAt: 20, 28, in: source)?.length
        let shownSeconds = movie.flatMap { movie in shown.map { $0 / movie.scale } }
        isConfirmed = listed != nil && agrees(declared) || agrees(shownSeconds)
        guard let movie, let list = track.first("edts", in: source)?.first("elst", in: source) else { return }
        readEdits(Self.edits(list, source), in: movie.scale, media: time.scale, shown: shown)
    }

    /// - Parameters:
    ///   - scale: units of the lengths of edits in a second.
    ///   - media: units of their places in a second.
    ///   - shown: the length of the track as another box has it.
    private mutating func readEdits(
        _ edits: [(length: Double, place: Double)], in scale: Double, media: Double, shown: Double?
    ) {
        guard let stored, !edits.isEmpty else { return }
        let sound = edits.filter { $0.place >= 0 }
        // Length 0 stands for the rest.
        guard sound.allSatisfy({ $0.length > 0 }) else { return }
        let units = sound.reduce(0) { $0 + $1.length }
        let kept = units / scale
        let reaches = sound.allSatisfy { $0.place / media + $0.length / scale <= stored + 1 }
        guard stored - kept > 1 || !reaches else { return }
        self.kept = min(kept, stored)
        let all = edits.reduce(0) { $0 + $1.length }
        let isAgreed = shown.map { abs($0 - all) <= max(scale, all / 50) } ?? false
        let isUsual = Self.usualScales.contains(scale) || scale == media
        editsAreOdd = !(reaches && isAgreed && isUsual) && kept < stored || !reaches
    }

    private static func soundTracks(in index: MP4Box, _ source: some ByteSource) -> [MP4Box] {
        index.boxes(in: source).filter { track in
            guard track.kind.has("trak"), let handler = track.first("mdia", in: source)?.first("hdlr", in: source)
            else {
                return false
            }
            return source.tag(at: handler.contents + 8).has("soun")
        }
    }

    /// Of all samples, in units of the track; nil where the tables do not fit each other.
    private static func units(ofSamplesIn table: MP4Box, _ source: some ByteSource) -> Double? {
        guard let times = table.first("stts", in: source), let sizes = table.first("stsz", in: source),
            let entries = source.number(at: times.contents + 4, count: 4, bigEndian: true),
            let samples = source.number(at: sizes.contents + 8, count: 4, bigEndian: true),
            Int64(entries) * 8 <= times.end - times.contents - 8
        else { return nil }
        var (count, units) = (0.0, 0.0)
        var at = times.contents + 8
        let end = at + Int64(entries) * 8
        while at < end {
            let bytes = source.bytes(at: at, count: Int(min(64 << 10, end - at)))
            guard bytes.count >= 8 else { return nil }
            for i in stride(from: 0, through: bytes.count - 8, by: 8) {
                let samples = Double(bytes.number(at: i, count: 4, bigEndian: true))
                count += samples
                units += samples * Double(bytes.number(at: i + 4, count: 4, bigEndian: true))
            }
            at += Int64(bytes.count / 8 * 8)
        }
        return count == Double(samples) ? units : nil
    }

    /// Lengths in units of the file, places in units of the track; a place of -1 is a pause.
    private static func edits(_ list: MP4Box, _ source: some ByteSource) -> [(length: Double, place: Double)] {
        let isWide = source.bytes(at: list.contents, count: 1) == [1]
        let count = source.number(at: list.contents + 4, count: 4, bigEndian: true) ?? 0
        let width = isWide ? 20 : 12
        let bytes = source.bytes(at: list.contents + 8, count: width * Int(min(count, 1000)))
        return stride(from: 0, through: bytes.count - width, by: width).map { at in
            let length = bytes.number(at: at, count: isWide ? 8 : 4, bigEndian: true)
            let place = bytes.number(at: at + (isWide ? 8 : 4), count: isWide ? 8 : 4, bigEndian: true)
            let signed = isWide ? Int64(bitPattern: place) : Int64(Int32(truncatingIfNeeded: place))
            return (Double(length), Double(signed))
        }
    }
}

/// A box of an ISO base media file.
struct MP4Box {
    let kind: [UInt8]
    let contents: Int64
    let end: Int64

    private init(kind: [UInt8], contents: Int64, end: Int64) {
        self.kind = kind
        self.contents = contents
        self.end = end
    }

    /// The whole file, as a box of boxes.
    init(of source: some ByteSource) { self.init(kind: [], contents: 0, end: source.size) }

    /// Those in it, a bounded number of them.
    func boxes(in source: some ByteSource) -> [MP4Box] {
        var found: [MP4Box] = []
        var at = contents
        while at + 8 <= end, found.count < 1000 {
            let head = source.bytes(at: at, count: 16)
            guard head.count >= 8 else { break }
            var bytes = head.number(at: 0, count: 4, bigEndian: true)
            var contents = at + 8
            if bytes == 1 { (bytes, contents) = (head.number(at: 8, count: 8, bigEndian: true), at + 16) }
            guard bytes >= 8, bytes < 1 << 62 else { break }
            found.append(MP4Box(kind: Array(head[4..<8]), contents: contents, end: min(at + Int64(bytes), end)))
            at += Int64(bytes)
        }
        return found
    }

    func first(_ name: StaticString, in source: some ByteSource) -> MP4Box? {
        boxes(in: source).first { $0.kind.has(name) && $0.contents < $0.end }
    }

    /// A time scale (1 where the box has none) and a length in it, at other places in version 1 of a box than in version 0.
    func time(
        scaleAt scale0: Int, _ scale1: Int, lengthAt length0: Int, _ length1: Int, in source: some ByteSource
    ) -> (scale: Double, length: Double)? {
        let bytes = source.bytes(at: contents, count: 36)
        guard bytes.count == 36, bytes[0] <= 1 else { return nil }
        let isWide = bytes[0] == 1
        let scale = scale0 < 0 ? 1 : bytes.number(at: isWide ? scale1 : scale0, count: 4, bigEndian: true)
        let length = bytes.number(at: isWide ? length1 : length0, count: isWide ? 8 : 4, bigEndian: true)
        let open = isWide ? UInt64.max : 0xFFFF_FFFF
        return scale > 0 && length != open ? (Double(scale), Double(length)) : nil
    }
}
