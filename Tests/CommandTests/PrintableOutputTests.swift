import Glibc
import SystemPackage
import TestSupport
import Testing

/// What files, names and arguments hold drives nobody's terminal.
@Suite struct PrintableOutputTests {
    /// Escape sequences by TOML's own escapes, where the text itself has no control character.
    private static let settings = #"""
        "\u001b[31m\u202e\u200bred" = 1
        """#

    private static func isPrintable(_ text: String) -> Bool {
        !text.unicodeScalars.contains {
            $0 != "\n" && ($0.value < 0x20 || [0x7F, 0x9B, 0x202E, 0x200B].contains($0.value))
        }
    }

    @Test func contentsThatANoteQuotesAreShownNotObeyed() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            try place.write(Self.settings, to: "inbox/parlograph.toml")
            try place.writeMarks(0..<3, to: "inbox/talk.wav")
            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 0, "\(ended.errors)")
            let note = try place.text("outbox/parlograph.toml.error.txt")
            #expect(note.contains(#"unknown key "\x1b[31m\xe2\x80\xae\xe2\x80\x8bred""#), "\(note)")
            for text in [note, ended.errors] { #expect(Self.isPrintable(text), "\(text)") }
        }
    }

    @Test func messagesOfCommandsAreShownNotObeyed() async throws {
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, top: Self.settings)
            let check = try await place.run("check")
            #expect(check.status == 78)
            #expect(check.errors.contains(#"\x1b[31m"#) && Self.isPrintable(check.errors), "\(check.errors)")
            let usage = try await Program.run([Array("\u{1B}[31m\u{202E}".utf8)], folder: folder)
            #expect(usage.status == 64)
            #expect(
                usage.errors.contains(#"'\x1b[31m\xe2\x80\xae'"#) && Self.isPrintable(usage.errors), "\(usage.errors)")
            let help = try await Program.run([Array("--help".utf8)], folder: folder)
            #expect(help.status == 0 && help.lines.first?.hasPrefix("OVERVIEW") == true)
        }
    }
}
