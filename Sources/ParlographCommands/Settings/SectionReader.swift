/// A key as the code knows it, for the manual and the default configuration.
package struct SettingsKey: Hashable, Sendable {
    /// `processing`, `engines.cloud`, `inbox[0]`; empty at the top.
    package let section: String
    package let name: String
    /// As it would stand in the file; empty or an empty text where there is none.
    package let defaultText: String
}

/// Reads one section key by key; each key may be overridden from the environment. What was not asked for by the end is
/// unknown, and an error.
final class SectionReader {
    /// For messages and the environment: `processing`, `engines.cloud`, `inbox[0]`; empty at the top.
    let path: String
    private let values: [String: ConfigurationValue]
    private let text: ConfigurationText
    private let environment: [String: String]
    private(set) var keys: [SettingsKey] = []
    /// Keys that are sections of their own, read elsewhere.
    private let sections: Set<String>

    init(
        _ path: String, values: [String: ConfigurationValue], text: ConfigurationText, environment: [String: String],
        sections: Set<String> = []
    ) {
        self.path = path
        self.values = values
        self.text = text
        self.environment = environment
        self.sections = sections
    }

    /// The text of a key.
    /// - Throws: `ConfigurationFault` when it is not a text.
    func string(_ name: String, default value: String) throws -> String {
        try read(name, shown: "\"\(value)\"", wants: "a text in quotes") { raw in
            switch raw {
            case .value(.string(let text)), .environment(let text): text
            default: nil
            }
        } ?? value
    }

    /// A text that may be missing; the empty text counts as missing.
    /// - Throws: `ConfigurationFault` when it is not a text.
    func optionalString(_ name: String) throws -> String? {
        let text = try string(name, default: "")
        return text.isEmpty ? nil : text
    }

    /// - Throws: `ConfigurationFault` when it is not a whole number of `range`.
    func integer(_ name: String, default value: Int, in range: ClosedRange<Int>) throws -> Int {
        try optionalInteger(name, in: range, shown: "\(value)") ?? value
    }

    /// - Throws: `ConfigurationFault` when it is not a whole number of `range`.
    func optionalInteger(_ name: String, in range: ClosedRange<Int>, shown: String = "") throws -> Int? {
        let wants = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        let value = try read(name, shown: shown, wants: wants) { raw -> Int? in
            switch raw {
            case .value(.integer(let number)): range.contains(number) ? number : nil
            case .environment(let text): Int(text).flatMap { range.contains($0) ? $0 : nil }
            default: nil
            }
        }
        return value
    }

    /// Seconds, whole or with a fraction.
    /// - Throws: `ConfigurationFault` when it is not a number of `range`.
    func seconds(_ name: String, default value: Double, in range: ClosedRange<Double>) throws -> Duration {
        .seconds(try number(name, default: value, in: range))
    }

    /// - Throws: `ConfigurationFault` when it is not a number of `range`.
    func number(_ name: String, default value: Double, in range: ClosedRange<Double>) throws -> Double {
        let shown = value == value.rounded() ? "\(Int(value))" : "\(value)"
        return try optionalNumber(name, in: range, shown: shown) ?? value
    }

