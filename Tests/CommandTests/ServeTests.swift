import Glibc
import Synchronization
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// The service while it runs.
@Suite(.serialized)
struct ServeTests {
    @Test func takesWhatIsCopiedRenamedAndMovedInUntilItIsStopped() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            try place.writeMarks(0..<3, to: "a.wav")
            try place.writeMarks(10..<13, to: "b.wav")
            try place.makeFolder("tree")
            try place.makeFolder("tree/deep")
            try place.writeMarks(20..<23, to: "tree/c.wav")
            try place.writeMarks(30..<33, to: "tree/deep/d.wav")
            let ended = try await place.start("serve") { process in
                try await process.says("ready")
                // Copied, renamed into place, moved in with its folder.
                try TestAudioFile.write(try TestAudioFile.read(place["a.wav"]), to: place["inbox/a.wav"])
                try place.move("b.wav", "inbox/b.wav")
                try place.move("tree", "inbox/tree")
                for (name, text) in [
                    ("a", "m0 m1 m2\n"), ("b", "m10 m11 m12\n"), ("tree/c", "m20 m21 m22\n"),
                    ("tree/deep/d", "m30 m31 m32\n"),
                ] {
                    try await eventually("\(name).json") { place.exists("outbox/\(name).json") }
                    #expect(try place.text("outbox/\(name).txt") == text)
                }
                try await eventually("sources in done") { try place.files("inbox").isEmpty }
                #expect(try place.files("done") == ["a.wav", "b.wav", "tree/c.wav", "tree/deep/d.wav"])

                let id = try #require(process.id)
                try await eventually("figures of the status") {
                    try await place.run("status").lines.contains { $0.contains("4 delivered, 0 partial, 0 failed") }
                }
                let status = try await place.run("status", "--json")
                #expect(status.status == 0)
                #expect(status.lines.first?.contains("\"processID\":\(id)") == true)

                let second = try await place.run("serve")
                #expect(second.status == 78)
                #expect(second.errors.contains("process \(id) "))

                process.send(SIGTERM)
                return try await process.end(within: .seconds(15))
            }
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.files("outbox").filter { $0.hasSuffix(".status.txt") || $0.hasPrefix(".") }.isEmpty)
        }
    }

    /// Two hearings have the one request at a time that there is; the memo comes in between.
    @Test func aMemoDoesNotWaitForHearings() async throws {
        let server = try FakeTranscriptionServer.hearing { _ in
            usleep(100_000)
            return nil
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, concurrency: 1, inbox: "")
            for (name, first) in [("one", 0), ("two", 400)] {
                try place.writeMarks(first..<first + 300, to: "\(name).wav")
            }
            try place.writeMarks(900..<903, to: "memo.wav")
            let ended = try await place.start("serve") { process in
                try await process.says("ready")
                try place.move("one.wav", "inbox/one.wav")
                try place.move("two.wav", "inbox/two.wav")
                await server.arrived(2)
                try place.move("memo.wav", "inbox/memo.wav")
                try await eventually("the memo") { place.exists("outbox/memo.json") }
                #expect(!place.exists("outbox/one.json") && !place.exists("outbox/two.json"))
                process.send(SIGTERM)
                return try await process.end(within: .seconds(15))
            }
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(server.maximumInFlight == 1)
        }
    }

    @Test func aFailedRecordingIsTriedAgainOnRequest() async throws {
        let isReady = Mutex(false)
        let server = try FakeTranscriptionServer.hearing { _ in
            isReady.withLock { $0 } ? nil : .init(400, text: "nothing for this server")
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            let ended = try await place.start("serve") { process in
                try await process.says("ready")
                try place.makeFolder("inbox/court")
                try place.writeMarks(0..<3, to: "inbox/court/talk.wav")
                try await eventually("the error note") { place.exists("outbox/court/talk.error.txt") }
                try await eventually("the source in failed") { place.exists("failed/court/talk.wav") }
                let failed = try await place.run("jobs", "--failed")
                #expect(failed.lines.first?.hasSuffix("court/talk.wav") == true)
                #expect(try await place.run("jobs", "retry", "nothing.wav").status == 66)

                isReady.withLock { $0 = true }
                let retry = try await place.run("jobs", "retry", "talk.wav")
                #expect(retry.status == 0, "\(retry.errors)")
                try await eventually("the transcript") { place.exists("outbox/court/talk.json") }
                try await eventually("the note gone") { !place.exists("outbox/court/talk.error.txt") }
                try await eventually("the source in done") { place.exists("done/court/talk.wav") }
                #expect(try await place.run("jobs", "--failed").lines.isEmpty)
                process.send(SIGTERM)
                return try await process.end(within: .seconds(15))
            }
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.text("outbox/court/talk.txt") == "m0 m1 m2\n")
        }
    }

    @Test func killedInTheMiddleItGoesOnWhereItWas() async throws {
        let gate = FakeTranscriptionServer.Gate()
        let isPatient = Mutex(false)
        let server = try FakeTranscriptionServer.hearing { request in
            request.number == 0 || isPatient.withLock { $0 } ? nil : .init(503, text: "", gate: gate)
        }
        defer {
            gate.open()
            server.stop()
        }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, concurrency: 2, inbox: "")
            try place.writeMarks(0..<40, to: "inbox/talk.wav")
            let killed = try await place.start("serve") { process in
                try await eventually("three requests") { server.requests.count >= 3 }
                // The first chunk's answer is on disk.
                try await eventually("the first chunk in the cache") {
                    try await place.run("cache", "stats").lines.contains {
                        $0.hasPrefix("entries") && $0.hasSuffix(" 1")
                    }
                }
                process.send(SIGKILL)
                return try await process.end()
            }
            #expect(killed.status == -SIGKILL)
            #expect(try place.files("inbox") == ["talk.wav"])
            #expect(!place.exists("outbox/talk.json"))

            let before = server.requests.count
            isPatient.withLock { $0 = true }
            let ended = try await place.start("serve") { process in
                try await eventually("the source in done") { place.exists("done/talk.wav") }
                process.send(SIGTERM)
                return try await process.end(within: .seconds(15))
            }
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(
                try place.files("outbox").filter { $0 != "status.html" } == ["talk.json", "talk.srt", "talk.txt"])
            let transcript = try place.transcript("outbox/talk.json")
            #expect(transcript.marks == Array(0..<40))
            #expect(transcript.cache_hits == 1)
            #expect(server.requests.count - before == transcript.chunks.count - 1)
            let jobs = try await place.run("jobs", "--json")
            #expect(jobs.lines.count == 1)
            #expect(jobs.lines.first?.contains(#""state":"delivered""#) == true)
        }
    }

    @Test func stoppedInTheMiddleItEndsInTimeAndTheNextStartGoesOn() async throws {
        let gate = FakeTranscriptionServer.Gate()
        let isPatient = Mutex(false)
        let server = try FakeTranscriptionServer.hearing { _ in
            isPatient.withLock { $0 } ? nil : .init(503, text: "", gate: gate)
        }
        defer {
            gate.open()
            server.stop()
        }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            try place.writeMarks(0..<5, to: "inbox/talk.wav")
            let ended = try await place.start("serve") { process in
                try await eventually("a request") { !server.requests.isEmpty }
                let start = ContinuousClock.now
                process.send(SIGTERM)
                let ended = try await process.end(within: .seconds(20))
                // shutdown_seconds is 5.
                #expect(start.duration(to: .now) < .seconds(15))
                return ended
            }
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.files("inbox") == ["talk.wav"])
            #expect(!place.exists("outbox/talk.txt"))
            #expect(try place.text("outbox/talk.status.txt").contains("the transcription service was stopped"))
            let page = try place.text("outbox/status.html")
            #expect(page.contains("not running since") && page.contains("Waiting (1)"), "\(page)")
            isPatient.withLock { $0 = true }
            let again = try await place.run("serve", "--once")
            #expect(again.lines == ["1 delivered, 0 partial, 0 failed"], "\(again.errors)")
            #expect(!place.exists("outbox/talk.status.txt"))
        }
    }

    @Test func anEngineThatIsAwayCostsNoRecording() async throws {
        let isBack = Mutex(false)
        let server = try FakeTranscriptionServer.hearing { _ in
            isBack.withLock { $0 } ? nil : .init(500, text: "", ending: .reset)
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            try place.writeMarks(0..<3, to: "inbox/talk.wav")
            let ended = try await place.start("serve") { process in
                try await process.says("trying again")
                try await eventually("a note that it waits") {
                    (try? place.text("outbox/talk.status.txt"))?.contains("is waiting") == true
                }
                // Reloading does not end the service.
                process.send(SIGHUP)
                try await process.says("configuration loaded again")
                process.send(SIGTERM)
                return try await process.end(within: .seconds(15))
            }
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.files("inbox") == ["talk.wav"])
            #expect(try place.files("outbox").filter { $0 != "status.html" } == ["talk.status.txt"])

            isBack.withLock { $0 = true }
            let again = try await place.run("serve", "--once")
            #expect(again.lines == ["1 delivered, 0 partial, 0 failed"], "\(again.errors)")
            #expect(try place.text("outbox/talk.txt") == "m0 m1 m2\n")
            #expect(!place.exists("outbox/talk.status.txt"))
        }
    }
}
