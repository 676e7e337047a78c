import Engines
import TestSupport
import Testing
import Transcription

/// Other forms of a request where a server refuses one, and what is remembered of that.
@Suite struct RequestAdaptationTests {
    private static let ok = #"{"text":"ok","segments":[{"start":0,"end":1,"text":"ok"}]}"#

    @Test func case27_simplerFormatIsRemembered() async throws {
        let server = try FakeTranscriptionServer { request in
            guard request.field("response_format") == "verbose_json" else { return .init(text: #"{"text":"Hello."}"#) }
            return .init(
                400,
                text:
                    #"{"error":{"message":"response_format 'verbose_json' is not compatible","type":"invalid_request_error","param":"response_format","code":"unsupported_value"}}"#
            )
        }
        defer { server.stop() }
        let cloud = try engine(server)
        for _ in 0..<2 {
            let heard = try await cloud.transcribe(marked(0..<1), options: TranscriptionOptions())
            #expect(heard.timesAreEstimated)
        }
        #expect(server.requests.map { $0.field("response_format") } == ["verbose_json", "json", "json"])
        #expect(try await cloud.check().works.contains("without times"))
    }

    @Test func case28_41_tooLongIsSplitAndRemembered() async throws {
        let server = try FakeTranscriptionServer { _ in
            .init(
                400,
                text:
                    #"{"error":{"message":"audio duration 5 seconds is longer than 3 seconds which is the maximum for this model"}}"#
            )
        }
        defer { server.stop() }
        let cloud = try engine(server)
        for _ in 0..<2 {
            let error = await transcriptionError {
                try await cloud.transcribe(marked(0..<5), options: TranscriptionOptions())
            }
            #expect(error?.remedy == .split(maximumSamples: 47_040))
        }
        #expect(server.requests.count == 1, "the second one is refused without a request")
        #expect(cloud.limits.maximumChunkSamples == 47_040)
    }

    @Test func case26_413WithoutALimitIsHalvedWithoutFurtherUploads() async throws {
        let server = try FakeTranscriptionServer { _ in .init(413, text: "<h1>413</h1>") }
        defer { server.stop() }
        let cloud = try engine(server)
        func remedy(_ seconds: Int) async -> TranscriptionError.Remedy? {
            await transcriptionError {
                try await cloud.transcribe(marked(0..<seconds), options: TranscriptionOptions())
            }?.remedy
        }
        #expect(await remedy(20) == .split(maximumSamples: nil))
        #expect(await remedy(20) == .split(maximumSamples: 160_000))
        #expect(server.requests.count == 1)
        #expect(await remedy(2) == .giveUpChunk, "what is refused at two seconds is not refused for its length")
    }

    @Test func case29_tooShortIsSilenceOnlyWhereNothingIsToBeHeard() async throws {
        let server = try FakeTranscriptionServer { _ in
            .init(
                400, text: #"{"error":{"message":"Audio file is too short.","code":"audio_too_short","param":"file"}}"#)
        }
        defer { server.stop() }
        let cloud = try engine(server)
        let silent = chunk([Int16](repeating: 3, count: 800), speech: [])
        #expect(try await cloud.transcribe(silent, options: TranscriptionOptions()).segments.isEmpty)
        let error = await transcriptionError {
            try await cloud.transcribe(marked(0..<1), options: TranscriptionOptions())
        }
        #expect(error?.remedy == .giveUpChunk)
    }

    @Test(arguments: [415, 400]) func case32_undecodableIsSentAsWAVAndRemembered(_ status: Int) async throws {
        let server = try FakeTranscriptionServer.hearing { request in
            request.fileType == "audio/wav"
                ? nil : .init(status, text: #"{"error":{"message":"Invalid file format. Supported formats: ['wav']"}}"#)
        }
        defer { server.stop() }
        let cloud = try engine(server)
        for second in 0..<2 {
            let heard = try await cloud.transcribe(marked(second..<second + 1), options: TranscriptionOptions())
            #expect(heard.segments.map(\.text) == ["m\(second)"])
        }
        #expect(server.requests.map(\.fileType) == ["audio/flac", "audio/wav", "audio/wav"])
    }

    @Test func case32_undecodableAnywayGivesUpTheChunkAndKeepsFLAC() async throws {
        let server = try FakeTranscriptionServer { _ in .init(415, text: #"{"detail":"bad audio"}"#) }
        defer { server.stop() }
        let cloud = try engine(server)
        for _ in 0..<2 {
            let error = await transcriptionError {
                try await cloud.transcribe(marked(0..<1), options: TranscriptionOptions())
            }
            #expect(error?.remedy == .giveUpChunk)
            #expect(error?.message.contains("bad audio") == true)
        }
        #expect(server.requests.map(\.fileType) == ["audio/flac", "audio/wav", "audio/flac", "audio/wav"])
    }

    @Test func case38_repeatedServerErrorDropsOptionalFields() async throws {
        let server = try FakeTranscriptionServer { request in
            request.field("prompt") == nil ? .init(text: Self.ok) : .init(500, text: "500 Internal Server Error\nstof")
        }
        defer { server.stop() }
        let cloud = try engine(server) { $0.prompt = "x" }
        let first = await transcriptionError {
            try await cloud.transcribe(marked(0..<1), options: TranscriptionOptions())
        }
        #expect(first?.remedy == .retry(after: nil), "once may be chance")
        for _ in 0..<2 { _ = try await cloud.transcribe(marked(0..<1), options: TranscriptionOptions()) }
        #expect(server.requests.map { $0.field("prompt") } == ["x", "x", nil, nil])
    }

    @Test func chunksOfTheGreatestLengthKeepTheBodyBelowTheServersLimit() throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let cloud = try engine(server) { $0.apiLimitBytes = 1 << 20 }
        let longest = try #require(cloud.limits.maximumChunkSamples)
        let samples = MarkedAudio.samples(seconds: 0..<Int(longest / 16_000) + 1)
        #expect(try FLACEncoder.encode(Array(samples.prefix(Int(longest)))).count < 1 << 20)
        #expect(longest > 28 * 16_000)
        #expect(cloud.limits.targetChunkSamples == nil)

        let plain = try engine(server) {
            $0.apiLimitBytes = 1 << 20
            $0.uploadCodec = .wav
        }
        let maximumPlain = try #require(plain.limits.maximumChunkSamples)
        #expect(WAVEncoder.encode(Array(samples.prefix(Int(maximumPlain)))).count < 1 << 20)
    }

    @Test func aBodyOverTheLimitIsNotSent() async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let cloud = try engine(server) {
            $0.apiLimitBytes = 100_000
            $0.uploadCodec = .wav
        }
        let error = await transcriptionError {
            try await cloud.transcribe(marked(0..<5), options: TranscriptionOptions())
        }
        guard case .split(let samples?) = error?.remedy else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(samples * 2 < 100_000)
        #expect(server.requests.isEmpty)
    }
}
