import TestSupport
import Testing

/// Languages as people write them, through the program.
@Suite struct LanguageCommandTests {
    @Test func oneLanguageIsOneHoweverItIsWritten() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server)
            try place.writeMarks(0..<4, to: "talk.wav")
            for language in ["en", "en-US", "english", "EN_gb", "eng"] {
                let ended = try await place.run("transcribe", "--engine", "fake", "--language", language, "talk.wav")
                #expect(ended.status == 0, "\(ended.errors)")
            }
            #expect(server.requests.map { $0.field("language") } == ["en"], "the others are answered from the cache")
            for (language, sent) in [("nb", "no"), ("iw", "he"), ("fil", "tl"), ("jp", "ja"), ("zh-Hans", "zh")] {
                let ended = try await place.run("transcribe", "--engine", "fake", "--language", language, "talk.wav")
                #expect(ended.status == 0, "\(ended.errors)")
                #expect(server.requests.last?.field("language") == sent)
            }
            #expect(server.requests.count == 6)
        }
    }

    @Test func aServerThatWantsRegionsGetsThemAndOneThatRefusesThemDoesNot() async throws {
        let server = try FakeTranscriptionServer.hearing { request in
            request.field("language") == "pt-BR"
                ? .init(400, text: #"{"error":{"message":"Unsupported language 'pt-BR'","param":"language"}}"#) : nil
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, concurrency: 1, engine: "language_form = \"bcp47\"")
            try place.writeMarks(0..<20, to: "talk.wav")
            let ended = try await place.run("transcribe", "--engine", "fake", "--language", "pt_br", "talk.wav")
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(server.requests.map { $0.field("language") } == ["pt-BR", "pt", "pt"])
            _ = try await place.run("transcribe", "--engine", "fake", "--language", "en-us", "talk.wav")
            #expect(server.requests.last?.field("language") == "en-US")
        }
    }

    @Test func theOfflineEnginesModelIsAskedAboutTheLanguageAlone() async throws {
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder)
            try place.writeMarks(0..<1, to: "talk.wav")
            for language in ["en-US", "english", "en_GB"] {
                let ended = try await place.run("transcribe", "--language", language, "talk.wav")
                #expect(ended.status == 0, "\(ended.errors)")
            }
            let refused = try await place.run("transcribe", "--language", "de-AT", "talk.wav")
            #expect(refused.status == 69 && refused.errors.contains("de-AT"), "\(refused.errors)")
        }
    }

    @Test func foldersAndNamesTellLanguagesWithRegions() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "language_from_path = true\nlanguage = \"German\"")
            for sub in ["pt-BR", "Español", "to-do"] { try place.makeFolder("inbox/\(sub)") }
            try place.writeMarks(0..<1, to: "inbox/pt-BR/a.wav")
            try place.writeMarks(1..<2, to: "inbox/Español/b.wav")
            try place.writeMarks(2..<3, to: "inbox/c.english.wav")
            try place.writeMarks(3..<4, to: "inbox/to-do/d.wav")
            let served = try await place.run("serve", "--once")
            #expect(served.status == 0, "\(served.errors)")
            #expect(server.requests.compactMap { $0.field("language") }.sorted() == ["de", "en", "es", "pt"])
        }
    }

    @Test func whatIsNoLanguageIsRefusedWithTheNearest() async throws {
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder)
            let ended = try await place.run("transcribe", "--language", "englsh", "talk.wav")
            #expect(ended.status == 64)
            #expect(ended.errors.contains("\"englsh\" is no language that is known here"))
            #expect(ended.errors.contains("nearest known one is \"english\""))
        }
    }
}
