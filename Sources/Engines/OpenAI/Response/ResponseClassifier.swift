package import Transcription

/// Says what an unsuccessful answer or a broken transfer means: for people, for the next attempt and for the load.
///
/// Pure: counting attempts and waiting is the caller's.
package struct ResponseClassifier: Sendable {
    /// Another form of the same request that may succeed where this one failed; needs no waiting.
    package enum Transform: Sendable, Hashable {
        case asWAV
        case simplerFormat
        case withoutOptionalFields
        /// Another code for the same language, such as one without a region.
        case otherLanguageCode
        /// The audio is too short for the server: nothing is said in it.
        case takeAsSilence
    }

    package struct Verdict: Sendable {
        /// What the caller gets when no transform is left.
        package var error: TranscriptionError
        package var transform: Transform?

        init(_ error: TranscriptionError, _ transform: Transform? = nil) {
            self.error = error
            self.transform = transform
        }
    }

    /// What is known of the request that failed.
    package struct Request: Sendable {
        /// Without user, password, path or query.
        package var host: String
        /// Of the address that was tried: without user, password and query.
        package var url: String
        /// The variable of the environment that sends requests to this host through a proxy.
        package var proxyVariable: String?
        package var sampleCount: Int64
        package var bodyByteCount: Int
        /// Fields besides file, model, language and response_format were sent.
        package var hasOptionalFields: Bool
        /// The language that was sent has another code.
        package var hasOtherLanguageCodes: Bool
        /// This server has transcribed before, so address and model are right.
        package var hasSucceeded: Bool
        /// How long an answer was waited for, if that is known.
        package var timeout: Duration?
        /// Over https.
        package var isEncrypted: Bool

        package init(
            host: String, url: String = "", sampleCount: Int64, bodyByteCount: Int = 0, hasOptionalFields: Bool = false,
            hasOtherLanguageCodes: Bool = false, hasSucceeded: Bool = false, timeout: Duration? = nil,
            isEncrypted: Bool = false
        ) {
            self.host = host
            self.url = url
            self.sampleCount = sampleCount
            self.bodyByteCount = bodyByteCount
            self.hasOptionalFields = hasOptionalFields
            self.hasOtherLanguageCodes = hasOtherLanguageCodes
            self.hasSucceeded = hasSucceeded
            self.timeout = timeout
            self.isEncrypted = isEncrypted
        }
    }

    /// The configured name.
    let engine: String
    let redaction: Redaction
    private let hasKey: Bool
    private let keyOrigin: KeyOrigin
    let profile: EngineProfile.Name

    /// - Parameter urls: the configured addresses, which may hold secrets.
    package init(
        engine: String, secret: Secret? = nil, urls: [String] = [], profile: EngineProfile.Name = .generic,
        keyOrigin: KeyOrigin = .setting
    ) {
        self.keyOrigin = keyOrigin
        self.engine = engine
        redaction = Redaction(key: secret, urls: urls)
        hasKey = secret != nil || urls.contains { URLParts($0)?.user != nil }
        self.profile = profile
    }

    /// - Parameter now: seconds since 1970, for a `Retry-After` that is a date.
    package func classify(_ response: HTTPResponse, to request: Request, now: Double) -> Verdict {
        let message = ServerMessage(body: response.body)
        let after = RetryHint.delay(headers: response.headers, message: message.text, now: now)
        let verdict = verdict(response, message, request, after: after)
        // The server's word counts where it contradicts the usual meaning of the status.
        switch response.headers["x-should-retry"] {
        case "true" where !verdict.error.remedy.isRetry && verdict.transform == nil && !Self.isQuota(message):
            return Verdict(verdict.error.with(remedy: .retry(after: after)))
        case "false" where verdict.error.remedy.isRetry:
            return Verdict(verdict.error.with(remedy: .giveUpChunk), verdict.transform)
        default: return verdict
        }
    }

    private func verdict(
        _ response: HTTPResponse, _ message: ServerMessage, _ request: Request, after: Duration?
    ) -> Verdict {
        let status = response.status
        func fail(
            _ remedy: TranscriptionError.Remedy, _ advice: String = "",
            code: TranscriptionError.Code = .requestFailed, pressure: TranscriptionError.Pressure? = nil
        ) -> TranscriptionError {
            let words = said(message, status)
            return TranscriptionError(
                code, sentence(request.host, words, advice), remedy: remedy, pressure: pressure)
        }
        func unavailable(_ advice: String) -> TranscriptionError {
            fail(.giveUpRecording, advice, code: .engineUnavailable)
        }
        if Self.isQuota(message) || status == 402 {
            return Verdict(unavailable("The account has no quota left: check plan and billing there."))
        }
        switch status {
        case 300..<400:
            let target = response.headers["location"].map {
                " to \(redaction.message(ServerMessage(text: URLParts.withoutSecrets($0)).text))"
            }
            return Verdict(
                unavailable(
                    "The address redirects\(target ?? ""), which is not followed: correct base_url of \(section)."))
        case 401, 403: return Verdict(unavailable(keyAdvice))
        case 407: return Verdict(unavailable(proxyAdvice(request)))
        case 404 where request.hasSucceeded:
            // whisper.cpp turns every failure into this.
            return Verdict(fail(.retry(after: after), pressure: .strained))
        case 404, 405, 410, 501:
            let tried = request.url.isEmpty ? "" : " What was asked is \(request.url)."
            return Verdict(unavailable("Check base_url and model of \(section).\(tried)"))
        case 413: return Verdict(fail(.split(maximumSamples: limit(in: message, request)), pressure: nil))
        case 415: return Verdict(fail(.giveUpChunk), .asWAV)
        case 429, 498, 503: return Verdict(fail(.retry(after: after), pressure: .refused))
        case 408, 504, 522, 524: return Verdict(fail(.retry(after: after), pressure: .strained))
        case 409, 417, 424, 425: return Verdict(fail(.retry(after: after)))
        case 500...599:
            return Verdict(
                fail(.retry(after: after), pressure: .strained), transform(ofServerError: status, message, request))
        case 200..<300: return classify(.message(message), to: request)
        default:
            return Verdict(badRequest(message, request, fail: { fail($0, $1) }, unavailable))
                .adding(transform(for: message, request))
        }
    }

    /// 400, 422 and the rarer ones: what the message is about decides. From a server that has transcribed before, so that
    /// the settings are right, it is about the one chunk.
    private func badRequest(
        _ message: ServerMessage, _ request: Request,
        fail: (TranscriptionError.Remedy, String) -> TranscriptionError, _ unavailable: (String) -> TranscriptionError
    ) -> TranscriptionError {
        let text = message.text.lowercased()
        let isNew = !request.hasSucceeded
        if let limit = limit(in: message, request) { return fail(.split(maximumSamples: limit), "") }
        if text.contains("too large") || text.contains("too long") || text.contains("content size") {
            return fail(.split(maximumSamples: nil), "")
        }
        if isNew,
            message.code.contains("model_not_found") || message.parameter == "model"
                || text.contains("model") && (text.contains("not exist") || text.contains("not found"))
        {
            return unavailable("Check model of \(section).")
        }
        if message.code.contains("invalid_api_key") || isNew && text.contains("api key") {
            return unavailable(keyAdvice)
        }
        if Self.isAboutLanguage(message) {
            let refusesLanguage = Self.refusesLanguage(message)
            let advice = "Name a language that this engine knows (language of the inbox, or --language)."
            guard isNew, refusesLanguage else { return fail(.giveUpChunk, advice) }
            // Of this recording: the engine knows others.
            return TranscriptionError(.languageNotSupported, unavailable(advice).message)
        }
        return fail(.giveUpChunk, "")
    }

    /// The language that was asked for is meant, not one that could not be told from a chunk's audio.
    private static func refusesLanguage(_ message: ServerMessage) -> Bool {
        message.parameter == "language"
            || ["unsupported_language", "invalid_language", "language_not_supported"].contains {
                message.code.contains($0)
            }
            || message.code == "unsupported_value" && message.text.lowercased().contains("language")
    }

    static func isAboutLanguage(_ message: ServerMessage) -> Bool {
        let text = message.text.lowercased()
        return refusesLanguage(message) || text.contains("language") && !text.contains("response_format")
    }

    /// Some servers stumble over what they should refuse.
    private func transform(ofServerError status: Int, _ message: ServerMessage, _ request: Request) -> Transform? {
        if Self.isUndecodable(message) { return .asWAV }
        guard status == 500 else { return nil }
        if request.hasOtherLanguageCodes, Self.isAboutLanguage(message) { return .otherLanguageCode }
        return request.hasOptionalFields ? .withoutOptionalFields : nil
    }

    private func transform(for message: ServerMessage, _ request: Request) -> Transform? {
        let text = message.text.lowercased()
        if message.code.contains("too_short") || text.contains("too short") || text.contains("is shorter than") {
            return .takeAsSilence
        }
        if Self.isUndecodable(message) { return .asWAV }
        if message.parameter == "response_format" || text.contains("response_format")
            || text.contains("response format") || text.contains("verbose_json")
        {
            return .simplerFormat
        }
        if request.hasOtherLanguageCodes, Self.isAboutLanguage(message) { return .otherLanguageCode }
        return request.hasOptionalFields ? .withoutOptionalFields : nil
    }

    private static func isUndecodable(_ message: ServerMessage) -> Bool {
        let text = message.text.lowercased()
        let phrases = [
            "could not be decoded", "invalid file format", "unsupported file", "unsupported audio", "unsupported media",
            "failed to decode", "failed to read audio", "error opening", "format not recognised",
            "format is not supported", "invalid data found", "could not decode", "cannot decode",
        ]
        return phrases.contains { text.contains($0) }
    }

    private static func isQuota(_ message: ServerMessage) -> Bool {
        [message.code, message.type].contains {
            $0.contains("insufficient_quota") || $0.contains("credit_balance") || $0.hasPrefix("billing_")
                || $0.contains("spend_limit")
        }
    }

    // MARK: Lengths

    /// The greatest number of samples that fits the limit in the message: "longer than 1400 seconds which is the
    /// maximum", "Maximum content size limit (26214400) exceeded".
    private func limit(in message: ServerMessage, _ request: Request) -> Int64? {
        let text = message.text.lowercased()
        let numbers = text.split { !$0.isNumber && $0 != "." }.compactMap { Double($0.trimmedDots) }
        if text.contains("seconds"), text.contains("longer than") || text.contains("exceeds"),
            let found = text.firstRange(of: "longer than ") ?? text.firstRange(of: "maximum of "),
            let seconds = Double(text[found.upperBound...].prefix { $0.isNumber || $0 == "." }), seconds >= 1
        {
            return SampleClock.samples(seconds: seconds * 0.98)
        }
        guard text.contains("size limit") || text.contains("too large") || text.contains("content size"),
            request.bodyByteCount > 0,
            let bytes = numbers.first(where: { $0 >= 65_536 && $0 < Double(request.bodyByteCount) })
        else { return nil }
        // In proportion to what was sent, with a margin: the next part may pack less well.
        return max(1, Int64(Double(request.sampleCount) * bytes / Double(request.bodyByteCount) * 0.9))
    }

    // MARK: Sentences

    var section: String { "[engines.\(engine)]" }

    private func said(_ message: ServerMessage, _ status: Int) -> String {
        message.text.isEmpty ? "answered \(status)" : "answered \(status): \(message.text)"
    }

    private var keyAdvice: String { keyOrigin.advice(section: section, hasKey: hasKey) }

    /// - Parameter words: may hold what the server said.
    func sentence(_ host: String, _ words: String, _ advice: String = "") -> String {
        let words = redaction.message(words)
        let end = words.last.map { ".!?…".contains($0) } == true ? "" : "."
        return "Engine \(engine) (\(host)) \(words)\(end)" + (advice.isEmpty ? "" : " \(advice)")
    }
}

extension ResponseClassifier.Verdict {
    /// With `transform`, unless the error already says how to go on.
    fileprivate func adding(_ transform: ResponseClassifier.Transform?) -> Self {
        if transform == .otherLanguageCode {
            // Too large, or a model that is not there, it is in any language.
            if case .split = error.remedy { return self }
            return error.remedy == .giveUpRecording && error.code != .languageNotSupported
                ? self : Self(error, transform)
        }
        guard error.remedy == .giveUpChunk || transform == .takeAsSilence else { return self }
        return Self(error, transform)
    }
}

extension TranscriptionError.Remedy {
    var isRetry: Bool {
        guard case .retry = self else { return false }
        return true
    }
}

extension TranscriptionError {
    func with(remedy: Remedy) -> TranscriptionError {
        TranscriptionError(code, message, cause: cause, remedy: remedy, pressure: pressure)
    }
}

extension Substring {
    fileprivate var trimmedDots: Substring {
        var text = self
        while text.hasSuffix(".") { text = text.dropLast() }
        return text
    }
}
