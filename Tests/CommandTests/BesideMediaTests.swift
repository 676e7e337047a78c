import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// Sidecars beside their recordings, as a media library wants them, and how those of subtitles are called.
@Suite(.serialized)
struct BesideMediaTests {
    private static func server(_ language: String = "english") throws -> FakeTranscriptionServer {
        try FakeTranscriptionServer { _ in
            .init(
                text: """
                    {"text":"Hello there.","language":"\(language)","duration":4,
                    "segments":[{"id":0,"start":0.2,"end":3.2,"text":"Hello there.","speaker":"A"}]}
                    """)
        }
    }

    /// An inbox that is its own outbox.
    private static func library(
        _ folder: FilePath, _ server: FakeTranscriptionServer, _ keys: String
    ) throws -> Workplace {
        let place = try Workplace(folder, server: server, inbox: "after = \"keep\"\n\(keys)")
        let text = try place.text("parlograph.toml")
        try place.write(
            text.replacing("\(folder.string)/outbox", with: "\(folder.string)/inbox"), to: "parlograph.toml")
        return place
    }

    @Test func nothingThatIsWrittenThereIsTakenForARecording() async throws {
        let server = try Self.server()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Self.library(
                folder, server,
                """
                formats = ["txt", "srt", "vtt", "tsv", "json", "md", "docx", "odt", "html"]
                subtitle_names = "talk.{language}.srt"
                foreign_files = "fail"
                """)
            try place.makeFolder("inbox/Film: 10?")
            try place.writeMarks(0..<4, to: "inbox/Film: 10?/film.wav")
            try place.write("no sound", to: "inbox/broken.wav")
            let endings = ["docx", "en.srt", "en.vtt", "html", "json", "md", "odt", "tsv", "txt", "wav"]
            let expected =
                endings.map { "Film: 10?/film.\($0)" } + ["broken.error.txt", "broken.wav", "status.html"]
            let first = try await place.run("serve", "--once")
            #expect(first.status == 65, "\(first.errors)")
            #expect(try place.files("inbox") == expected)
            #expect(try place.text("inbox/Film: 10?/film.html").contains("src=\"film.wav\""))
            // Neither by the next run nor by a service that sees them appear, and with the journal lost.
            for lost in [false, true] {
                if lost { try place.move("state", "old-state") }
                let again = try await place.run("serve", "--once")
                #expect(
                    again.lines.first
                        == (lost ? "1 delivered, 0 partial, 1 failed" : "0 delivered, 0 partial, 0 failed"))
                #expect(try place.files("inbox") == expected && server.requests.count == 1)
            }
            try await place.start("serve") { process in
                try await process.says("ready")
                try place.writeMarks(5..<9, to: "inbox/other.wav")
                try await eventually("the other") { place.exists("inbox/other.json") }
                try place.writeMarks(10..<14, to: "inbox/third.wav")
                try await eventually("the third") { place.exists("inbox/third.json") }
                #expect(server.requests.count == 3)
            }
            #expect(try await place.run("jobs", "--json").lines.count == 4)
        }
    }

    @Test func aFolderMayBeCalledLikeASidecar() async throws {
        let server = try Self.server()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Self.library(folder, server, "formats = [\"txt\"]\nstatus_page = false")
            let names = ["a.txt", "b.html", "c.json"]
            for name in names {
                try place.makeFolder("inbox/\(name)")
                try place.writeMarks(0..<4, to: "inbox/\(name)/talk.wav")
            }
            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.files("inbox") == names.flatMap { ["\($0)/talk.txt", "\($0)/talk.wav"] })
        }
    }

    @Test func isRefusedWhereRecordingsDoNotStay() async throws {
        let server = try Self.server()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Self.library(folder, server, "")
            let text = try place.text("parlograph.toml")
            try place.write(text.replacing("\"keep\"", with: "\"move\""), to: "parlograph.toml")
            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 78 && ended.errors.contains("after = \"keep\""), "\(ended.errors)")
        }
    }

    @Test func whatHasSubtitlesIsLeftAloneAndCounted() async throws {
        let server = try Self.server()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            // The new one has subtitles, too, once it is done: a second scan would count it.
            let place = try Self.library(
                folder, server,
                """
                formats = ["srt"]
                skip_subtitled = true
                subtitle_names = "talk.{language}.srt"
                rescan_seconds = 86400
                """)
            try place.writeMarks(0..<4, to: "inbox/old.wav")
            try place.write("1\n", to: "inbox/old.de.srt")
            try place.writeMarks(5..<9, to: "inbox/new.wav")
            try await place.start("serve") { _ in
                try await eventually("the new one") { place.exists("inbox/new.en.srt") }
                try await eventually("one in the status") {
                    try await place.run("status", "--json").lines.first?.contains(#""subtitled":1"#) ?? false
                }
                #expect(
                    try await place.run("status").lines.contains(
                        "subtitled   1 recording with subtitles beside them, left alone"))
                try await eventually("one on the page") {
                    try place.text("inbox/status.html").contains("1 recording has subtitles and is left alone.")
                }
            }
            #expect(server.requests.count == 1 && !place.exists("inbox/old.en.srt"))
        }
    }

    /// The recording is replaced by one in another language: its subtitles are, too.
    @Test func theSubtitlesOfAnotherLanguageReplaceTheEarlierOnes() async throws {
        let languages = SharedCounter()
        let server = try FakeTranscriptionServer { _ in
            let language = languages.add(1) == 1 ? "german" : "english"
            return .init(
                text: """
                    {"text":"In \(language).","language":"\(language)","duration":4,
                    "segments":[{"id":0,"start":0.2,"end":3.2,"text":"In \(language)."}]}
                    """)
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder, server: server,
                inbox: """
                    after = "keep"
                    status_page = false
                    formats = ["srt", "json"]
                    subtitle_names = "talk.{language}.srt"
                    subtitle_bom = true
                    subtitle_line_ends = "crlf"
                    """)
            for (seconds, name) in [(0..<4, "talk.de.srt"), (5..<9, "talk.en.srt")] {
                try place.writeMarks(seconds, to: "inbox/talk.wav")
                let ended = try await place.run("serve", "--once")
                #expect(ended.status == 0, "\(ended.errors)")
                #expect(try place.files("outbox") == [name, "talk.json"].sorted())
                #expect(try place.text("outbox/\(name)").hasPrefix("\u{FEFF}1\r\n00:00:00,200 --> "))
            }
        }
    }

    /// A folder's own file chooses, and the page of a recording that is moved finds it.
    @Test func aFolderChoosesTimesAndFormats() async throws {
        let server = try Self.server()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "status_page = false\nspeaker_labels = \"always\"")
            try place.makeFolder("inbox/a")
            try place.write(
                "formats = [\"md\", \"html\", \"srt\"]\ntxt_times = \"paragraph\"\nsubtitle_names = \"talk.{language}.srt\"\n",
                to: "inbox/a/parlograph.toml")
            try place.writeMarks(0..<4, to: "inbox/a/talk.wav")
            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.files("outbox") == ["a/talk.en.srt", "a/talk.html", "a/talk.md"])
            #expect(try place.text("outbox/a/talk.md") == "# talk.wav\n\n\\[00:00:00\\] **A:** Hello there.\n")
            #expect(try place.text("outbox/a/talk.html").contains("src=\"../../done/a/talk.wav\""))
            #expect(place.exists("done/a/talk.wav"))
            // The next one of that name gets another in done: no page plays what is not its recording.
            try place.writeMarks(5..<9, to: "inbox/a/talk.wav")
            #expect(try await place.run("serve", "--once").status == 0)
            #expect(try !place.text("outbox/a/talk (2).html").contains("<audio"))
            let transcribed = try await place.run(
                "transcribe", "--engine", "fake", "--formats", "md,docx", "--txt-times", "minute", "done/a/talk.wav")
            #expect(transcribed.status == 0, "\(transcribed.errors)")
            #expect(try place.text("done/a/talk.md").contains("\\[00:00:00\\] **A:** Hello there."))
            #expect(try TestAudioFile.read(place["done/a/talk.docx"]).starts(with: Array("PK".utf8)))
        }
    }
}
