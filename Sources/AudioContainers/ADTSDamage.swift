/// Holes in a file of AAC frames (ADTS), which have no times of their own: where what was there before goes on is known only by
/// counting.
package struct ADTSDamage: Equatable, Sendable {
    /// Something that is no frame between two.
    package struct Hole: Equatable, Sendable {
        /// Seconds of sound in front of it.
        package let place: Double
        /// Seconds of sound that would take as many bytes.
        package let length: Double

        package init(place: Double, length: Double) {
            self.place = place
            self.length = length
        }
    }

    package private(set) var holes: [Hole] = []
    private static let maximumHoles = 1000
    private static let rates: [Double] = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
    ]

    /// Where frames begin that follow each other, in the first bytes of a file that begins in the middle of one, as what is
    /// taken from a stream does; nil: there are none.
    package static func placeOfFrames(in head: [UInt8]) -> Int? {
        head.indices.first { start in
            var place = start
            var rates: Set<Double> = []
            for _ in 0..<5 {
                guard let frame = frame(head, at: place) else { return false }
                place += frame.bytes
                rates.insert(frame.rate)
            }
            return rates.count == 1
        }
    }

    /// Where the first frame is whose rate is that of most of the first frames: decoders believe the very first, and a wrong
    /// one there makes the whole recording too fast or too slow.
    /// - Returns: nil where that is the first frame of the file.
    package static func placeOfUsualFrame(_ source: some ByteSource) -> Int64? {
        var at = ID3Tags(source).end
        if frame(source.bytes(at: at, count: 7), at: 0) == nil {
            return placeOfFrames(in: source.bytes(at: at, count: 64 << 10)).map { at + Int64($0) }
        }
        var found: [(place: Int64, rate: Double)] = []
        while found.count < 100, let frame = frame(source.bytes(at: at, count: 7), at: 0) {
            found.append((at, frame.rate))
            at += Int64(frame.bytes)
        }
        let counts = Dictionary(grouping: found, by: \.rate).mapValues(\.count)
        guard let usual = counts.max(by: { $0.value < $1.value }), usual.value * 2 > found.count,
            let first = found.first, first.rate != usual.key
        else { return nil }
        return found.first { $0.rate == usual.key }?.place
    }

    /// Follows the frames of the whole file.
    package init(_ source: some ByteSource) {
        let start = Self.placeOfUsualFrame(source) ?? ID3Tags(source).end
        var found: [(frames: Int64, bytes: Int64)] = []
        var frames: Int64 = 0
        var bytes: Int64 = 0
        var rate = 0.0
        var at = start
        var block: [UInt8] = []
        var blockStart = at
        while at < source.size, found.count < Self.maximumHoles {
            if at < blockStart || at + 7 > blockStart + Int64(block.count) {
                (blockStart, block) = (at, source.bytes(at: at, count: 64 << 10))
            }
            if let frame = Self.frame(block, at: Int(at - blockStart)) {
                rate = rate == 0 ? frame.rate : rate
                frames += frame.count
                bytes += Int64(frame.bytes)
                at += Int64(frame.bytes)
                continue
            }
            let behind = MPEGDamage.behindTags(source, at: at)
            if behind > at {
                at = behind
                continue
            }
            guard let next = Self.next(source, from: at + 1) else { break }
            if frames > 0 { found.append((frames, next - at)) }
            at = next
        }
        guard rate > 0, bytes > 0 else { return }
        let mean = Double(bytes) / Double(frames)
        holes = found.map {
            Hole(place: Double($0.frames) * 1024 / rate, length: (Double($0.bytes) / mean).rounded() * 1024 / rate)
        }
    }

    private static func frame(_ bytes: [UInt8], at place: Int) -> (bytes: Int, count: Int64, rate: Double)? {
        guard place >= 0, place + 7 <= bytes.count, bytes[place] == 0xFF, bytes[place + 1] & 0xF6 == 0xF0 else {
            return nil
        }
        let index = Int(bytes[place + 2] >> 2 & 15)
        let length = Int(bytes[place + 3] & 3) << 11 | Int(bytes[place + 4]) << 3 | Int(bytes[place + 5]) >> 5
        guard index < rates.count, length > 7 else { return nil }
        return (length, Int64(bytes[place + 6] & 3) + 1, rates[index])
    }

    /// Where frame follows frame again.
    private static func next(_ source: some ByteSource, from start: Int64) -> Int64? {
        var at = start
        while at < source.size {
            let bytes = source.bytes(at: at, count: (64 << 10) + 6)
            guard bytes.count >= 7 else { return nil }
            for i in 0...(bytes.count - 7) where frame(bytes, at: i) != nil {
                var place = at + Int64(i)
                var count = 0
                while count < 3, let frame = frame(source.bytes(at: place, count: 7), at: 0) {
                    place += Int64(frame.bytes)
                    count += 1
                }
                if count == 3 || count > 0 && place == source.size { return at + Int64(i) }
            }
            at += Int64(bytes.count - 6)
        }
        return nil
    }
}