    /// - Throws: `ConfigurationFault` when it is not a number of `range`.
    func optionalNumber(_ name: String, in range: ClosedRange<Double>, shown: String = "") throws -> Double? {
        let wants = "a number from \(range.lowerBound) to \(range.upperBound)"
        return try read(name, shown: shown, wants: wants) { raw in
            let number: Double? =
                switch raw {
                case .value(.integer(let number)): Double(number)
                case .value(.number(let number)): number
                case .environment(let text): Double(text)
                default: nil
                }
            return number.flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// - Throws: `ConfigurationFault` when it is neither true nor false.
    func boolean(_ name: String, default value: Bool) throws -> Bool {
        try read(name, shown: "\(value)", wants: "true or false") { raw in
            switch raw {
            case .value(.boolean(let value)): value
            case .environment(let text): ["true": true, "1": true, "false": false, "0": false][text.lowercased()]
            default: nil
            }
        } ?? value
    }

    /// A list of texts; from the environment, separated by commas.
    /// - Throws: `ConfigurationFault` when it is anything else.
    func strings(_ name: String, default value: [String]) throws -> [String] {
        let shown = "[" + value.map { "\"\($0)\"" }.joined(separator: ", ") + "]"
        return try read(name, shown: shown, wants: "a list of texts, [\"…\", \"…\"]") { raw in
            switch raw {
            case .value(.array(let items)):
                let texts = items.compactMap { item in if case .string(let text) = item { text } else { nil } }
                return texts.count == items.count ? texts : nil
            case .value(.string(let text)): return [text]
            case .environment(let text): return text.split(separator: ",").map { String($0.trimmingSpaces()) }
            default: return nil
            }
        } ?? value
    }

    /// One of an enumeration's values.
    /// - Throws: `ConfigurationFault` that lists them.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(_ name: String, default value: Choice) throws -> Choice
    {
        let all = Choice.allCases.map(\.rawValue)
        return try read(name, shown: "\"\(value.rawValue)\"", wants: "one of \(all.joined(separator: ", "))") { raw in
            switch raw {
            case .value(.string(let text)), .environment(let text): Choice(rawValue: text)
            default: nil
            }
        } ?? value
    }

    /// The variables of the environment that were asked for.
    var variables: [String] { keys.map { environmentName($0.name) } }

    /// Whether file or environment set the key.
    func isSet(_ name: String) -> Bool { values[name] != nil || environment[environmentName(name)] != nil }

    /// A fault of one key's value.
    func fault(_ name: String, _ message: String) -> ConfigurationFault {
        if environment[environmentName(name)] != nil {
            return ConfigurationFault("\(environmentName(name)) in the environment: \(message)")
        }
        return ConfigurationFault("\(text.place(of: full(name))): \(full(name)): \(message)")
    }

    /// - Throws: `ConfigurationFault` for the first key that nobody asked for, with the nearest known one.
    func finish() throws {
        let known = Set(keys.map(\.name)).union(sections)
        let unknown = values.keys.filter { !known.contains($0) }
        guard let name = unknown.min(by: { (text.line(of: full($0)) ?? 0, $0) < (text.line(of: full($1)) ?? 0, $1) })
        else {
            return
        }
        let nearest = known.min { (typingDistance(name, $0), $0) < (typingDistance(name, $1), $1) }
        let hint = nearest.map { "; the nearest known key is \"\($0)\"" } ?? ""
        let place = path.isEmpty ? "" : " in [\(path)]"
        throw ConfigurationFault("\(text.place(of: full(name))): unknown key \"\(name)\"\(place)\(hint).")
    }

    private enum Raw {
        case value(ConfigurationValue)
        case environment(String)
    }

    private func read<Value>(
        _ name: String, shown: String, wants: String, _ convert: (Raw) -> Value?
    ) throws -> Value? {
        keys.append(SettingsKey(section: path, name: name, defaultText: shown))
        let raw: Raw
        if let text = environment[environmentName(name)] {
            raw = .environment(text)
        } else if let value = values[name] {
            raw = .value(value)
        } else {
            return nil
        }
        guard let value = convert(raw) else {
            if case .value(let value) = raw {
                throw fault(name, "must be \(wants), not \(Self.describe(value)).")
            }
            throw fault(name, "must be \(wants).")
        }
        return value
    }

    private static func describe(_ value: ConfigurationValue) -> String {
        switch value {
        case .integer(let number): "\(number)"
        case .number(let number): "\(number)"
        case .boolean(let value): "\(value)"
        case .string(let text) where text.utf8.count <= 40: "\"\(text)\""
        default: value.kindName
        }
    }

    private func full(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    /// `PARLOGRAPH_<SECTION>_<KEY>`; an inbox's number is left out, so it reaches every inbox.
    private func environmentName(_ name: String) -> String {
        let section = path.prefix { $0 != "[" }
        let parts = (section.isEmpty ? [] : [String(section)]) + [name]
        let joined = parts.joined(separator: "_").uppercased()
        return "PARLOGRAPH_" + String(joined.map { $0.isLetter || $0.isNumber ? $0 : "_" })
    }
}

extension StringProtocol {
    func trimmingSpaces() -> SubSequence {
        var out = self[...]
        while out.first == " " { out.removeFirst() }
        while out.last == " " { out.removeLast() }
        return out
    }
}
