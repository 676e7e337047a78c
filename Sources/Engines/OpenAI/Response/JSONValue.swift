import SystemSupport

/// A JSON value as servers really send it. A parser of our own because an answer is not trusted: nesting and the number
/// of values are bounded, and what strict parsers refuse though its meaning is plain is read: `NaN` and `Infinity` (as
/// null), invalid UTF-8 and lone surrogates (as U+FFFD), control characters in strings, a byte order mark.
enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    /// In the order of the text; of two equal keys the last counts.
    case object([(key: String, value: JSONValue)])

    subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.key == key }?.value
    }

    var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    var array: [JSONValue]? {
        guard case .array(let values) = self else { return nil }
        return values
    }

    var isObject: Bool {
        guard case .object = self else { return false }
        return true
    }

    /// A finite number, also where a server writes it as a string (`"17.65"`).
    var finiteNumber: Double? {
        let value: Double? =
            switch self {
            case .number(let value): value
            case .string(let text): Double(decimal: text)
            default: nil
            }
        return value.flatMap { $0.isFinite ? $0 : nil }
    }

    static func == (a: JSONValue, b: JSONValue) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.number(let a), .number(let b)): a == b
        case (.string(let a), .string(let b)): a == b
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a.elementsEqual(b) { $0.key == $1.key && $0.value == $1.value }
        default: false
        }
    }
}

/// Why a text is not taken as JSON.
struct JSONFault: Error, Equatable {
    /// Part of a sentence: "the answer …".
    let reason: String
}

/// Reads one JSON value from bytes; recursive, with a bound far below what the smallest stack allows.
struct JSONReader {
    /// Transcription answers nest four deep.
    static let maximumDepth = Nesting.limit
    /// An hour of speech with word times and token lists has about 200 000.
    static let maximumValues = 1_000_000

    private let bytes: UnsafeBufferPointer<UInt8>
    private var at = 0
    private var values = 0

    private init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    /// - Throws: `JSONFault`.
    static func read(_ bytes: some Collection<UInt8>) throws -> JSONValue {
        let bytes = Array(bytes)
        return try bytes.withUnsafeBufferPointer { buffer in
            var reader = JSONReader(buffer)
            if buffer.starts(with: [0xEF, 0xBB, 0xBF]) { reader.at = 3 }
            let value = try reader.value(depth: 0)
            reader.skipSpace()
            guard reader.at == buffer.count else { throw JSONFault(reason: "goes on after its JSON value") }
            return value
        }
    }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
    }

    private mutating func take(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard at + count <= bytes.count else { return false }
        for offset in 0..<count where bytes[at + offset] != text.utf8Start[offset] { return false }
        at += count
        return true
    }

    private mutating func value(depth: Int) throws -> JSONValue {
        guard depth < Self.maximumDepth else { throw JSONFault(reason: "is nested too deeply") }
        values += 1
        guard values <= Self.maximumValues else { throw JSONFault(reason: "holds too many values") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t") where take("true"): return .bool(true)
        case UInt8(ascii: "f") where take("false"): return .bool(false)
        case UInt8(ascii: "n") where take("null") || take("nan"): return .null
        case UInt8(ascii: "N") where take("NaN"): return .null
        case UInt8(ascii: "I") where take("Infinity"): return .null
        case UInt8(ascii: "-") where take("-Infinity") || take("-NaN") || take("-nan"): return .null
        case nil: throw JSONFault(reason: "breaks off in the middle of its JSON")
        default: return try number()
        }
    }

    private mutating func object(depth: Int) throws -> JSONValue {
        at += 1
        var members: [(key: String, value: JSONValue)] = []
        skipSpace()
        if take("}") { return .object(members) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw broken() }
            let key = try string()
            skipSpace()
            guard take(":") else { throw broken() }
            members.append((key, try value(depth: depth + 1)))
            skipSpace()
            if take(",") { continue }
            guard take("}") else { throw broken() }
            return .object(members)
        }
    }

    private mutating func array(depth: Int) throws -> JSONValue {
        at += 1
        var items: [JSONValue] = []
        skipSpace()
        if take("]") { return .array(items) }
        while true {
            items.append(try value(depth: depth + 1))
            skipSpace()
            if take(",") { continue }
            guard take("]") else { throw broken() }
            return .array(items)
        }
    }

    private mutating func number() throws -> JSONValue {
        let start = at
        while let byte = next, (0x30...0x39).contains(byte) || "+-.eE".utf8.contains(byte) { at += 1 }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        guard at > start, at - start < 64, let value = Double(text) else { throw broken() }
        return value.isFinite ? .number(value) : .null
    }

    private mutating func string() throws -> String {
        at += 1
        let start = at
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { at += 1 }
        guard next == UInt8(ascii: "\\") else {
            guard next != nil else { throw JSONFault(reason: "breaks off in the middle of its JSON") }
            defer { at += 1 }
            return String(decoding: bytes[start..<at], as: UTF8.self)
        }
        var text = Array(bytes[start..<at])
        while let byte = next {
            at += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &text)
            default: text.append(byte)
            }
        }
        throw JSONFault(reason: "breaks off in the middle of its JSON")
    }

    private mutating func escape(into text: inout [UInt8]) throws {
        guard let byte = next else { throw JSONFault(reason: "breaks off in the middle of its JSON") }
        at += 1
        switch byte {
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "u"):
            let first = try hexadecimal()
            var scalar = Unicode.Scalar(UInt32(first))
            if (0xD800..<0xDC00).contains(first) {
                let before = at
                if take("\\u"), let second = try? hexadecimal(), (0xDC00..<0xE000).contains(second) {
                    scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xD800) << 10 + UInt32(second) - 0xDC00)
                } else {
                    at = before
                }
            }
            text.append(contentsOf: String(Character(scalar ?? "\u{FFFD}")).utf8)
        default: text.append(byte)
        }
    }

    private mutating func hexadecimal() throws -> UInt16 {
        guard at + 4 <= bytes.count,
            let value = UInt16(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16)
        else { throw broken() }
        at += 4
        return value
    }

    private func broken() -> JSONFault {
        JSONFault(reason: at < bytes.count ? "is not valid JSON at byte \(at)" : "breaks off in the middle of its JSON")
    }
}
