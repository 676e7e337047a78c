package import Transcription

extension OpenAITranscriber {
    typealias Field = (name: String, value: String)

    var endpointHost: String { URLParts.authority(of: endpoints[0]) }

    /// What the server may be told as the language that was asked for, without what it has refused; the last one stays.
    func spellings(for options: TranscriptionOptions) -> [String] {
        let all = options.language.map(languageForm.spellings) ?? []
        return Array(all.drop { $0 != all.last && knowledge.refuses(language: $0) })
    }

    private var languageForm: LanguageForm { settings.languageForm ?? profile.languageForm }

    package func heeded(_ options: TranscriptionOptions) -> TranscriptionOptions {
        var heeded = options
        heeded.language = options.language.flatMap { languageForm.spellings(of: $0).first }
        return heeded
    }

    /// The fewest fields that every server understands, and those the user asked for besides.
    /// - Parameter options: with the language as it is to be sent.
    /// - Throws: `TranscriptionError` where the server needs a language and none is known.
    func fields(
        for options: TranscriptionOptions, form: ServerKnowledge.Form
    ) throws -> (required: [Field], optional: [Field]) {
        var required: [Field] = []
        if profile.sendsModel, !settings.model.isEmpty { required.append(("model", settings.model)) }
        required.append(("response_format", form.format.rawValue))
        required += Self.sorted(profile.ownFields)
        // Without it the model refuses more than 30 s.
        if profile.sendsChunkingStrategy { required.append(("chunking_strategy", "auto")) }
        switch (options.language, settings.languageRule ?? profile.languageRule) {
        case (let language?, _): required.append(("language", language))
        case (nil, .omit): break
        case (nil, .auto): required.append(("language", "auto"))
        case (nil, .mustSend):
            throw TranscriptionError(
                .configuration,
                "Engine \(settings.name) (\(endpointHost)) must be told the language, or it takes everything for English. "
                    + "Set language of the inbox, or --language.")
        }
        guard form.sendsOptionalFields else { return (required, []) }
        var optional: [Field] = []
        if let prompt = prompt(for: options, form: form) { optional.append(("prompt", prompt)) }
        if let temperature = settings.temperature, profile.takesTemperature {
            optional.append(("temperature", "\(temperature)"))
        }
        if asksForWords, form.format == .verboseJSON {
            // Some servers keep the last one only: the segments.
            optional.append(("timestamp_granularities[]", "word"))
            optional.append(("timestamp_granularities[]", "segment"))
        }
        return (required, optional)
    }

    static func sorted(_ fields: [String: String]) -> [Field] {
        fields.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// What is sent as `prompt`; nil: nothing.
    func prompt(for options: TranscriptionOptions, form: ServerKnowledge.Form) -> String? {
        guard form.sendsOptionalFields, profile.takesPrompt else { return nil }
        return (options.prompt ?? settings.prompt).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Authorization, where there is a key.
    var headers: [Field] {
        guard let key = settings.apiKey?.revealed else { return [] }
        return switch settings.authorization ?? profile.authorization {
        case .apiKey: [("api-key", key)]
        // A key that was configured is sent, also to a server that usually has none.
        case .none where settings.authorization != nil: []
        case .bearer, .none: [("Authorization", "Bearer \(key)")]
        }
    }

    package func patience(forSamples count: Int64) -> Duration { timeout(count, 0) }

    /// Time for one attempt: the upload at 1 Mbit/s, and four times the audio's length to work and to queue in; at least
    /// a minute and a half, at most a quarter of an hour.
    func timeout(_ sampleCount: Int64, _ byteCount: Int) -> Duration {
        if let configured = settings.requestTimeout { return configured }
        // Servers of the Whisper family take as long for a second as for a whole window of 30 s.
        let usual = limits.targetChunkSamples ?? 30 * SampleClock.rate
        let sampleCount = isChecked ? max(sampleCount, usual) : sampleCount
        let upload = Double(byteCount) / 125_000
        let work = max(
            60, 4 * SampleClock.seconds(sampleCount) * Double(max(1, min(addresses.inFlight / endpoints.count, 4))))
        return .milliseconds(Int64(min(900, 30 + upload + work) * 1000))
    }
}
