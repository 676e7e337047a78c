package import Engines
import SystemPackage
import SystemSupport
package import Transcription

/// `kind = "openai"`: one or more servers with OpenAI's interface.
package struct OpenAIEngine: EngineKind {
    package static let name = OpenAITranscriber.kind

    /// Without the key: that is in the entry, since it may become another one.
    package let settings: OpenAIEngineSettings

    package static func read(_ section: EngineSection) throws -> Settings.EngineEntry {
        let reader = section.reader
        let urls = try reader.optionalStrings(
            "base_url", .texts("a list of http or https addresses, or one alone"), otherwise: .mustBeGiven)
        guard let urls, !urls.isEmpty else {
            throw reader.fault("base_url", "is missing: the address of the service, for instance \"https://host/v1\".")
        }
        var settings = OpenAIEngineSettings(
            name: section.name, baseURLs: urls, model: try reader.string("model", default: "whisper-1"))
        let key = try section.key()
        settings.profile = try reader.optionalChoice(
            "profile", otherwise: .words("guessed from the address, else from the server's answers"))
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
        settings.insecure = try reader.boolean("insecure", default: settings.insecure)
        settings.prompt = try reader.optionalString("prompt")
        settings.wordTimestamps = try reader.optionalBoolean(
            "word_timestamps", otherwise: ProfileDefaults.wordTimestamps)
        settings.maximumConcurrency = try reader.optionalInteger(
            "max_concurrent", in: 1...256, otherwise: ProfileDefaults.maximumConcurrency)
        settings.temperature = try reader.optionalNumber("temperature", in: 0...1, otherwise: .words("none is sent"))
        settings.optionalFields = try optionalFields(reader)
        let rate = try reader.optionalInteger(
            "api_rate_limit_per_minute", in: 0...1_000_000, .requests, otherwise: ProfileDefaults.requestsPerMinute)
        let audio = try reader.optionalInteger(
            "audio_seconds_per_hour", in: 0...1_000_000_000, .seconds, otherwise: ProfileDefaults.audioSecondsPerHour)
        return Settings.EngineEntry(
            engine: OpenAIEngine(settings: settings), requestsPerMinute: rate, audioSecondsPerHour: audio,
            fallback: try section.fallback(), key: key)
    }

    /// - Throws: `ConfigurationFault` that lists them.
    private static func optionalFields(_ reader: SectionReader) throws -> Set<EngineProfile.OptionalField>? {
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

    package func makeTranscriber(key: EngineKey?, with resources: EngineResources) throws -> any Transcriber {
        var settings = settings
        if let key { (settings.apiKey, settings.keyOrigin) = (key.secret, key.origin) }
        return try OpenAITranscriber(settings: settings, loop: resources.loop, pool: resources.encoding)
    }

    package var servers: EngineServers? {
        let profile = settings.usualProfile
        return EngineServers(
            addresses: settings.servers, requestsPerMinute: profile.requestsPerMinute,
            audioSecondsPerHour: profile.audioSecondsPerHour, concurrencyAtEach: profile.maximumConcurrency)
    }

    package func setup() -> EngineSetup {
        EngineSetup(settings.caFile.flatMap { try? FileStatus(at: $0) }?.identity)
    }
}
