import ParlographCommands
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// Key files that become others after they were read.
@Suite struct KeyFileTests {
    /// Between the reading and the moment at which the settings are in place.
    @Test func aKeyThatIsReplacedAfterItWasReadIsSeen() async throws {
        try await withTemporaryDirectory { folder in
            let file = folder.appending("key")
            try TestAudioFile.write(Array("old-key".utf8), to: file)
            let text = """
                [engines.cloud]
                kind = "openai"
                base_url = "http://127.0.0.1:9/v1"
                api_key_file = "\(file.string)"
                """
            let settings = try SettingsParser.parse(
                try ConfigurationText(parsing: text, name: "test.toml"), environment: [:])
            #expect(settings.enginesWithOtherKeyFiles.isEmpty)
            try TestAudioFile.write(Array("another-key".utf8), to: file)
            #expect(settings.enginesWithOtherKeyFiles == ["cloud"])
            let again = settings.readingAgain(keysOf: ["cloud"])
            #expect(again.enginesWithOtherKeyFiles.isEmpty && again.engines != settings.engines)
        }
    }
}
