/// What is known of a kind of server: limits, habits and dislikes. From the servers' sources and vendors' pages of 2026.
package struct EngineProfile: Sendable, Hashable {
    package enum Name: String, Sendable, CaseIterable, Codable {
        case openai
        case groq
        case azure
        case cloudRu = "cloud.ru"
        case speaches
        case vllm
        case localai
        case whisperCpp = "whisper.cpp"
        case generic
    }

    /// What to send as `language` where the user named none.
    package enum LanguageRule: String, Sendable, CaseIterable, Codable {
        /// Nothing: the server finds out.
        case omit
        /// `auto`: the server would assume English otherwise.
        case auto
        /// The server needs one: chunks fail with a request to name it.
        case mustSend = "must_send"
    }

    /// How a key is sent.
    package enum Authorization: String, Sendable, CaseIterable, Codable {
        case bearer
        /// Header `api-key`.
        case apiKey = "api-key"
        case none
    }

    /// A field that is sent only where a setting asks for it.
    package enum OptionalField: String, Sendable, CaseIterable, Codable {
        case prompt
        case temperature
        case timestampGranularities = "timestamp_granularities"
    }

    package var name: Name
    /// Greatest request body.
    package var maximumBodyBytes: Int
    package var targetSeconds: Double?
    package var maximumSeconds: Double?
    /// Longer audio is refused, whatever is configured.
    package var refusedSeconds: Double?
    /// Known default quotas; nil where the vendor names none.
    package var requestsPerMinute: Int?
    package var audioSecondsPerHour: Int?
    /// Chunks in flight that make sense; nil: no limit of its own.
    package var maximumConcurrency: Int?
    package var languageRule: LanguageRule
    package var languageForm: LanguageForm
    package var authorization: Authorization
    /// Put behind a base address that holds a version or nothing.
    package var path: String
    /// The field `model` is sent.
    package var sendsModel: Bool
    /// `prompt` is understood.
    package var takesPrompt: Bool
    package var takesTemperature: Bool
    /// `timestamp_granularities[]` is understood.
    package var takesGranularities: Bool
    /// The time of each word is asked for where no setting says otherwise.
    package var asksForWords: Bool
    /// Fields of such servers alone that go with each request.
    package var ownFields: [String: String]
    /// With a second of made-up sound besides, so that it costs little.
    package var sampleFields: [String: String]
    /// The field `chunking_strategy` is needed.
    package var sendsChunkingStrategy: Bool
    /// The list of models is refused to who has no valid key, where keys are looked at.
    package var guardsModels: Bool
    package var codec: UploadCodec
    package var format: ResponseFormat

    private init(_ name: Name, megabytes: Int = 25, languageRule: LanguageRule = .omit) {
        self.name = name
        self.languageRule = languageRule
        languageForm = .primary
        maximumBodyBytes = megabytes << 20
        authorization = .bearer
        path = "/audio/transcriptions"
        sendsModel = true
        takesPrompt = true
        takesTemperature = true
        takesGranularities = true
        asksForWords = false
        ownFields = [:]
        sampleFields = [:]
        guardsModels = false
        sendsChunkingStrategy = false
        codec = .flac
        format = .verboseJSON
    }

    /// The profile of that name, with what is known of the model.
    package init(named name: Name, model: String) {
        switch name {
        case .generic:
            self.init(name)
        case .openai:
            self.init(name)
            languageForm = .openai
            guardsModels = true
        case .groq:
            self.init(name)
            guardsModels = true
            requestsPerMinute = 20
            audioSecondsPerHour = 7200
        case .azure:
            self.init(name)
            languageForm = .openai
            authorization = .apiKey
            requestsPerMinute = 3
            sendsModel = false
        case .cloudRu:
            // Whole 30 s windows go missing in longer files: one window per request. Behaves like vLLM, which took everything
            // without a language for English until 2026.
            self.init(name, languageRule: .mustSend)
            (targetSeconds, maximumSeconds) = (26, 29.5)
            takesGranularities = false
        case .vllm:
            // Splits above 30 s with drift and loss; a prompt spoils the decoding.
            self.init(name, languageRule: .mustSend)
            (targetSeconds, maximumSeconds) = (26, 29.5)
            takesPrompt = false
            takesGranularities = false
            guardsModels = true
        case .speaches:
            // One segment for each stretch between pauses, times only at its ends, unless words are asked for.
            self.init(name, megabytes: 100)
            guardsModels = true
            asksForWords = true
            (targetSeconds, maximumSeconds) = (26, 29.5)
        case .localai:
            self.init(name, megabytes: 15)
            guardsModels = true
            (targetSeconds, maximumSeconds) = (26, 29.5)
        case .whisperCpp:
            // One global lock: a second request only waits. Older builds read nothing but WAV.
            self.init(name, megabytes: 100, languageRule: .auto)
            (targetSeconds, maximumSeconds) = (240, 600)
            maximumConcurrency = 1
            path = "/inference"
            authorization = .none
            codec = .wav
            // It would run its encoder once more for them.
            ownFields = ["no_language_probabilities": "true"]
            // The encoder looks at 2.6 s instead of 30 s, and a decoding that is doubted is not tried again five times.
            sampleFields = ["audio_ctx": "128", "temperature_inc": "0"]
        }
        guard name == .openai || name == .azure || name == .generic else { return }
        learn(model: model)
    }

    /// OpenAI's models after Whisper refuse more than 1400 s, and cut their answers short well before that.
    private mutating func learn(model: String) {
        let model = model.lowercased().split(separator: "/").last ?? ""
        guard model.hasPrefix("gpt-4o") && model.contains("transcribe") || model.hasPrefix("gpt-transcribe") else {
            return
        }
        (targetSeconds, maximumSeconds, refusedSeconds) = (120, 300, 1400)
        takesGranularities = false
        guard model.contains("diarize") else {
            // Text without times.
            format = .json
            return
        }
        format = .diarizedJSON
        takesPrompt = false
        sendsChunkingStrategy = true
    }

    /// Of the fields that users may ask for only these are sent.
    mutating func allow(only fields: Set<OptionalField>) {
        takesPrompt = fields.contains(.prompt)
        takesTemperature = fields.contains(.temperature)
        takesGranularities = fields.contains(.timestampGranularities)
    }

    /// The kind of server that names itself so in the header `Server` of its answers.
    static func guess(header: String?) -> Name? { header?.lowercased() == "whisper.cpp" ? .whisperCpp : nil }

    /// The kind of server that describes its models so: speaches tells the task of each, vLLM names itself as their owner.
    /// - Parameter models: what it answers to `GET …/models`.
    static func guess(models: JSONValue) -> Name? {
        guard let list = models["data"]?.array, !list.isEmpty else { return nil }
        if list.allSatisfy({ $0["owned_by"]?.string == "vllm" }) { return .vllm }
        return list.contains { $0["task"]?.string == "automatic-speech-recognition" } ? .speaches : nil
    }

    /// The profile that fits the address; `generic` where nothing is known.
    package static func guess(url: String) -> Name {
        let parts = URLParts(url)
        let host = parts?.host.lowercased() ?? ""
        let path = parts?.path.lowercased() ?? ""
        if host.hasSuffix("api.openai.com") { return .openai }
        if host.hasSuffix("groq.com") { return .groq }
        if host.hasSuffix("openai.azure.com") || host.hasSuffix("cognitiveservices.azure.com")
            || path.contains("/openai/deployments/")
        {
            return .azure
        }
        if host.hasSuffix("cloud.ru") { return .cloudRu }
        if path.hasSuffix("/inference") { return .whisperCpp }
        return .generic
    }
}
