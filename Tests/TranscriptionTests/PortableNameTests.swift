import SystemSupport
import TestSupport
import Testing
import Transcription

private func raw(_ text: String) -> RawName { RawName(bytes: text.utf8) }

/// Names that Windows shows over SMB.
@Suite struct PortableNameTests {
    @Test(
        arguments: [
            // What is fine stays as it is.
            ("talk", "talk"), ("Besprechung März 2026", "Besprechung März 2026"), ("a.b.c", "a.b.c"),
            (" talk", " talk"),
            ("日本語 🎙", "日本語 🎙"), ("CONSOLE", "CONSOLE"), ("COM10", "COM10"), ("COM", "COM"), ("auxiliary", "auxiliary"),
            ("nul-hypothesis", "nul-hypothesis"), ("x.aux", "x.aux"),
            ("it's [1] {2} (3) #4 $5 & ~6 ^ % ! @ + = ; ,", nil),
            ("\u{F022}", "\u{F022}"), ("a\u{A0}", "a\u{A0}"), ("LPT¹x", "LPT¹x"),
            // Characters with a meaning.
            ("Besprechung 10:30", "Besprechung 10_30"), ("\"Zitat\"", "_Zitat_"), ("a|b", "a_b"), ("<a>", "_a_"),
            ("what?*", "what__"), ("a\\b", "a_b"), ("line\nbreak", "line_break"), ("tab\there", "tab_here"),
            ("bell\u{7}", "bell_"), ("del\u{7F}", "del_"), ("next\u{85}line", "next_line"),
            // Ends.
            ("Ende.", "Ende"), ("Ende...", "Ende"), ("Ende ", "Ende"), ("Ende. . ", "Ende"), (".", "_"), ("  ", "_"),
            ("...", "_"), ("Ende:", "Ende_"),
            // Devices.
            ("AUX", "AUX_"), ("aux.2026", "aux_.2026"), ("Con.a.b", "Con_.a.b"), ("nul .x", "nul_ .x"),
            ("PRN ", "PRN_"),
            ("COM1", "COM1_"), ("lpt9.x", "lpt9_.x"), ("com0", "com0_"), ("COM²", "COM²_"), ("CONIN$", "CONIN$_"),
            ("CLOCK$.wav", "CLOCK$_.wav"),
        ] as [(String, String?)])
    func showsWhatWindowsShows(name: String, shown: String?) {
        #expect(PortableName.shown(raw(name)) == raw(shown ?? name))
        #expect(PortableName.shown(raw(shown ?? name)) == raw(shown ?? name))
    }

    /// Samba shows no such name as it is, but what is readable of it is not made worse; only ASCII is replaced.
    @Test func bytesThatAreNotUTF8Stay() {
        let name = RawName(bytes: [0x63, 0xE9, 0xC2, 0x85, 0xFF])
        #expect(PortableName.shown(name) == name)
        #expect(PortableName.shown(RawName(bytes: [0xE9, 0x3A, 0xFF, 0x2E])).bytes == [0xE9, 0x5F, 0xFF])
    }

    @Test func anyNameBecomesOneThatStaysAsItIs() {
        var random = TestRandom(seed: 9)
        let pieces = ["a", ".", " ", ":", "\n", "é", "con", "COM1", "\u{85}", "?", "_", "日", "\u{301}"].map {
            Array($0.utf8)
        }
        let others: [[UInt8]] = [[0xC2], [0xFF], [0x80], [0x7F]]
        for _ in 0..<20_000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes += (pieces + others).randomElement(using: &random) ?? []
            }
            let shown = PortableName.shown(RawName(bytes: bytes))
            #expect(PortableName.shown(shown) == shown, "\(bytes)")
            #expect(!shown.bytes.isEmpty && shown.bytes.count <= bytes.count + 1)
            let forbidden = shown.bytes.filter { $0 < 0x20 || "<>:\"/\\|?*".utf8.contains($0) }
            #expect(forbidden.isEmpty, "\(bytes)")
            #expect(shown.bytes.last != 0x20 && shown.bytes.last != 0x2E, "\(bytes)")
        }
    }

    @Test func whereNobodyKnowsWhatIsTakenNamesStayDifferent() {
        let names = ["a:b", "a|b", "a_b", "a?b", "AUX", "AUX.", "AUX_", "x ", "x"].map(raw)
        let distinct = names.map(PortableName.distinct)
        #expect(Set(distinct).count == names.count)
        #expect(distinct[2] == names[2] && distinct[6] == names[6] && distinct[8] == names[8])
        #expect(distinct[0].printable.hasPrefix("a_b~"))
        #expect(distinct.allSatisfy { PortableName.shown($0) == $0 })
        let long = RawName(bytes: [UInt8](repeating: 0x3A, count: 255))
        #expect(PortableName.distinct(long).bytes.count == 255)
    }

    @Test func foldersAreNamedOneByOne() {
        #expect(PortableName.folder(raw("Akten/2026")) == raw("Akten/2026"))
        #expect(PortableName.folder(raw("")) == raw(""))
        let folder = PortableName.folder(raw("Akten/Termin 10:30/a")).components
        #expect(folder.count == 3 && folder[0] == raw("Akten") && folder[2] == raw("a"))
        #expect(folder[1].printable.hasPrefix("Termin 10_30~"))
    }

    @Test(arguments: [
        ("talk.mp3", ["talk", "talk.mp3", "talk.mp3 (2)"]),
        ("a:b.wav", ["a_b", "a_b.wav", "a_b.wav (2)"]),
        ("AUX.wav", ["AUX_", "AUX_.wav", "AUX_.wav (2)"]),
        ("Ende..wav", ["Ende", "Ende..wav", "Ende..wav (2)"]),
        ("Ende .wav", ["Ende", "Ende .wav", "Ende .wav (2)"]),
        ("talk.error..mp3", ["talk.error..mp3", "talk.error..mp3"]),
        ("talk.status:.mp3", ["talk.status_"]),
    ])
    func sidecarsAreNamedAfterIt(recording: String, bases: [String]) {
        let made = bases.indices.map { SidecarNames.portableCandidate($0, for: raw(recording)).base }
        #expect(made == bases.map(raw))
    }

    /// Longer than a file system takes with an ending: the same as without the rule.
    @Test func longNamesAreShortenedAsEver() {
        let name = raw(String(repeating: "ä", count: 120) + ".wav")
        let names = SidecarNames.portableCandidate(0, for: name)
        #expect(names.base == SidecarNames.candidate(0, for: name).base)
        let device = raw("aux." + String(repeating: "x", count: 246) + ".wav")
        #expect(SidecarNames.portableCandidate(0, for: device).status.bytes.count <= 240)
    }
}
