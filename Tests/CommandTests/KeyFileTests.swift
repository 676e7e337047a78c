import Glibc
import ParlographCommands
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// Key files that become others after they were read.
@Suite struct KeyFileTests {
    private static func settings(keyFile: FilePath) throws -> Settings {
        let text = """
            [engines.cloud]
            kind = "openai"
            base_url = "http://127.0.0.1:9/v1"
            api_key_file = "\(keyFile.string)"
            """
        return try SettingsParser.parse(try ConfigurationText(parsing: text, name: "test.toml"), environment: [:])
    }

    /// It is told as what cannot be read, and is nothing to be taken up.
    @Test(arguments: ["folder", "pipe", "large"]) func whatCannotBeReadIsNoOtherKey(_ what: String) async throws {
        try await withTemporaryDirectory { folder in
            let file = folder.appending("key")
            try TestAudioFile.write(Array("old-key".utf8), to: file)
            let settings = try Self.settings(keyFile: file)
            #expect(unlink(file.string) == 0)
            switch what {
            case "folder": #expect(mkdir(file.string, 0o755) == 0)
            case "pipe": #expect(mkfifo(file.string, 0o644) == 0)
            default: try TestAudioFile.write(Array(repeating: 7, count: 100 << 10), to: file)
            }
            #expect(settings.enginesWithOtherKeyFiles.isEmpty)
            #expect(settings.readingAgain(keysOf: ["cloud"]).engines == settings.engines)
        }
    }

    /// Between the reading and the moment at which the settings are in place.
    @Test func aKeyThatIsReplacedAfterItWasReadIsSeen() async throws {
        try await withTemporaryDirectory { folder in
            let file = folder.appending("key")
            try TestAudioFile.write(Array("old-key".utf8), to: file)
            let settings = try Self.settings(keyFile: file)
            #expect(settings.enginesWithOtherKeyFiles.isEmpty)
            try TestAudioFile.write(Array("another-key".utf8), to: file)
            #expect(settings.enginesWithOtherKeyFiles == ["cloud"])
            let again = settings.readingAgain(keysOf: ["cloud"])
            #expect(again.enginesWithOtherKeyFiles.isEmpty && again.engines != settings.engines)
        }
    }
}
