/// Finds the frames of a FLAC stream (RFC 9639), so that nothing of what follows a broken one is lost, and so that the end of
/// a file can be compared with what STREAMINFO declares.
package struct FLACFrames {
    /// Samples in the whole stream; nil where the encoder did not know.
    package let declaredSamples: Int64?
    /// Bytes of the longest frame; nil where the encoder did not know.
    package let maximumFrame: Int?
    private let minimumBlock: Int64
    private let start: Int64

    /// Nil when STREAMINFO is missing.
    package init?(_ source: some ByteSource, at start: Int64) {
        let bytes = source.bytes(at: start, count: 42)
        guard bytes.count == 42, bytes.has("fLaC"), bytes[4] & 0x7F == 0,
            bytes.number(at: 5, count: 3, bigEndian: true) == 34
        else { return nil }
        self.start = start
        minimumBlock = Int64(bytes.number(at: 8, count: 2, bigEndian: true))
        let longest = Int(bytes.number(at: 15, count: 3, bigEndian: true))
        maximumFrame = longest > 0 ? longest : nil
        let total = Int64(bytes.number(at: 18, count: 8, bigEndian: true) & 0xF_FFFF_FFFF)
        declaredSamples = total > 0 ? total : nil
    }

    /// Where the next frame header with a right checksum is, from `start` on, and the sample that it belongs to.
    package func next(in source: some ByteSource, from start: Int64) -> (byte: Int64, sample: Int64)? {
        var at = max(0, start)
        while at < source.size {
            let bytes = source.bytes(at: at, count: (64 << 10) + 16)
            guard bytes.count > 16 else { return nil }
            for i in 0..<(bytes.count - 16) where bytes[i] == 0xFF && bytes[i + 1] & 0xFE == 0xF8 {
                if let frame = frame(bytes, at: i) { return (at + Int64(i), frame.firstSample) }
            }
            at += Int64(bytes.count - 16)
        }
        return nil
    }

    /// The last sample that the table for seeking has a place for; nil without such a table.
    package func lastSeekPoint(in source: some ByteSource) -> Int64? {
        var at = start + 4
        for _ in 0..<1000 {
            let head = source.bytes(at: at, count: 4)
            guard head.count == 4 else { return nil }
            let length = Int64(head.number(at: 1, count: 3, bigEndian: true))
            if head[0] & 0x7F == 3 {
                let points = source.bytes(at: at + 4, count: Int(length))
                return stride(from: 0, through: points.count - 18, by: 18).compactMap { place -> Int64? in
                    let sample = points.number(at: place, count: 8, bigEndian: true)
                    // Placeholders have all bits set.
                    return sample < 1 << 36 ? Int64(sample) : nil
                }.max()
            }
            if head[0] & 0x80 != 0 { return nil }
            at += 4 + length
        }
        return nil
    }

    /// What the header of a frame says.
    struct Frame {
        let firstSample: Int64
        let samples: Int64
    }

    /// Nil where no frame header with a right checksum stands; 16 bytes from `start` on are enough.
    func frame(_ bytes: [UInt8], at start: Int) -> Frame? {
        guard start + 16 <= bytes.count, bytes[start] == 0xFF, bytes[start + 1] & 0xFE == 0xF8 else { return nil }
        let blockCode = bytes[start + 2] >> 4
        let rateCode = bytes[start + 2] & 15
        guard blockCode != 0, rateCode != 15, bytes[start + 3] >> 4 <= 10, bytes[start + 3] & 1 == 0 else { return nil }
        let lead = bytes[start + 4]
        let extra = (~lead).leadingZeroBitCount
        guard extra != 1, extra < 8 else { return nil }
        var number = extra == 0 ? Int64(lead) : Int64(lead & UInt8(0x7F >> extra))
        var at = start + 5
        for _ in 1..<max(1, extra) {
            guard bytes[at] & 0xC0 == 0x80 else { return nil }
            number = number << 6 | Int64(bytes[at] & 0x3F)
            at += 1
        }
        let samples: Int64
        switch blockCode {
        case 1: samples = 192
        case 2...5: samples = 144 << Int64(blockCode)
        case 6: samples = Int64(bytes[at]) + 1
        case 7: samples = Int64(bytes.number(at: at, count: 2, bigEndian: true)) + 1
        default: samples = 1 << Int64(blockCode)
        }
        at += (blockCode == 6 ? 1 : blockCode == 7 ? 2 : 0) + (rateCode == 12 ? 1 : rateCode > 12 ? 2 : 0)
        guard at < bytes.count, Self.checksum(bytes[start..<at]) == bytes[at] else { return nil }
        return Frame(firstSample: bytes[start + 1] & 1 == 1 ? number : number * minimumBlock, samples: samples)
    }

    /// CRC-8 with the polynomial x^8 + x^2 + x + 1.
    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt8 {
        var crc: UInt8 = 0
        for byte in bytes {
            crc ^= byte
            for _ in 0..<8 { crc = crc & 0x80 != 0 ? crc << 1 ^ 0x07 : crc << 1 }
        }
        return crc
    }

    /// CRC-16 with the polynomial x^16 + x^15 + x^2 + 1; zero over a whole frame, its own checksum included.
    static func frameChecksum(_ bytes: ArraySlice<UInt8>) -> UInt16 {
        var crc: UInt16 = 0
        for byte in bytes {
            crc ^= UInt16(byte) << 8
            for _ in 0..<8 { crc = crc & 0x8000 != 0 ? crc << 1 ^ 0x8005 : crc << 1 }
        }
        return crc
    }
}
