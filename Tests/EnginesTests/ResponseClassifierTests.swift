import Engines
import Testing
import Transcription

@Suite struct ResponseClassifierTests {
    private let classifier = ResponseClassifier(engine: "cloud", secret: Secret("sk-secret-0123456789"))

    private func verdict(
        _ status: Int, _ body: String = "", headers: HTTPHeaders = HTTPHeaders(), optional: Bool = false,
        succeeded: Bool = false, now: Double = 784_111_777
    ) -> ResponseClassifier.Verdict {
        classifier.classify(
            HTTPResponse(status: status, headers: headers, body: Array(body.utf8)),
            to: ResponseClassifier.Request(
                host: "api.example.org", sampleCount: 16_000_000, bodyByteCount: 32_000_000,
                hasOptionalFields: optional, hasSucceeded: succeeded), now: now)
    }

    /// 1: CURLE_UNSUPPORTED_PROTOCOL, which libcurl uses for HTTP/0.9; 8: CURLE_WEIRD_SERVER_REPLY.
    @Test(arguments: [Int32(1), 8]) func whatIsNoHTTPMayPass(code: Int32) {
        let failure = HTTPFailure(
            curlCode: code, detail: "Received HTTP/0.9 when not allowed", receivedByteCount: 20, wasSent: true)
        var request = ResponseClassifier.Request(host: "api.example.org", sampleCount: 16_000)
        let error = classifier.classify(failure, to: request).error
        #expect(error.remedy == .retry(after: nil))
        #expect(error.message.contains("did not answer in HTTP"))
        #expect(error.message.contains("https"))
        request.isEncrypted = true
        #expect(!classifier.classify(failure, to: request).error.message.contains("https"))
    }

    private func openAI(_ message: String, code: String = "null", parameter: String = "null") -> String {
        #"{"error":{"message":"\#(message)","type":"invalid_request_error","param":"\#(parameter)","code":"\#(code)"}}"#
    }

