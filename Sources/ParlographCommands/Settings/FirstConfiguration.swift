import SystemPackage
import SystemSupport

/// The text of a configuration with what `parlograph init` asks for; everything else has its default.
struct FirstConfiguration: Sendable {
    /// What listens.
    enum Engine: Sendable, Hashable {
        case offline
        /// A server with OpenAI's interface, by its `base_url`.
        case server(String)
    }

    /// Absolute; `done` and `failed` lie beside it.
    var inbox: FilePath
    /// Absolute.
    var outbox: FilePath
    var engine: Engine
    /// As a person writes it.
    var language: String
    /// For somebody who may not write where the service of a package does; nil: the default.
    var stateDirectory: FilePath?

    /// In the file; names of engines are the administrator's.
    private static let serverName = "server"

    var text: String {
        let beside = inbox.removingLastComponent()
        var lines = [
            "# Written by \"parlograph init\". parlograph.toml(5) explains every key; what is not here has its default."
        ]
        if let stateDirectory { lines.append("state_directory = \(Self.quoted(stateDirectory.string))") }
        lines += [
            "",
            "[[inbox]]",
            "path = \(Self.quoted(inbox.string))",
            "outbox = \(Self.quoted(outbox.string))",
            "done = \(Self.quoted(beside.appending("done").string))",
            "failed = \(Self.quoted(beside.appending("failed").string))",
            "engine = \(Self.quoted(engine == .offline ? Settings.defaultEngine : Self.serverName))",
            "language = \(Self.quoted(language))",
        ]
        if case .server(let address) = engine {
            lines += [
                "",
                "[engines.\(Self.serverName)]",
                "kind = \"openai\"",
                "base_url = \(Self.quoted(address))",
                "# The model, if the server has several, and the file with its key, if it wants one:",
                "#model = \"whisper-1\"",
                "#api_key_file = \"/etc/parlograph/credentials/\(Self.serverName)\"",
            ]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A basic string of TOML 1.0.
    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": out += "\\\(scalar)"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
