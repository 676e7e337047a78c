import Synchronization
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
