import Engines
import Inbox
import SystemPackage
import SystemSupport

// Who is told of what becomes of an inbox's recordings.
extension SettingsParser {
    /// - Parameters:
    ///   - reader: of the inbox's section.
    ///   - values: of its `webhook`, and the path of that.
    ///   - hasText: the inbox makes `.txt`.
    mutating func readHooks(
        _ reader: SectionReader, webhook values: [String: ConfigurationValue], at path: String, hasText: Bool
    ) throws -> HookSettings {
        var hooks = HookSettings()
        hooks.onDelivered = try Self.command(reader, "on_delivered")
        hooks.onFailed = try Self.command(reader, "on_failed")
        hooks.limit = .seconds(try reader.seconds("hook_seconds", default: 300, in: 1...86400))
        hooks.webhook = try readWebhook(values, at: path, hasText: hasText)
        return hooks
    }

    private static func command(_ reader: SectionReader, _ name: String) throws -> [String]? {
        let command = try reader.optionalStrings(name, .texts("a program and its arguments"))
        guard let command, !command.isEmpty else { return nil }
        guard !command[0].isEmpty else { throw reader.fault(name, "names no program.") }
        // The environment and arguments of a process end at a zero byte.
        guard !command.contains(where: { $0.utf8.contains(0) }) else {
            throw reader.fault(name, "has a zero byte in it.")
        }
        return command
    }

    private mutating func readWebhook(
        _ values: [String: ConfigurationValue], at path: String, hasText: Bool
    ) throws -> WebhookSettings? {
        let reader = reader(path, values)
        let url = try reader.optionalString("url", .address, otherwise: .words("none; must be given in this section"))
        let file = try reader.optionalString(
            "secret_file", .text("a path"),
            otherwise: .words("the file webhook in CREDENTIALS_DIRECTORY, if there is one"))
        let includesText = try reader.boolean("include_text", default: false)
        let allowsPlain = try reader.boolean("allow_http", default: false)
        try finish(reader)
        guard let url else {
            guard values.isEmpty else {
                throw ConfigurationFault("\(text.place(of: path)): \(path).url is missing: the address that is told.")
            }
            return nil
        }
        guard let parts = URLParts(url), ["http", "https"].contains(parts.scheme) else {
            throw reader.fault("url", "must be an http or https address, for instance \"https://host/path\".")
        }
        guard parts.scheme == "https" || parts.isLoopback || allowsPlain else {
            throw reader.fault(
                "url",
                "is http to another machine, where everybody on the way can read along: use https, or set allow_http = true."
            )
        }
        if includesText, !hasText {
            warnings.append(
                reader.fault("include_text", "the text is that of .txt, which is not among formats: it is not sent.")
                    .description)
        }
        let (secret, fault) = WebhookKey.read(file, named: "secret_file", reader)
        return WebhookSettings(
            url: url, host: parts.authority, secret: secret, secretFault: fault, secretFile: file,
            includesText: includesText)
    }
}

/// The secret of a webhook as this process can have it: from its file, else (also where that cannot be read) from a systemd
/// credential of the file's name, or `webhook`. Blocks.
enum WebhookKey {
    private static let defaultName = "webhook"

    /// - Returns: the secret, or why there is none.
    static func read(_ file: String?, named key: String, _ reader: SectionReader) -> (WebhookSecret?, String?) {
        var reason: String?
        var text: String?
        if let file {
            do { text = try EngineKey(file: file).secret?.revealed } catch {
                reason = (error as? SystemError).map { "\($0.errno)" } ?? "\(error)"
            }
        }
        let name = file.flatMap { FilePath($0).lastComponent?.string } ?? defaultName
        if text == nil { text = EngineKey.credential(of: name).secret?.revealed }
        guard let text else {
            let what = file.map { "\($0) cannot be read: \(reason ?? "it is empty")." }
            return (
                nil,
                reader.fault(
                    key,
                    what
                        ?? "the webhook has no secret: set secret_file, or put one into \(EngineKey.folder.appending(name).string)."
                ).description
            )
        }
        guard let secret = WebhookSecret(text) else {
            return (
                nil,
                reader.fault(
                    key,
                    "holds no secret of a webhook: \"whsec_\" and 24 to 64 bytes in Base64. Make one: "
                        + "echo \"whsec_$(openssl rand -base64 32)\""
                ).description
            )
        }
        return (secret, nil)
    }
}
