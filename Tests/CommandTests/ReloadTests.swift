import Glibc
import Synchronization
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// SIGHUP: new settings for what begins from then on.
@Suite(.serialized)
struct ReloadTests {
    private static func change(_ place: Workplace, _ old: String, _ new: String) throws {
        let text = try place.text("parlograph.toml")
        #expect(text.contains(old))
        try place.write(text.replacing(old, with: new), to: "parlograph.toml")
    }

    /// Sends SIGHUP and waits until the log has one line more with these words.
    private static func reload(_ process: RunningProgram, says words: String) async throws {
        func count() -> Int { process.errors.split(separator: "\n").count { $0.contains(words) } }
        let before = count()
        process.send(SIGHUP)
        try await eventually("\"\(words)\" once more") { count() > before }
    }

    @Test func newRecordingsGetTheNewSettingsAndRunningOnesKeepTheirs() async throws {
        let gate = FakeTranscriptionServer.Gate()
        let server = try FakeTranscriptionServer.hearing(behind: gate) { $0.number == 0 }
        defer {
            gate.open()
            server.stop()
        }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "formats = [\"txt\", \"json\"]")
            let original = try place.text("parlograph.toml")
            let second = """

                [[inbox]]
                path = "\(folder.string)/second"
                outbox = "\(folder.string)/second-texts"
                done = "\(folder.string)/done"
                failed = "\(folder.string)/failed"
                engine = "fake"
                settle_seconds = 0.2
                """
            let ended = try await place.start("serve") { process in
                try await process.says("ready")
                try place.writeMarks(0..<3, to: "inbox/before.wav")
                try await eventually("its request") { server.requests.count == 1 }

                // Another language and other sidecars, and one inbox more.
                try place.write(
                    original.replacing("formats = [\"txt\", \"json\"]", with: "formats = [\"srt\"]\nlanguage = \"de\"")
                        + second, to: "parlograph.toml")
                try await Self.reload(process, says: "configuration loaded again")
                #expect(process.errors.contains("added=1"))
                try place.writeMarks(10..<13, to: "inbox/after.wav")
                try place.writeMarks(20..<23, to: "second/other.wav")
                try await eventually("the recording after") { place.exists("done/after.wav") }
                try await eventually("the recording of the new inbox") { place.exists("done/other.wav") }
                #expect(!place.exists("outbox/after.txt"))
                #expect(place.exists("outbox/after.srt"))
                #expect(place.exists("second-texts/other.txt"))
                gate.open()
                try await eventually("the recording from before") { place.exists("done/before.wav") }
                #expect(place.exists("outbox/before.txt") && !place.exists("outbox/before.srt"))
                #expect(server.requests[0].field("language") == nil)
                #expect(server.requests.dropFirst().map { $0.field("language") ?? "-" }.sorted() == ["-", "de"])

                // A bad file, or folders that cannot be changed under way: everything stays as it is.
                for (old, new, words) in [
                    ("language = \"de\"", "langauge = \"fr\"", "langauge"),
                    ("\(folder.string)/state", "\(folder.string)/elsewhere", "state_directory is"),
                    ("\(folder.string)/cache", "\(folder.string)/elsewhere", "cache_directory is"),
                    ("/second\"", "/outbox\"", "lies inside the inbox"),
                    (
                        "engine = \"fake\"\nsettle_seconds = 0.2\nformats", "engine = \"none\"\nformats",
                        "[engines.none]"
                    ),
                ] {
                    let good = try place.text("parlograph.toml")
                    try Self.change(place, old, new)
                    try await Self.reload(process, says: "goes on with the one it has")
                    #expect(process.errors.contains(words), "\(process.errors)")
                    try place.write(good, to: "parlograph.toml")
                }
                try place.move("parlograph.toml", "away.toml")
                try await Self.reload(process, says: "goes on with the one it has")
                try place.move("away.toml", "parlograph.toml")
                #expect(!place.exists("elsewhere"))
                try place.writeMarks(30..<33, to: "inbox/still.wav")
                try await eventually("the recording after all that") { place.exists("outbox/still.srt") }
                #expect(server.requests.last?.field("language") == "de")

                // Without the second inbox: what is put there stays there.
                try place.write(original, to: "parlograph.toml")
                try await Self.reload(process, says: "removed=1")
                try place.writeMarks(40..<42, to: "second/alone.wav")
                try place.writeMarks(50..<52, to: "inbox/last.wav")
                try await eventually("the last recording") { place.exists("done/last.wav") }
                #expect(place.exists("outbox/last.txt"))
                try await eventually("no page where nothing is served") { !place.exists("second-texts/status.html") }
                #expect(try place.files("second") == ["alone.wav"])
                process.send(SIGTERM)
                return try await process.end()
            }
            #expect(ended.status == 0, "\(ended.errors)")
        }
    }

    /// Its settings are what they were; what they name is not.
    @Test func anotherCAFileIsReadAtAReload() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let authority = "-----BEGIN CERTIFICATE-----\n"
            try TestAudioFile.write(Array(authority.utf8), to: folder.appending("ca.pem"))
            let place = try Workplace(
                folder, server: server, inbox: "", engine: "ca_file = \"\(folder.string)/ca.pem\"")
            let ended = try await place.start("serve") { process in
                try await process.says("ready")
                try place.write("not any more", to: "ca.pem")
                try await Self.reload(process, says: "goes on with the one it has")
                #expect(process.errors.contains("holds no certificate"), "\(process.errors)")
                // Whoever writes it is in the middle of it: what was read before goes on.
                try place.writeMarks(0..<3, to: "inbox/talk.wav")
                try await eventually("the recording") { place.exists("done/talk.wav") }
                #expect(process.errors.contains("engine cannot be made anew"), "\(process.errors)")
                try place.write(authority, to: "ca.pem")
                try await Self.reload(process, says: "configuration loaded again")
                process.send(SIGTERM)
                return try await process.end()
            }
            #expect(ended.status == 0, "\(ended.errors)")
        }
    }

    @Test func recordingsWaitForSpaceAndGoOnByThemselves() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            try place.makeFolder("cache")
            // More than any disk has.
            try Self.change(place, "[processing]", "[processing]\nmin_free_space_mb = 16777216")
            let ended = try await place.start("serve") { process in
                try await process.says("ready")
                try place.writeMarks(0..<3, to: "inbox/talk.wav")
                try await process.says("too little space is left")
                try await eventually("the page says so") {
                    (try? place.text("outbox/status.html"))?.contains("too little space is left") == true
                }
                try await eventually("the status says so") {
                    try await place.run("status").lines.contains { $0.contains("too little space") }
                }
                #expect(server.requests.isEmpty)
                // It is for new recordings of the service only.
                #expect(try await place.run("transcribe", "--engine", "fake", "inbox/talk.wav", "-o", "x").status == 0)
                try Self.change(place, "min_free_space_mb = 16777216", "min_free_space_mb = 1")
                try await Self.reload(process, says: "configuration loaded again")
                try await eventually("the transcript") { place.exists("done/talk.wav") }
                try await process.says("there is space again")
                process.send(SIGTERM)
                return try await process.end()
            }
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(ended.errors.split(separator: "\n").count { $0.contains("too little space") } == 3)

            try Self.change(place, "min_free_space_mb = 1\n", "min_free_space_mb = 16777216\n")
            try place.writeMarks(5..<7, to: "inbox/again.wav")
            let once = try await place.run("serve", "--once")
            #expect(once.status == 73)
            #expect(once.lines == ["0 delivered, 0 partial, 0 failed, 1 still waiting"])
            #expect(try place.files("inbox") == ["again.wav"])
        }
    }
}
