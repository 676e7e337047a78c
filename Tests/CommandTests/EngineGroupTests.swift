import Glibc
import ParlographCommands
import SystemPackage
import TestSupport
import Testing
import Transcription

/// Which engines of a configuration share the limits of the server behind them.
@Suite(.serialized) struct EngineGroupTests {
    private static func groups(_ engines: String...) throws -> [String: EngineGroup] {
        let text = engines.enumerated().map { "[engines.e\($0)]\nkind = \"openai\"\n\($1)\n" }.joined()
        let settings = try SettingsParser.parse(
            try ConfigurationText(parsing: "processing.max_concurrent_chunks = 8\n" + text, name: "test.toml"),
            environment: [:])
        return settings.engines.keys.reduce(into: [:]) { $0[$1] = settings.group(of: $1) }
    }

    @Test func thoseWithTheSameServerAndKeyAreOne() throws {
        let groups = try Self.groups(
            "base_url = \"https://Speech.example/v1\"\nmodel = \"a\"\napi_rate_limit_per_minute = 30",
            "base_url = \"https://speech.example:443/v1/audio/transcriptions\"\nmodel = \"b\"\napi_rate_limit_per_minute = 20",
            "base_url = \"https://speech.example:8443\"",
            "base_url = \"http://speech.example\"",
            "base_url = \"https://speech.example\"\napi_key = \"another account\"",
            "base_url = \"https://speech.example\"\nfallback = \"offline\"")
        #expect(groups["e0"] == groups["e1"])
        #expect(groups["e0"]?.names == ["e0", "e1"])
        #expect(groups["e0"]?.limits.requestsPerMinute == 20, "the stricter")
        for other in ["e2", "e3", "e4", "e5"] { #expect(groups[other]?.names == [other]) }
        #expect(groups["offline"] == nil)
    }

    @Test func addressesOfAPoolLeadFromOneToTheOther() throws {
        let groups = try Self.groups(
            "base_url = [\"http://a/inference\", \"http://b/inference\"]\naudio_seconds_per_hour = 0",
            "base_url = \"http://b/inference\"", "base_url = [\"http://c\", \"http://a\"]", "base_url = \"http://d\"")
        #expect(groups["e0"]?.names == ["e0", "e1", "e2"])
        #expect(groups["e0"]?.limits.ceiling == 3, "one at each of a whisper.cpp's servers")
        #expect(groups["e3"]?.limits.ceiling == 8)
    }

    @Test func theServerNeverHasMoreRequestsThanConfigured() async throws {
        let server = try FakeTranscriptionServer.hearing { _ in
            // An engine's time, so that requests meet at it.
            usleep(20_000)
            return nil
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let second = """
                [engines.second]
                kind = "openai"
                base_url = "\(server.url)/v1/audio/transcriptions"
                model = "another"
                chunk_target_seconds = 5
                chunk_max_seconds = 6
                """
            let place = try Workplace(folder, server: server, concurrency: 2, inbox: "", engine: "\n" + second)
            var text = try place.text("parlograph.toml")
            text += """

                [[inbox]]
                path = "\(folder.string)/other"
                outbox = "\(folder.string)/texts"
                done = "\(folder.string)/done"
                failed = "\(folder.string)/failed"
                engine = "second"
                settle_seconds = 0.2
                """
            try place.write(text, to: "parlograph.toml")
            for name in ["other", "texts"] { try place.makeFolder(name) }
            try place.writeMarks(0..<60, to: "inbox/one.wav")
            try place.writeMarks(100..<160, to: "other/two.wav")
            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(ended.lines.first == "2 delivered, 0 partial, 0 failed")
            #expect(server.maximumInFlight == 2)
        }
    }

    /// A second engine at a server whose one request at a time is under way.
    @Test func aReloadMakesNoServerOfItsOwn() async throws {
        let gate = FakeTranscriptionServer.Gate()
        let server = try FakeTranscriptionServer.hearing(behind: gate) { $0.number == 0 }
        defer {
            gate.open()
            server.stop()
        }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, concurrency: 1, inbox: "")
            let ended = try await place.start("serve") { process in
                try await process.says("ready")
                try place.writeMarks(0..<20, to: "inbox/one.wav")
                await server.arrived(1)
                try place.write(
                    try place.text("parlograph.toml") + """

                        [[inbox]]
                        path = "\(folder.string)/other"
                        outbox = "\(folder.string)/texts"
                        done = "\(folder.string)/done"
                        failed = "\(folder.string)/failed"
                        engine = "second"
                        settle_seconds = 0.2
                        [engines.second]
                        kind = "openai"
                        base_url = "\(server.url)/v1"
                        model = "another"
                        """, to: "parlograph.toml")
                process.send(SIGHUP)
                try await process.says("configuration loaded again")
                try place.writeMarks(100..<103, to: "other/two.wav")
                try await eventually("the second in work") { place.exists("texts/two.status.txt") }
                #expect(server.requests.count == 1)
                gate.open()
                for path in ["outbox/one.json", "texts/two.json"] {
                    try await eventually(path) { place.exists(path) }
                }
                process.send(SIGTERM)
                return try await process.end()
            }
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(server.maximumInFlight == 1)
        }
    }
}
