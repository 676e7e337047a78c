import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// What somebody has to put right is told by `status`, `jobs` and `check`, with the remedy, and no longer than it lasts.
@Suite(.serialized)
struct ToldFaultsTests {
    private static func says(_ place: Workplace, _ command: String, _ words: String...) async throws -> Bool {
        let lines = try await place.run(command).lines
        return lines.contains { line in words.allSatisfy(line.contains) }
    }

    private static func served(
        inbox: String = "", engine: String = "",
        _ body: @escaping @Sendable (Workplace, RunningProgram) async throws -> Void
    ) async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            try TestAudioFile.write(Array("secret".utf8), to: folder.appending("key"))
            let place = try Workplace(
                folder, server: server, inbox: inbox, engine: engine.replacing("FOLDER", with: folder.string))
            try await place.start("serve") { process in
                try await process.says("ready")
                try await body(place, process)
                process.send(SIGTERM)
                _ = try await process.end()
            }
        }
    }

    @Test func anInboxThatIsGoneIsToldEverywhere() async throws {
        try await Self.served { place, _ in
            try place.move("inbox", "elsewhere")
            try await eventually("status") { try await Self.says(place, "status", "fault ", "/inbox", "mount it") }
            #expect(try await Self.says(place, "jobs", "unread", "/inbox"))
            #expect(try await Self.says(place, "check", "FAIL  service: ", "/inbox", "mount it"))
            #expect(try await Self.says(place, "check", "FAIL  inbox ", "is not there any more"))
            let json = try await place.run("status", "--json")
            #expect(json.lines.contains { $0.contains(#""kind":"inbox""#) && $0.contains(#""service":"running""#) })
            #expect(try await place.run("jobs", "--json").lines.contains { $0.contains(#""state":"unread""#) })
            try await eventually("the page") { try place.text("outbox/status.html").contains("cannot be looked into") }
            try place.move("elsewhere", "inbox")
            try await eventually("no fault") { try await !Self.says(place, "status", "fault ") }
        }
    }

    @Test func aRefusedReloadIsToldUntilAGoodOne() async throws {
        try await Self.served { place, process in
            let good = try place.text("parlograph.toml")
            for bad in ["[[inbox", "nonsense = 1\n[processing]"] {
                try place.write(good.replacing("[processing]", with: bad), to: "parlograph.toml")
                // As `systemctl reload` does, the unit of which looks before it asks the service.
                #expect(try await Self.says(place, "status", "fault ", "settings on disk have a fault"))
                process.send(SIGHUP)
                try await eventually("status") {
                    try await Self.says(
                        place, "status", "fault ", "parlograph.toml were refused", "old ones are in force")
                }
                let json = try await place.run("status", "--json")
                #expect(json.lines.contains { $0.contains(#""kind":"settings""#) })
                try place.write(good, to: "parlograph.toml")
                process.send(SIGHUP)
                try await eventually("no fault") { try await !Self.says(place, "status", "fault ") }
            }
        }
    }

    @Test func figuresOfAServiceThatHasStoppedAreNotOfNow() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            for signal in [SIGTERM, SIGKILL] {
                try await place.start("serve") { process in
                    try await process.says("ready")
                    try await eventually("a report") { try await place.run("status").status == 0 }
                    process.send(signal)
                    _ = try await process.end()
                }
                let status = try await place.run("status")
                let words = "The service is not running; figures of 2"
                #expect(status.status == 69 && status.lines.first?.contains(words) == true, "\(status.lines)")
                let json = try await place.run("status", "--json")
                #expect(json.status == 69 && json.lines.first?.contains(#""service":"stopped""#) == true)
                #expect(try await place.run("jobs").errors.contains(words))
            }
        }
    }

    @Test func aRecordingThatCannotBeMovedIsListedOnce() async throws {
        try await Self.served(inbox: "rescan_seconds = 1") { place, _ in
            try place.move("done", "elsewhere")
            try place.writeMarks(0..<3, to: "inbox/talk.wav")
            try await eventually("its cause") {
                try await Self.says(place, "jobs", "still in the inbox: ", "/done, which is not there", "make it again")
            }
            try await eventually("status") { try await Self.says(place, "status", "fault ", "A finished recording") }
            try place.writeMarks(10..<12, to: "inbox/other.wav")
            try await eventually("the other") { try await Self.says(place, "status", "2 finished recordings") }
            do {
                // What has a writer is listed as arriving, should a scan take it for new.
                let writer = try OwnedDescriptor(opening: place["inbox/talk.wav"], flags: O_WRONLY)
                for _ in 0..<60 {
                    let jobs = try await place.run("jobs")
                    #expect(jobs.lines.count { $0.contains("talk.wav") } == 1, "\(jobs.lines)")
                    #expect(!jobs.lines.contains { $0.contains("arriving") }, "\(jobs.lines)")
                }
                withExtendedLifetime(writer) {}
            }
            #expect(try await Self.says(place, "check", "FAIL  done ", "is not there any more", "install -d"))
            try place.move("elsewhere", "done")
            try await eventually("no fault") { try await !Self.says(place, "status", "fault ") }
            #expect(try place.files("done") == ["other.wav", "talk.wav"])
        }
    }

    /// Opening one waits for a writer; nobody waits for that, nor does the end of the service.
    @Test func aPipeInTheKeyFilesPlaceIsTold() async throws {
        try await Self.served(engine: "api_key_file = \"FOLDER/key\"") { place, process in
            try place.move("key", "away")
            #expect(mkfifo(place["key"].string, 0o644) == 0)
            try await process.says("It is no regular file")
        }
    }

    @Test func aKeyFileThatCannotBeReadIsTold() async throws {
        try await Self.served(engine: "api_key_file = \"FOLDER/key\"") { place, _ in
            try place.move("key", "away")
            try await eventually("status") {
                try await Self.says(place, "status", "fault ", "/key of engine fake", "again")
            }
            try place.move("away", "key")
            try await eventually("no fault") { try await !Self.says(place, "status", "fault ") }
        }
    }

    @Test func aProgramThatComesIntoPlaceIsTriedByItself() async throws {
        try await withTemporaryDirectory { folder in
            for name in ["inbox", "outbox", "done", "failed"] { try Workplace.makeFolder(folder.appending(name)) }
            let place = try Workplace(
                folder,
                """
                [engines.own]
                kind = "command"
                command = ["\(folder.string)/stt", "{file}"]
                [[inbox]]
                path = "\(folder.string)/inbox"
                outbox = "\(folder.string)/outbox"
                done = "\(folder.string)/done"
                failed = "\(folder.string)/failed"
                engine = "own"
                settle_seconds = 0.2
                """)
            try place.writeMarks(0..<3, to: "inbox/talk.wav")
            try await place.start("serve") { process in
                try await process.says("its recordings wait")
                try place.write("#!/bin/sh\necho hello\n", to: "stt.new")
                chmod(place["stt.new"].string, 0o755)
                try place.move("stt.new", "stt")
                try await eventually("the transcript") { place.exists("done/talk.wav") }
                process.send(SIGTERM)
                _ = try await process.end()
            }
        }
    }

    /// It can be opened, and reading it is an I/O error.
    @Test func aRecordingThatCannotBeReadIsNoFaultOfWriting() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server)
            let ended = try await place.run("transcribe", "--engine", "fake", "/proc/self/mem", "-o", "x")
            #expect(ended.status == 66, "\(ended.errors)")
            #expect(ended.errors.contains("cannot be read: Input/output error"), "\(ended.errors)")
        }
    }
}
