import Glibc
import SystemPackage
import TestSupport
import Testing

/// An engine whose key file is not there: a fault where the service needs the engine, a warning where nobody does.
@Suite(.serialized) struct EngineKeyTests {
    private static let other = """

        [engines.other]
        kind = "openai"
        base_url = "http://127.0.0.1:9/v1"
        api_key_file = "/nowhere/key"
        """

    @Test func anEngineThatNoInboxUsesMayLackItsKey() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            let good = try place.text("parlograph.toml") + Self.other
            try place.write(good, to: "parlograph.toml")
            let ended = try await place.start("serve") { process in
                try await process.says("ready")
                try await process.says("engine that no inbox uses has no key")
                #expect(process.errors.contains("/nowhere/key cannot be read"))
                try place.writeMarks(0..<3, to: "inbox/talk.wav")
                try await eventually("the transcript") { place.exists("outbox/talk.json") }

                // A reload that begins to use it changes nothing.
                for (old, new) in [
                    ("engine = \"fake\"", "engine = \"other\""),
                    ("[engines.fake]", "[engines.fake]\nfallback = \"other\""),
                ] {
                    try place.write(good.replacing(old, with: new), to: "parlograph.toml")
                    func count() -> Int { process.errors.split(separator: "goes on with the one it has").count }
                    let before = count()
                    process.send(SIGHUP)
                    try await eventually("a refusal") { count() > before }
                }
                try place.writeMarks(10..<13, to: "inbox/later.wav")
                try await eventually("the next transcript") { place.exists("outbox/later.json") }
                process.send(SIGTERM)
                return try await process.end()
            }
            #expect(ended.status == 0, "\(ended.errors)")
        }
    }

    @Test(arguments: ["engine", "fallback"]) func oneThatIsUsedMayNot(_ way: String) async throws {
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder,
                """
                [[inbox]]
                path = "\(folder.string)/inbox"
                engine = "\(way == "engine" ? "other" : "first")"
                [engines.first]
                kind = "command"
                command = ["true"]
                fallback = "other"
                \(Self.other)
                """)
            let ended = try await place.run("serve")
            #expect(ended.status == 78)
            #expect(ended.errors.contains("line "), "\(ended.errors)")
            #expect(ended.errors.contains("engines.other.api_key_file: /nowhere/key cannot be read"))
            #expect(!place.exists("inbox") && !place.exists("state"), "nothing is made for a service that cannot be")
        }
    }
}
