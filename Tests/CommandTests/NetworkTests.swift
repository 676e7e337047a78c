import Glibc
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// The way from the program to a server, as an administrator sets it up.
@Suite(.serialized)
struct NetworkTests {
    @Test func aProxyOfTheEnvironmentIsUsedButNotForThisMachine() async throws {
        let proxy = try FakeTranscriptionServer.hearing()
        let local = try FakeTranscriptionServer.hearing()
        defer {
            proxy.stop()
            local.stop()
        }
        try await withTemporaryDirectory { folder in
            let other = """
                [engines.far]
                kind = "openai"
                base_url = "http://transcription.invalid/v1"
                """
            let place = try Workplace(folder, server: local, engine: "\n" + other)
            try place.writeMarks(0..<5, to: "talk.wav")
            let environment = ["http_proxy": proxy.url, "https_proxy": proxy.url]
            let near = try await place.run("transcribe", "--engine", "fake", "talk.wav", environment: environment)
            #expect(near.status == 0, "\(near.errors)")
            #expect(local.requests.count == 1 && proxy.connectionCount == 0)

            let far = try await place.run("transcribe", "--engine", "far", "talk.wav", environment: environment)
            #expect(far.status == 0, "\(far.errors)")
            #expect(proxy.requests.map(\.path) == ["http://transcription.invalid/v1/audio/transcriptions"])

            let excepted = try await place.run(
                "transcribe", "--engine", "far", "--no-cache", "talk.wav",
                environment: environment.merging(["no_proxy": ".invalid"]) { $1 })
            #expect(excepted.status == 69, "the name does not exist")
            #expect(proxy.requests.count == 1)
        }
    }

    @Test func case37_aModelThatIsLoadingIsWaitedFor() async throws {
        let server = try FakeTranscriptionServer.hearing { request in
            guard request.number < 8 else { return nil }
            return .init(
                503, headers: [("Retry-After-Ms", "100")],
                text: #"{"error":{"code":"model_loading","message":"loading"},"loading":{"progress":3}}"#)
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, concurrency: 1, retries: 0)
            try place.writeMarks(0..<5, to: "talk.wav")
            let ended = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(ended.status == 0, "\(ended.errors)")
            let transcript = try place.transcript("talk.json")
            #expect(transcript.marks == Array(0..<5))
            #expect(transcript.chunks.map(\.attempts) == [9])
        }
    }

    @Test func aKeyThatCannotBeReadKeepsNothingElseFromBeingChecked() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder, server: server,
                engine: """
                    [engines.locked]
                    kind = "openai"
                    base_url = "\(server.url)/v1"
                    api_key_file = "\(folder)/nowhere"

                    [engines.open]
                    kind = "openai"
                    base_url = "\(server.url)/v1"
                    api_key_file = "\(folder)/key"
                    """)
            try TestAudioFile.write(Array("sk-0123456789".utf8), to: folder.appending("key"))
            #expect(folder.appending("key").withPlatformString { chmod($0, 0o644) } == 0)
            let check = try await place.run("check")
            #expect(check.lines.contains { $0.contains("engine locked: ") && $0.contains("nowhere cannot be read") })
            #expect(check.lines.contains { $0.hasPrefix("ok    engine open: ") })
            #expect(check.lines.contains { $0.hasPrefix("note  engine open: ") && $0.contains("by every user") })
            // Other commands do what needs no key; the engine itself refuses.
            #expect(try await place.run("status").status == 69, "no service runs")
            try place.writeMarks(0..<2, to: "talk.wav")
            let refused = try await place.run("transcribe", "--engine", "locked", "talk.wav")
            #expect(refused.status == 78 && refused.errors.contains("nowhere cannot be read"))
            #expect(try await place.run("transcribe", "--engine", "open", "talk.wav").status == 0)
        }
    }

    @Test func checkTellsTheLimits() async throws {
        let server = try FakeTranscriptionServer(models: { _ in .init(text: #"{"data":[{"id":"other"}]}"#) }) {
            _ in
            .init(
                headers: [
                    ("x-ratelimit-limit-requests", "500"), ("x-ratelimit-remaining-requests", "499"),
                    ("x-ratelimit-reset-requests", "120ms"),
                ], text: #"{"text":"","segments":[]}"#)
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let more = """
                profile = "vllm"
                api_key = "sk-4711"
                api_rate_limit_per_minute = 20
                audio_seconds_per_hour = 7200
                prompt = "Names"
                """
            let place = try Workplace(folder, server: server, engine: more)
            let check = try await place.run("check")
            let line = try #require(check.lines.first { $0.contains("engine fake: ") })
            #expect(!line.contains("verbose_json"), "no text was given")
            for part in [
                "with its key", "model whisper-1", "FLAC", "Its list of models does not name whisper-1",
                "25 MB a request (profile vllm)", "12 s of audio a request",
                "500 requests by the server's count, 499 left",
                "No more are sent than 20 requests a minute and 7200 s of audio an hour",
                "must be told the language", "Without effect with this server and model: prompt",
            ] { #expect(line.contains(part), "\(part) in \(line)") }
            #expect(!line.contains("4711"))
        }
    }

    @Test func textWithoutTimesIsMarkedInTheSidecars() async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: #"{"text":"Hello \u001b[31mthere."}"#) }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, engine: "model = \"gpt-4o-mini-transcribe\"")
            try place.writeMarks(0..<5, to: "talk.wav")
            let check = try await place.run("check")
            #expect(check.lines.contains { $0.hasPrefix("ok    engine fake: ") && $0.contains("without times") })
            let ended = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(ended.status == 0, "\(ended.errors)")
            let json = try place.text("talk.json")
            #expect(json.contains(#""timing": "estimated""#) || json.contains(#""timing":"estimated""#))
            #expect(try place.transcript("talk.json").warnings.contains { $0.contains("they are estimated") })
            #expect(try place.text("talk.txt") == "Hello there.\n")
            #expect(!json.contains("u001b"))
            #expect(server.requests.allSatisfy { $0.field("response_format") == "json" })
        }
    }
}
