/// A JSON value whose keys keep their order and whose numbers are exact decimals, for files that people compare.
indirect enum JSONText {
    case string(String)
    case integer(Int64)
    /// `units` times ten to the power of minus `digits`.
    case decimal(units: Int64, digits: Int)
    case boolean(Bool)
    case null
    case array([JSONText])
    case object([(String, JSONText)])

    /// Seconds of a sample count, rounded to milliseconds.
    static func seconds(_ samples: Int64) -> JSONText {
        .decimal(units: SampleClock.milliseconds(samples), digits: 3)
    }

    /// Rounded to six digits; `fallback` for a number that JSON cannot have.
    static func number(_ value: Double?, or fallback: JSONText) -> JSONText {
        guard let value, value.isFinite, abs(value) < 1e9 else { return fallback }
        return .decimal(units: Int64((value * 1e6).rounded()), digits: 6)
    }

    /// A part of a whole, 0...1, to the thousandth below: only what is whole is 1.
    static func fraction(_ part: Double) -> JSONText {
        .decimal(units: Int64((min(1, max(0, part)) * 1000).rounded(.down)), digits: 3)
    }

    static func optional(_ text: String?) -> JSONText { text.map { .string($0) } ?? .null }

    /// One key a line at the top, and one element a line in the arrays there; what lies deeper is compact. UTF-8.
    var document: [UInt8] {
        var out: [UInt8] = []
        if case .object(let members) = self {
            out.append("{\n")
            for (at, (key, value)) in members.enumerated() {
                out.append(at == 0 ? "  " : ",\n  ")
                out.append(quoted: key)
                out.append(": ")
                if case .array(let elements) = value, !elements.isEmpty {
                    for (at, element) in elements.enumerated() {
                        out.append(at == 0 ? "[\n    " : ",\n    ")
                        element.write(to: &out)
                    }
                    out.append("\n  ]")
                } else {
                    value.write(to: &out)
                }
            }
            out.append("\n}")
        } else {
            write(to: &out)
        }
        out.append("\n")
        return out
    }

    private func write(to out: inout [UInt8]) {
        switch self {
        case .string(let text): out.append(quoted: text)
        case .integer(let value): out.append(contentsOf: String(value).utf8)
        case .decimal(let units, let digits): out.append(units, digits: digits)
        case .boolean(let value): out.append(value ? "true" : "false")
        case .null: out.append("null")
        case .array(let elements):
            out.append("[")
            for (at, element) in elements.enumerated() {
                if at > 0 { out.append(", ") }
                element.write(to: &out)
            }
            out.append("]")
        case .object(let members):
            out.append("{")
            for (at, (key, value)) in members.enumerated() {
                if at > 0 { out.append(", ") }
                out.append(quoted: key)
                out.append(": ")
                value.write(to: &out)
            }
            out.append("}")
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Without zeros at the end but with one digit at least: readers with strict types see that it is no integer.
    fileprivate mutating func append(_ units: Int64, digits: Int) {
        var text = Array(String(units.magnitude).utf8)
        if text.count <= digits { text.insert(contentsOf: repeatElement(0x30, count: digits + 1 - text.count), at: 0) }
        let point = text.count - digits
        while text.count > point + 1, text.last == 0x30 { text.removeLast() }
        if units < 0 { append("-") }
        append(contentsOf: text[..<point])
        append(".")
        append(contentsOf: text[point...])
    }

    fileprivate mutating func append(quoted text: String) {
        append("\"")
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": append("\\\"")
            case "\\": append("\\\\")
            case "\n": append("\\n")
            case "\t": append("\\t")
            case "\r": append("\\r")
            // Line separators are legal in JSON but end a line in older JavaScript.
            case "\u{0}"..."\u{1F}", "\u{7F}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
            default: append(contentsOf: scalar.utf8)
            }
        }
        append("\"")
    }
}
