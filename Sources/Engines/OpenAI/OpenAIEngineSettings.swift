package import SystemPackage

/// What the configuration says of an engine of kind `openai`. Everything but name, address and model has a default.
package struct OpenAIEngineSettings: Sendable, Hashable {
    /// `[engines.NAME]`.
    package var name: String
    /// One service at one or more addresses (`EndpointURL` says which forms); requests go to the one with the fewest in
    /// flight, and to the next where one cannot be reached.
    package var baseURLs: [String]
    package var model: String
    /// nil: requests go without one.
    package var apiKey: Secret?
    package var keyOrigin = KeyOrigin.setting
    /// What kind of server it is; nil: guessed from the address.
    package var profile: EngineProfile.Name?
    /// Overrides the profile's rule.
    package var languageRule: EngineProfile.LanguageRule?
    /// Overrides the profile's form.
    package var languageForm: LanguageForm?
    /// Overrides the profile's way to send the key.
    package var authorization: EngineProfile.Authorization?
    /// Greatest request body in bytes (`api_limit_mb` MiB); nil: the profile's.
    package var apiLimitBytes: Int?
    /// Seconds of audio the engine does best with, and at most takes; nil: the profile's.
    package var chunkTargetSeconds: Double?
    package var chunkMaxSeconds: Double?
    /// For one attempt from connecting to the last byte; nil: by the length of the audio.
    package var requestTimeout: Duration?
    /// PEM file of an authority to trust besides the system's.
    package var caFile: FilePath?
    /// No check of the server's certificate.
    package var insecure: Bool
    /// A hint about names and terms for all recordings; one given with a recording wins.
    package var prompt: String?
    /// Ask for the time of each word; nil: as the profile has it.
    package var wordTimestamps: Bool?
    /// Chunks in flight at each address; nil: the profile's.
    package var maximumConcurrency: Int?
    /// `temperature`; nil sends none.
    package var temperature: Double?
    /// Upload format; nil: the profile's, and WAV where the server refuses that.
    package var uploadCodec: UploadCodec?
    /// Which of the fields that `prompt`, `temperature` and `wordTimestamps` ask for may be sent; nil: those that servers
    /// of the profile understand.
    package var optionalFields: Set<EngineProfile.OptionalField>?

    package init(
        name: String, baseURLs: [String], model: String, apiKey: Secret? = nil, profile: EngineProfile.Name? = nil,
        languageRule: EngineProfile.LanguageRule? = nil, authorization: EngineProfile.Authorization? = nil,
        apiLimitBytes: Int? = nil,
        chunkTargetSeconds: Double? = nil, chunkMaxSeconds: Double? = nil, requestTimeout: Duration? = nil,
        caFile: FilePath? = nil, insecure: Bool = false, prompt: String? = nil, wordTimestamps: Bool? = nil,
        temperature: Double? = nil, uploadCodec: UploadCodec? = nil
    ) {
        self.name = name
        self.baseURLs = baseURLs
        self.model = model
        self.apiKey = apiKey
        self.profile = profile
        self.languageRule = languageRule
        self.authorization = authorization
        self.apiLimitBytes = apiLimitBytes
        self.chunkTargetSeconds = chunkTargetSeconds
        self.chunkMaxSeconds = chunkMaxSeconds
        self.requestTimeout = requestTimeout
        self.caFile = caFile
        self.insecure = insecure
        self.prompt = prompt
        self.wordTimestamps = wordTimestamps
        self.temperature = temperature
        self.uploadCodec = uploadCodec
    }

    /// Scheme, host and port of its addresses, each written in one way.
    package var servers: Set<String> {
        Set(
            baseURLs.map { url in
                guard let parts = URLParts(url.trimmed) else { return url }
                let port = parts.port ?? (parts.scheme == "https" ? "443" : "80")
                return "\(parts.scheme)://\(parts.host.lowercased()):\(port)"
            })
    }

    /// What is known of servers of its kind, as far as the settings tell it.
    package var usualProfile: EngineProfile { profile(of: profile ?? EngineProfile.guess(url: baseURLs.first ?? "")) }

    /// What is known of servers of that kind, with what the settings say otherwise.
    func profile(of name: EngineProfile.Name) -> EngineProfile {
        var known = EngineProfile(named: name, model: model)
        if let maximumConcurrency { known.maximumConcurrency = maximumConcurrency }
        if let optionalFields { known.allow(only: optionalFields) }
        return known
    }
}

/// How a chunk's samples are packed for the way.
package enum UploadCodec: String, Sendable, Codable, CaseIterable {
    case flac
    case wav

    var contentType: String { "audio/\(rawValue)" }
}

/// `response_format` of a request.
package enum ResponseFormat: String, Sendable, Comparable {
    case verboseJSON = "verbose_json"
    /// Segments with times and speakers.
    case diarizedJSON = "diarized_json"
    case json
    case text

    /// The next simpler one; nil after the simplest.
    var simpler: ResponseFormat? {
        switch self {
        case .verboseJSON, .diarizedJSON: .json
        case .json: .text
        case .text: nil
        }
    }

    /// Simpler formats come later.
    package static func < (a: ResponseFormat, b: ResponseFormat) -> Bool { a.simplicity < b.simplicity }

    private var simplicity: Int {
        switch self {
        case .verboseJSON, .diarizedJSON: 0
        case .json: 1
        case .text: 2
        }
    }
}
