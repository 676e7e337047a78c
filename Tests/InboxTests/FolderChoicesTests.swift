import Glibc
import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// What a recording's name and the folders above it choose.
@Suite struct FolderChoicesTests {
    private static func settings(
        _ path: String, fromPath: Bool = true, language: String? = "en", prompt: String? = nil,
        glossary: [String] = [], _ choices: [String: FolderChoices] = [:]
    ) throws -> InboxSettings {
        var inbox = InboxSettings(
            path: "/inbox", outbox: "/outbox", done: "/done", failed: "/failed", after: .move, engine: "offline",
            options: TranscriptionOptions(language: language, prompt: prompt), formats: [.json], watch: .poll,
            settle: .seconds(1), rescan: .seconds(1))
        inbox.languageFromPath = fromPath
        inbox.glossary = glossary
        return inbox.applied(to: RawName(bytes: path.utf8)) { choices[$0.printable] }
    }

    @Test(arguments: [
        ("talk.mp3", "en"), ("de/talk.mp3", "de"), ("DE/talk.mp3", "de"), ("de/fr/talk.mp3", "fr"),
        ("de/2026/march/talk.mp3", "de"), ("talk.nl.mp3", "nl"), ("talk.NL.mp3", "nl"), ("de/talk.nl.mp3", "nl"),
        ("English/talk.mp3", "en"), ("pt_br/talk.mp3", "pt-BR"), ("talk.zh-Hans.mp3", "zh-Hans"),
        ("talk.deutsch.mp3", "de"), ("nb/talk.mp3", "nb"), ("talk.iw.mp3", "he"), ("fil/talk.mp3", "fil"),
        ("talk.jp.mp3", "ja"), ("en_US/talk.mp3", "en-US"), ("français/talk.mp3", "fr"),
        // Words that look like codes.
        ("new/talk.mp3", "en"), ("2026/mar/talk.mp3", "en"), ("to-do/talk.mp3", "en"), ("no-name/talk.mp3", "en"),
        ("as-is/talk.mp3", "en"), ("my_docs/talk.mp3", "en"), ("talk.de-en.mp3", "en"), ("it-it/talk.mp3", "it-IT"),
        // No language: a code of three letters, not in the list, no extension, nothing before it.
        ("deu/talk.mp3", "en"), ("xx/talk.mp3", "en"), ("talk.xx.mp3", "en"), ("talk.de", "en"), ("de.mp3", "en"),
        ("talk.de.", "de"), ("d/talk.mp3", "en"), ("talk.v2.mp3", "en"),
    ]) func languageInThePath(_ path: String, _ language: String) throws {
        #expect(try Self.settings(path).options.language == language)
        #expect(try Self.settings(path, fromPath: false).options.language == "en")
    }

    @Test func theNearestSaysTheLanguage() throws {
        let german = FolderChoices(language: .code("de"))
        let auto = FolderChoices(language: .auto)
        // A folder's own file before its name, and a folder further in before one further out.
        #expect(try Self.settings("fr/a.mp3", ["fr": german]).options.language == "de")
        #expect(try Self.settings("fr/a.mp3", ["": german]).options.language == "fr")
        #expect(try Self.settings("x/fr/y/a.mp3", ["x/fr/y": german, "x": auto]).options.language == "de")
        #expect(try Self.settings("x/a.mp3", ["x": auto]).options.language == nil)
        #expect(try Self.settings("x/a.it.mp3", ["x": german]).options.language == "it")
        #expect(try Self.settings("a.mp3", ["": german]).options.language == "de")
    }

    @Test func eachChoiceComesFromTheNearestFolderThatMakesIt() throws {
        let chosen = try Self.settings(
            "court/deep/a.mp3", prompt: "Inbox.", glossary: ["Inbox"],
            [
                "court": FolderChoices(formats: [.txt], prompt: "Court.", glossary: ["Debian", "Linux"]),
                "court/deep": FolderChoices(prompt: ""),
            ])
        #expect(chosen.formats == [.txt])
        #expect(chosen.options.prompt == "Debian, Linux")
        #expect(chosen.options.language == "en")
        let untouched = try Self.settings("a.mp3", prompt: "Inbox.", glossary: ["One", "Two"])
        #expect(untouched.options.prompt == "Inbox. One, Two")
        #expect(untouched.formats == [.json])
    }

