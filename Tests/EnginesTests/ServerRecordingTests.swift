import Engines
import Synchronization
import SystemSupport
import TestSupport
import Testing
import Transcription

/// Cases that show in the transcript of a whole recording.
@Suite(.timeLimit(.minutes(20))) struct ServerRecordingTests {
    private static func verbose(_ segments: (Double, Double, String)..., language: String = "en") -> String {
        let list = segments.map { #"{"start":\#($0.0),"end":\#($0.1),"text":"\#($0.2)"}"# }.joined(separator: ",")
        return #"{"language":"\#(language)","text":"x","segments":[\#(list)]}"#
    }

    @Test func anOutageInTheMiddleLosesNothing() async throws {
        let server = try FakeTranscriptionServer { request in
            (2..<24).contains(request.number)
                ? .init(502, text: "bad gateway") : FakeTranscriptionServer.heard(in: request)
        }
        defer { server.stop() }
        let transcript = try await ServerWay(chunks: markedChunks(12)).run(try engine(server))
        #expect(transcript.texts == (0..<24).map { "m\($0)" })
        #expect(!transcript.isPartial)
    }

    @Test func case49_outOfOrderAndOneFailsForGood() async throws {
        let gate = FakeTranscriptionServer.Gate()
        let server = try FakeTranscriptionServer { request in
            if request.fileName == "chunk-2.flac" { return .init(415, text: #"{"detail":"bad"}"#) }
            if request.fileName == "chunk-2.wav" { return .init(415, text: #"{"detail":"bad"}"#) }
            var response = FakeTranscriptionServer.heard(in: request)
            if request.fileName == "chunk-0.flac" { response.gate = gate }
            if request.fileName == "chunk-4.flac" { gate.open() }
            return response
        }
        defer { server.stop() }
        let transcript = try await ServerWay(chunks: markedChunks(5)).run(try engine(server))
        #expect(transcript.texts == [0, 1, 2, 3, 6, 7, 8, 9].map { "m\($0)" })
        #expect(transcript.gaps.map(\.range) == [SampleRange(64_000, 96_000)])
        for segment in transcript.segments {
            let number = Int64(segment.text.dropFirst()) ?? -1
            #expect(abs(segment.range.start - number * 16_000) <= 64)
        }
    }

    // MARK: 50

    @Test func case50_anEchoOfThePromptIsAskedForAgainWithoutIt() async throws {
        let server = try FakeTranscriptionServer { request in
            request.field("prompt") == nil
                ? FakeTranscriptionServer.heard(in: request)
                : .init(text: Self.verbose((0, 2, "Petrov, Ivanova.")))
        }
        defer { server.stop() }
        let way = ServerWay(chunks: markedChunks(2), concurrency: 1)
        let transcript = try await way.run(try engine(server) { $0.prompt = "Names: Petrov, Ivanova. Kiosk." })
        #expect(transcript.texts == ["m0", "m1", "m2", "m3"])
        #expect(server.requests.map { $0.field("prompt") != nil } == [true, false, true, false])
        #expect(transcript.chunks.map(\.attempts) == [2, 2])
    }

    @Test func case50_wordsOfThePromptThatWereSpokenStayAsItSpellsThem() async throws {
        let server = try FakeTranscriptionServer { request in
            .init(text: Self.verbose((0, 2, request.field("prompt") == nil ? "petrov ivanova" : "Petrov, Ivanova.")))
        }
        defer { server.stop() }
        let way = ServerWay(chunks: markedChunks(1), concurrency: 1)
        let transcript = try await way.run(try engine(server) { $0.prompt = "Names: Petrov, Ivanova. Kiosk." })
        #expect(transcript.texts == ["Petrov, Ivanova."])
    }

    @Test func case50_aLoopIsAskedForAgainWithoutTheEnginesOwnPrompt() async throws {
        let loop = Array(repeating: "I think that we should go.", count: 12).joined(separator: " ")
        let server = try FakeTranscriptionServer { request in
            request.number == 0
                ? .init(text: Self.verbose((0, 8, loop))) : FakeTranscriptionServer.heard(in: request)
        }
        defer { server.stop() }
        let transcript = try await ServerWay(chunks: markedChunks(1, seconds: 8), concurrency: 1)
            .run(try engine(server) { $0.prompt = "Names" })
        #expect(transcript.texts == (0..<8).map { "m\($0)" })
        #expect(server.requests.map { $0.field("prompt") } == ["Names", nil, nil])
    }

    @Test(arguments: [true, false]) func case50_thanksOverSilenceGoAndSpokenOnesStay(isSpoken: Bool) async throws {
        let server = try FakeTranscriptionServer { _ in
            .init(text: Self.verbose((0, 2, "We begin."), (3, 5, "Thank you for watching!")))
        }
        defer { server.stop() }
        let speech = [SampleRange(0, 32_000)] + (isSpoken ? [SampleRange(50_000, 78_000)] : [])
        let piece = placed(MarkedAudio.samples(seconds: 0..<5, silent: [3, 4]), at: 0, index: 0, speech: speech)
        let transcript = try await ServerWay(chunks: [piece]).run(try engine(server))
        #expect(transcript.texts == (isSpoken ? ["We begin.", "Thank you for watching!"] : ["We begin."]))
    }

    // MARK: Seams

    @Test func case51_anEmptyChunkTakesNothingFromItsNeighbours() async throws {
        let server = try FakeTranscriptionServer.hearing { request in
            request.fileName == "chunk-1.flac" ? .init(text: #"{"text":"","segments":[]}"#) : nil
        }
        defer { server.stop() }
        let transcript = try await ServerWay(chunks: markedChunks(3)).run(try engine(server))
        #expect(transcript.texts == ["m0", "m1", "m4", "m5"])
        #expect(!transcript.isPartial)
    }

    @Test func case52_aRealRepetitionAtASilentCutIsKept() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        let chunks = [
            placed(MarkedAudio.samples(seconds: 7..<10), at: 0, index: 0),
            placed(MarkedAudio.samples(seconds: 9..<12), at: 3, index: 1),
        ]
        let transcript = try await ServerWay(chunks: chunks).run(try engine(server))
        #expect(transcript.texts == ["m7", "m8", "m9", "m9", "m10", "m11"])
    }

    @Test func case53_aForcedCutInsideAWordGivesOneCopy() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        let samples = MarkedAudio.samples(seconds: 0..<20)
        // Cut in the middle of mark 10, with two seconds of overlap on both sides.
        let cut = 166_400
        func piece(_ index: Int, _ range: Range<Int>, owned: Range<Int>) -> Chunk {
            let part = Array(samples[range])
            return Chunk(
                index: index, range: SampleRange(Int64(range.lowerBound), Int64(range.upperBound)),
                owned: SampleRange(Int64(owned.lowerBound), Int64(owned.upperBound)),
                hash: part.withUnsafeBytes { SHA256.digest(of: $0) }, speech: [SampleRange(0, Int64(part.count))],
                audio: ChunkAudio(part))
        }
        let chunks = [
            piece(0, 0..<cut + 32_000, owned: 0..<cut), piece(1, cut - 32_000..<320_000, owned: cut..<320_000),
        ]
        let transcript = try await ServerWay(chunks: chunks).run(try engine(server))
        #expect(transcript.texts == (0..<20).map { "m\($0)" })
    }

    @Test func case54_aChunkInAnotherLanguageStaysAsItIs() async throws {
        let server = try FakeTranscriptionServer { request in
            let isRussian = request.fileName == "chunk-2.flac"
            return .init(
                text: Self.verbose(
                    (0, 2, isRussian ? "нет, подождите" : "go on"), language: isRussian ? "russian" : "english"))
        }
        defer { server.stop() }
        let transcript = try await ServerWay(chunks: markedChunks(4)).run(try engine(server))
        #expect(transcript.language == "en")
        #expect(transcript.chunks.map(\.language) == ["en", "en", "ru", "en"])
        #expect(transcript.texts == ["go on", "go on", "нет, подождите", "go on"])
        #expect(server.requests.allSatisfy { $0.field("language") == nil })
    }

    @Test func case55_aStormOfRefusalsLeavesOneInFlight() async throws {
        let gate = FakeTranscriptionServer.Gate()
        let server = try FakeTranscriptionServer.hearing { request in
            request.number < 24 ? .init(429, headers: [("Retry-After", "3")], text: "", gate: gate) : nil
        }
        defer { server.stop() }
        let way = ServerWay(chunks: markedChunks(16, seconds: 1), concurrency: 8)
        let cloud = try engine(server)
        async let running = way.run(cloud)
        await server.arrived(4)
        gate.open()
        let transcript = try await running
        #expect(transcript.texts == (0..<16).map { "m\($0)" })
        let seen = server.requests.sorted { $0.number < $1.number }.map(\.inFlight)
        #expect(seen.max() == 4, "at first as many as are taken to be credentialStatus")
        #expect(seen[12..<24].allSatisfy { $0 == 1 }, "then one at a time: \(seen)")
    }

    // MARK: What counts, and what is known of a key

    @Test func everyFormOfARequestCountsForTheRate() async throws {
        let server = try FakeTranscriptionServer.hearing { request in
            request.fileType == "audio/wav" ? nil : .init(415, text: #"{"detail":"flac?"}"#)
        }
        defer { server.stop() }
        let way = ServerWay(chunks: markedChunks(1), requestsPerMinute: 1)
        let cloud = try engine(server)
        try await withThrowingTaskGroup(of: Transcript.self) { group in
            group.addTask { try await way.run(cloud) }
            try await eventually("the first form") { server.requests.count == 1 }
            await way.clock.sleepers(atLeast: 1)
            way.clock.advance(by: .seconds(59))
            await way.clock.sleepers(atLeast: 1)
            #expect(server.requests.count == 1)
            try await eventually("the second form") {
                way.clock.advance(by: .seconds(1))
                return server.requests.count == 2
            }
            #expect(way.clock.now.offset >= .seconds(60))
            let transcript = try await group.next()
            #expect(transcript?.texts == ["m0", "m1"])
            #expect(transcript?.chunks.map(\.attempts) == [2])
        }
    }

    @Test func whereTheServerSaysNothingIsLeftTheNextWaitsForTheReset() async throws {
        let server = try FakeTranscriptionServer { request in
            var response = FakeTranscriptionServer.heard(in: request)
            if request.number == 1 {
                response.headers += [
                    ("x-ratelimit-limit-requests", "2"), ("x-ratelimit-remaining-requests", "0"),
                    ("x-ratelimit-reset-requests", "1m2.5s"),
                ]
            }
            return response
        }
        defer { server.stop() }
        let way = ServerWay(chunks: markedChunks(4), concurrency: 1)
        let cloud = try engine(server)
        try await withThrowingTaskGroup(of: Transcript.self) { group in
            group.addTask { try await way.run(cloud) }
            try await eventually("two requests") { server.requests.count == 2 }
            await way.clock.sleepers(atLeast: 1)
            way.clock.advance(by: .seconds(62))
            await way.clock.sleepers(atLeast: 1)
            #expect(server.requests.count == 2)
            try await eventually("the others") {
                way.clock.advance(by: .milliseconds(600))
                return server.requests.count == 4
            }
            let transcript = try await group.next()
            #expect(transcript?.texts == (0..<8).map { "m\($0)" })
        }
        #expect(try await cloud.check().works.contains("2 requests by the server's count, 0 left"))
    }

    /// A key that is refused in so many words is not shown a second time, and no audio is sent.
    @Test func aKeyThatTheListOfModelsCallsInvalidIsShownNoMore() async throws {
        let server = try FakeTranscriptionServer(models: { _ in
            .init(401, text: #"{"error":{"message":"Incorrect API key","code":"invalid_api_key"}}"#)
        }) { _ in .init(401, text: "{}") }
        defer { server.stop() }
        let way = ServerWay(chunks: markedChunks(12), concurrency: 8, firstAlone: .seconds(60))
        let cloud = try engine(server)
        let error = await transcriptionError { try await way.run(cloud) }
        #expect(error?.remedy == .giveUpRecording && error?.message.contains("api_key_file") == true)
        #expect(server.requests.isEmpty && server.questions.count == 1)
    }

    /// However long a server takes to refuse, where its list of models makes the key doubtful.
    @Test(arguments: [401, 403]) func aDoubtfulKeyIsShownWithOneChunk(_ status: Int) async throws {
        let gate = FakeTranscriptionServer.Gate()
        let server = try FakeTranscriptionServer(models: { _ in .init(status, text: "{}") }) { _ in
            .init(401, text: "{}", gate: gate)
        }
        defer { server.stop() }
        let way = ServerWay(chunks: markedChunks(12), concurrency: 8, firstAlone: .seconds(60))
        let cloud = try engine(server)
        await withTaskGroup(of: TranscriptionError?.self) { group in
            group.addTask { await transcriptionError { try await way.run(cloud) } }
            await server.arrived(1)
            await way.clock.sleepers(atLeast: 7)
            way.clock.advance(by: .seconds(30))
            await way.clock.sleepers(atLeast: 7)
            gate.open()
            let error = await group.next() ?? nil
            #expect(error?.remedy == .giveUpRecording)
        }
        #expect(server.requests.count == 1)
        // The next recording finds out with one request, too, and asks for no list.
        #expect(await transcriptionError { try await way.run(cloud) }?.remedy == .giveUpRecording)
        #expect(server.requests.count == 2 && server.questions.count == 1)
    }

    /// A valid key may still not be one for transcriptions: however the list of models is answered, the others wait for the
    /// first answer, but not for long where none comes.
    @Test(arguments: [(Models.forKeysOnly, 5), (.forAll, 10), (.none, 10)])
    func theOthersWaitForTheFirstToBeRefusedButNotForItsTranscript(_ models: Models, _ seconds: Int) async throws {
        let gate = FakeTranscriptionServer.Gate()
        let server = try FakeTranscriptionServer(models: models.answer) { request in
            var response = FakeTranscriptionServer.heard(in: request)
            response.gate = gate
            return response
        }
        defer { server.stop() }
        let way = ServerWay(chunks: markedChunks(6), firstAlone: .seconds(60))
        let cloud = try engine(server)
        try await withThrowingTaskGroup(of: Transcript.self) { group in
            group.addTask { try await way.run(cloud) }
            try await eventually("the first") { server.requests.count == 1 }
            await way.clock.sleepers(atLeast: 3)
            way.clock.advance(by: .seconds(seconds) - .milliseconds(1))
            await way.clock.sleepers(atLeast: 3)
            #expect(server.requests.count == 1)
            try await eventually("the others") {
                way.clock.advance(by: .milliseconds(50))
                return server.requests.count == 4
            }
            #expect(way.clock.now.offset < .seconds(seconds + 20))
            gate.open()
            #expect(try await group.next()?.texts.count == 12)
        }
        #expect(server.questions.map { $0.headers["authorization"] != nil } == models.questions)
    }

    /// What a server says to who asks for its models.
    enum Models {
        case forKeysOnly, forAll, none

        @Sendable func answer(_ request: FakeTranscriptionServer.Request) -> FakeTranscriptionServer.Response {
            switch self {
            case .forKeysOnly where request.headers["authorization"] == nil: .init(401, text: "{}")
            case .forKeysOnly, .forAll: .init(text: #"{"object":"list","data":[{"id":"whisper-1"}]}"#)
            case .none: .init(404, text: "{}")
            }
        }

        /// Whether each question is to be asked with the key.
        var questions: [Bool] { self == .none ? [true] : [true, false] }
    }

    /// OpenAI's restricted keys may list models and not transcribe.
    @Test(arguments: [Models.forKeysOnly, .forAll, .none])
    func aKeyThatMayNotTranscribeIsShownWithOneChunk(_ models: Models) async throws {
        let gate = FakeTranscriptionServer.Gate()
        let server = try FakeTranscriptionServer(models: models.answer) { _ in
            .init(401, text: #"{"error":{"message":"You have insufficient permissions","code":null}}"#, gate: gate)
        }
        defer { server.stop() }
        let way = ServerWay(chunks: markedChunks(12), concurrency: 8, firstAlone: .seconds(60))
        let cloud = try engine(server)
        await withTaskGroup(of: TranscriptionError?.self) { group in
            group.addTask { await transcriptionError { try await way.run(cloud) } }
            await server.arrived(1)
            await way.clock.sleepers(atLeast: 7)
            way.clock.advance(by: .seconds(4))
            await way.clock.sleepers(atLeast: 7)
            gate.open()
            let error = await group.next() ?? nil
            #expect(error?.remedy == .giveUpRecording)
        }
        #expect(server.requests.count == 1)
    }

    /// What a healthy run pays is the time of one chunk, once.
    @Test func theFirstTranscriptLetsAllGo() async throws {
        let gate = FakeTranscriptionServer.Gate()
        let server = try FakeTranscriptionServer(models: Models.forKeysOnly.answer) { request in
            var response = FakeTranscriptionServer.heard(in: request)
            if request.number > 0 { response.gate = gate }
            return response
        }
        defer { server.stop() }
        let way = ServerWay(chunks: markedChunks(6), firstAlone: .seconds(60))
        let cloud = try engine(server)
        try await withThrowingTaskGroup(of: Transcript.self) { group in
            group.addTask { try await way.run(cloud) }
            await server.arrived(5)
            #expect(way.clock.now.offset == .zero)
            gate.open()
            _ = try await group.next()
        }
    }

    @Test func aServerWithoutAKeyIsAskedForNothing() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        let way = ServerWay(chunks: markedChunks(1), firstAlone: .seconds(60))
        #expect(try await way.run(try engine(server) { $0.apiKey = nil }).texts == ["m0", "m1"])
        #expect(server.questions.allSatisfy { $0.headers["authorization"] == nil } && server.questions.count <= 1)
    }
}
