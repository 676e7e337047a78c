import Engines
import Glibc
import SystemPackage
import SystemSupport
import Transcription

/// Reads one `[engines.NAME]`.
struct EngineParser {
    enum Kind: String, CaseIterable { case offline, openai, command }

    let name: String
    let reader: SectionReader

    /// - Throws: `ConfigurationFault`.
    func parse() throws -> Settings.EngineEntry {
        let kind: Kind
        if name == "offline" {
            kind = try reader.choice("kind", default: .offline)
        } else {
            guard reader.isSet("kind"), let named: Kind = try reader.optionalChoice("kind", otherwise: .mustBeGiven)
            else { throw reader.fault("kind", "is missing: offline, openai or command.") }
            kind = named
        }
        return switch kind {
        case .offline: try parseOffline()
        case .openai: try parseOpenAI()
        case .command: try parseCommand()
        }
    }

    private func parseOffline() throws -> Settings.EngineEntry {
        let model = try reader.string(
            "model", default: OfflineEngineSettings.defaultModel,
            .text("the name of a model, or the path of its folder"))
        let folder = try reader.optionalPath("models_directory", otherwise: .words("the usual places alone"))
        let most = OfflineEngineSettings.maximumThreadsByDefault
        let threads = try reader.optionalInteger(
            "threads", in: 1...256, otherwise: .words("one for each processor, \(most) at most"))
        let target = try reader.seconds("chunk_target_seconds", default: 15, in: 5...30)
        let longest = try reader.seconds("chunk_max_seconds", default: 20, in: 5...30)
        let settings = OfflineEngineSettings(
            name: name, model: model, modelsDirectory: folder, threads: threads,
            chunkTargetSeconds: target, chunkMaxSeconds: longest)
        return Settings.EngineEntry(engine: .offline(settings), requestsPerMinute: nil, apiLimitMB: nil)
    }

    private func parseOpenAI() throws -> Settings.EngineEntry {
        let urls = try reader.optionalStrings(
            "base_url", .texts("a list of http or https addresses, or one alone"), otherwise: .mustBeGiven)
        guard let urls, !urls.isEmpty else {
            throw reader.fault("base_url", "is missing: the address of the service, for instance \"https://host/v1\".")
        }
        var settings = OpenAIEngineSettings(
            name: name, baseURLs: urls, model: try reader.string("model", default: "whisper-1"))
        let key = try reader.optionalString("api_key")
        let keyFile = try reader.optionalString(
            "api_key_file", .text("a path"),
            otherwise: .words("the file called like the engine in CREDENTIALS_DIRECTORY, if there is one"))
        let reading = self.key(key, file: keyFile)
        (settings.apiKey, settings.keyOrigin) = (reading.secret, reading.origin)
        settings.profile = try reader.optionalChoice("profile", otherwise: .words("guessed from the address"))
        settings.languageRule = try reader.optionalChoice("language_rule", otherwise: ProfileDefaults.languageRule)
        settings.languageForm = try reader.optionalChoice("language_form", otherwise: ProfileDefaults.languageForm)
        settings.authorization = try reader.optionalChoice("auth_header", otherwise: ProfileDefaults.authorization)
        settings.uploadCodec = try reader.optionalChoice("upload_codec", otherwise: ProfileDefaults.uploadCodec)
        let limit = try reader.optionalInteger(
            "api_limit_mb", in: 1...4096, .megabytes, otherwise: ProfileDefaults.bodyMegabytes)
        settings.apiLimitBytes = limit.map { $0 << 20 }
        settings.chunkTargetSeconds = try reader.optionalNumber(
            "chunk_target_seconds", in: 1...86400, .seconds, otherwise: ProfileDefaults.targetSeconds)
        settings.chunkMaxSeconds = try reader.optionalNumber(
            "chunk_max_seconds", in: 1...86400, .seconds, otherwise: ProfileDefaults.maximumSeconds)
        settings.requestTimeout = try reader.optionalNumber(
            "timeout_seconds", in: 1...86400, .seconds, otherwise: .words("by the length of the audio, 90 to 900")
        ).map { .seconds($0) }
        settings.caFile = try reader.optionalString("ca_file", .text("a path")).map { FilePath($0) }
        settings.insecure = try reader.boolean("insecure", default: false)
        settings.prompt = try reader.optionalString("prompt")
        settings.wordTimestamps = try reader.boolean("word_timestamps", default: false)
        settings.temperature = try reader.optionalNumber("temperature", in: 0...1, otherwise: .words("none is sent"))
        settings.optionalFields = try optionalFields()
        let rate = try reader.optionalInteger(
            "api_rate_limit_per_minute", in: 0...1_000_000, .requests, otherwise: ProfileDefaults.requestsPerMinute)
        let audio = try reader.optionalInteger(
            "audio_seconds_per_hour", in: 0...1_000_000_000, .seconds, otherwise: ProfileDefaults.audioSecondsPerHour)
        return Settings.EngineEntry(
            engine: .openai(settings), requestsPerMinute: rate, audioSecondsPerHour: audio, apiLimitMB: limit,
            fallback: try reader.optionalString("fallback", .text("the name of an engine")), keyFault: reading.fault,
            keyFileIdentity: reading.identity,
            keyNotes: key == nil ? keyFile.flatMap(Self.note(onKeyFile:)).map { [$0] } ?? [] : [],
            keyIsHidden: reading.isHidden)
    }

