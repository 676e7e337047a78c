/// Where a file of MPEG audio does not go on from frame to frame, and how many frames are missing there: what lies in such a
/// hole says how much sound stood there, what is missing altogether is known by what the header declares.
package struct MPEGDamage: Equatable {
    /// A hole between two frames.
    package struct Hole: Equatable {
        package let start: Int64
        /// The next frame.
        package let end: Int64
        /// Frames that are missing; 0 where what lies there is nothing but in the way.
        package internal(set) var frames: Int64 = 0
    }

    /// Those that are no tags.
    package private(set) var holes: [Hole] = []
    /// How many frames are missing, or where, is a guess by the mean length of a frame.
    package private(set) var isEstimated = false
    /// Nothing tells whether sound is missing at a hole that has no frames.
    package private(set) var isUnclear = false
    private var frames: Int64 = 0
    private var bytes: Int64 = 0
    private var isConstant = true
    private var endsWithinFrame = false
    private static let maximumHoles = 1000

    /// Follows the frames of the whole file.
    package init(_ source: some ByteSource, of scan: MPEGScan) {
        follow(source, from: scan)
        guard !holes.isEmpty, holes.count < Self.maximumHoles, frames > 0 else { return }
        if MPEGLengthTag(source, header: scan.header, at: scan.start) != nil {
            // That frame is no sound.
            frames -= 1
            bytes -= Int64(scan.header.frameBytes)
        }
        measure()
        guard let declared = scan.declaredFrames, !endsWithinFrame else { return }
        let missing = declared - frames
        let measured = holes.reduce(Int64(0)) { $0 + $1.frames }
        guard isEstimated || isUnclear || abs(missing - measured) > Int64(holes.count) else { return }
        share(missing, explainedBy: max(0, scan.start + (scan.declaredBytes ?? 0) - source.size))
    }

    private mutating func follow(_ source: some ByteSource, from scan: MPEGScan) {
        var at = scan.start
        var block: [UInt8] = []
        var blockStart = at
        while at < source.size, holes.count < Self.maximumHoles {
            if at < blockStart || at + 4 > blockStart + Int64(block.count) {
                (blockStart, block) = (at, source.bytes(at: at, count: 64 << 10))
            }
            if let header = MPEGHeader(block, at: Int(at - blockStart)), header.belongs(with: scan.header),
                header.frameBytes > 0
            {
                frames += 1
                bytes += Int64(header.frameBytes)
                // The frame that holds the declared length may have a rate of its own.
                if frames > 1, header.bitRate != scan.header.bitRate, frames > 2 || scan.declaredFrames == nil {
                    isConstant = false
                }
                at += Int64(header.frameBytes)
                endsWithinFrame = at > source.size
                continue
            }
            let behind = Self.behindTags(source, at: at)
            if behind > at {
                at = behind
                continue
            }
            guard let next = MPEGScan(source, from: at + 1, limit: source.size, needed: 3) else { return }
            holes.append(Hole(start: at, end: next.start))
            at = next.start
        }
    }

    /// The place behind the tags that follow each other; the same place where there is none.
    package static func behindTags(_ source: some ByteSource, at place: Int64) -> Int64 {
        var at = place
        for _ in 0..<16 {
            let head = source.bytes(at: at, count: 32)
            if head.has("TAG") {
                at += 128
            } else if head.has("APETAGEX"), head.count == 32 {
                let isHeader = head.number(at: 20, count: 4, bigEndian: false) & 1 << 29 != 0
                at += (isHeader ? 32 : 0) + Int64(head.number(at: 12, count: 4, bigEndian: false))
            } else if head.has("ID3"), head.count >= 10 {
                at += 10 + head[6...9].reduce(Int64(0)) { $0 << 7 | Int64($1 & 0x7F) }
            } else {
                return at
            }
        }
        return at
    }

    /// So many frames are missing: each hole has its share by its bytes.
    private mutating func share(_ missing: Int64, explainedBy missingBytes: Int64) {
        let all = holes.reduce(Int64(0)) { $0 + $1.end - $1.start }
        let mean = Double(bytes) / Double(max(1, frames))
        for i in holes.indices { holes[i].frames = 0 }
        (isEstimated, isUnclear) = (false, false)
        // A frame at each edge of a hole may be there and be of no use.
        guard missing > Int64(holes.count) + 1, Double(missing) * mean < 1.5 * Double(all + missingBytes) + 10 * mean
        else { return }
        isEstimated = holes.count > 1
        var rest = missing
        for i in holes.indices {
            let share = Double(missing) * Double(holes[i].end - holes[i].start) / Double(max(1, all))
            holes[i].frames = i == holes.count - 1 ? rest : min(rest, Int64(share.rounded()))
            rest -= holes[i].frames
        }
    }

    /// How many frames stood in each hole, by its length.
    private mutating func measure() {
        let mean = Double(bytes) / Double(max(1, frames))
        for i in holes.indices {
            let length = Double(holes[i].end - holes[i].start)
            let count = (length / mean).rounded()
            if !isConstant {
                holes[i].frames = Int64(count)
                isEstimated = true
            } else if count > 0, abs(length - count * mean) < 3 {
                // Where the length of frames does not vary, what is not a whole number of them stood somewhere else.
                holes[i].frames = Int64(count)
            }
            isUnclear = isUnclear || holes[i].frames == 0
        }
    }

    /// The end of the hole that this place is in; nil where it is in none.
    package func end(ofHoleAt place: Int64) -> Int64? { holes.first { $0.start <= place && place < $0.end }?.end }

    /// Frames that are missing between the end of one that was decoded and the beginning of the next that was.
    package func frames(between end: Int64, and next: Int64, in source: some ByteSource) -> Int64 {
        let passed = holes.filter { $0.end > end && $0.end <= next }
        guard let last = passed.last else { return 0 }
        var count = passed.reduce(Int64(0)) { $0 + $1.frames }
        var at = last.end
        while at < next, let header = MPEGHeader(source.bytes(at: at, count: 4), at: 0), header.frameBytes > 0 {
            count += 1
            at += Int64(header.frameBytes)
        }
        return count
    }
}
