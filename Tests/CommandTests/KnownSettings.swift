import ParlographCommands

/// Every key of the configuration, and configurations that set one of them.
enum KnownSettings {
    /// With one engine of each kind.
    static let keys: [SettingsKey] = {
        let text =
            "[engines.cloud]\n\(companions(of: "", in: "engines.cloud"))[engines.local]\n"
            + companions(of: "", in: "engines.local")
        return (try? parse(text).knownKeys) ?? []
    }()

    static func parse(_ text: String, _ environment: [String: String] = [:]) throws -> Settings {
        try SettingsParser.parse(
            try ConfigurationText(parsing: text, name: "test.toml"), environment: environment)
    }

    /// What is wrong, for people; nil when nothing is.
    static func fault(_ text: String, _ environment: [String: String] = [:]) -> String? {
        do {
            _ = try parse(text, environment)
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// A file that sets the key and what it cannot be without.
    /// - Parameter value: in the way of TOML; nil: the key itself is left out.
    static func configuration(_ key: SettingsKey, _ value: String?, of meant: String) -> String {
        let header =
            key.section.isEmpty
            ? ""
            : key.section.hasPrefix("inbox")
                ? "[[inbox]]\n" + (key.section.hasSuffix("webhook") ? "[inbox.webhook]\n" : "")
                : "[\(key.section)]\n"
        let line = value.map { "\(key.name) = \($0)\n" } ?? ""
        return header + companions(of: key.name, in: key.section, value: meant) + line
    }

    /// Lines without which a key could not be there, or not have its value.
    private static func companions(of name: String, in section: String, value: String = "") -> String {
        let server = ("base_url", "\"http://h\"")
        let program = ("command", "[\"stt\"]")
        let lines: [(String, String)] =
            switch (section, name) {
            case ("inbox[0].webhook", _): [("url", "\"https://h/x\"")]
            case (_, "chunk_size_min_mb"): [("chunk_size_max_mb", "4096")]
            case (_, "chunk_size_max_mb"): [("chunk_size_min_mb", "1")]
            case (_, "kind"): value == "\"openai\"" ? [server] : value == "\"command\"" ? [program] : []
            case ("engines.cloud", _): [("kind", "\"openai\""), server]
            case ("engines.local", _): [("kind", "\"command\""), program]
            default: []
            }
        return lines.filter { $0.0 != name }.map { "\($0.0) = \($0.1)\n" }.joined()
    }
}

extension AllowedValues {
    /// In the way of TOML: both ends of a range, every value of a list, an example otherwise.
    var accepted: [String] {
        switch self {
        case .wholeNumber(let range, _): ["\(range.lowerBound)", "\(range.upperBound)"]
        case .number(let range, _): ["\(range.lowerBound)", "\(range.upperBound)"]
        case .boolean: ["true", "false"]
        // The one text that names an engine which is always there.
        case .text: ["\"offline\""]
        case .shortText(let maximum): ["\"\(String(repeating: "ä", count: maximum))\""]
        case .absolutePath: ["\"/a/b\""]
        case .absolutePathEnding(let ending): ["\"/a/b\(ending)\""]
        case .address: ["\"https://h/x\"", "\"http://localhost:80/x\""]
        case .language: ["\"auto\"", "\"de\"", "\"pt-BR\"", "\"english\""]
        case .oneOf(let values): values.map { "\"\($0)\"" }
        case .texts: ["[\"a\", \"b\"]"]
        case .listOf(let values):
            values.map { "[\"\($0)\"]" } + ["[" + values.map { "\"\($0)\"" }.joined(separator: ", ") + "]"]
        }
    }

    /// What is just beyond, or of another kind.
    var refused: [String] {
        switch self {
        case .wholeNumber(let range, _):
            ["\(range.lowerBound - 1)", "\(range.upperBound + 1)", "\(range.lowerBound).5", "\"\(range.lowerBound)\""]
        case .number(let range, _): ["\(range.lowerBound - 0.01)", "\(range.upperBound + 0.01)", "nan", "true"]
        case .boolean: ["\"yes\"", "2"]
        case .text, .texts: ["3"]
        case .shortText(let maximum): ["\"\(String(repeating: "ä", count: maximum + 1))\""]
        case .absolutePath: ["\"a/b\"", "3"]
        case .absolutePathEnding(let ending): ["\"a/b\(ending)\"", "\"/a/b\"", "3"]
        case .address: ["\"ftp://h/x\"", "\"h/x\"", "\"http://h/x\"", "3"]
        case .language: ["\"englsh\"", "3"]
        case .oneOf(let values): ["\"other\"", "\"\(values[0].uppercased())\"", "3"]
        case .listOf(let values): ["[\"\(values[0])\", \"other\"]", "3"]
        }
    }
}
