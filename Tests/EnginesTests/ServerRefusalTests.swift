import Engines
import Glibc
import TestSupport
import Testing
import Transcription

/// What a server refuses with, and what must be done about it; the numbers are those of the list of known cases.
struct RefusalCase: Sendable, CustomTestStringConvertible {
    enum Expected: Sendable {
        /// After this many milliseconds, if the server says so; the load it tells of.
        case retry(Int64?, TranscriptionError.Pressure?)
        /// Cut again; whether the server told how long.
        case split(told: Bool)
        case giveUpChunk
        /// Part of the advice.
        case giveUpRecording(String)
    }

    var number: Int
    var name: String
    var status: Int
    var headers: [(name: String, value: String)] = []
    var body: String
    var expected: Expected

    init(
        _ number: Int, _ name: String, _ status: Int, _ headers: [(String, String)], _ body: String,
        _ expected: Expected
    ) {
        (self.number, self.name, self.status, self.body) = (number, name, status, body)
        self.headers = headers.map { (name: $0.0, value: $0.1) }
        self.expected = expected
    }

    init(_ number: Int, _ name: String, _ status: Int, _ headers: [(String, String)], _ expected: Expected) {
        self.init(number, name, status, headers, "{}", expected)
    }

    var testDescription: String { "case \(number): \(name)" }
}

