import Glibc
import Inbox
import ParlographCommands
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// What offices choose for folders of an inbox, and for inboxes.
@Suite(.serialized)
struct FolderSettingsTests {
    @Test func foldersAndNamesChoose() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder, server: server,
                inbox: """
                    formats = ["txt"]
                    language = "en"
                    language_from_path = true
                    prompt = "Inbox."
                    glossary = ["Lindström", "Parlograph"]
                    ignore = ["entwurf*", "Archiv"]
                    """, engine: "profile = \"openai\"")
            for name in ["de", "court", "court/deep", "bad", "Archiv"] { try place.makeFolder("inbox/\(name)") }
            try place.write(
                """
                # Of the court.
                language = "nl"
                formats = ["srt"]
                prompt = "Hearing."
                glossary = ["Debian"]
                """, to: "inbox/court/parlograph.toml")
            try place.write("language = \"fr\"\nengine = \"cloud\"\n", to: "inbox/bad/parlograph.toml")
            // One and the same audio: the cache must not answer one language with another.
            for name in ["talk", "de/talk", "de/talk.fr", "court/deep/talk", "bad/talk"] {
                try place.writeMarks(0..<3, to: "inbox/\(name).wav")
            }
            for name in ["Entwurf 1", "Archiv/talk"] { try place.writeMarks(5..<7, to: "inbox/\(name).wav") }

            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(ended.lines == ["5 delivered, 0 partial, 0 failed"])
            let asked = server.requests.map { "\($0.field("language") ?? "-"): \($0.field("prompt") ?? "-")" }.sorted()
            #expect(
                asked == [
                    "de: Inbox. Lindström, Parlograph", "en: Inbox. Lindström, Parlograph",
                    "fr: Inbox. Lindström, Parlograph", "nl: Hearing. Debian",
                ])
            #expect(
                try place.files("outbox").filter { $0 != "status.html" } == [
                    "bad/parlograph.toml.error.txt", "bad/talk.txt", "court/deep/talk.srt", "de/talk.fr.txt",
                    "de/talk.txt", "talk.txt",
                ])
            let note = try place.text("outbox/bad/parlograph.toml.error.txt")
            #expect(note.contains("line 2: unknown key \"engine\""), "\(note)")
            #expect(!note.contains(folder.string))
            #expect(
                try place.files("inbox") == [
                    "Archiv/talk.wav", "Entwurf 1.wav", "bad/parlograph.toml", "court/parlograph.toml",
                ])
        }
    }

    @Test func aNoteAboutAFolderGoesWhenItsFileIsMended() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            try place.write("language = German", to: "inbox/parlograph.toml")
            let ended = try await place.start("serve") { process in
                try await process.says("ready")
                try place.writeMarks(0..<3, to: "inbox/a.wav")
                try await eventually("the first transcript") { place.exists("done/a.wav") }
                #expect(place.exists("outbox/parlograph.toml.error.txt"))
                try place.write("language = \"de\"", to: "inbox/parlograph.toml")
                try await eventually("the note gone") { !place.exists("outbox/parlograph.toml.error.txt") }
                try place.writeMarks(10..<13, to: "inbox/b.wav")
                try await eventually("the second transcript") { place.exists("done/b.wav") }
                process.send(SIGTERM)
                return try await process.end()
            }
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(server.requests.map { $0.field("language") } == [nil, "de"])
            #expect(ended.errors.split(separator: "\n").count { $0.contains("folder settings are of no use") } == 1)
        }
    }

    @Test func aRecordingThatIsTooLargeFailsWithBothSizes() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "max_recording_mb = 1")
            try place.writeMarks(0..<40, to: "inbox/long.wav")
            try place.writeMarks(0..<4, to: "inbox/short.wav")
            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 65, "\(ended.errors)")
            #expect(ended.lines == ["1 delivered, 0 partial, 1 failed", "failed: long.wav"])
            let note = try place.text("outbox/long.error.txt")
            #expect(note.contains("long.wav has 1.2 MB; recordings of more than 1.0 MB are not taken"), "\(note)")
            #expect(try place.files("failed") == ["long.wav"])
        }
    }

    @Test func thePageIsNotForcedOnAnybody() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            try place.write("<p>Our own page</p>", to: "outbox/status.html")
            try place.writeMarks(0..<3, to: "inbox/status.wav")
            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.text("outbox/status.html") == "<p>Our own page</p>")
            #expect(ended.errors.contains("is not ours"))
            #expect(unlink(place["outbox/status.html"].string) == 0)

            #expect(try await place.run("serve", "--once").status == 0)
            let page = try place.text("outbox/status.html")
            #expect(page.contains("not running since") && page.contains("<bdi>status.wav</bdi>"), "\(page)")

            let text = try place.text("parlograph.toml")
            try place.write(
                text.replacing("settle_seconds", with: "status_page = false\nsettle_seconds"), to: "parlograph.toml")
            #expect(try await place.run("serve", "--once").status == 0)
            #expect(!place.exists("outbox/status.html"))
        }
    }

    @Test(arguments: [
        ("language = \"Germn\"", "nearest known one is \"german\""),
        ("formats = [\"doc\"]", "docx"), ("glossary = [1]", "list of texts"),
        ("prompt = \"\(String(repeating: "x", count: 801))\"", "800 characters"), ("outbox = \"/etc\"", "unknown key"),
        ("[processing]\nx = 1", "unknown key"), ("language", "line 1"), ("formats = []", "at least one"),
    ]) func onlyHarmlessThingsMayStandInAFolder(_ text: String, _ words: String) {
        #expect {
            try FolderFileParser.parse(text)
        } throws: { error in
            "\(error)".hasPrefix("parlograph.toml") && "\(error)".contains(words)
        }
    }

    @Test func whatIsNotSaidStaysOpen() throws {
        #expect(try FolderFileParser.parse("") == FolderChoices())
        #expect(
            try FolderFileParser.parse("language = \"auto\"\nglossary = []\nprompt = \"\"")
                == FolderChoices(language: .auto, prompt: "", glossary: []))
        #expect(
            try FolderFileParser.parse("formats = [\"vtt\"]\nlanguage = \"pt-BR\"\nglossary = [\" a \", \"\"]")
                == FolderChoices(language: .code("pt-BR"), formats: [.vtt], glossary: ["a"]))
    }
}
