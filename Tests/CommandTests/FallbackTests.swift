import Synchronization
import TestSupport
import Testing

/// What becomes of a recording whose engine fails, where another is named as its `fallback`.
@Suite(.serialized)
struct FallbackTests {
    private static func second(_ server: FakeTranscriptionServer) -> String {
        """
        fallback = "second"

        [engines.second]
        kind = "openai"
        base_url = "\(server.url)/v1"
        model = "another-model"
        """
    }

    private static func hears(_ number: Int, _ request: FakeTranscriptionServer.Request) -> Bool {
        MarkedAudio.hear(MarkedAudio.decode(file: request.audio) ?? []).contains { $0.number == number }
    }

    @Test func oneChunkThatFailsForGoodIsAnsweredByTheOther() async throws {
        let isWell = Mutex(false)
        let first = try FakeTranscriptionServer.hearing { request in
            Self.hears(24, request) && !isWell.withLock { $0 } ? .init(500, text: "out of order") : nil
        }
        let second = try FakeTranscriptionServer.hearing()
        defer {
            first.stop()
            second.stop()
        }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: first, engine: Self.second(second))
            try place.writeMarks(0..<60, to: "talk.wav")
            let ended = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(ended.status == 0, "\(ended.errors)")
            let transcript = try place.transcript("talk.json")
            #expect(transcript.marks == Array(0..<60))
            #expect(transcript.worstOffset() < 0.05)
            #expect(second.requests.count == 1)
            let others = transcript.chunks.filter { $0.engine != nil }
            #expect(others.map(\.engine) == ["second"] && others.map(\.model) == ["another-model"])
            #expect(transcript.engine == "fake")
            #expect(others.first.map { $0.start <= 24 && $0.end >= 24.8 } == true)
            #expect(others.first?.attempts == 3, "one, its repetition, and the fallback's")
            #expect(transcript.warnings.contains { $0.contains("engine second") && $0.contains("500") })

            // While the first is still out of order the second's answer is remembered as the second's …
            let again = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(again.status == 0, "\(again.errors)")
            #expect(second.requests.count == 1)
            #expect(try place.transcript("talk.json").chunks.allSatisfy(\.from_cache))

            // … and when it has recovered, it is asked.
            isWell.withLock { $0 = true }
            let before = first.requests.count
            _ = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(first.requests.count == before + 1)
            let recovered = try place.transcript("talk.json")
            #expect(recovered.chunks.allSatisfy { $0.engine == nil } && recovered.warnings.isEmpty)
            #expect(recovered.marks == Array(0..<60))
        }
    }

    @Test(arguments: [401, 0]) func anEngineThatCannotBeUsedIsNotAskedForEachChunk(_ status: Int) async throws {
        let first = try FakeTranscriptionServer { _ in .init(status, text: "no") }
        if status == 0 { first.stop() }
        let second = try FakeTranscriptionServer.hearing()
        defer {
            first.stop()
            second.stop()
        }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: first, concurrency: 2, engine: Self.second(second))
            try place.writeMarks(0..<100, to: "talk.wav")
            let ended = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(ended.status == 0, "\(ended.errors)")
            let transcript = try place.transcript("talk.json")
            #expect(transcript.marks == Array(0..<100))
            #expect(transcript.engine == "second" && transcript.model == "another-model")
            #expect(transcript.chunks.allSatisfy { $0.engine == nil }, "as the whole")
            #expect(second.requests.count == transcript.chunks.count)
            #expect(first.requests.count <= 2, "those under way when the first refusal came")
            #expect(transcript.warnings.count == 1, "\(transcript.warnings)")
        }
    }

    /// Ten minutes are longer than the fallback takes for everything.
    @Test(arguments: [1, 4]) func aLongPauseIsNotWaitedFor(_ concurrency: Int) async throws {
        let first = try FakeTranscriptionServer { _ in .init(429, headers: [("Retry-After", "600")], text: "later") }
        let second = try FakeTranscriptionServer.hearing()
        defer {
            first.stop()
            second.stop()
        }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: first, concurrency: concurrency, engine: Self.second(second))
            try place.writeMarks(0..<100, to: "talk.wav")
            let ended = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(ended.status == 0, "\(ended.errors)")
            let transcript = try place.transcript("talk.json")
            #expect(transcript.marks == Array(0..<100))
            #expect(second.requests.count == transcript.chunks.count)
            #expect(first.requests.count <= concurrency, "those under way when it was said")
            #expect(transcript.warnings.contains { $0.contains("asks for a pause of 600 s") })
        }
    }

    @Test func whenBothFailTheGapTellsOfBoth() async throws {
        let first = try FakeTranscriptionServer.hearing { Self.hears(24, $0) ? .init(500, text: "broken") : nil }
        let second = try FakeTranscriptionServer { _ in .init(401, text: "wrong key") }
        defer {
            first.stop()
            second.stop()
        }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: first, engine: Self.second(second))
            try place.writeMarks(0..<60, to: "talk.wav")
            let ended = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(ended.status == 75, "the other chunks are not lost for the fallback's wrong key")
            let gap = try #require(try place.transcript("talk.json").gaps.first)
            #expect(gap.reason.contains("broken") && gap.reason.contains("wrong key"))
        }
    }

    @Test func whenBothAreAwayTheRunEndsAndNamesBoth() async throws {
        let servers = try (0..<2).map { _ in try FakeTranscriptionServer { _ in .init() } }
        for server in servers { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: servers[0], engine: Self.second(servers[1]))
            try place.writeMarks(0..<30, to: "talk.wav")
            let ended = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(ended.status == 69)
            #expect(ended.errors.contains("[engines.fake]") && ended.errors.contains("[engines.second]"))
            #expect(!place.exists("talk.txt"))
        }
    }

    @Test func theFallbackGetsChunksOfTheLengthItTakes() async throws {
        let first = try FakeTranscriptionServer { _ in .init(401, text: "no") }
        let second = try FakeTranscriptionServer.hearing()
        defer {
            first.stop()
            second.stop()
        }
        try await withTemporaryDirectory { folder in
            let sections = Self.second(second) + "\nchunk_max_seconds = 5"
            let place = try Workplace(folder, server: first, engine: sections)
            try place.writeMarks(0..<40, to: "talk.wav")
            let ended = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.transcript("talk.json").marks == Array(0..<40))
            let longest = second.requests.compactMap { MarkedAudio.decode(file: $0.audio)?.count }.max()
            #expect(longest.map { $0 <= 5 * 16_000 } == true)
        }
    }

    @Test(arguments: [
        ("second", "fake", "leads in a circle"), ("fake", "", "leads in a circle"),
        ("thrid", "", "there is no [engines.thrid]"),
    ]) func circlesAndUnknownEnginesAreConfigurationFaults(_ first: String, _ second: String, _ words: String)
        async throws
    {
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder,
                """
                [engines.fake]
                kind = "openai"
                base_url = "http://127.0.0.1:1"
                fallback = "\(first)"

                [engines.second]
                kind = "command"
                command = ["true"]
                fallback = "\(second)"
                """)
            let ended = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(ended.status == 78)
            #expect(ended.errors.contains("line 7: engines.fake.fallback: \(words)"), "\(ended.errors)")
        }
    }
}
