import AudioContainers

/// Takes the decoder's output apart as it comes, in pieces of any length.
package struct MessageParser {
    /// The stream is none of our decoder's.
    package struct Garbage: Error {}

    private var header: [UInt8] = []
    private var kind: DecoderMessage.Kind?
    private var remaining = 0
    private var text: [UInt8] = []
    private var oddByte: UInt8?

    package init() {}

    /// - Parameters:
    ///   - onSamples: gets 16-bit samples as they come, in pieces.
    ///   - onMessage: gets everything else, whole.
    /// - Throws: `Garbage`; what the closures throw.
    package mutating func consume(
        _ bytes: UnsafeRawBufferPointer, onSamples: (UnsafeBufferPointer<Int16>) throws -> Void,
        onMessage: (DecoderMessage) throws -> Void
    ) throws {
        var rest = bytes
        while !rest.isEmpty || kind != nil && remaining == 0 {
            guard let current = kind else {
                header.append(rest[rest.startIndex])
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
                if header.count == DecoderMessage.headerBytes { try begin() }
                continue
            }
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(remaining))
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(part.count))
            remaining -= part.count
            if current == .samples {
                try samples(part, onSamples)
            } else {
                text.append(contentsOf: part)
            }
            guard remaining == 0 else { continue }
            kind = nil
            guard current != .samples else { continue }
            guard let message = DecoderMessage(current, text) else { throw Garbage() }
            text = []
            try onMessage(message)
        }
    }

    private mutating func begin() throws {
        remaining = Int(header.number(at: 1, count: 4, bigEndian: false))
        guard let kind = DecoderMessage.Kind(rawValue: header[0]), remaining <= DecoderMessage.maximumByteCount,
            kind != .samples || remaining % 2 == 0
        else { throw Garbage() }
        self.kind = kind
        header.removeAll(keepingCapacity: true)
    }

    private mutating func samples(
        _ part: UnsafeRawBufferPointer, _ onSamples: (UnsafeBufferPointer<Int16>) throws -> Void
    ) throws {
        var part = part
        if let low = oddByte, let high = part.first {
            let sample = Int16(bitPattern: UInt16(low) | UInt16(high) << 8)
            try withUnsafePointer(to: sample) { try onSamples(UnsafeBufferPointer(start: $0, count: 1)) }
            part = UnsafeRawBufferPointer(rebasing: part.dropFirst())
            oddByte = nil
        }
        if part.count % 2 == 1 {
            oddByte = part.last
            part = UnsafeRawBufferPointer(rebasing: part.dropLast())
        }
        guard let base = part.baseAddress, !part.isEmpty else { return }
        if UInt(bitPattern: base) % 2 == 0 {
            try onSamples(part.bindMemory(to: Int16.self))
        } else {
            // Rare: a message began at an odd place of the buffer.
            let aligned = [Int16](unsafeUninitializedCapacity: part.count / 2) { buffer, count in
                UnsafeMutableRawBufferPointer(buffer).copyMemory(from: part)
                count = part.count / 2
            }
            try aligned.withUnsafeBufferPointer(onSamples)
        }
    }
}
