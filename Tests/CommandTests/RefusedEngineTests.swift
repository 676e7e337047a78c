import Glibc
import Synchronization
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// A key, a model or an address that is wrong parks recordings, with one request, one warning and one note.
@Suite(.serialized)
struct RefusedEngineTests {
    private static let note = "outbox/parlograph.status.txt"

    private static func isParked(_ place: Workplace) -> Bool {
        (try? place.text(note))?.contains("Nothing is lost and nothing needs to be done") == true
    }

    private static func notes(_ place: Workplace) throws -> [String] {
        try place.files("outbox").filter { $0 != "status.html" }
    }

    @Test(arguments: [401, 403, 404, 402]) func allRecordingsWaitAndOneRequestIsSent(_ status: Int) async throws {
        let isWell = Mutex(false)
        let server = try FakeTranscriptionServer.hearing { _ in
            isWell.withLock { $0 } ? nil : .init(status, text: #"{"error":{"message":"not for you"}}"#)
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            for index in 0..<6 { try place.writeMarks(index * 10..<index * 10 + 3, to: "inbox/talk-\(index).wav") }
            let ended = try await place.start("serve") { process in
                try await process.says("its recordings wait")
                try await eventually("the note") { Self.isParked(place) }
                try await eventually("all of them queued") {
                    try await place.run("status").lines.contains { $0.contains("0 running, 6 queued") }
                }
                #expect(server.requests.count == 1)
                try await eventually("one note for all") { try Self.notes(place) == ["parlograph.status.txt"] }
                #expect(try place.files("inbox").count == 6 && place.files("failed").isEmpty)
                let note = try place.text(Self.note)
                for word in ["http", "127.0.0.1", "api_key", "fake"] { #expect(!note.contains(word), "\(note)") }
                try await eventually("the page") {
                    (try? place.text("outbox/status.html"))?.contains("has not been usable since") == true
                }
                let jobs = try await place.run("jobs")
                #expect(jobs.lines.count { $0.contains("It waits for engine fake") && $0.contains("\(status)") } == 6)
                let json = try await place.run("status", "--json").lines.first ?? ""
                #expect(json.contains(#""state":"refused""#) && json.contains("oldest_waiting_seconds"), "\(json)")

                // Still wrong at a reload: one request more, and it is said again.
                process.send(SIGHUP)
                try await eventually("the second warning") {
                    process.errors.split(separator: "\n").count { $0.contains("its recordings wait") } == 2
                }
                #expect(server.requests.count == 2)
                isWell.withLock { $0 = true }
                process.send(SIGHUP)
                try await eventually("all in done") { try place.files("done").count == 6 }
                try await eventually("the note gone") { !place.exists(Self.note) }
                let after = try await place.run("status", "--json").lines.first ?? ""
                #expect(after.contains(#""state":"ok""#) && after.contains("last_delivery_at"), "\(after)")
                process.send(SIGTERM)
                return try await process.end()
            }
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(ended.errors.contains("engine can be used again"))
        }
    }

    @Test(arguments: [true, false]) func aNewKeyIsTakenUp(withReload: Bool) async throws {
        let server = try FakeTranscriptionServer.hearing { request in
            request.headers["authorization"] == "Bearer good-key" ? nil : .init(401, text: "no such key")
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            try TestAudioFile.write(Array("old-key\n".utf8), to: folder.appending("key"))
            let place = try Workplace(
                folder, server: server, inbox: "", engine: "api_key_file = \"\(folder.string)/key\"")
            let ended = try await place.start("serve") { process in
                try await process.says("ready")
                for name in ["a", "b", "c"] { try place.writeMarks(0..<3, to: "inbox/\(name).wav") }
                try await eventually("the note") { Self.isParked(place) }
                try place.write("good-key\n", to: "key")
                if withReload { process.send(SIGHUP) } else { try await process.says("key file has changed") }
                try await eventually("all in done") { try place.files("done").count == 3 }
                process.send(SIGTERM)
                return try await process.end()
            }
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(!ended.errors.contains("good-key") && !ended.errors.contains("old-key"))
            #expect(try place.files("failed").isEmpty)
        }
    }

    /// What systemd gives to a service it gives when the service starts.
    @Test func aKeyThatSystemdHandsOutNeedsARestart() async throws {
        let server = try FakeTranscriptionServer.hearing { request in
            request.headers["authorization"] == nil ? .init(401, text: "who are you") : nil
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            try place.makeFolder("credentials")
            try place.writeMarks(0..<3, to: "inbox/talk.wav")
            let environment = ["CREDENTIALS_DIRECTORY": "\(folder.string)/credentials"]
            try await place.start("serve", environment: environment) { process in
                try await process.says("its recordings wait")
                #expect(process.errors.contains("/etc/parlograph/credentials/fake"), "\(process.errors)")
                #expect(process.errors.contains("systemctl restart parlograph"))
                process.send(SIGTERM)
                _ = try await process.end()
            }
            try place.write("key", to: "credentials/engine_fake")
            let again = try await Program.run(
                ["serve", "--config", place.configuration.string, "--once"].map { Array($0.utf8) },
                environment: environment, folder: folder)
            #expect(again.lines == ["1 delivered, 0 partial, 0 failed"], "\(again.errors)")
        }
    }

    @Test(arguments: ["missing program", "missing model"]) func whatIsNotInstalledIsWaitedFor(_ what: String)
        async throws
    {
        try await withTemporaryDirectory { folder in
            let isProgram = what == "missing program"
            let place = try Workplace(
                folder,
                """
                \(Workplace.inbox(in: folder))
                engine = "\(isProgram ? "local" : "offline")"
                settle_seconds = 0.2
                [engines.local]
                kind = "command"
                command = ["\(folder.string)/stt"]
                [engines.offline]
                model = "\(folder.string)/nowhere"
                """)
            try place.makeFolder("inbox")
            for name in ["a", "b"] { try place.writeMarks(0..<3, to: "inbox/\(name).wav") }
            let once = try await place.run("serve", "--once")
            #expect(once.status == 69, "\(once.errors)")
            #expect(once.lines == ["0 delivered, 0 partial, 0 failed, 2 still waiting"])
            #expect(once.errors.split(separator: "\n").count { $0.contains("its recordings wait") } == 1)
            #expect(try place.files("inbox") == ["a.wav", "b.wav"] && place.files("failed").isEmpty)
            #expect(Self.isParked(place))
            guard isProgram else { return }
            try place.write("#!/bin/sh\necho said\n", to: "stt")
            #expect(place["stt"].withPlatformString { chmod($0, 0o755) } == 0)
            let again = try await place.run("serve", "--once")
            #expect(again.lines == ["2 delivered, 0 partial, 0 failed"], "\(again.errors)")
            #expect(!place.exists(Self.note))
        }
    }

    /// By its bare name, in a folder of PATH; and what is no program yet, until it is made one.
    @Test func aProgramThatComesIntoPlaceIsNoticed() async throws {
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder,
                """
                \(Workplace.inbox(in: folder))
                engine = "local"
                settle_seconds = 0.2
                [engines.local]
                kind = "command"
                command = ["parlograph-test-stt"]
                """)
            for path in ["inbox", "programs"] { try place.makeFolder(path) }
            let path = "\(folder.string)/programs:/usr/bin:/bin"
            let ended = try await place.start("serve", environment: ["PATH": path]) { process in
                try place.writeMarks(0..<3, to: "inbox/a.wav")
                try await process.says("its recordings wait")
                try place.write("#!/bin/sh\necho said\n", to: "programs/parlograph-test-stt")
                #expect(place["programs/parlograph-test-stt"].withPlatformString { chmod($0, 0o755) } == 0)
                try await process.says("files of an engine have changed")
                try await eventually("it in done") { place.exists("done/a.wav") }
                process.send(SIGTERM)
                return try await process.end()
            }
            #expect(ended.status == 0, "\(ended.errors)")
        }
    }

    /// A filter before the server refuses one recording; the key is good.
    @Test func oneRecordingThatIsForbiddenFailsAlone() async throws {
        let server = try FakeTranscriptionServer.hearing { request in
            MarkedAudio.hear(MarkedAudio.decode(file: request.audio) ?? []).contains { $0.number == 44 }
                ? .init(403, text: "blocked") : nil
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            let ended = try await place.start("serve") { process in
                try await process.says("ready")
                try place.writeMarks(0..<3, to: "inbox/good.wav")
                try await eventually("what shows that the key is good") { place.exists("done/good.wav") }
                for (name, first) in [("a", 10), ("b", 43), ("c", 60)] {
                    try place.writeMarks(first..<first + 3, to: "inbox/\(name).wav")
                }
                try await eventually("the others") { place.exists("done/a.wav") && place.exists("done/c.wav") }
                try await eventually("the one") { place.exists("failed/b.wav") }
                #expect(!process.errors.contains("its recordings wait"))
                process.send(SIGTERM)
                return try await process.end()
            }
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.files("done").count == 3)
        }
    }
}
