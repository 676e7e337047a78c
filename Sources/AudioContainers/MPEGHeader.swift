/// The four bytes in front of each frame of MPEG-1, -2 and -2.5 audio, layers I to III (ISO/IEC 11172-3, 13818-3).
package struct MPEGHeader: Equatable {
    /// 1, 2, or 3 for version 2.5.
    package let version: Int
    /// 1 to 3.
    package let layer: Int
    /// Bits per second; 0 for the free format.
    package let bitRate: Int
    package let sampleRate: Int
    package let channels: Int
    /// Samples a frame.
    package let frameSamples: Int
    /// Bytes a frame, this header included; 0 for the free format.
    package let frameBytes: Int

    private static let rates: [[Int]] = [
        [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],  // version 1, layer I
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],  // version 1, layer II
        [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],  // version 1, layer III
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],  // versions 2 and 2.5, layer I
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],  // versions 2 and 2.5, layers II and III
    ]

    /// Nil when the bytes at `offset` are no header.
    package init?(_ bytes: some RandomAccessCollection<UInt8>, at offset: Int) {
        guard offset >= 0, offset + 4 <= bytes.count else { return nil }
        let base = bytes.index(bytes.startIndex, offsetBy: offset)
        guard bytes[base] == 0xFF else { return nil }
        let b1 = bytes[bytes.index(base, offsetBy: 1)]
        let b2 = bytes[bytes.index(base, offsetBy: 2)]
        let b3 = bytes[bytes.index(base, offsetBy: 3)]
        guard b1 & 0xE0 == 0xE0 else { return nil }
        switch b1 >> 3 & 3 {
        case 0: version = 3
        case 2: version = 2
        case 3: version = 1
        default: return nil
        }
        guard b1 >> 1 & 3 != 0, b2 >> 4 != 15, b2 >> 2 & 3 != 3, b3 & 3 != 2 else { return nil }
        layer = 4 - Int(b1 >> 1 & 3)
        let row = version == 1 ? layer - 1 : layer == 1 ? 3 : 4
        bitRate = Self.rates[row][Int(b2 >> 4)] * 1000
        sampleRate = [44_100, 48_000, 32_000][Int(b2 >> 2 & 3)] >> (version - 1)
        channels = b3 >> 6 == 3 ? 1 : 2
        frameSamples = layer == 1 ? 384 : layer == 3 && version != 1 ? 576 : 1152
        let padding = Int(b2 >> 1 & 1)
        if bitRate == 0 {
            frameBytes = 0
        } else if layer == 1 {
            frameBytes = (12 * bitRate / sampleRate + padding) * 4
        } else {
            frameBytes = frameSamples / 8 * bitRate / sampleRate + padding
        }
    }

    /// True when both may belong to one stream: what never changes from frame to frame is the same.
    package func belongs(with other: MPEGHeader) -> Bool {
        version == other.version && layer == other.layer && sampleRate == other.sampleRate
    }
}

/// What a Xing, Info or VBRI header in the first frame declares; not checked against the file.
package struct MPEGLengthTag: Equatable {
    /// nil: it does not tell.
    package let frames: Int64?
    /// From the first frame on, that one included.
    package let bytes: Int64?

    /// Nil where the first frame is sound.
    package init?(_ source: some ByteSource, header: MPEGHeader, at start: Int64) {
        let frame = source.bytes(at: start, count: max(header.frameBytes, 200))
        let side = header.version == 1 ? (header.channels == 1 ? 17 : 32) : (header.channels == 1 ? 9 : 17)
        if frame.has("Xing", at: 4 + side) || frame.has("Info", at: 4 + side) {
            let flags = frame.number(at: 8 + side, count: 4, bigEndian: true)
            let hasFrames = flags & 1 != 0
            frames = hasFrames ? Int64(frame.number(at: 12 + side, count: 4, bigEndian: true)) : nil
            let place = 12 + side + (hasFrames ? 4 : 0)
            bytes = flags & 2 != 0 ? Int64(frame.number(at: place, count: 4, bigEndian: true)) : nil
        } else if frame.has("VBRI", at: 36) {
            bytes = Int64(frame.number(at: 46, count: 4, bigEndian: true))
            frames = Int64(frame.number(at: 50, count: 4, bigEndian: true))
        } else {
            return nil
        }
    }
}

