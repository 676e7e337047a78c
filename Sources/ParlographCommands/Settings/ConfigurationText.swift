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

/// A parsed configuration file and the lines its keys stand on.
package struct ConfigurationText: Sendable {
    let root: [String: ConfigurationValue]
    /// For messages; the path as it was given, or `the environment`.
    let name: String
    private let lines: [String: Int]

    /// No file at all: every key has its default.
    package init() {
        root = [:]
        name = "no configuration file"
        lines = [:]
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
        lines = Self.keyLines(in: text)
    }

    /// Before anything recurses, here or in another process.
    /// - Throws: `ConfigurationFault` with the line.
    static func checkNesting(of text: String, name: String) throws {
        guard let line = TOMLNesting.lineOfExcess(in: text) else { return }
        throw ConfigurationFault(
            "\(name), line \(line): this is nested more than \(Nesting.limit) levels deep. Sections, lists and the parts "
                + "of keys between dots count; the settings need three.")
    }

    /// The line of a key, counted from 1.
    /// - Parameter path: for instance `processing.max_concurrent_chunks` or `inbox[0].path`.
    func line(of path: String) -> Int? { lines[path] }

    /// `FILE, line N` or just `FILE`.
    func place(of path: String) -> String { line(of: path).map { "\(name), line \($0)" } ?? name }

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
