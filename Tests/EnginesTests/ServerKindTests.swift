import Engines
import TestSupport
import Testing
import Transcription

/// Servers that are known by what they answer, and what follows for the requests to them.
@Suite(.timeLimit(.minutes(20))) struct ServerKindTests {
    private typealias Response = FakeTranscriptionServer.Response

    private static let ok = #"{"text":"ok","segments":[{"start":0,"end":1,"text":"ok"}]}"#
    private static let notFound = Response(
        404, headers: [("Server", "whisper.cpp"), ("Content-Type", "text/plain")], text: "File Not Found")

    /// whisper.cpp's server, which knows one path.
    private static func whisperCpp(at path: String) throws -> FakeTranscriptionServer {
        try FakeTranscriptionServer(models: { _ in notFound }) { request in
            request.path == path ? .init(headers: [("Server", "whisper.cpp")], text: ok) : notFound
        }
    }

    @Test(arguments: [
        ("", "/inference", true), ("/v1", "/inference", true), ("/v1", "/v1/audio/transcriptions", true),
        ("", "/v1/audio/transcriptions", true), ("/v1", "/v1/audio/transcriptions", false), ("", "/inference", false),
        ("/v1", "/inference", false),
    ])
    func whisperCppIsFoundAtThePathItWasStartedWith(_ base: String, _ path: String, _ isNamed: Bool) async throws {
        let server = try Self.whisperCpp(at: path)
        defer { server.stop() }
        let cloud = try engine(server) {
            $0.baseURLs = [server.url + base]
            $0.profile = isNamed ? .whisperCpp : nil
            $0.apiKey = nil
        }
        let transcript = try await ServerWay(chunks: markedChunks(3)).run(cloud)
        #expect(transcript.texts == ["ok", "ok", "ok"])
        #expect(cloud.profile.name == .whisperCpp)
        let tried = server.requests.map(\.path)
        #expect(tried.suffix(2) == [path, path] && tried.count <= 3 + 2, "\(tried)")
        #expect(server.requests.last?.field("no_language_probabilities") == "true")
        #expect(server.requests.last?.field("language") == "auto")
    }

    /// A person who writes the whole address means it.
    @Test func aWholeAddressIsNotReplaced() async throws {
        let server = try Self.whisperCpp(at: "/inference")
        defer { server.stop() }
        let cloud = try engine(server) {
            $0.baseURLs = [server.url + "/stt/inference"]
            $0.profile = .whisperCpp
        }
        let error = await transcriptionError { try await ServerWay(chunks: markedChunks(1)).run(cloud) }
        #expect(error?.message.contains("/stt/inference") == true)
        #expect(server.requests.count == 1)
    }

    @Test(arguments: [
        (
            #"{"object":"list","data":[{"id":"Systran/faster-whisper-base","object":"model","owned_by":"Systran","task":"automatic-speech-recognition"}]}"#,
            EngineProfile.Name.speaches
        ),
        (#"{"object":"list","data":[{"id":"openai/whisper-large-v3","object":"model","owned_by":"vllm"}]}"#, .vllm),
        (#"{"object":"list","data":[{"id":"whisper-1","object":"model","owned_by":"openai"}]}"#, .generic),
        (#"{"object":"list","data":[]}"#, .generic),
    ])
    func serversAreKnownByTheirModels(_ list: String, _ name: EngineProfile.Name) async throws {
        let asked = Guarded(0)
        let server = try FakeTranscriptionServer(models: { _ in
            asked.change { $0 += 1 }
            return .init(text: list)
        }) { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let cloud = try engine(server) { $0.apiKey = nil }
        for _ in 0..<2 {
            _ = try await ServerWay(chunks: markedChunks(2)).run(cloud, options: TranscriptionOptions(language: "en"))
        }
        #expect(cloud.profile.name == name)
        #expect(asked.value == 1, "once")
        #expect(cloud.identity.settings.contains("profile=\(name.rawValue)"), "the cache tells them apart")
        let fields = server.requests.last?.partNames ?? []
        #expect(fields.contains("timestamp_granularities[]") == (name == .speaches))
    }

    /// A server that starts behind a proxy, or is too busy, has not said yet what it is.
    @Test(arguments: [
        Response(502, text: "Bad Gateway"), Response(503, text: ""), Response(429, text: "{}"),
        Response(401, text: "{}"),
        Response(200, text: "<html>starting"),
    ])
    private func whatTellsNothingIsAskedAgain(_ first: Response) async throws {
        let asked = Guarded(0)
        let server = try FakeTranscriptionServer(models: { _ in
            let number = asked.change { count -> Int in
                count += 1
                return count
            }
            return number == 1
                ? first
                : .init(text: #"{"object":"list","data":[{"id":"base","task":"automatic-speech-recognition"}]}"#)
        }) { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let cloud = try engine(server) { $0.apiKey = nil }
        await cloud.meet()
        #expect(cloud.profile.name == .generic)
        for _ in 0..<2 { await cloud.meet() }
        #expect(cloud.profile.name == .speaches && asked.value == 2)
    }

    /// No list of models is an answer that lasts.
    @Test(arguments: [404, 405, 501]) func aServerWithoutAListIsAskedOnce(_ status: Int) async throws {
        let asked = Guarded(0)
        let server = try FakeTranscriptionServer(models: { _ in
            asked.change { $0 += 1 }
            return Response(status, text: "no")
        }) { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let cloud = try engine(server) { $0.apiKey = nil }
        for _ in 0..<2 { await cloud.meet() }
        #expect(cloud.profile.name == .generic && asked.value == 1)
    }

    /// A refusal at a guessed path is no sign that the server is there: it was not yet at its own.
    @Test(arguments: [400, 405, 500]) func aPathIsRememberedWhereItWasHeardAt(_ status: Int) async throws {
        let isReady = Guarded(false)
        let server = try FakeTranscriptionServer { request in
            if request.path == "/inference", isReady.value {
                return .init(headers: [("Server", "whisper.cpp")], text: Self.ok)
            }
            return request.path == "/inference" ? Self.notFound : Response(status, text: #"{"error":"no"}"#)
        }
        defer { server.stop() }
        let cloud = try engine(server) {
            $0.profile = .whisperCpp
            $0.apiKey = nil
        }
        _ = await transcriptionError { try await cloud.transcribe(marked(0..<1), options: TranscriptionOptions()) }
        isReady.change { $0 = true }
        let heard = try await cloud.transcribe(marked(0..<1), options: TranscriptionOptions())
        #expect(heard.segments.map(\.text) == ["ok"])
        #expect(server.requests.last?.path == "/inference")
    }

    /// A server that was started anew with another path is found there, though it was found at a guessed one before.
    @Test func aGuessedPathIsLeftAgain() async throws {
        let path = Guarded("/v1/audio/transcriptions")
        let server = try FakeTranscriptionServer { request in
            request.path == path.value ? .init(headers: [("Server", "whisper.cpp")], text: Self.ok) : Self.notFound
        }
        defer { server.stop() }
        let cloud = try engine(server) {
            $0.profile = .whisperCpp
            $0.apiKey = nil
        }
        for other in [path.value, "/inference"] {
            path.change { $0 = other }
            _ = try await cloud.transcribe(marked(0..<1), options: TranscriptionOptions())
        }
        #expect(server.requests.last?.path == "/inference")
    }

    /// Who says what it is is not asked, nor is a service that costs something by each request.
    @Test func whatTheSettingsSayIsNotAsked() async throws {
        let asked = Guarded(0)
        let server = try FakeTranscriptionServer(models: { _ in
            asked.change { $0 += 1 }
            return Self.notFound
        }) { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let cloud = try engine(server) {
            $0.profile = .generic
            $0.apiKey = nil
        }
        await cloud.meet()
        #expect(asked.value == 0 && cloud.profile.name == .generic)
    }

    @Test func theWordsOfSpeachesCanBeDoneWithout() async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let cloud = try engine(server) {
            $0.profile = .speaches
            $0.wordTimestamps = false
        }
        _ = try await cloud.transcribe(marked(0..<1), options: TranscriptionOptions())
        #expect(server.requests.first?.partNames.contains("timestamp_granularities[]") == false)
    }

    /// A second costs whisper.cpp as much as half a minute, and four times that where it doubts what it hears.
    @Test func aCheckCostsLittleAndWaitsAsLongAsARequestMay() async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let cloud = try engine(server) {
            $0.profile = .whisperCpp
            $0.apiKey = nil
            $0.requestTimeout = nil
        }
        let report = try await cloud.check()
        #expect(report.works.contains("took a request"))
        let sample = try #require(server.requests.first)
        #expect(sample.field("language") == "en" && sample.field("temperature_inc") == "0")
        #expect(sample.field("audio_ctx").flatMap { Int($0) }.map { $0 < 1500 } == true)
        _ = try await cloud.transcribe(marked(0..<1), options: TranscriptionOptions())
        #expect(server.requests.last?.field("audio_ctx") == nil, "that is for the sample alone")
        #expect(cloud.patience(forSamples: 30 * SampleClock.rate) >= .seconds(150))
    }

    @Test func checkTellsTheKindAndTheModel() async throws {
        let guessed = try Self.whisperCpp(at: "/inference")
        let speaches = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer {
            guessed.stop()
            speaches.stop()
        }
        let works = try await engine(guessed) { $0.apiKey = nil }.check().works
        #expect(works.contains("server of whisper.cpp") && works.contains("/inference"), "\(works)")
        let notes = try await engine(speaches) { $0.profile = .speaches }.check().notes
        #expect(notes.contains { $0.contains("faster-whisper-large-v3") })
    }

    @Test func severalRequestsAtATimeAreASetting() throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { server.stop() }
        #expect(try engine(server) { $0.profile = .whisperCpp }.limits.maximumConcurrency == 1)
        let two = try engine(server) {
            $0.profile = .whisperCpp
            $0.maximumConcurrency = 2
        }
        #expect(two.limits.maximumConcurrency == 2)
    }
}
