import Glibc
import Synchronization
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// Nothing lost, nothing twice: crashes, outboxes that are away, the same recording twice.
@Suite(.serialized)
struct DurabilityTests {
    private static func outbox(_ place: Workplace) throws -> [String] {
        try place.files("outbox").filter { $0 != "status.html" && !$0.hasSuffix(".status.txt") }
    }

    @Test func anOutboxThatIsAwayCostsNothingTwice() async throws {
        // The first answer comes when the outbox is gone.
        let gate = FakeTranscriptionServer.Gate()
        let server = try FakeTranscriptionServer.hearing(behind: gate) { $0.number == 0 }
        defer {
            gate.open()
            server.stop()
        }
        try await withTemporaryDirectory { folder in
            // Without any cache: what was paid for is remembered by the service itself.
            let place = try Workplace(
                folder, server: server, inbox: "", engine: "[cache]\nmemory_mb = 0\ndisk_mb = 0")
            let ended = try await place.start("serve") { process in
                try await process.says("ready")
                try place.writeMarks(0..<3, to: "inbox/talk.wav")
                try await eventually("the request") { !server.requests.isEmpty }
                try place.move("outbox", "away")
                gate.open()
                try await process.says("outbox cannot be written to now")
                try place.writeMarks(10..<13, to: "inbox/next.wav")
                // The next one is not even begun, and the missing folder is not made: it may be a mount point.
                try await eventually("both are queued") {
                    try await place.run("jobs").lines.count { $0.contains("queued") } == 2
                }
                #expect(!place.exists("outbox"))
                try place.move("away", "outbox")
                try await process.says("outbox can be written to again")
                try await eventually("both sources in done") { try place.files("done") == ["next.wav", "talk.wav"] }
                process.send(SIGTERM)
                return try await process.end()
            }
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(server.requests.count == 2)
            #expect(try place.text("outbox/talk.txt") == "m0 m1 m2\n")
            #expect(try place.text("outbox/next.txt") == "m10 m11 m12\n")
            // Said once, not at every attempt.
            #expect(ended.errors.split(separator: "\n").count { $0.contains("outbox cannot be written") } == 1)
        }
    }