    /// - Throws: `ConfigurationFault` that lists them.
    private func optionalFields() throws -> Set<EngineProfile.OptionalField>? {
        let name = "optional_fields"
        let texts = try reader.optionalStrings(
            name, .listOf(EngineProfile.OptionalField.self), otherwise: ProfileDefaults.optionalFields)
        guard let texts else { return nil }
        return Set(
            try texts.map { text in
                guard let field = EngineProfile.OptionalField(rawValue: text) else {
                    let known = EngineProfile.OptionalField.allCases.map(\.rawValue).joined(separator: ", ")
                    throw reader.fault(name, "may hold \(known).")
                }
                return field
            })
    }

    private func parseCommand() throws -> Settings.EngineEntry {
        let command = try reader.optionalStrings(
            "command", .texts("a list of a program and its arguments"), otherwise: .mustBeGiven)
        guard let command, !command.isEmpty else {
            throw reader.fault(
                "command", "is missing: a program and its arguments, for instance [\"/usr/bin/stt\", \"{file}\"].")
        }
        let settings = CommandEngineSettings(
            name: name, command: command, model: try reader.string("model", default: ""),
            timeout: .seconds(try reader.seconds("timeout_seconds", default: 1800, in: 1...86400)),
            temporaryDirectory: try reader.path("temporary_directory", default: "/tmp"),
            chunkTargetSeconds: try reader.seconds("chunk_target_seconds", default: 30, in: 1...86400),
            chunkMaxSeconds: try reader.optionalNumber(
                "chunk_max_seconds", in: 1...86400, .seconds, otherwise: .words("no limit")),
            maximumConcurrency: try reader.optionalInteger(
                "max_concurrent", in: 1...256, otherwise: .words("no limit of its own")))
        return Settings.EngineEntry(
            engine: .command(settings), requestsPerMinute: nil, apiLimitMB: nil,
            fallback: try reader.optionalString("fallback", .text("the name of an engine")))
    }

    /// - Throws: `ConfigurationFault` where the fallback is no engine, or leads back here.
    func checkFallback(among engines: [String: Settings.EngineEntry]) throws {
        var chain = [name]
        while let next = engines[chain[chain.count - 1]]?.fallback {
            guard engines[next] != nil else {
                // A later engine's own check names the key that is wrong.
                guard chain.count == 1 else { return }
                let known = engines.keys.filter { $0 != name }.sorted().joined(separator: ", ")
                throw reader.fault("fallback", "there is no [engines.\(next)]; configured are: \(known).")
            }
            guard next != name else {
                let circle = (chain + [next]).joined(separator: " → ")
                throw reader.fault("fallback", "leads in a circle: \(circle).")
            }
            guard !chain.contains(next) else { return }
            chain.append(next)
        }
    }

    /// The key itself from the environment or the file, else the content of the key file, else (also where that cannot be
    /// read) a systemd credential.
    private func key(_ key: String?, file: String?) -> KeyReading {
        if let key { return KeyReading(secret: Secret(key), origin: .setting) }
        guard let file else { return KeyReading.credential(of: name) }
        do {
            return try KeyReading(file: file)
        } catch {
            // The package's folder of keys is closed to the service, which gets them as credentials.
            var reading = KeyReading.credential(of: name)
            guard reading.secret == nil else { return reading }
            let reason = (error as? SystemError).map { "\($0.errno)" } ?? "\(error)"
            reading.fault = reader.fault("api_key_file", "\(file) cannot be read: \(reason).")
            return reading
        }
    }

    private static func note(onKeyFile file: String) -> String? {
        guard let status = try? FileStatus(at: FilePath(file)) else { return nil }
        if status.mode & 0o004 != 0 {
            return "Its api_key_file, \(file), can be read by every user of this machine: chmod o-rwx \(file)"
        }
        return status.identity.byteCount == 0 ? "Its api_key_file, \(file), is empty." : nil
    }
}
