import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

@Suite struct IgnoredNamesTests {
    @Test(arguments: [
        // Windows, macOS and Linux file managers.
        ".DS_Store", "._talk.mp3", "Thumbs.db", "ehthumbs.db", "desktop.ini", "$RECYCLE.BIN",
        "System Volume Information",
        ".Trash-1000", ".directory", "lost+found", ".fuse_hidden0000004200000001", ".nfs000000000042",
        // NAS boxes.
        "@eaDir", "#recycle",
        // Office and editors.
        "~$talk.wav", "~WRL0003.tmp", "talk.wav~", ".talk.wav.swp", "talk.bak", "Inbox.lnk",
        // On their way.
        "talk.mp3.part", "talk.mp3.crdownload", "talk.mp3.filepart", "talk.mp3.TMP", "talk.mp3.partial",
        ".talk.mp3.Xk2b9q",
        "talk.mp3.opdownload", "talk.download", "~syncthing~talk.mp3.tmp", ".syncthing.talk.mp3.tmp", "talk.mp3.!sync",
        // Notes and sidecars put beside a recording.
        "talk.txt", "talk.SRT", "talk.json", "README.md",
        // The rest of what was seen on shares.
        ".recycle", ".stfolder", ".~lock.talk.odt#", "talk.~1~", "talk.~tmp.wav", "ehTHUMBS.DB", "DESKTOP.INI",
        "talk.mp3.temp", "x.LNK",
    ]) func isNeverARecording(_ name: String) {
        #expect(IgnoredNames.contains(RawName(bytes: name.utf8)))
    }

    /// Documents are counted as other files are where nobody else can have put them there.
    @Test(arguments: SidecarFormat.allCases) func noSidecarIsARecording(_ format: SidecarFormat) {
        for name in ["talk.\(format.fileExtension)", "talk (2).\(format.fileExtension.uppercased())"] {
            let name = RawName(bytes: name.utf8)
            #expect(IgnoredNames().contains(name) == !format.isDocument)
            #expect(IgnoredNames(allSidecars: true).contains(name))
            #expect(!IgnoredNames(allSidecars: true).containsFolder(name), "a folder may be called as it likes")
        }
    }

    @Test(arguments: [
        "talk.mp3", "TALK.MP3", "talk", "Sitzung 3.wav", "会議.m4a", "tmp.wav", "part.mp3", "a.tmp.wav", "$5 talk.wav",
        "~talk.wav", "~Writers.mp3", "talk~1.mp3", "#1.mp3", "@home.ogg", "talk.txt.mp3",
    ]) func mayBeARecording(_ name: String) {
        #expect(!IgnoredNames.contains(RawName(bytes: name.utf8)))
    }

    @Test(arguments: [
        ("Sitzung.log", false), ("notes.md", false), ("Archiv.bak", false), ("Interview ~", false),
        ("Interviews.part", false), ("2024.~alt", false), ("data.json", false), ("tmp", false),
        ("@eaDir", true), (".recycle", true), ("System Volume Information", true), ("talk.download", true),
        ("upload.tmp", true), ("#recycle", true), ("mine", true),
    ]) func whatAFilesEndingSaysSaysNothingOfAFolder(_ name: String, _ isIgnored: Bool) {
        #expect(IgnoredNames([NamePattern("mine")]).containsFolder(RawName(bytes: name.utf8)) == isIgnored)
    }

    @Test(arguments: [
        ("entwurf*", "Entwurf 3.wav", true), ("entwurf*", "Mein Entwurf.wav", false),
        ("*.raw.wav", "talk.RAW.wav", true),
        ("*.raw.wav", "talk.wav", false), ("take ?.wav", "take é.wav", true), ("take ?.wav", "take 10.wav", false),
        ("take ?.wav", "take .wav", false), ("*a*b*", "xxaxxbxx", true), ("*a*b*", "xxbxxa", false),
        ("*ab*ab", "abxab", true), ("*ab*ab", "ab", false), ("ÜBUNG*", "u\u{308}bung.wav", true),
        ("talk", "talk", true),
        ("[a].wav", "a.wav", false), ("?", "", false),
    ]) func patternsOfAnInbox(_ pattern: String, _ name: String, _ matches: Bool) {
        #expect(NamePattern(pattern).matches(RawName(bytes: name.utf8)) == matches)
    }

    @Test func patternsComeOnTopOfTheBuiltInNames() {
        let ignored = IgnoredNames([NamePattern("*.raw.wav"), NamePattern("old")])
        for name in ["a.raw.wav", "OLD", "talk.part", ".DS_Store"] {
            #expect(ignored.contains(RawName(bytes: name.utf8)), "\(name)")
        }
        #expect(!ignored.contains(RawName(bytes: "a.wav".utf8)))
        // Bytes that are no UTF-8 fit to the wildcards, and to nothing else.
        let bytes = RawName(bytes: [0x63, 0xE9] + Array(".wav".utf8))
        #expect(NamePattern("c?.wav").matches(bytes) && NamePattern("c*").matches(bytes))
        #expect(!NamePattern("cé.wav").matches(bytes))
    }

    @Test func anInboxLeavesItsOwnPatternsAlone() async throws {
        try await withTemporaryDirectory { folder in
            var inbox = try InboxFixture(folder)
            inbox.settings.ignored = IgnoredNames([NamePattern("entwurf*"), NamePattern("archiv")])
            let (fixture, first) = (inbox, inbox["inbox/Entwurf 1.wav"])
            try TestAudioFile.write([1], to: first)
            try await fixture.watching { intake in
                try InboxFixture.makeFolder(fixture["inbox/Archiv"])
                for name in ["Archiv/old.wav", "Entwurf 2.wav", "a.wav"] { try fixture.write("x", to: "inbox/\(name)") }
                try await fixture.arrivals.have(["a.wav"])
                #expect(intake.settlingCount == 0)
            }
        }
    }

    /// A pattern of many stars on a long name takes no longer than it must.
    @Test func manyStarsEnd() {
        let name = RawName(bytes: [UInt8](repeating: 0x61, count: 255))
        #expect(!NamePattern(String(repeating: "*a", count: 30) + "*b").matches(name))
    }

    @Test func namesThatAreNotUTF8() {
        #expect(!IgnoredNames.contains(RawName(bytes: [0x63, 0xE9] + Array(".wav".utf8))))
        #expect(IgnoredNames.contains(RawName(bytes: [0x63, 0xE9] + Array(".tmp".utf8))))
    }
}