@Suite(.timeLimit(.minutes(20))) struct ServerRefusalTests {
    private static func error(_ message: String, code: String = "", type: String = "x") -> String {
        #"{"error":{"message":"\#(message)","type":"\#(type)","param":null,"code":"\#(code)"}}"#
    }
    private static let html = "<html><head><title>502</title></head><body><center>nginx</center></body></html>"
    /// An HTTP date so many seconds from now.
    private static func date(_ seconds: Int) -> String {
        var at = time(nil) + seconds
        var parts = tm()
        gmtime_r(&at, &parts)
        var text = [CChar](repeating: 0, count: 64)
        strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static let cases: [RefusalCase] =
        [
            RefusalCase(
                26, "413 as OpenAI words it", 413, [],
                error("Maximum content size limit (65600) exceeded (100000 bytes read)", type: "server_error"),
                .split(told: true)),
            RefusalCase(26, "413 of nginx", 413, [], "<html><body><h1>413</h1></body></html>", .split(told: false)),
            RefusalCase(
                26, "413 with a number for its code", 413, [],
                #"{"error":{"code":413,"message":"Request Entity Too Large","type":""}}"#, .split(told: false)),
            RefusalCase(
                26, "whisper.cpp's 404 for everything", 404, [], "File Not Found (/v1/audio/transcriptions)",
                .giveUpRecording("base_url")),
            RefusalCase(
                28, "audio longer than the model takes", 400, [],
                error("audio duration 5.0 seconds is longer than 3 seconds which is the maximum for this model"),
                .split(told: true)),
            RefusalCase(30, "401", 401, [], error("Incorrect API key"), .giveUpRecording("api_key_file")),
            RefusalCase(
                30, "403 with a detail", 403, [], #"{"detail":"Not authenticated"}"#, .giveUpRecording("api_key_file")),
            RefusalCase(
                30, "403 as a page", 403, [], "<html><body><h1>Forbidden</h1></body></html>",
                .giveUpRecording("Forbidden")),
            RefusalCase(
                31, "404 for the model", 404, [], error("The model x does not exist", code: "model_not_found"),
                .giveUpRecording("model")),
            RefusalCase(
                33, "422 with details", 422, [],
                #"{"detail":[{"loc":["body","file"],"msg":"field required","type":"x"}]}"#,
                .giveUpChunk),
            RefusalCase(34, "Retry-After in seconds", 429, [("Retry-After", "7")], .retry(7000, .refused)),
            RefusalCase(34, "Retry-After with a fraction", 429, [("Retry-After", "1.5")], .retry(1500, .refused)),
            RefusalCase(34, "Retry-After in the past", 429, [("Retry-After", date(-60))], .retry(nil, .refused)),
            RefusalCase(
                34, "Retry-After as a date, by the server's own clock", 429,
                [("Date", "Sun, 06 Nov 1994 08:49:35 GMT"), ("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")],
                .retry(2000, .refused)),
            RefusalCase(
                34, "retry-after-ms before Retry-After", 429, [("Retry-After", "9"), ("retry-after-ms", "250")],
                .retry(250, .refused)),
            RefusalCase(34, "Retry-After of 11 days", 429, [("Retry-After", "999999")], .retry(999_999_000, .refused)),
            RefusalCase(34, "Retry-After abc", 429, [("Retry-After", "abc")], .retry(nil, .refused)),
            RefusalCase(
                35, "no quota", 429, [("Retry-After", "1")], error("pay", code: "insufficient_quota"),
                .giveUpRecording("billing")),
            RefusalCase(
                35, "no credit", 429, [], error("pay", code: "credit_balance_exhausted"), .giveUpRecording("billing")),
            RefusalCase(36, "429 without a word", 429, [], "", .retry(nil, .refused)),
            RefusalCase(
                36, "x-ratelimit-reset of 6m0s", 429,
                [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "6m0s")],
                .retry(360_000, .refused)),
            RefusalCase(
                36, "x-ratelimit-reset of 1m2.5s", 429, [("x-ratelimit-reset-requests", "1m2.5s")],
                .retry(62_500, .refused)),
            RefusalCase(
                36, "x-ratelimit-reset of 120ms", 429,
                [("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "120ms")], .retry(120, .refused)),
            RefusalCase(
                36, "x-ratelimit-reset where something is left", 429,
                [("x-ratelimit-remaining-requests", "5"), ("x-ratelimit-reset-requests", "6m0s")], .retry(nil, .refused)
            ),
            RefusalCase(
                37, "a model that is loading", 503, [("Retry-After", "60")],
                #"{"error":{"code":"model_loading","message":"loading"}}"#, .retry(60_000, .refused)),
            RefusalCase(38, "500 in plain text", 500, [], "500 Internal Server Error\nstof", .retry(nil, .strained)),
            RefusalCase(38, "500 with a detail", 500, [], #"{"detail":"boom"}"#, .retry(nil, .strained)),
        ]
        + [502, 504, 520, 521, 522, 523, 524, 529].map {
            RefusalCase(39, "\($0)", $0, [], html, .retry(nil, .strained))
        } + [
            RefusalCase(39, "498", 498, [], html, .retry(nil, .refused)),
            RefusalCase(39, "408", 408, [], html, .retry(nil, .strained)),
            RefusalCase(39, "409", 409, [], html, .retry(nil, nil)),
            RefusalCase(40, "500, not to be tried again", 500, [("x-should-retry", "false")], .giveUpChunk),
            RefusalCase(40, "400, to be tried again", 400, [("x-should-retry", "true")], .retry(nil, nil)),
            RefusalCase(
                40, "no quota, whatever else is said", 429, [("x-should-retry", "true")],
                error("pay", code: "insufficient_quota"), .giveUpRecording("billing")),
            RefusalCase(44, "417", 417, [], "", .retry(nil, nil)),
        ]

    @Test(arguments: cases) func cases26To44(_ refusal: RefusalCase) async throws {
        let server = try FakeTranscriptionServer { _ in
            .init(refusal.status, headers: refusal.headers, text: refusal.body)
        }
        defer { server.stop() }
        let cloud = try engine(server)
        let error = await transcriptionError { try await cloud.transcribe(marked(0..<20), options: .init()) }
        let failure = try #require(error)
        switch refusal.expected {
        case .retry(let milliseconds, let pressure):
            #expect(failure.remedy == .retry(after: milliseconds.map { .milliseconds($0) }))
            #expect(failure.pressure == pressure)
        case .split(let told):
            guard case .split(let most) = failure.remedy else {
                Issue.record("\(failure.remedy)")
                return
            }
            #expect((most != nil) == told)
        case .giveUpChunk: #expect(failure.remedy == .giveUpChunk)
        case .giveUpRecording(let advice):
            #expect(failure.remedy == .giveUpRecording && failure.code == .engineUnavailable)
            #expect(failure.message.contains(advice), "\(failure.message)")
        }
        #expect(failure.message.contains("cloud") && !failure.message.contains("<"))
        #expect(server.requests.count == 1)
    }

    @Test func case34_aDateAheadIsWaitedFor() async throws {
        let server = try FakeTranscriptionServer { _ in
            .init(429, headers: [("Retry-After", Self.date(7200))], text: "")
        }
        defer { server.stop() }
        let cloud = try engine(server)
        let error = await transcriptionError { try await cloud.transcribe(marked(0..<1), options: .init()) }
        guard case .retry(let after?) = error?.remedy else {
            Issue.record("\(String(describing: error))")
            return
        }
        // What of it has passed on the way, on a busy machine, is not long.
        #expect((.seconds(3600)...(.seconds(7200))).contains(after))
    }
}

/// The same at the level of a recording: what the caller makes of the engine's word.
@Suite(.timeLimit(.minutes(20))) struct ServerRefusalOfRecordingTests {
    @Test func case26_aSmallerLimitIsKeptToAndNothingIsLost() async throws {
        // The server takes 400 000 bytes, which are twelve seconds; nobody told us.
        let server = try FakeTranscriptionServer.hearing { request in
            request.audio.count > 400_000 ? .init(413, text: "<h1>413</h1>") : nil
        }
        defer { server.stop() }
        let cloud = try engine(server) { $0.uploadCodec = .wav }
        let transcript = try await ServerWay(chunks: markedChunks(2, seconds: 30), concurrency: 1).run(cloud)
        #expect(transcript.texts == (0..<60).map { "m\($0)" })
        for segment in transcript.segments {
            let number = Int64(segment.text.dropFirst()) ?? -1
            #expect(abs(segment.range.start - number * 16_000) <= 64)
        }
        #expect(!transcript.isPartial)
        #expect(server.requests.count { $0.audio.count > 400_000 } == 1, "learned, not found out again for each chunk")
    }

    @Test(arguments: [
        (30, 401, #"{"error":{"message":"no"}}"#), (30, 403, #"{"detail":"no"}"#),
        (31, 404, #"{"error":{"message":"The model x does not exist","code":"model_not_found"}}"#),
        (35, 429, #"{"error":{"message":"pay","code":"insufficient_quota"}}"#),
    ])
    func cases30_31_35_oneRequestEndsTheRecording(_ number: Int, _ status: Int, _ body: String) async throws {
        let server = try FakeTranscriptionServer { _ in .init(status, text: body) }
        defer { server.stop() }
        let cloud = try engine(server)
        let way = ServerWay(chunks: markedChunks(12), concurrency: 8, firstAlone: .seconds(60))
        let error = await transcriptionError { try await way.run(cloud) }
        #expect(error?.remedy == .giveUpRecording && error?.code == .engineUnavailable, "case \(number)")
        #expect(server.requests.count == 1)
    }

    @Test func aChunkWithoutALanguageIsAGapAndTheOthersStay() async throws {
        let server = try FakeTranscriptionServer.hearing { request in
            request.fileName == "chunk-1.flac"
                ? .init(400, text: #"{"error":{"message":"could not detect language of the audio"}}"#) : nil
        }
        defer { server.stop() }
        let transcript = try await ServerWay(chunks: markedChunks(3), concurrency: 1).run(try engine(server))
        #expect(transcript.texts == ["m0", "m1", "m4", "m5"])
        #expect(transcript.gaps.map(\.range) == [SampleRange(32_000, 64_000)])
        #expect(transcript.gaps.first?.reason.contains("could not detect language") == true)
    }

    @Test func case28_aLimitThatLeavesNothingIsSaidAsItIs() async throws {
        let server = try FakeTranscriptionServer { _ in
            .init(400, text: #"{"error":{"message":"audio of 20 seconds is longer than 1 seconds, the maximum"}}"#)
        }
        defer { server.stop() }
        let way = ServerWay(chunks: markedChunks(1, seconds: 20), concurrency: 1)
        let error = await transcriptionError { try await way.run(try engine(server)) }
        #expect(error?.message.contains("longer than 1 seconds") == true, "\(String(describing: error))")
        #expect(error?.message.contains("20.0 seconds") == false)
    }

    @Test func case37_aModelThatLoadsIsWaitedForWithoutSpendingAttempts() async throws {
        let server = try FakeTranscriptionServer.hearing { request in
            request.number < 6
                ? .init(503, headers: [("Retry-After", "10")], text: #"{"error":{"code":"model_loading"}}"#) : nil
        }
        defer { server.stop() }
        let way = ServerWay(chunks: markedChunks(2), concurrency: 1, retries: 0)
        let transcript = try await way.run(try engine(server))
        #expect(transcript.texts == (0..<4).map { "m\($0)" })
        #expect(way.pauses.value == Array(repeating: .seconds(10.5), count: 6))
    }

    @Test func case38_aServerErrorThatStaysCostsTheOptionalFieldsThenTheChunk() async throws {
        let server = try FakeTranscriptionServer.hearing { request in
            request.fileName == "chunk-1.flac" ? .init(500, text: #"{"detail":"boom"}"#) : nil
        }
        defer { server.stop() }
        let way = ServerWay(chunks: markedChunks(3), concurrency: 1, retries: 2)
        let transcript = try await way.run(try engine(server) { $0.prompt = "Names" })
        #expect(transcript.gaps.count == 1 && transcript.gaps.first?.reason.contains("boom") == true)
        #expect(transcript.texts == ["m0", "m1", "m4", "m5"])
        let prompts = server.requests.filter { $0.fileName == "chunk-1.flac" }.map { $0.field("prompt") }
        #expect(prompts == ["Names", "Names", nil, "Names", nil], "each attempt is stripped once it is no chance")
    }

    @Test func case40_whatIsNotToBeTriedAgainIsAGapAtOnce() async throws {
        let server = try FakeTranscriptionServer.hearing { request in
            switch (request.fileName, request.number) {
            case ("chunk-0.flac", 0): .init(400, headers: [("X-Should-Retry", "true")], text: "{}")
            case ("chunk-1.flac", _): .init(500, headers: [("x-should-retry", "false")], text: "{}")
            default: nil
            }
        }
        defer { server.stop() }
        let transcript = try await ServerWay(chunks: markedChunks(3), concurrency: 1).run(try engine(server))
        #expect(transcript.texts == ["m0", "m1", "m4", "m5"])
        #expect(transcript.chunks.map(\.attempts) == [2, 1, 1])
        #expect(transcript.gaps.map(\.range) == [SampleRange(32_000, 64_000)])
    }

    @Test func case42_aServerThatIsTooSlowTwiceGetsShorterChunks() async throws {
        let server = try FakeTranscriptionServer { request in
            request.audio.count > 60_000
                ? .init(text: "{}", ending: .stall) : FakeTranscriptionServer.heard(in: request)
        }
        defer { server.stop() }
        let cloud = try engine(server) {
            $0.uploadCodec = .wav
            $0.requestTimeout = .milliseconds(700)
        }
        let transcript = try await ServerWay(chunks: markedChunks(1, seconds: 3), concurrency: 1).run(cloud)
        #expect(Set(transcript.texts) == ["m0", "m1", "m2"])
        #expect(server.requests.count { $0.audio.count > 60_000 } == 2)
    }
}
