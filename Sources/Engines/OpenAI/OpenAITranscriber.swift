import Glibc
package import SystemSupport
package import Transcription

/// An engine behind OpenAI's transcription interface, at OpenAI or anywhere else.
///
/// Makes one logical attempt per call: waiting, counting attempts, rates and concurrency are the caller's. Other forms of
/// the request (WAV for FLAC, a simpler answer format) are tried in the same turn, each as a request that counts, and
/// remembered.
package struct OpenAITranscriber: Transcriber {
    /// What the configuration and the cache's keys call engines of this kind.
    package static let kind = "openai"
    /// By the settings alone.
    let usualProfile: EngineProfile
    /// Of the first address: in the cache's keys.
    private let mainEndpoint: String

    let settings: OpenAIEngineSettings
    let classifier: ResponseClassifier
    private(set) var endpoints: [String]
    /// For each endpoint, where the server may be instead.
    private(set) var otherEndpoints: [[String]]
    /// What is sent is to show whether the engine works: it gets the time of a usual chunk.
    private(set) var isChecked = false
    private(set) var addresses: AddressPool
    let trust: TLSTrust
    /// The CA file as it was when it was read.
    private let authorities: FileIdentity?
    let loop: CurlLoop
    let pool: BlockingPool
    let knowledge: ServerKnowledge
    /// `check` waits with it where a server asks for a pause; a test replaces it.
    package var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

    /// Forms of one request that are tried in one attempt.
    private static let maximumForms = 6
    /// A chunk that is refused for its size at this length would be at any.
    static let minimumSplit = 2 * SampleClock.rate
    /// What a body holds besides the audio, with room for a proxy's headers.
    private static let bodyOverhead = 96 << 10

    /// Reads the CA file; opens no connection.
    /// - Parameters:
    ///   - loop: shared by all engines of the program.
    ///   - pool: where audio is packed and answers are read.
    ///   - clock: tells how long an address that failed rests.
    /// - Throws: `TranscriptionError` with code `configuration`.
    package init(
        settings: OpenAIEngineSettings, loop: CurlLoop, pool: BlockingPool,
        clock: any Clock<Duration> = ContinuousClock()
    ) throws {
        let section = "[engines.\(settings.name)]"
        var profile = settings.usualProfile
        let name = profile.name
        endpoints = try settings.baseURLs.map { base in
            guard let url = EndpointURL.endpoint(base: base, path: profile.path) else {
                throw TranscriptionError(
                    .configuration, "base_url of \(section) is not an http or https address.")
            }
            // Its deployments are models themselves; its interface in the manner of OpenAI has the name in the field.
            if name == .azure { profile.sendsModel = !url.contains("/openai/deployments/") }
            return url
        }
        otherEndpoints = zip(settings.baseURLs, endpoints).map { EndpointURL.others(base: $0, endpoint: $1) }
        guard let mainEndpoint = endpoints.first else {
            throw TranscriptionError(.configuration, "\(section) has no base_url: name the server's address.")
        }
        if let key = settings.apiKey, !key.isHeaderSafe {
            throw TranscriptionError(
                .configuration, "The API key of \(section) holds characters no key has: check its file.")
        }
        // Known before it is read: what is written into it meanwhile makes it another one.
        authorities = Self.authorities(settings)
        trust = try Self.trust(settings)
        self.settings = settings
        usualProfile = profile
        self.mainEndpoint = mainEndpoint
        self.loop = loop
        self.pool = pool
        classifier = ResponseClassifier(
            engine: settings.name, secret: settings.apiKey, urls: settings.baseURLs, profile: name,
            keyOrigin: settings.keyOrigin)
        knowledge = ServerKnowledge(
            form: ServerKnowledge.Form(
                codec: settings.uploadCodec ?? profile.codec, format: profile.format,
                sendsOptionalFields: true, onlyHTTP1: false))
        addresses = AddressPool(count: endpoints.count, clock: clock)
    }

    /// What is known of servers of its kind: by the settings, else by what it has answered.
    package var profile: EngineProfile { knowledge.profile ?? usualProfile }

    package var identity: EngineIdentity {
        EngineIdentity(
            name: settings.name, kind: Self.kind, model: settings.model,
            settings: Self.changingTheText(settings, profile, endpoint: mainEndpoint))
    }

    /// The time of each word is asked for.
    var asksForWords: Bool { profile.takesGranularities && (settings.wordTimestamps ?? profile.asksForWords) }

    /// What belongs into the cache's key. Not the codec: FLAC and WAV hold the same samples.
    private static func changingTheText(
        _ settings: OpenAIEngineSettings, _ profile: EngineProfile, endpoint: String
    ) -> [String] {
        // The path names the model on Azure; a query may hold a secret.
        let address = URLParts.authority(of: endpoint) + (URLParts(endpoint)?.path ?? "")
        var changing = ["address=\(address)", "profile=\(profile.name.rawValue)"]
        changing.append("language_rule=\((settings.languageRule ?? profile.languageRule).rawValue)")
        changing.append("words=\(profile.takesGranularities && (settings.wordTimestamps ?? profile.asksForWords))")
        // What was kept of its answers when tokens stood for words, at times that cannot be true.
        if profile.name == .whisperCpp { changing.append("words=2") }
        // What was kept of them before speakers were is no answer any more.
        if profile.format == .diarizedJSON { changing.append("speakers=true") }
        if profile.takesPrompt { changing.append("prompt=\(settings.prompt ?? "")") }
        if profile.takesTemperature, let degree = settings.temperature { changing.append("temperature=\(degree)") }
        return changing
    }

    private static func authorities(_ settings: OpenAIEngineSettings) -> FileIdentity? {
        settings.caFile.flatMap { try? FileStatus(at: $0).identity }
    }

    /// Where the CA file is gone, those that were in it go on being trusted.
    package var isCurrent: Bool { Self.authorities(settings).map { $0 == authorities } ?? true }

    private static func trust(_ settings: OpenAIEngineSettings) throws -> TLSTrust {
        guard let path = settings.caFile else { return TLSTrust(isDisabled: settings.insecure) }
        do {
            let bytes = try SmallFile.read(path, limit: 4 << 20)
            guard bytes.firstRange(of: Array("-----BEGIN CERTIFICATE-----".utf8)) != nil else {
                throw TranscriptionError(
                    .configuration,
                    "ca_file of [engines.\(settings.name)], \(path.printable), holds no certificate in PEM form.")
            }
            return TLSTrust(authorities: bytes, isDisabled: settings.insecure)
        } catch let error as SystemError {
            throw TranscriptionError(
                .configuration, "ca_file of [engines.\(settings.name)] cannot be read: \(error).", cause: error)
        }
    }

    /// At a rate that hosted Whisper services commonly reach.
    package var traits: EngineTraits { EngineTraits(repeatsItself: false, expectedRate: 30) }

    package var limits: EngineLimits {
        let bytes = max(maximumBodyBytes - Self.bodyOverhead, 64 << 10)
        var maximum = Int64(Double(bytes) / 2 / Self.packing(knowledge.form.codec))
        if let seconds = settings.chunkMaxSeconds ?? profile.maximumSeconds {
            maximum = min(maximum, SampleClock.samples(seconds: seconds))
        }
        if let refused = profile.refusedSeconds {
            maximum = min(maximum, SampleClock.samples(seconds: refused * 0.98))
        }
        if let learned = knowledge.maximumSamples { maximum = min(maximum, learned) }
        let target = settings.chunkTargetSeconds ?? profile.targetSeconds
        return EngineLimits(
            targetChunkSamples: target.map { min(SampleClock.samples(seconds: $0), maximum) },
            maximumChunkSamples: maximum, maximumConcurrency: profile.maximumConcurrency.map { $0 * endpoints.count },
            maximumRequestBytes: maximumBodyBytes)
    }

    /// Bytes sent for a byte of samples, at most, as far as chunks are planned by it. FLAC makes 0.4 to 0.7 of speech; the
    /// rare chunk that packs worse than 0.9 (noise at full level) is cut again before it is sent. A WAV has 44 bytes more.
    private static func packing(_ codec: UploadCodec) -> Double {
        switch codec {
        case .flac: 0.9
        case .wav: 1.0002
        }
    }

    var maximumBodyBytes: Int { settings.apiLimitBytes ?? profile.maximumBodyBytes }

    package func transcribe(
        _ chunk: Chunk, options: TranscriptionOptions, turn: RequestContext
    ) async throws -> ChunkTranscript {
        try Task.checkCancellation()
        if let longest = knowledge.maximumSamples, chunk.audio.sampleCount > longest {
            throw TranscriptionError(
                .requestFailed, classifier.sentence(endpointHost, "has refused chunks of this length before"),
                remedy: .split(maximumSamples: longest))
        }
        var options = options
        var languages = spellings(for: options)
        options.language = languages.first
        _ = try fields(for: options, form: knowledge.form)
        try await askWhetherWelcome(turn)
        var form = knowledge.form
        var refused: Set<String> = []
        var first: TranscriptionError?
        var echo: ChunkTranscript?
        for number in 0..<Self.maximumForms {
            if number > 0 { try await turn.again() }
            let verdict: ResponseClassifier.Verdict
            let attempt = try await attempt(
                chunk, options: options, form: form, hasOtherLanguageCodes: languages.count > 1, turn: turn)
            switch attempt {
            case .refused(let refusal): verdict = try await considered(refusal, of: chunk, turn)
            case .heard(let transcript):
                knowledge.remember(form)
                knowledge.refuse(languages: refused)
                if let echo { return await pool.run { PromptEcho.better(of: echo, transcript) } }
                let prompt = prompt(for: options, form: form)
                guard let prompt, await pool.run({ PromptEcho.isEcho(transcript, of: prompt) }) else {
                    return transcript
                }
                echo = transcript
                options.prompt = ""
                continue
            }
            if verdict.error.remedy == .giveUpRecording { knowledge.remember(.doubtful) }
            // The first complaint is the one about the request that was wanted.
            let error = first ?? verdict.error
            switch verdict.transform {
            case .asWAV where form.codec != .wav: form.codec = .wav
            case .simplerFormat:
                guard let simpler = form.format.simpler else { throw error }
                form.format = simpler
            case .withoutOptionalFields where form.sendsOptionalFields: form.sendsOptionalFields = false
            case .otherLanguageCode where languages.count > 1:
                refused.insert(languages.removeFirst())
                options.language = languages.first
            case .takeAsSilence where chunk.speech.isEmpty:
                knowledge.noteRefusedSilence((first ?? verdict.error).message)
                return ChunkTranscript(language: nil, segments: [])
            default: throw verdict.transform == nil ? verdict.error : error
            }
            if first == nil { first = verdict.error }
        }
        throw first ?? TranscriptionError(.internalFault, "Engine \(settings.name) was asked in no form.")
    }

    /// The same engine with one of its addresses.
    func only(_ address: Int) -> OpenAITranscriber {
        var one = self
        one.endpoints = [endpoints[address]]
        one.otherEndpoints = [otherEndpoints[address]]
        one.isChecked = true
        one.addresses = AddressPool(count: 1)
        return one
    }

    // MARK: One request

    /// - Parameter options: with the language as it is to be sent.
    private func attempt(
        _ chunk: Chunk, options: TranscriptionOptions, form: ServerKnowledge.Form, hasOtherLanguageCodes: Bool,
        turn: RequestContext
    ) async throws -> Answer {
        let audio = try await packed(chunk.audio, as: form.codec)
        var fields = try fields(for: options, form: form)
        if chunk.hash == Chunk.sampleHash { fields.required += Self.sorted(profile.sampleFields) }
        var multipart = MultipartForm()
        for field in fields.required + fields.optional { multipart.add(field.name, field.value) }
        let body = multipart.pieces(
            file: audio, named: "chunk-\(chunk.index).\(form.codec.rawValue)", type: form.codec.contentType)
        let byteCount = body.reduce(0) { $0 + $1.count }
        guard byteCount <= maximumBodyBytes else {
            let fitting = Double(chunk.audio.sampleCount) * Double(maximumBodyBytes) / Double(byteCount) * 0.95
            throw TranscriptionError(
                .requestFailed,
                classifier.sentence(
                    endpointHost, "takes at most \(maximumBodyBytes) bytes; this chunk has \(byteCount)"),
                remedy: .split(maximumSamples: Int64(fitting)))
        }
        var request = HTTPRequest(
            url: "", headers: headers + [("Content-Type", multipart.contentType)], body: body,
            timeout: timeout(chunk.audio.sampleCount, byteCount), trust: trust, onlyHTTP1: form.onlyHTTP1)
        request.takesPacked = form.format != .text
        if turn.isFirst, let grace = timeToBeRefused { request.onSent = { turn.letOthersFollow(after: grace) } }
        let described = ResponseClassifier.Request(
            host: endpointHost, sampleCount: chunk.audio.sampleCount, bodyByteCount: byteCount,
            hasOptionalFields: !fields.optional.isEmpty, hasOtherLanguageCodes: hasOtherLanguageCodes,
            hasSucceeded: knowledge.hasSucceeded,
            timeout: request.timeout, isEncrypted: endpoints[0].lowercased().hasPrefix("https:"))
        return try await ask(request, turn: turn, described: described) { response, described in
            await understood(response, chunk: chunk, form: form, described: described)
        }
    }

    package func compact(_ audio: ChunkAudio) async { _ = try? await packed(audio, as: .flac) }

    /// WAV takes no time to make, and more memory while it waits.
    package func prepare(_ audio: ChunkAudio) async {
        if knowledge.form.codec == .flac { await compact(audio) }
    }

    private func packed(_ audio: ChunkAudio, as codec: UploadCodec) async throws -> [UInt8] {
        do {
            return try await pool.run {
                switch codec {
                case .flac: try audio.packed(by: FLACEncoder.encode) { try FLACEncoder.decode($0, in: $1) }
                case .wav: WAVEncoder.encode(try audio.samples())
                }
            }
        } catch {
            throw TranscriptionError(
                .internalFault, "The audio of a chunk cannot be packed: \(error).", cause: error,
                remedy: .giveUpChunk)
        }
    }
}
