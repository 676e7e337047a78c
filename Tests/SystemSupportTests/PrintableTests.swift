import Logging
import Synchronization
import SystemSupport
import Testing

@Suite struct PrintableTests {
    @Test(
        arguments: [
            ("Grüße, 会議 😀 ❤️ é", "Grüße, 会議 😀 ❤️ é"), ("red \u{1B}[31m", "red \\x1b[31m"),
            ("\u{9B}31m\u{7F}\r\u{85}", "\\xc2\\x9b31m\\x7f\\x0d\\xc2\\x85"),
            ("a\u{2028}b\u{2029}c", "a\\xe2\\x80\\xa8b\\xe2\\x80\\xa9c"),
            (
                "\u{202E}gpj\u{2066}\u{2069}\u{200B}\u{200F}\u{FEFF}",
                "\\xe2\\x80\\xaegpj\\xe2\\x81\\xa6\\xe2\\x81\\xa9\\xe2\\x80\\x8b\\xe2\\x80\\x8f\\xef\\xbb\\xbf"
            ),
            // Letters by name, but nothing is seen of them.
            ("\u{3164}\u{115F}\u{34F}", "\\xe3\\x85\\xa4\\xe1\\x85\\x9f\\xcd\\x8f"),
        ]) func nothingDrivesATerminal(text: String, shown: String)
    {
        #expect(text.printable == shown)
        #expect(shown.printable == shown)
        #expect(RawName(bytes: text.utf8).printable == shown)
    }

    @Test(
        arguments: [
            ("/srv/parlograph/inbox", "/srv/parlograph/inbox"), ("/srv/Ablage/Grüße", "/srv/Ablage/Grüße"),
            ("/srv/in box/talk 1.wav", "'/srv/in box/talk 1.wav'"),
            ("/srv/it's; rm $HOME", #"'/srv/it'\''s; rm $HOME'"#),
            (#"/srv/a\x0ab's"#, #"$'/srv/a\x0ab\'s'"#), ("~/x", "'~/x'"), ("", "''"),
        ]) func aPathCanBePastedIntoAShell(path: String, word: String)
    {
        #expect(path.shellWord == word)
    }

    @Test func aTextOfSeveralLinesKeepsThem() {
        #expect("a\nb\r\u{1B}c\n".printableLines == "a\nb\\x0d\\x1bc\n")
        #expect("a\nb".printable == "a\\x0ab")
    }

    @Test func jsonKeepsItsValues() {
        #expect("{\"a\":\"\u{9B}\u{202E}x\u{E0001}é\"}".printableJSON == "{\"a\":\"\\u009b\\u202ex\\udb40\\udc01é\"}")
    }
}

@Suite struct SystemdLogHandlerTests {
    private static func line(_ metadata: Logger.Metadata) -> String {
        let written = Mutex("")
        let logger = Logger(label: "test") { _ in
            SystemdLogHandler(level: .trace, style: .systemd) { line in written.withLock { $0 += line } }
        }
        logger.warning("recording failed", metadata: metadata)
        return written.withLock { $0 }
    }

    @Test(
        arguments: [
            ("talk.mp3", "talk.mp3"), ("my talk.mp3", "\"my talk.mp3\""), ("", "\"\""),
            // Quotes and backslashes end no value and begin no field.
            ("a\" evil=\"b", "\"a\\\" evil=\\\"b\""), ("a\\\" evil=\"b", "\"a\\\\\\\" evil=\\\"b\""),
            ("a\\", "a\\"), ("a \\", "\"a \\\\\""), ("x\"", "\"x\\\"\""), ("x\"\u{301}", "\"x\\\"\u{301}\""),
            ("=\u{301}", "\"=\u{301}\""),
            ("a\n<0>b", "\"a\\x0a<0>b\""), ("a\u{A0}b", "\"a\u{A0}b\""), ("\u{1B}]0;x\u{7}", "\\x1b]0;x\\x07"),
            ("\u{85}\u{2028}\u{202E}\u{200B}", "\"\\xc2\\x85\\xe2\\x80\\xa8\\xe2\\x80\\xae\\xe2\\x80\\x8b\""),
        ]) func aValueStaysOneValue(value: String, shown: String)
    {
        #expect(Self.line(["file": "\(value)"]) == "<4>recording failed file=\(shown)\n")
    }

    @Test func aRecordIsOneLineOfFourKilobytes() {
        let line = Self.line(["error": "\(String(repeating: "ü\n", count: 4000))"])
        #expect(line.utf8.count <= 4097)
        #expect(line.split(separator: "\n").count == 1)
    }
}
