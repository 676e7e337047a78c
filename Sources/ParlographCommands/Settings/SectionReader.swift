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
    /// What holds for each missing key, where another file decides that.
    private let inherited: SettingsKey.Default?

    init(
        _ path: String, values: [String: ConfigurationValue], text: ConfigurationText, environment: [String: String],
        sections: Set<String> = [], inherited: SettingsKey.Default? = nil
    ) {
        self.path = path
        self.values = values
        self.text = text
        self.environment = environment
        self.sections = sections
        self.inherited = inherited
    }

    /// The text of a key.
    /// - Throws: `ConfigurationFault` when it is not a text, or too long.
    func string(_ name: String, default value: String, _ allowed: AllowedValues = .text()) throws -> String {
        try string(name, .value("\"\(value)\""), allowed) ?? value
    }

    /// A text that may be missing; the empty text counts as missing.
    /// - Throws: `ConfigurationFault` when it is not a text.
    func optionalString(
        _ name: String, _ allowed: AllowedValues = .text(), otherwise: SettingsKey.Default = .nothing
    ) throws -> String? {
        try string(name, otherwise, allowed).flatMap { $0.isEmpty ? nil : $0 }
    }

    private func string(
        _ name: String, _ byDefault: SettingsKey.Default, _ allowed: AllowedValues
    ) throws -> String? {
        let text = try read(name, byDefault, allowed) { raw in
            switch raw {
            case .value(.string(let text)), .environment(let text): text
            default: nil
            }
        }
        if case .shortText(let maximum) = allowed, let count = text?.count, count > maximum {
            throw fault(name, "may have \(maximum) characters, not \(count).")
        }
        return text
    }

    /// - Throws: `ConfigurationFault` when it is not a whole number of `range`.
    func integer(
        _ name: String, default value: Int, in range: ClosedRange<Int>, _ unit: AllowedValues.Unit? = nil
    ) throws -> Int {
        try optionalInteger(name, in: range, unit, otherwise: .value("\(value)")) ?? value
    }

    /// - Throws: `ConfigurationFault` when it is not a whole number of `range`.
    func optionalInteger(
        _ name: String, in range: ClosedRange<Int>, _ unit: AllowedValues.Unit? = nil, otherwise: SettingsKey.Default
    ) throws -> Int? {
        try read(name, otherwise, .wholeNumber(range, unit)) { raw -> Int? in
            switch raw {
            case .value(.integer(let number)): range.contains(number) ? number : nil
            case .environment(let text): Int(text).flatMap { range.contains($0) ? $0 : nil }
            default: nil
            }
        }
    }

    /// Seconds, whole or with a fraction.
    /// - Throws: `ConfigurationFault` when it is not a number of `range`.
    func seconds(_ name: String, default value: Double, in range: ClosedRange<Double>) throws -> Double {
        try optionalNumber(name, in: range, .seconds, otherwise: .value(value.shortText)) ?? value
    }

    /// - Throws: `ConfigurationFault` when it is not a number of `range`.
    func optionalNumber(
        _ name: String, in range: ClosedRange<Double>, _ unit: AllowedValues.Unit? = nil,
        otherwise: SettingsKey.Default
    ) throws -> Double? {
        try read(name, otherwise, .number(range, unit)) { raw in
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
        try read(name, .value("\(value)"), .boolean) { raw in
            switch raw {
            case .value(.boolean(let value)): value
            case .environment(let text): ["true": true, "1": true, "false": false, "0": false][text.lowercased()]
            default: nil
            }
        } ?? value
    }

    /// A list of texts; from the environment, separated by commas.
    /// - Throws: `ConfigurationFault` when it is anything else.
    func strings(_ name: String, default value: [String], _ allowed: AllowedValues = .texts()) throws -> [String] {
        let shown = "[" + value.map { "\"\($0)\"" }.joined(separator: ", ") + "]"
        return try optionalStrings(name, allowed, otherwise: .value(shown)) ?? value
    }

    /// A list of texts that may be missing.
    /// - Throws: `ConfigurationFault` when it is anything else.
    func optionalStrings(
        _ name: String, _ allowed: AllowedValues = .texts(), otherwise: SettingsKey.Default = .nothing
    ) throws -> [String]? {
        try read(name, otherwise, allowed) { raw in
            switch raw {
            case .value(.array(let items)):
                let texts = items.compactMap { item in if case .string(let text) = item { text } else { nil } }
                return texts.count == items.count ? texts : nil
            case .value(.string(let text)): return [text]
            case .environment(let text): return text.split(separator: ",").map { String($0.trimmingSpaces()) }
            default: return nil
            }
        }
    }

    /// One of an enumeration's values.
    /// - Throws: `ConfigurationFault` that lists them.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(_ name: String, default value: Choice) throws -> Choice
    {
        try read(name, .value("\"\(value.rawValue)\""), .oneOf(Choice.self)) { raw in
            switch raw {
            case .value(.string(let text)), .environment(let text): Choice(rawValue: text)
            default: nil
            }
        } ?? value
    }

    /// One of an enumeration's values; nil where the key is missing or empty.
    /// - Throws: `ConfigurationFault` that lists them.
    func optionalChoice<Choice: RawRepresentable<String> & CaseIterable>(
        _ name: String, otherwise: SettingsKey.Default
    ) throws -> Choice? {
        let found = try read(name, otherwise, .oneOf(Choice.self)) { raw -> Choice?? in
            switch raw {
            case .value(.string("")), .environment(""): .some(nil)
            case .value(.string(let text)), .environment(let text): Choice(rawValue: text).map { .some($0) }
            default: nil
            }
        }
        return found ?? nil
    }

    /// The variables of the environment that were asked for.
    var variables: [String] { keys.map(\.variable) }

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
        _ name: String, _ byDefault: SettingsKey.Default, _ allowed: AllowedValues, _ convert: (Raw) -> Value?
    ) throws -> Value? {
        keys.append(
            SettingsKey(
                section: path, name: name, byDefault: inherited ?? byDefault, allowed: allowed,
                variable: environmentName(name)))
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
                throw fault(name, "must be \(allowed.wanted), not \(Self.describe(value)).")
            }
            throw fault(name, "must be \(allowed.wanted).")
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
        let section = path.replacing(/\[[0-9]+\]/, with: "")
        let parts = (section.isEmpty ? [] : [section]) + [name]
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
