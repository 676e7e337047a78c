/// What goes between the service and a recognizer process, both ways: a letter, the number of the call and the length of
/// what follows, each 32 bits little endian, then that many bytes.
package enum RecognizerMessage {
    /// What the service sends.
    package enum Request: UInt8 {
        /// Samples, to be heard: 16 bits each.
        case hear = 0x48
        /// The same, of a language that nobody told: it is looked whether the model understands it.
        case hearUntold = 0x68
        /// The same, to be told where somebody speaks.
        case voices = 0x56
        /// Samples, to be decoded for the time that it takes.
        case measure = 0x4D
    }

    /// What the process answers; whoever ends without an answer has not given one.
    package enum Answer: UInt8 {
        /// The model is loaded; for call 0.
        case ready = 0x52
        /// `PieceHearing.encoded`.
        case hearing = 0x54
        /// Processor time in microseconds, as text.
        case duration = 0x44
        /// The model cannot be loaded, in words; for call 0. The process ends.
        case failure = 0x58
    }

    /// What stands before a body: a letter and two numbers.
    package static let headerBytes = 9
    /// A minute and more of samples; an answer is far shorter.
    package static let maximumBytes = 4 << 20

    /// - Parameters:
    ///   - kind: a `Request` or an `Answer`.
    ///   - count: bytes of the body, which follows; at most `maximumBytes`.
    package static func header(_ kind: UInt8, call: UInt32, count: Int) -> [UInt8] {
        [kind] + bytes(call) + bytes(UInt32(truncatingIfNeeded: count))
    }

    private static func bytes(_ number: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    /// Takes a stream apart as it comes, in pieces of any length.
    package struct Parser {
        /// The stream is not one of these messages.
        package struct Garbage: Error {}

        private var buffer: [UInt8] = []

        package init() {}

        package mutating func append(_ bytes: some Sequence<UInt8>) { buffer.append(contentsOf: bytes) }

        /// The next whole message; nil while it is not all there.
        /// - Throws: `Garbage`.
        package mutating func next() throws(Garbage) -> (kind: UInt8, call: UInt32, body: [UInt8])? {
            guard buffer.count >= headerBytes else { return nil }
            let count = Int(Self.number(buffer[5..<9]))
            guard count <= maximumBytes else { throw Garbage() }
            guard buffer.count >= headerBytes + count else { return nil }
            let message = (buffer[0], Self.number(buffer[1..<5]), Array(buffer[headerBytes..<headerBytes + count]))
            buffer.removeFirst(headerBytes + count)
            return message
        }

        private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
            bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
    }
}