    @Test func aLongGlossaryIsCutBetweenWords() throws {
        let words = (0..<1000).map { "word\($0)" }
        let text = try #require(SpeechHint.text(prompt: "Hint.", glossary: words))
        #expect(text.count <= SpeechHint.maximumCharacters && text.count > SpeechHint.maximumCharacters - 12)
        #expect(text.hasPrefix("Hint. word0, word1, "))
        let last = text.split(separator: " ").last.map(String.init)
        #expect(words.contains(last ?? ""))
        #expect(SpeechHint.text(prompt: nil, glossary: []) == nil)
    }

    @Test func aFileOfNoUseIsReportedUntilItIsMended() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            try InboxFixture.makeFolder(inbox["inbox/court"])
            let notes = NoteQueue(logger: InboxFixture.logger)
            let files = FolderFiles(
                parse: { text in
                    guard text == "good" else { throw Late(description: "It says \(text).") }
                    return FolderChoices(language: .code("de"))
                }, notes: notes, logger: InboxFixture.logger)
            let path = RawName(bytes: "court/talk.wav".utf8)
            let note = "outbox/court/parlograph.toml.error.txt"
            func language() async -> String? {
                let language = files.settings(for: path, of: inbox.settings).options.language
                await notes.finish(within: .seconds(600))
                return language
            }

            #expect(await language() == nil)
            #expect(!inbox.exists("outbox/court"))
            for (text, words) in [
                ("bad", "It says bad."), (String(repeating: "x", count: 17_000), "larger than 16.0 KB"),
            ] {
                try inbox.write(text, to: "inbox/court/parlograph.toml")
                #expect(await language() == nil)
                #expect(try inbox.text(note).contains(words))
            }
            #expect(try inbox.text(note).contains("in the folder \"court\""))
            try TestAudioFile.write([0x61, 0xE9], to: inbox["inbox/court/parlograph.toml"])
            #expect(await language() == nil)
            #expect(try inbox.text(note).contains("UTF-8"))

            // Mended, as an editor of Windows saves it.
            try TestAudioFile.write([0xEF, 0xBB, 0xBF] + Array("good".utf8), to: inbox["inbox/court/parlograph.toml"])
            await files.lookAgain()
            await notes.finish(within: .seconds(600))
            #expect(!inbox.exists(note))
            #expect(!files.hasFaults)
            #expect(await language() == "de")
        }
    }

    @Test func onlyAnOrdinaryFileOfTheInboxIsRead() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let notes = NoteQueue(logger: InboxFixture.logger)
            let files = FolderFiles(
                parse: { _ in FolderChoices(language: .code("de")) }, notes: notes, logger: InboxFixture.logger)
            let path = RawName(bytes: "talk.wav".utf8)
            let file = "inbox/parlograph.toml"
            try inbox.write("outside", to: "outside.toml")
            #expect(symlink(inbox["outside.toml"].string, inbox[file].string) == 0)
            #expect(files.settings(for: path, of: inbox.settings).options.language == nil)
            await notes.finish(within: .seconds(600))
            #expect(try inbox.text("outbox/parlograph.toml.error.txt").contains("It is a link."))
            #expect(unlink(inbox[file].string) == 0)
            // Nobody writes into it: opening it must not wait.
            #expect(mkfifo(inbox[file].string, 0o600) == 0)
            #expect(files.settings(for: path, of: inbox.settings).options.language == nil)
            await notes.finish(within: .seconds(600))
            #expect(try inbox.text("outbox/parlograph.toml.error.txt").contains("no ordinary file"))
            #expect(unlink(inbox[file].string) == 0)
            #expect(files.settings(for: path, of: inbox.settings).options.language == nil)
            await notes.finish(within: .seconds(600))
            #expect(!inbox.exists("outbox/parlograph.toml.error.txt"))
        }
    }
}