    @Test func theSameRecordingUnderTwoNamesIsPaidForOnce() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            for name in ["a.wav", "b.wav", "c.wav"] { try place.writeMarks(0..<30, to: "inbox/\(name)") }
            let ended = try await place.run("serve", "--once")
            #expect(ended.lines == ["3 delivered, 0 partial, 0 failed"], "\(ended.errors)")
            let chunks = try place.transcript("outbox/a.json").chunks.count
            #expect(server.requests.count == chunks)
            for name in ["a", "b", "c"] {
                #expect(try place.transcript("outbox/\(name).json").marks == Array(0..<30))
            }
            // A name used again for something else is a new job; its predecessor's transcript stays.
            try place.writeMarks(50..<53, to: "inbox/a.wav")
            let again = try await place.run("serve", "--once")
            #expect(again.lines == ["1 delivered, 0 partial, 0 failed"], "\(again.errors)")
            #expect(try place.transcript("outbox/a.json").marks == Array(0..<30))
            #expect(try place.text("outbox/a (2).txt") == "m50 m51 m52\n")
        }
    }

    @Test func killedAgainAndAgainEverySetIsWholeAndNoChunkIsPaidForTwice() async throws {
        let answered = Mutex<[[UInt8]: Int]>([:])
        let server = try FakeTranscriptionServer.hearing { request in
            // An engine's time, so that kills meet requests under way.
            usleep(30_000)
            answered.withLock { $0[request.audio, default: 0] += 1 }
            return nil
        }
        defer { server.stop() }
        let names = (0..<12).map { "talk \($0)" }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, concurrency: 2, inbox: "")
            for (number, name) in names.enumerated() {
                try place.writeMarks((number * 40)..<(number * 40 + 40), to: "inbox/\(name).wav")
            }
            var kills = 0
            var requestsWhenKilled = 0
            // A different moment each time: after one more request than the last time was reached, modulo a few.
            while try place.files("done").count < names.count, kills < 20 {
                let wanted = server.requests.count + kills % 5
                try await place.start("serve") { process in
                    try await eventually("a moment to kill it at") {
                        try server.requests.count >= wanted && process.id != nil
                            || place.files("done").count == names.count
                    }
                    process.send(SIGKILL)
                    _ = try await process.end()
                }
                kills += 1
                requestsWhenKilled = server.requests.count
            }
            let ended = try await place.start("serve") { process in
                try await eventually("all in done") { try place.files("done").count == names.count }
                process.send(SIGTERM)
                return try await process.end()
            }
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(kills > 5 && requestsWhenKilled > 5)
            #expect(
                try Self.outbox(place)
                    == names.flatMap { name in ["json", "srt", "txt"].map { "\(name).\($0)" } }.sorted())
            for (number, name) in names.enumerated() {
                #expect(try place.transcript("outbox/\(name).json").marks == Array((number * 40)..<(number * 40 + 40)))
            }
            // What was under way when a kill came may be asked for again: two requests at most each time.
            let again = answered.withLock { $0.values.reduce(0) { $0 + $1 - 1 } }
            #expect(again <= 2 * kills)
            #expect(try await place.run("jobs").lines.count { $0.contains("delivered") } == names.count)
        }
    }

    @Test func aKilledServiceLeavesNoTemporaryFileAndNoProgramBehind() async throws {
        try await withTemporaryDirectory { folder in
            try Workplace.makeFolder(folder.appending("tmp"))
            for name in ["inbox", "outbox", "done", "failed"] { try Workplace.makeFolder(folder.appending(name)) }
            let place = try Workplace(
                folder,
                """
                [[inbox]]
                path = "\(folder.string)/inbox"
                outbox = "\(folder.string)/outbox"
                done = "\(folder.string)/done"
                failed = "\(folder.string)/failed"
                engine = "own"
                settle_seconds = 0.2
                [processing]
                shutdown_seconds = 1
                [engines.own]
                kind = "command"
                command = ["/bin/sh", "-c", "echo $$ > \(folder.string)/program; sleep 3600 & echo $! > \(folder.string)/child; wait"]
                temporary_directory = "\(folder.string)/tmp"
                """)
            try place.writeMarks(0..<3, to: "inbox/talk.wav")
            let process: pid_t = try await place.start("serve") { process in
                try await eventually("the program") { (try? place.text("child"))?.hasSuffix("\n") == true }
                let id = try #require(process.id)
                process.send(SIGKILL)
                _ = try await process.end()
                return id
            }
            for name in ["program", "child"] {
                let id = try #require(pid_t(try place.text(name).dropLast()))
                try await eventually("the end of \(name)") { !Self.runs(id) }
            }
            try await eventually("the chunk's file gone") { try place.files("tmp").isEmpty }

            // As if it had been killed while it wrote these.
            try place.makeFolder("outbox/sub")
            for name in ["outbox/.talk.txt.\(process)-1.tmp", "outbox/sub/.talk.json.\(process)-2.tmp"] {
                try place.write("half", to: name)
            }
            try place.write("of another program", to: "outbox/.talk.txt.1-1.tmp")
            try await place.start("serve") { process in
                try await process.says("ready")
                let left = try place.files("outbox").filter { $0.contains(".talk.") }
                #expect(left == [".talk.txt.1-1.tmp"])
                process.send(SIGTERM)
                _ = try await process.end()
            }
        }
    }

    /// Whether a process is there and no zombie.
    private static func runs(_ id: pid_t) -> Bool {
        guard let stat = try? TestAudioFile.read(FilePath("/proc/\(id)/stat")) else { return false }
        let state = String(decoding: stat, as: UTF8.self).split(separator: ")").last?.first { $0 != " " }
        return state != "Z"
    }
}