/// Finds MPEG audio in bytes and tells its length from the first frames.
package struct MPEGScan: Equatable {
    /// The first frame's place.
    package let start: Int64
    package let header: MPEGHeader
    /// Frames and bytes that a Xing, Info or VBRI header declares.
    package let declaredFrames: Int64?
    package let declaredBytes: Int64?
    /// Length in samples of the recording, declared or estimated from size and bit rate.
    package let estimatedSamples: Int64?

    /// Looks for the first place where frame follows frame.
    /// - Parameters:
    ///   - limit: how many bytes of anything else may stand in front.
    ///   - needed: frames that must follow each other; fewer only if the source ends just behind them.
    package init?(_ source: some ByteSource, from start: Int64, limit: Int64, needed: Int = 4) {
        let block = 64 << 10
        var at = start
        while at < min(source.size, start + limit) {
            let bytes = source.bytes(at: at, count: block + 4)
            guard bytes.count >= 4 else { return nil }
            let last = min(bytes.count - 4, block - 1)
            for i in 0...last where bytes[i] == 0xFF {
                guard let header = MPEGHeader(bytes, at: i),
                    Self.isStream(source, at: at + Int64(i), header: header, needed: needed)
                else { continue }
                self.init(source, found: header, at: at + Int64(i))
                return
            }
            at += Int64(block)
        }
        return nil
    }

    private static func isStream(_ source: some ByteSource, at start: Int64, header: MPEGHeader, needed: Int) -> Bool {
        guard header.frameBytes > 0 else { return isFreeFormat(source, at: start, header: header) }
        var at = start
        var frames = 0
        var current = header
        while frames < needed {
            at += Int64(current.frameBytes)
            guard at <= source.size else { return false }
            frames += 1
            let next = source.bytes(at: at, count: 4)
            // The end, or an ID3v1 or APE tag, may follow at any time.
            if next.isEmpty || next.has("TAG") || next.has("APET") { return true }
            guard let header = MPEGHeader(next, at: 0), header.belongs(with: current) else { return false }
            guard header.frameBytes > 0 else { return false }
            current = header
        }
        return true
    }

    /// Free format has no frame length: the distance of two like headers must repeat.
    private static func isFreeFormat(_ source: some ByteSource, at start: Int64, header: MPEGHeader) -> Bool {
        let bytes = source.bytes(at: start, count: 16 << 10)
        var places: [Int] = []
        var i = 4
        while i + 4 <= bytes.count, places.count < 3 {
            if bytes[i] == 0xFF, let next = MPEGHeader(bytes, at: i), next.belongs(with: header), next.bitRate == 0,
                next.channels == header.channels
            {
                places.append(i)
                i += 32
            } else {
                i += 1
            }
        }
        guard places.count == 3 else { return false }
        let distance = places[0]
        return abs(places[1] - 2 * distance) <= 2 && abs(places[2] - 3 * distance) <= 3
    }

    private init(_ source: some ByteSource, found header: MPEGHeader, at start: Int64) {
        self.start = start
        self.header = header
        let tag = MPEGLengthTag(source, header: header, at: start)
        var frames = tag?.frames
        var bytes = tag?.bytes
        // Mean frame length of the first frames; the declared number is believed only where it fits that within reason.
        var at = start
        var counted = 0
        while counted < 200, let next = MPEGHeader(source.bytes(at: at, count: 4), at: 0), next.frameBytes > 0 {
            counted += 1
            at += Int64(next.frameBytes)
        }
        let guess: Int64? = counted > 0 ? (source.size - start) * Int64(counted) / max(1, at - start) : nil
        if let declared = frames, let guess, declared < 1 || declared < guess / 30 || declared > guess * 30 + 100 {
            frames = nil
            bytes = nil
        }
        declaredFrames = frames
        declaredBytes = bytes
        estimatedSamples = (frames ?? guess).map { $0 * Int64(header.frameSamples) }
    }
}
