/// RIFF WAVE of 16-bit mono PCM in memory.
package enum WAVEncoder {
    /// RIFF, `fmt ` and the head of `data`.
    package static let headerByteCount = 44

    /// A complete file with one channel at 16 kHz.
    package static func encode(_ samples: [Int16]) -> [UInt8] {
        let dataBytes = samples.count * 2
        var out: [UInt8] = []
        out.reserveCapacity(headerByteCount + dataBytes)
        func add(_ text: StaticString) {
            out.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
        }
        func add<Value: FixedWidthInteger>(_ value: Value) {
            withUnsafeBytes(of: value.littleEndian) { out.append(contentsOf: $0) }
        }
        add("RIFF")
        add(UInt32(clamping: dataBytes + headerByteCount - 8))
        add("WAVEfmt ")
        add(UInt32(16))
        add(UInt16(1))  // PCM
        add(UInt16(1))  // channels
        add(UInt32(16_000))
        add(UInt32(32_000))  // bytes per second
        add(UInt16(2))  // bytes per frame
        add(UInt16(16))  // bits
        add("data")
        add(UInt32(clamping: dataBytes))
        #if _endian(little)
            samples.withUnsafeBytes { out.append(contentsOf: $0) }
        #else
            for sample in samples { add(sample) }
        #endif
        return out
    }
}
