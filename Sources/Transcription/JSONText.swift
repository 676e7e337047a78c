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

    static func optional(_ text: String?) -> JSONText { text.map { .string($0) } ?? .null }

    /// One key a line at the top, and one element a line in the arrays there; what lies deeper is compact.
    var document: String {
        guard case .object(let members) = self else { return compact + "\n" }
        let lines = members.map { key, value in
            guard case .array(let elements) = value, !elements.isEmpty else {
                return "  \(Self.quoted(key)): \(value.compact)"
            }
            let rows = elements.map { "    \($0.compact)" }.joined(separator: ",\n")
            return "  \(Self.quoted(key)): [\n\(rows)\n  ]"
        }
        return "{\n\(lines.joined(separator: ",\n"))\n}\n"
    }

    private var compact: String {
        switch self {
        case .string(let text): Self.quoted(text)
        case .integer(let value): String(value)
        case .decimal(let units, let digits): Self.decimal(units, digits)
        case .boolean(let value): value ? "true" : "false"
        case .null: "null"
        case .array(let elements): "[\(elements.map(\.compact).joined(separator: ", "))]"
        case .object(let members):
            "{\(members.map { "\(Self.quoted($0)): \($1.compact)" }.joined(separator: ", "))}"
        }
    }

    /// Without zeros at the end but with one digit at least: readers with strict types see that it is no integer.
    private static func decimal(_ units: Int64, _ digits: Int) -> String {
        var text = String(units.magnitude)
        if text.count <= digits { text = String(repeating: "0", count: digits + 1 - text.count) + text }
        var fraction = text.suffix(digits)
        while fraction.count > 1, fraction.last == "0" { fraction.removeLast() }
        return "\(units < 0 ? "-" : "")\(text.dropLast(digits)).\(fraction)"
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\t": out += "\\t"
            case "\r": out += "\\r"
            // Line separators are legal in JSON but end a line in older JavaScript.
            case "\u{0}"..."\u{1F}", "\u{7F}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