    @Test(arguments: [
        #"{"error":{"message":"Maximum content size limit (26214400) exceeded (26306794 bytes read)","type":"server_error"}}"#,
        "<html><head><title>413 Request Entity Too Large</title></head><body><center>nginx</center></body></html>",
        #"{"error":{"code":413,"message":"Request Entity Too Large","type":""}}"#, "",
    ])
    func case26_tooLargeIsSplit(_ body: String) {
        guard case .split(let limit) = verdict(413, body).error.remedy else {
            Issue.record("not split: \(verdict(413, body).error)")
            return
        }
        // In proportion: 26.2 of 32 MB, with a margin.
        if body.contains("26214400") { #expect(limit.map { $0 > 10_000_000 && $0 < 13_107_200 } == true) }
    }

    @Test func case26_whisperCppNotFound() {
        let never = verdict(404, "File Not Found (/v1/audio/transcriptions)").error
        #expect(never.remedy == .giveUpRecording)
        #expect(never.message.contains("File Not Found") && never.message.contains("base_url"))
        // It says the same for every failure, so where it has worked before the address is right.
        #expect(verdict(404, "File Not Found (/x)", succeeded: true).error.remedy == .retry(after: nil))
    }

    @Test func case27_unsupportedFormat() {
        let body = openAI(
            "response_format 'verbose_json' is not compatible with model 'gpt-4o-transcribe-api-ev3'. Use 'json' or 'text' instead.",
            code: "unsupported_value", parameter: "response_format")
        #expect(verdict(400, body).transform == .simplerFormat)
    }

    @Test func case28_tooLong() {
        let body = openAI(
            "audio duration 1830.5 seconds is longer than 1400 seconds which is the maximum for this model")
        #expect(verdict(400, body).error.remedy == .split(maximumSamples: 1400 * 16_000 * 98 / 100))
    }

    @Test func case29_tooShort() {
        #expect(verdict(400, openAI("Audio file is too short.", code: "audio_too_short")).transform == .takeAsSilence)
        let other = openAI("audio duration 0.0 seconds is shorter than 0.1 seconds")
        #expect(verdict(400, other).transform == .takeAsSilence)
    }

    @Test(arguments: [
        (401, #"{"error":{"message":"Incorrect API key provided: sk-secret-0123456789","code":"invalid_api_key"}}"#),
        (403, #"{"detail":"Not authenticated"}"#), (403, "<html><body><h1>Forbidden</h1></body></html>"),
    ])
    func case30_notAuthorised(_ status: Int, _ body: String) {
        let error = verdict(status, body).error
        #expect(error.remedy == .giveUpRecording)
        #expect(error.code == .engineUnavailable)
        #expect(error.message.contains("Check api_key_file of [engines.cloud]."))
        #expect(error.message.contains("api.example.org"))
        #expect(!error.message.contains("0123456789") && !error.message.contains("<h1>"))
    }

    /// Where a new key has to go, and whether a reload takes it up, depends on where the old one came from.
    @Test(
        arguments: [
            (.setting, true, ["Check api_key_file of [engines.cloud]."], false),
            (.file("/etc/key"), true, ["Check api_key_file of [engines.cloud], /etc/key."], false),
            (.credential(source: "/etc/keys/cloud"), true, ["/etc/keys/cloud", "not at a reload"], true),
            (
                .lacksCredential(source: "/etc/keys/cloud"), false,
                ["No key is set", "/etc/keys/cloud", "api_key_file"], true
            ),
            (.setting, false, ["No key is set: set api_key_file"], false),
        ] as [(KeyOrigin, Bool, [String], Bool)])
    func theAdviceOnAKeyIsOfItsOrigin(_ origin: KeyOrigin, _ hasKey: Bool, _ words: [String], _ needsRestart: Bool) {
        let classifier = ResponseClassifier(
            engine: "cloud", secret: hasKey ? Secret("sk-secret-0123456789") : nil, keyOrigin: origin)
        let error = classifier.classify(
            HTTPResponse(status: 401, headers: HTTPHeaders(), body: []),
            to: ResponseClassifier.Request(host: "api.example.org", sampleCount: 16_000), now: 0
        ).error
        #expect(error.engineFault == .refused)
        for word in words { #expect(error.message.contains(word), "\(error.message)") }
        #expect(error.message.contains("systemctl restart parlograph") == needsRestart)
    }

    @Test func case31_noSuchModel() {
        #expect(
            verdict(404, openAI("The model x does not exist", code: "model_not_found")).error.remedy == .giveUpRecording
        )
        #expect(verdict(400, openAI("bad", parameter: "model")).error.remedy == .giveUpRecording)
    }

    /// About one chunk's audio, whatever words stand in it.
    @Test(arguments: [
        "could not detect language of the audio", "The model could not be run: audio stream not found",
        "no speech model output for this api key segment",
    ])
    func aComplaintAboutOneChunkCostsThatChunk(_ message: String) {
        #expect(verdict(400, openAI(message), succeeded: true).error.remedy == .giveUpChunk)
    }

    @Test func aLanguageThatCannotBeDetectedIsNoLanguageThatIsUnknown() {
        let error = verdict(400, openAI("could not detect language of the audio", code: "invalid_request_error")).error
        #expect(error.remedy == .giveUpChunk)
        #expect(error.message.contains("Name a language"))
    }

    @Test(arguments: [
        #"{"error":{"message":"Language parameter must be specified in ISO-639-1 format.","param":"language"}}"#,
        #"{"error":{"message":"Unsupported language: xx","code":"unsupported_language"}}"#,
        #"{"error":{"message":"language xx is not available","code":"unsupported_value"}}"#,
        #"{"detail":[{"loc":["body","language"],"msg":"Input should be 'en' or 'de'"}]}"#,
    ])
    func aLanguageThatIsUnknownEndsTheRecordingUnlessOthersWereTranscribed(_ body: String) {
        let error = verdict(400, body).error
        #expect(error.remedy == .giveUpRecording && error.message.contains("Name a language"))
        #expect(error.code == .languageNotSupported && error.engineFault == nil, "the engine knows others")
        #expect(verdict(400, body, succeeded: true).error.remedy == .giveUpChunk)
    }

    @Test func aKeyThatIsRevokedEndsTheRecording() {
        let body = openAI("Incorrect API key provided", code: "invalid_api_key")
        #expect(verdict(400, body, succeeded: true).error.remedy == .giveUpRecording)
        #expect(verdict(400, openAI("API key not valid")).error.remedy == .giveUpRecording)
    }

    @Test func case32_undecodable() {
        #expect(verdict(415, #"{"detail":"unsupported"}"#).transform == .asWAV)
        let body = openAI("The audio file could not be decoded or its format is not supported.")
        #expect(verdict(400, body).transform == .asWAV)
    }

    @Test func case33_unprocessable() {
        let error = verdict(422, #"{"detail":[{"loc":["body","file"],"msg":"field required","type":"x"}]}"#).error
        #expect(error.remedy == .giveUpChunk)
        #expect(error.message.contains("body.file: field required"))
        #expect(verdict(422, "{}", optional: true).transform == .withoutOptionalFields)
    }

    @Test(
        arguments: [
            (["Retry-After": "7"], 7000), (["retry-after": "1.5"], 1500),
            (["Retry-After-Ms": "250", "Retry-After": "9"], 250),
            (["Retry-After": "Sun, 06 Nov 1994 08:49:47 GMT"], 10_000),
            (["Retry-After": "Sun, 06 Nov 1994 08:49:47 GMT", "Date": "Sun, 06 Nov 1994 08:49:45 GMT"], 2000),
            (["Retry-After": "Sun, 06 Nov 1994 08:49:27 GMT"], nil), (["Retry-After": "999999"], 999_999_000),
            (["Retry-After": "abc"], nil), (["Retry-After": "-5"], nil), (["Retry-After": "0"], nil),
            (["x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"], 360_000),
            (["x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "6m0s"], nil),
            (["x-ratelimit-reset-requests": "20ms"], 20), ([:], nil),
        ] as [([String: String], Int64?)])
    func case34_36_waitingTime(_ headers: [String: String], _ milliseconds: Int64?) {
        var all = HTTPHeaders()
        for (name, value) in headers { all[name] = value }
        let error = verdict(429, openAI("slow down", code: "rate_limit_exceeded"), headers: all).error
        #expect(error.remedy == .retry(after: milliseconds.map { .milliseconds($0) }))
        #expect(error.pressure == .refused)
    }

    @Test(
        arguments: [
            ("Please try again in 7.66s. Visit", 7660), ("Please try again in 6m0s.", 360_000),
            ("retry after 12 seconds", 12_000), ("try again in 2 minutes", 120_000), ("try again later", nil),
        ] as [(String, Int64?)])
    func case36_waitingTimeInWords(_ words: String, _ milliseconds: Int64?) {
        #expect(verdict(429, openAI(words)).error.remedy == .retry(after: milliseconds.map { .milliseconds($0) }))
    }

    @Test(arguments: [
        "insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached", "org_spend_limit",
    ])
    func case35_noQuotaLeft(_ code: String) {
        let error = verdict(429, openAI("no money", code: code), headers: ["x-should-retry": "true"]).error
        #expect(error.remedy == .giveUpRecording)
        #expect(error.code == .engineUnavailable)
        #expect(verdict(429, openAI("", code: code)).error.remedy == .giveUpRecording)
    }

    @Test func case37_modelIsLoading() {
        let error = verdict(503, #"{"error":{"code":"model_loading","message":"x"}}"#, headers: ["Retry-After": "60"])
            .error
        #expect(error.remedy == .retry(after: .seconds(60)))
        #expect(error.pressure == .refused)
    }

    @Test func case38_serverError() {
        #expect(verdict(500, "500 Internal Server Error\nstof").error.remedy == .retry(after: nil))
        #expect(verdict(500, "stof", optional: true).transform == .withoutOptionalFields)
        #expect(verdict(500, "stof").transform == nil)
    }

    @Test(arguments: [502, 504, 520, 521, 522, 523, 524, 529, 498, 408, 409, 425, 424])
    func case39_passingFailures(_ status: Int) {
        let error = verdict(status, "<html><title>x</title><body>Bad gateway &nbsp;</body></html>").error
        #expect(error.remedy == .retry(after: nil))
        #expect(!error.message.contains("<"))
        if status >= 498 { #expect(error.pressure == (status == 498 ? .refused : .strained)) }
    }

    @Test func case40_theServersWordOnRetrying() {
        #expect(verdict(500, "x", headers: ["x-should-retry": "false"]).error.remedy == .giveUpChunk)
        #expect(verdict(400, "x", headers: ["x-should-retry": "true"]).error.remedy == .retry(after: nil))
    }

    @Test(arguments: [301, 302, 307, 308]) func case45_redirect(_ status: Int) {
        let error = verdict(status, headers: ["Location": "https://elsewhere.example/v1"]).error
        #expect(error.remedy == .giveUpRecording)
        #expect(error.message.contains("https://elsewhere.example/v1"))
    }

    @Test func longMessagesAreCut() {
        #expect(verdict(500, String(repeating: "word ", count: 10_000)).error.message.count < 300)
    }

    @Test func aSecretIsNeverShown() throws {
        let secret = try #require(Secret("  sk-0123456789\n"))
        var dumped = ""
        dump(secret, to: &dumped)
        #expect(secret.revealed == "sk-0123456789")
        for text in ["\(secret)", String(reflecting: secret), String(describing: [secret]), dumped] {
            #expect(!text.contains("0123"))
        }
        #expect(Secret(" \n") == nil)
    }
}
