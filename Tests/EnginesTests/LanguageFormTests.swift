import Engines
import TestSupport
import Testing
import Transcription

/// Languages as servers want them.
@Suite struct LanguageFormTests {
    private static let ok = #"{"text":"ok","segments":[{"start":0,"end":1,"text":"ok"}]}"#

    @Test(arguments: [
        (LanguageForm.primary, "pt-BR", ["pt"]), (.primary, "nb", ["no", "nb"]), (.primary, "zh-TW", ["zh"]),
        (.bcp47, "pt-BR", ["pt-BR", "pt"]), (.bcp47, "nb-NO", ["nb-NO", "no", "nb"]), (.bcp47, "en", ["en"]),
        (.openai, "zh-Hans", ["zh-cn", "zh"]), (.openai, "zh-TW", ["zh-tw", "zh"]), (.openai, "zh", ["zh"]),
        (.openai, "en-US", ["en"]),
    ]) func eachFormHasItsSpellings(_ form: LanguageForm, _ language: String, _ spellings: [String]) {
        #expect(form.spellings(of: language) == spellings)
    }

    @Test(arguments: [
        (EngineProfile.Name.generic, "pt-BR", "pt"), (.generic, "zh-Hans", "zh"), (.generic, "en-US", "en"),
        (.generic, "nb", "no"), (.generic, "fil", "tl"), (.generic, "he", "he"), (.vllm, "pt-BR", "pt"),
        (.openai, "zh-Hans", "zh-cn"), (.openai, "zh-TW", "zh-tw"), (.azure, "zh-TW", "zh-tw"),
        (.openai, "pt-BR", "pt"), (.speaches, "zh-TW", "zh"), (.whisperCpp, "de-AT", "de"),
    ])
    func aServerGetsTheFormOfItsKind(_ profile: EngineProfile.Name, _ language: String, _ sent: String) async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let cloud = try engine(server) { $0.profile = profile }
        let options = TranscriptionOptions(language: language)
        _ = try await cloud.transcribe(marked(0..<1), options: options)
        #expect(server.requests.map { $0.field("language") } == [sent])
        #expect(cloud.heeded(options).language == sent, "the cache knows it by what is sent")
    }

    /// What servers of several kinds say to a region.
    @Test(arguments: [
        (400, #"{"error":{"message":"Unsupported language: 'pt-BR'.","code":"unsupported_language"}}"#),
        (422, #"{"detail":[{"loc":["body","language"],"msg":"Input should be 'en' or 'pt'"}]}"#),
        (400, #"{"error":{"message":"Language parameter must be specified in ISO-639-1 format.","param":"language"}}"#),
        (500, #"{"detail":"'pt-BR' is not a valid language code"}"#), (500, "ValueError: Unsupported language: pt-BR"),
        (200, #"{"error":"unknown language 'pt-BR'"}"#),
    ]) func aRegionThatIsRefusedIsLeftOut(_ status: Int, _ complaint: String) async throws {
        let server = try FakeTranscriptionServer { request in
            request.field("language") == "pt-BR" ? .init(status, text: complaint) : .init(text: Self.ok)
        }
        defer { server.stop() }
        let cloud = try engine(server) { $0.languageForm = .bcp47 }
        let options = TranscriptionOptions(language: "pt-BR")
        let heard = try await cloud.transcribe(marked(0..<1), options: options)
        #expect(heard.segments.map(\.text) == ["ok"])
        #expect(server.requests.map { $0.field("language") } == ["pt-BR", "pt"])
        _ = try await cloud.transcribe(marked(1..<2), options: options)
        #expect(server.requests.map { $0.field("language") } == ["pt-BR", "pt", "pt"], "it is asked once only")
        _ = try await cloud.transcribe(marked(2..<3), options: TranscriptionOptions(language: "en-GB"))
        #expect(server.requests.last?.field("language") == "en-GB", "another region may be known")
    }

    @Test func aLanguageThatIsNotKnownAtAllFailsAfterBothAndIsAskedForAgainNextTime() async throws {
        let server = try FakeTranscriptionServer { request in
            let sent = request.field("language") ?? ""
            return .init(400, text: #"{"error":{"message":"Unsupported language: \#(sent)","param":"language"}}"#)
        }
        defer { server.stop() }
        let cloud = try engine(server) { $0.languageForm = .bcp47 }
        for _ in 0..<2 {
            let error = await transcriptionError {
                try await cloud.transcribe(marked(0..<1), options: TranscriptionOptions(language: "pt-BR"))
            }
            #expect(error?.code == .languageNotSupported)
        }
        #expect(server.requests.map { $0.field("language") } == ["pt-BR", "pt", "pt-BR", "pt"])
    }

    @Test func aChunkThatNobodyUnderstandsChangesNoCodeForOthers() async throws {
        let server = try FakeTranscriptionServer { request in
            request.number < 2 ? .init(400, text: #"{"error":"could not detect language"}"#) : .init(text: Self.ok)
        }
        defer { server.stop() }
        let cloud = try engine(server)
        let options = TranscriptionOptions(language: "he")
        _ = await transcriptionError { try await cloud.transcribe(marked(0..<1), options: options) }
        _ = try await cloud.transcribe(marked(1..<2), options: options)
        #expect(server.requests.map { $0.field("language") } == ["he", "iw", "he"])
    }
}
