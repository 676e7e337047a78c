import SystemPackage
import SystemSupport
import TOMLKit

/// A value of the configuration file, free of the TOML library's own objects, which are not `Sendable`.
enum ConfigurationValue: Sendable {
    case string(String)
    case integer(Int)
    case number(Double)
    case boolean(Bool)
    case array([ConfigurationValue])
    case table([String: ConfigurationValue])
    /// A TOML date or time, which no key takes.
    case other

    /// What it is, for messages.
    var kindName: String {
        switch self {
        case .string: "a text"
        case .integer: "a whole number"
        case .number: "a number"
        case .boolean: "true or false"
        case .array: "a list"
        case .table: "a section"
        case .other: "a date or time"
        }
    }
}

/// A parsed configuration, of one file or of several, and the places its keys stand at.
package struct ConfigurationText: Sendable {
    private struct Place {
        let file: String
        /// Counted from 1.
        let line: Int
    }

    private(set) var root: [String: ConfigurationValue]
    /// For messages; the path as it was given.
    private(set) var name: String
    private var places: [String: Place]

    /// No file at all: every key has its default.
    package init() {
        root = [:]
        name = "no configuration file"
        places = [:]
    }

    /// - Throws: `ConfigurationFault` with line and column of a syntax error, with the line of what is nested too deeply.
    package init(parsing text: String, name: String) throws {
        self.name = name
        try Self.checkNesting(of: text, name: name)
        do {
            root = Self.convert(try TOMLTable(string: text))
        } catch let error as TOMLParseError {
            throw ConfigurationFault(
                "\(name), line \(error.source.begin.line), column \(error.source.begin.column): \(error.description)")
        }
        places = Self.keyLines(in: text).mapValues { Place(file: name, line: $0) }
    }

    /// Before anything recurses, here or in another process.
    /// - Throws: `ConfigurationFault` with the line.
    static func checkNesting(of text: String, name: String) throws {
        guard let line = TOMLNesting.lineOfExcess(in: text) else { return }
        throw ConfigurationFault(
            "\(name), line \(line): this is nested more than \(Nesting.limit) levels deep. Sections, lists and the parts "
                + "of keys between dots count; the settings need three.")
    }

    /// Lays another file over this one. Its keys win, those of a section one by one; an inbox with the `path` of one that is
    /// there changes that, any other is added.
    mutating func overlay(_ other: ConfigurationText) {
        for (key, value) in other.root {
            if key == "inbox", case .array(let added) = value {
                root[key] = .array(overlayInboxes(added, places: other.places))
            } else {
                root[key] = Self.overlay(root[key], with: value)
            }
        }
        places.merge(other.places.filter { !$0.key.hasPrefix("inbox[") }) { $1 }
    }

    /// A copy with another file laid over it.
    func overlaid(with other: ConfigurationText) -> ConfigurationText {
        var text = self
        text.overlay(other)
        return text
    }

    /// The same under another name.
    func named(_ name: String) -> ConfigurationText {
        var text = self
        text.name = name
        return text
    }

    private mutating func overlayInboxes(
        _ added: [ConfigurationValue], places other: [String: Place]
    ) -> [ConfigurationValue] {
        var inboxes: [ConfigurationValue] = if case .array(let inboxes)? = root["inbox"] { inboxes } else { [] }
        for (index, inbox) in added.enumerated() {
            let known = Self.path(ofInbox: inbox).flatMap { path in
                inboxes.firstIndex { Self.path(ofInbox: $0) == path }
            }
            let place = known ?? inboxes.count
            if known == nil {
                inboxes.append(inbox)
            } else {
                inboxes[place] = Self.overlay(inboxes[place], with: inbox)
            }
            let (old, new) = ("inbox[\(index)]", "inbox[\(place)]")
            for (key, value) in other where key == old || key.hasPrefix(old + ".") {
                places[new + key.dropFirst(old.count)] = value
            }
        }
        return inboxes
    }

    private static func path(ofInbox value: ConfigurationValue) -> String? {
        guard case .table(let table) = value, case .string(let path)? = table["path"] else { return nil }
        return FilePath(path).lexicallyNormalized().string
    }

    private static func overlay(_ old: ConfigurationValue?, with new: ConfigurationValue) -> ConfigurationValue {
        guard case .table(let old)? = old, case .table(let new) = new else { return new }
        return .table(old.merging(new) { overlay($0, with: $1) })
    }

    /// `FILE, line N` or just `FILE`.
    /// - Parameter path: for instance `processing.max_concurrent_chunks` or `inbox[0].path`.
    func place(of path: String) -> String { places[path].map { "\($0.file), line \($0.line)" } ?? name }

    /// Whether one key stands before another, for what is told first.
    func precedes(_ a: String, _ b: String) -> Bool {
        let (first, second) = (places[a], places[b])
        return (first?.file ?? "", first?.line ?? 0, a) < (second?.file ?? "", second?.line ?? 0, b)
    }

    private static func convert(_ table: TOMLTable) -> [String: ConfigurationValue] {
        var out: [String: ConfigurationValue] = [:]
        for key in table.keys { if let value = table[key] { out[key] = convert(value) } }
        return out
    }

    private static func convert(_ value: any TOMLValueConvertible) -> ConfigurationValue {
        if let table = value.table { return .table(convert(table)) }
        if let array = value.array { return .array(array.map { convert($0) }) }
        if let string = value.string { return .string(string) }
        if let boolean = value.bool { return .boolean(boolean) }
        if let integer = value.int { return .integer(integer) }
        if let number = value.double { return .number(number) }
        return .other
    }

    /// The TOML library tells no positions of values: headers and `key =` lines are enough to find them again.
    private static func keyLines(in text: String) -> [String: Int] {
        var lines: [String: Int] = [:]
        var section = ""
        var arrays: [String: Int] = [:]
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let content = line.drop { $0 == " " || $0 == "\t" }
            if content.hasPrefix("[[") {
                let name = clean(content.dropFirst(2).prefix { $0 != "]" })
                let index = arrays[name, default: 0]
                arrays[name] = index + 1
                section = "\(name)[\(index)]"
                lines[section] = number + 1
            } else if content.hasPrefix("[") {
                section = clean(content.dropFirst().prefix { $0 != "]" })
                // Of the last one of a list of sections.
                if let dot = section.firstIndex(of: "."), let count = arrays[String(section[..<dot])] {
                    section = "\(section[..<dot])[\(count - 1)]\(section[dot...])"
                }
                lines[section] = number + 1
            } else if let equals = content.firstIndex(of: "="), !content.hasPrefix("#") {
                let key = clean(content[..<equals])
                let path = section.isEmpty ? key : "\(section).\(key)"
                if lines[path] == nil { lines[path] = number + 1 }
                noteInline(content[content.index(after: equals)...], of: path, number + 1, &lines)
            }
        }
        return lines
    }

    /// Keys of a section within the line, `{ url = "…", secret_file = "…" }`: all stand on it.
    private static func noteInline(
        _ value: Substring, of path: String, _ number: Int, _ lines: inout [String: Int]
    ) {
        guard value.drop(while: { $0 == " " || $0 == "\t" }).hasPrefix("{") else { return }
        for match in value.matches(of: /[{,]\s*([A-Za-z_]+)\s*=/) {
            let key = "\(path).\(match.output.1)"
            if lines[key] == nil { lines[key] = number }
        }
    }

    private static func clean(_ text: some StringProtocol) -> String {
        String(text.filter { $0 != " " && $0 != "\t" && $0 != "\"" && $0 != "'" && $0 != "\r" })
    }
}
