package import Transcription

extension OpenAITranscriber {
    /// A model is loaded in that time, and most limits of requests begin anew.
    private static let maximumPauseToCheck = Duration.seconds(30)

    /// Sends one second of made-up sound to each address and says what came of it. One that asks for a short pause gets it.
    /// - Throws: `TranscriptionError` when none answers.
    package func check() async throws -> EngineReport {
        await meet()
        var slowest = Duration.zero
        var isEstimated = false
        var hasGivenText = false
        var namesModel: Bool?
        var failures: [TranscriptionError] = []
        for address in endpoints.indices {
            do {
                let (heard, time) = try await only(address).heardSample()
                isEstimated = isEstimated || heard.timesAreEstimated
                hasGivenText = hasGivenText || !heard.segments.isEmpty
                slowest = max(slowest, time)
                namesModel = await isModelListed(by: endpoints[address]) ?? namesModel
            } catch let error as TranscriptionError {
                failures.append(error)
            }
        }
        if let first = failures.first, failures.count == endpoints.count {
            guard let busy = failures.first(where: { $0.pauseAskedFor != nil }), let pause = busy.pauseAskedFor else {
                throw first
            }
            let words = "It is reachable, but asks to come back in \(pause.components.seconds) s: check again then. "
            return EngineReport(works: "", notes: [words + busy.message])
        }
        var notes = aboutModel.map { [$0] } ?? []
        notes += failures.map { "One of its \(endpoints.count) addresses cannot be used. \($0.message)" }
        guard knowledge.hasSucceeded else {
            let why = knowledge.refusedSilence.map { " \($0)" } ?? ""
            notes.append(
                "It answers, but refused the second of test audio: whether it transcribes, a recording will show.\(why)"
            )
            return EngineReport(works: "", notes: notes)
        }
        isEstimated = isEstimated || knowledge.lacksSegments
        if !hasGivenText {
            notes.append(
                "It gave no text for the second of test audio, in which nothing is said: whether it transcribes"
                    + "\(isEstimated ? "" : ", and with times"), a recording will show.")
        }
        let works = [
            working(
                slowest: slowest, namesModel: namesModel,
                gives: hasGivenText ? isEstimated ? "text" : knowledge.form.format.rawValue : nil),
            doubts(isEstimated: isEstimated), seenLimits,
        ]
        return EngineReport(works: works.filter { !$0.isEmpty }.joined(separator: " "), notes: notes)
    }

    /// What the one address makes of the sample, and in what time.
    private func heardSample() async throws -> (ChunkTranscript, Duration) {
        let clock = ContinuousClock()
        var start = clock.now
        let heard: ChunkTranscript
        do {
            heard = try await transcribe(Chunk.sample, options: optionsForSample)
        } catch let error as TranscriptionError {
            guard let pause = error.pauseAskedFor, pause <= Self.maximumPauseToCheck else { throw error }
            try await sleep(pause)
            start = clock.now
            heard = try await transcribe(Chunk.sample, options: optionsForSample)
        }
        return (heard, start.duration(to: clock.now))
    }

    /// English where the server must be told a language, or would take time to find it out: the second holds no speech
    /// anyway.
    var optionsForSample: TranscriptionOptions {
        TranscriptionOptions(language: (settings.languageRule ?? profile.languageRule) == .omit ? nil : "en")
    }

    /// A model's name that means something else than a reader may think.
    private var aboutModel: String? {
        guard profile.name == .speaches, settings.model == "whisper-1" else { return nil }
        return
            "model is \"whisper-1\", which speaches takes for Systran/faster-whisper-large-v3: slow without a graphics "
            + "card. Name another one, such as Systran/faster-whisper-base, as its list of models has it."
    }

    /// The same second: who answers it, in whatever words, is there.
    package func absence(turn: RequestContext) async throws -> TranscriptionError? {
        try await turn.again()
        do {
            _ = try await transcribe(Chunk.sample, options: optionsForSample, turn: turn)
            return nil
        } catch let error as TranscriptionError {
            return error.remedy.isRetry ? error : nil
        }
    }

