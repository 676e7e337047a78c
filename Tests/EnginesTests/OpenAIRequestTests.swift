import Engines
import TestSupport
import Testing
import Transcription

/// What goes out: fields, keys, addresses, what is asked of which model.
@Suite struct OpenAIRequestTests {
    private static let ok = #"{"text":"ok","segments":[{"start":0,"end":1,"text":"ok"}]}"#

    @Test func aChunkComesBackAsSegmentsWithExactTimes() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        let transcript = try await engine(server).transcribe(marked(17..<22), options: TranscriptionOptions())
        #expect(transcript.segments.map(\.text) == ["m17", "m18", "m19", "m20", "m21"])
        #expect(transcript.language == "en")
        for (index, segment) in transcript.segments.enumerated() {
            #expect(abs(segment.range.start - Int64(index) * 16_000) <= 64)
        }
    }

    @Test func theSmallestPortableRequest() async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let samples = marked(3..<5)
        _ = try await engine(server).transcribe(samples, options: TranscriptionOptions(language: "ru"))
        let request = try #require(server.requests.first)
        #expect(request.method == "POST" && request.path == "/v1/audio/transcriptions")
        #expect(request.partNames == ["model", "response_format", "language", "file"])
        #expect(request.field("model") == "whisper-1" && request.field("language") == "ru")
        #expect(request.field("response_format") == "verbose_json")
        #expect(request.fileName == "chunk-0.flac" && request.fileType == "audio/flac")
        #expect(request.headers["authorization"] == "Bearer sk-test-0123456789abcdef")
        #expect(request.headers["expect"] == nil && request.headers["transfer-encoding"] == nil)
        #expect(try MarkedAudio.decode(file: request.audio) == samples.audio.samples())
    }

    @Test func whatTheUserAsksForIsAdded() async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let cloud = try engine(server) {
            $0.wordTimestamps = true
            $0.prompt = "Ёлка"
            $0.temperature = 0.2
            $0.uploadCodec = .wav
        }
        _ = try await cloud.transcribe(marked(0..<1), options: TranscriptionOptions())
        let request = try #require(server.requests.first)
        #expect(
            request.partNames == [
                "model", "response_format", "prompt", "temperature", "timestamp_granularities[]",
                "timestamp_granularities[]", "file",
            ])
        #expect(request.field("prompt") == "Ёлка")
        #expect(request.fields.map(\.value).suffix(2) == ["word", "segment"])
        #expect(request.audio.count == 44 + 32_000 && request.audio.starts(with: Array("RIFF".utf8)))
    }

    @Test func azureTakesItsOwnHeaderAndNoModel() async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let azure = try engine(server) {
            $0.baseURLs = [server.url + "/openai/deployments/w/audio/transcriptions?api-version=2024-06-01"]
        }
        #expect(azure.profile.name == .azure && azure.profile.requestsPerMinute == 3)
        _ = try await azure.transcribe(marked(0..<1), options: TranscriptionOptions())
        let request = try #require(server.requests.first)
        #expect(request.path == "/openai/deployments/w/audio/transcriptions?api-version=2024-06-01")
        #expect(request.headers["api-key"] == "sk-test-0123456789abcdef" && request.headers["authorization"] == nil)
        #expect(request.field("model") == nil)
    }

    /// Azure's interface in the manner of OpenAI names the deployment in the field.
    @Test func azureWithoutADeploymentInItsAddressIsSentTheModel() async throws {
        #expect(
            EndpointURL.endpoint(base: "https://x.openai.azure.com", path: "/audio/transcriptions")
                == "https://x.openai.azure.com/openai/v1/audio/transcriptions")
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let azure = try engine(server) {
            $0.baseURLs = [server.url + "/openai/v1"]
            $0.profile = .azure
        }
        _ = try await azure.transcribe(marked(0..<1), options: TranscriptionOptions())
        let request = try #require(server.requests.first)
        #expect(request.path == "/openai/v1/audio/transcriptions" && request.field("model") == "whisper-1")
        #expect(request.headers["api-key"] != nil)
    }

    @Test func whisperCppIsSentWAVAutoAndNoKeyOfItsOwnAccord() async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let local = try engine(server) {
            $0.profile = .whisperCpp
            $0.apiKey = nil
        }
        _ = try await local.transcribe(marked(0..<1), options: TranscriptionOptions())
        let request = try #require(server.requests.first)
        #expect(request.path == "/inference" && request.fileType == "audio/wav")
        #expect(request.field("language") == "auto" && request.headers["authorization"] == nil)
        #expect(local.limits.maximumConcurrency == 1)
    }

    @Test(arguments: [
        ([EngineProfile.OptionalField.prompt], ["model", "response_format", "language", "prompt", "file"]),
        ([.temperature], ["model", "response_format", "language", "temperature", "file"]),
        ([], ["model", "response_format", "language", "file"]),
    ])
    func onlyTheFieldsThatAreAllowedAreSent(_ fields: [EngineProfile.OptionalField], _ names: [String]) async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let cloud = try engine(server) {
            $0.profile = .vllm
            $0.optionalFields = Set(fields)
            $0.prompt = "Names"
            $0.temperature = 0
            $0.wordTimestamps = true
        }
        _ = try await cloud.transcribe(marked(0..<1), options: TranscriptionOptions(language: "de"))
        #expect(server.requests.first?.partNames == names)
    }

    /// The cache must not take one for the other.
    @Test func whatChangesTheTextIsPartOfTheIdentity() throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let plain = try engine(server).identity.settings
        func differs(_ change: (inout OpenAIEngineSettings) -> Void) throws -> Bool {
            try engine(server, change).identity.settings != plain
        }
        #expect(try differs { $0.profile = .groq })
        #expect(try differs { $0.languageRule = .auto })
        #expect(try differs { $0.prompt = "x" })
        #expect(try differs { $0.temperature = 0 })
        #expect(try differs { $0.wordTimestamps = true })
        #expect(try differs { $0.baseURLs = [server.url + "/openai/deployments/other/audio/transcriptions?k=1"] })
        #expect(try !differs { $0.uploadCodec = .wav }, "the same samples")
        #expect(try !differs { $0.apiKey = nil })
        #expect(try !differs { $0.chunkMaxSeconds = 7 }, "chunks are known by their samples")
        let secret = try engine(server) { $0.baseURLs = [server.url + "/v1?key=4711"] }.identity.settings
        #expect(!secret.joined().contains("4711"))
    }

    /// What was kept of whisper.cpp's tokens is not taken for words; what other servers said stays known.
    @Test func tokensThatWereKeptAreNotFoundAgain() throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { server.stop() }
        for name in EngineProfile.Name.allCases {
            let settings = try engine(server) { $0.profile = name }.identity.settings
            #expect(settings.contains("words=2") == (name == .whisperCpp), "\(name)")
        }
    }

    @Test func cloudRuMustBeToldTheLanguage() async throws {
        #expect(EngineProfile(named: .cloudRu, model: "openai/whisper-large-v3").languageRule == .mustSend)
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        let cloud = try engine(server) { $0.profile = .cloudRu }
        let way = ServerWay(chunks: markedChunks(4), firstAlone: .seconds(60))
        let error = await transcriptionError { try await way.run(cloud) }
        #expect(error?.remedy == .giveUpRecording && error?.message.contains("told the language") == true)
        #expect(server.requests.isEmpty && server.questions.isEmpty)
        let told = try await way.run(cloud, options: TranscriptionOptions(language: "ru"))
        #expect(told.texts.count == 8 && server.requests.allSatisfy { $0.field("language") == "ru" })
    }

    @Test func aServerThatMustBeToldTheLanguageSaysSo() async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let vllm = try engine(server) { $0.profile = .vllm }
        let error = await transcriptionError {
            try await vllm.transcribe(marked(0..<1), options: TranscriptionOptions())
        }
        #expect(error?.code == .configuration)
        #expect(server.requests.isEmpty)
    }

    @Test(
        arguments: [
            ("https://h", "https://h/v1/audio/transcriptions"), ("https://h/", "https://h/v1/audio/transcriptions"),
            ("https://h:8/v1", "https://h:8/v1/audio/transcriptions"),
            ("https://h/v1/", "https://h/v1/audio/transcriptions"),
            ("https://h/openai/v1", "https://h/openai/v1/audio/transcriptions"),
            ("http://h/v1/audio/transcriptions", "http://h/v1/audio/transcriptions"),
            ("http://h/v1/audio/transcriptions/", "http://h/v1/audio/transcriptions"),
            ("http://h:8080/inference", "http://h:8080/inference"),
            ("https://h/x/v1?key=1", "https://h/x/v1/audio/transcriptions?key=1"),
            ("ftp://h", nil), ("h/v1", nil), ("", nil), ("https://", nil), ("https://h/a b", nil),
        ] as [(String, String?)])
    func addresses(_ base: String, _ expected: String?) {
        #expect(EndpointURL.endpoint(base: base, path: "/audio/transcriptions") == expected)
    }

    @Test func checkSaysWhatWorks() async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let sentence = try await engine(server).check().works
        #expect(sentence.contains("cloud") && sentence.contains("whisper-1") && sentence.contains("verbose_json"))
    }

    @Test(arguments: [
        ("https://api.openai.com/v1", EngineProfile.Name.openai), ("https://api.groq.com/openai/v1", .groq),
        ("https://x.openai.azure.com/openai/deployments/w", .azure),
        ("https://foundation-models.api.cloud.ru/v1", .cloudRu), ("http://127.0.0.1:8080/inference", .whisperCpp),
        ("http://127.0.0.1:8000/v1", .generic),
    ])
    func profilesAreGuessed(_ url: String, _ name: EngineProfile.Name) {
        #expect(EngineProfile.guess(url: url) == name)
    }

    @Test(arguments: [
        ("gpt-4o-transcribe", ResponseFormat.json), ("gpt-4o-mini-transcribe-2025-12-15", .json),
        ("openai/gpt-4o-mini-transcribe", .json), ("gpt-transcribe", .json),
        ("gpt-4o-transcribe-diarize", .diarizedJSON), ("whisper-1", .verboseJSON),
    ])
    func modelsAreAskedForWhatTheyGive(_ model: String, _ format: ResponseFormat) throws {
        let profile = EngineProfile(named: .openai, model: model)
        #expect(profile.format == format)
        #expect(profile.maximumSeconds == (format == .verboseJSON ? nil : 300))
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let cloud = try engine(server) {
            $0.model = model
            $0.chunkMaxSeconds = 3600
            $0.apiLimitBytes = 1 << 30
        }
        let longest = try #require(cloud.limits.maximumChunkSamples)
        #expect(longest == (format == .verboseJSON ? 3600 : 1372) * 16_000, "they refuse more than 1400 s")
    }

    @Test func theDiarizingModelGivesTimes() async throws {
        let body = #"""
            {"task":"transcribe","duration":2,"text":"Hello. Yes?","segments":[
            {"type":"transcript.text.segment","id":"seg_0","start":0.1,"end":0.8,"text":" Hello.","speaker":"A"},
            {"type":"transcript.text.segment","id":"seg_1","start":1.0,"end":1.7,"text":" Yes?","speaker":"B"}]}
            """#
        let server = try FakeTranscriptionServer { _ in .init(text: body) }
        defer { server.stop() }
        let cloud = try engine(server) {
            $0.model = "gpt-4o-transcribe-diarize"
            $0.prompt = "names"
            $0.wordTimestamps = true
        }
        let heard = try await cloud.transcribe(marked(0..<2), options: TranscriptionOptions())
        #expect(heard.segments.map(\.range) == [SampleRange(1600, 12_800), SampleRange(16_000, 27_200)])
        #expect(!heard.timesAreEstimated && heard.warnings.isEmpty)
        let request = try #require(server.requests.first)
        #expect(request.partNames == ["model", "response_format", "chunking_strategy", "file"])
        #expect(request.field("response_format") == "diarized_json" && request.field("chunking_strategy") == "auto")
    }

    @Test func textWithoutTimesIsSaidBeforeAndAfter() async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: #"{"text":"Hello there."}"#) }
        defer { server.stop() }
        let cloud = try engine(server) { $0.model = "gpt-4o-transcribe" }
        #expect(try await cloud.check().works.contains("without times"))
        let heard = try await cloud.transcribe(marked(0..<2), options: TranscriptionOptions())
        #expect(heard.timesAreEstimated)
        #expect(heard.warnings == ["The engine gave text without times; they are estimated."])

        // A server that was asked for segments and gives none.
        let other = try engine(server)
        #expect(try await other.check().works.contains("without times"))
    }

    @Test(
        arguments: [
            (EngineProfile.Authorization?.none, "Bearer sk-test-0123456789abcdef", nil),
            (.apiKey, nil, "sk-test-0123456789abcdef"), (.some(.none), nil, nil),
        ] as [(EngineProfile.Authorization?, String?, String?)])
    func theKeyIsSentAsConfigured(
        _ authorization: EngineProfile.Authorization?, _ bearer: String?, _ apiKey: String?
    ) async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let cloud = try engine(server) { $0.authorization = authorization }
        _ = try await cloud.transcribe(marked(0..<1), options: TranscriptionOptions())
        let headers = try #require(server.requests.first?.headers)
        #expect(headers["authorization"] == bearer && headers["api-key"] == apiKey)
    }

    @Test func case33_groqStumblesOnce() async throws {
        let server = try FakeTranscriptionServer { _ in
            .init(422, text: #"{"error":{"message":"Unprocessable Entity","type":"invalid_request_error"}}"#)
        }
        defer { server.stop() }
        let groq = try engine(server) { $0.profile = .groq }
        func remedy(_ piece: Chunk) async -> TranscriptionError.Remedy? {
            await transcriptionError { try await groq.transcribe(piece, options: TranscriptionOptions()) }?.remedy
        }
        #expect(await remedy(marked(0..<1)) == .retry(after: nil))
        #expect(await remedy(marked(0..<1)) == .giveUpChunk)
        #expect(await remedy(marked(1..<2)) == .retry(after: nil), "another chunk has its own second chance")
        let other = try engine(server)
        let error = await transcriptionError { try await other.transcribe(marked(0..<1), options: .init()) }
        #expect(error?.remedy == .giveUpChunk, "other servers mean it")
    }

    @Test func case40_theServersWordOnRetryingCounts() async throws {
        let server = try FakeTranscriptionServer { request in
            request.number == 0
                ? .init(500, headers: [("x-should-retry", "false")], text: "{}")
                : .init(400, headers: [("X-Should-Retry", "true")], text: "{}")
        }
        defer { server.stop() }
        let cloud = try engine(server)
        var remedies: [TranscriptionError.Remedy?] = []
        for _ in 0..<2 {
            remedies.append(
                await transcriptionError { try await cloud.transcribe(marked(0..<1), options: .init()) }?.remedy)
        }
        #expect(remedies == [.giveUpChunk, .retry(after: nil)])
    }
}
