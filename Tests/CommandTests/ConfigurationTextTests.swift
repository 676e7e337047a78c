import SystemPackage
import TestSupport
import Testing

/// Texts at which the TOML library ends its process, found by trying random ones.
struct ConfigurationTextTests {
    static let deadly = ["[.", "[[[", "a = 1\n[[[x]]]", "language = ,", "formats = [\n\"txt\"]\nprompt = ]"]

    @Test(arguments: deadly) func aConfigurationThatIsNoTOMLIsNamedByItsLine(text: String) async throws {
        try await withTemporaryDirectory { folder in
            let file = folder.appending("talk.toml")
            try TestAudioFile.write(Array(text.utf8), to: file)
            let ended = try await Program.run(
                ["check", "--config", file.string].map { Array($0.utf8) }, folder: folder)
            #expect(ended.status == 78)
            #expect(ended.errors.contains("talk.toml, line \(text.split(separator: "\n").count)"), "\(ended.errors)")
        }
    }

    @Test(arguments: deadly) func inAFolderOfTheInboxItHarmsNobody(text: String) async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            try place.write(text, to: "inbox/parlograph.toml")
            try place.writeMarks(0..<3, to: "inbox/talk.wav")
            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(place.exists("outbox/talk.txt"))
            #expect(try place.text("outbox/parlograph.toml.error.txt").contains("line"))
        }
    }
}