    /// Nil where the server does not tell.
    private func isModelListed(by endpoint: String) async -> Bool? {
        guard profile.sendsModel, let url = EndpointURL.models(endpoint: endpoint),
            case .list(let names)? = try? await models(url, headers), !names.isEmpty
        else { return nil }
        return names.contains(settings.model)
    }

    private func working(slowest: Duration, namesModel: Bool?, gives: String?) -> String {
        let tenths = (slowest.milliseconds + 50) / 100
        let form = knowledge.form
        let host = endpoints.count == 1 ? endpointHost : "\(endpoints.count) addresses"
        let key = headers.isEmpty ? "without a key" : "with its key"
        let model = profile.sendsModel && !settings.model.isEmpty ? " for model \(settings.model)" : ""
        let gives = gives.map { "gave \($0), " } ?? ""
        var out =
            "Engine \(settings.name) (\(host)) took a request \(key)\(model) as "
            + "\(form.codec.rawValue.uppercased()) audio, \(gives)and answered in \(tenths / 10).\(tenths % 10) s."
        switch namesModel {
        case true?: out += " Its list of models names \(settings.model)."
        case false?: out += " Its list of models does not name \(settings.model), but it took it."
        case nil: break
        }
        if let told = knowledge.profile {
            out +=
                " By its answers it is a server of \(told.name.rawValue), and treated as one; set profile = "
                + "\"\(told.name.rawValue)\" to have that without asking."
        }
        if let found = otherEndpointInUse { out += " It answers at \(found)." }
        return out
    }

    /// Where the server answers, if that is not where its settings say.
    private var otherEndpointInUse: String? {
        let found = knowledge.endpoint(insteadOf: endpoints[0])
        return found == endpoints[0] ? nil : URLParts.withoutSecrets(found)
    }

    /// What works otherwise than a user may expect.
    private func doubts(isEstimated: Bool) -> String {
        var out: [String] = []
        let form = knowledge.form
        if isEstimated || form.format == .json || form.format == .text {
            out.append("It gives text without times: they will be estimates. Prefer a model that gives segments.")
        }
        if (settings.languageRule ?? profile.languageRule) == .mustSend {
            out.append("It must be told the language of each recording.")
        }
        let unsent = [
            settings.prompt != nil && !profile.takesPrompt ? "prompt" : nil,
            settings.temperature != nil && !profile.takesTemperature ? "temperature" : nil,
            settings.wordTimestamps == true
                && (isEstimated || !profile.takesGranularities || form.format != .verboseJSON)
                ? "word_timestamps" : nil,
        ].compactMap { $0 }
        if !unsent.isEmpty {
            out.append("Without effect with this server and model: \(unsent.joined(separator: ", ")).")
        }
        if settings.insecure { out.append("Its certificate is not checked (insecure = true).") }
        return out.joined(separator: " ")
    }

    /// Those that are set or known of such servers, and those that this one has told.
    private var seenLimits: String {
        let origin = settings.apiLimitBytes == nil ? "profile \(profile.name.rawValue)" : "api_limit_mb"
        var out = ["\(maximumBodyBytes >> 20) MB a request (\(origin))"]
        if let most = limits.maximumChunkSamples {
            out.append("\(Int(SampleClock.seconds(most))) s of audio a request")
        }
        for (what, limit) in knowledge.rateLimits.sorted(by: { $0.key < $1.key }) {
            guard let total = limit.limit ?? limit.remaining else { continue }
            var told = "\(Int(clamping: Int64(min(max(0, total), 1e12)))) \(what) by the server's count"
            if let left = limit.remaining { told += ", \(Int(clamping: Int64(min(max(0, left), 1e12)))) left" }
            out.append(told)
        }
        return "Limits: \(out.joined(separator: "; "))."
    }
}

extension TranscriptionError {
    /// What the server asks for on account of its load; nil where it names none.
    fileprivate var pauseAskedFor: Duration? {
        guard pressure == .refused, case .retry(let pause?) = remedy, pause > .zero else { return nil }
        return pause
    }
}
