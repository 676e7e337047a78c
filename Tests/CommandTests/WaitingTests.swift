import Glibc
import Synchronization
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// What waits says why and since when, and shows no time left that it does not have.
@Suite(.serialized)
struct WaitingTests {
    private static func lacksTime(_ text: String) -> Bool { !text.contains(" left") && !text.contains("a few seconds") }

    @Test func anEngineThatHangsIsToldEverywhere() async throws {
        let gate = FakeTranscriptionServer.Gate()
        let server = try FakeTranscriptionServer.hearing(behind: gate)
        defer {
            gate.open()
            server.stop()
        }
        try await withTemporaryDirectory { folder in
            // Longer than it takes a busy machine to come to the last look.
            let place = try Workplace(folder, server: server, inbox: "", engine: "timeout_seconds = 3600")
            try place.writeMarks(0..<3, to: "inbox/talk.wav")
            try await place.start("serve") { process in
                await server.arrived(1)
                try await eventually("the note") {
                    (try? place.text("outbox/talk.status.txt"))?.contains("no answer from the speech recognition for")
                        == true
                }
                let note = try place.text("outbox/talk.status.txt")
                #expect(Self.lacksTime(note) && note.contains("nothing needs to be done"), "\(note)")
                try await eventually("the status") {
                    let lines = try await place.run("status").lines
                    return lines.contains { $0.contains("no answer from the engine for") && Self.lacksTime($0) }
                        && lines.contains { $0.hasPrefix("waiting     engine fake has not answered since") }
                }
                try await eventually("the jobs") {
                    try await place.run("jobs").lines.contains { $0.contains("no answer from the engine for") }
                }
                try await eventually("the page") {
                    (try? place.text("outbox/status.html"))?.contains("has not answered since") == true
                }
                let page = try place.text("outbox/status.html")
                #expect(!page.contains("a few seconds") && !page.contains("about "), "\(page)")
                gate.open()
                try await eventually("the transcript") { place.exists("done/talk.wav") }
                try await eventually("the note gone") { !place.exists("outbox/talk.status.txt") }
                process.send(SIGTERM)
                _ = try await process.end()
            }
        }
    }

    @Test func anEngineThatIsDownIsToldWithItsCauseAndLetsOthersGoOnLater() async throws {
        let closed = try ClosedPort()
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            let good = try place.text("parlograph.toml")
            try place.write(good.replacing(server.url, with: closed.url), to: "parlograph.toml")
            for name in ["a", "b", "c", "d"] { try place.writeMarks(0..<3, to: "inbox/\(name).wav") }
            try await place.start("serve") { process in
                try await eventually("the queue at rest") {
                    try await place.run("status").lines.contains { $0.contains("0 running, 4 queued") }
                }
                try await eventually("the note for all") { place.exists("outbox/parlograph.status.txt") }
                for name in ["a", "b", "c", "d"] {
                    let note = try place.text("outbox/\(name).status.txt")
                    #expect(Self.lacksTime(note) && note.contains(" since 2"), "\(note)")
                }
                let jobs = try await place.run("jobs")
                #expect(
                    jobs.lines.count {
                        $0.contains("It waits for engine fake, which has not answered since")
                            && $0.contains("cannot be reached")
                    } == 4, "\(jobs.lines)")
                let json = try await place.run("jobs", "--json")
                #expect(json.lines.allSatisfy { $0.contains(#""waits_for":"engine""#) && $0.contains("waits_since") })
                #expect(json.lines.allSatisfy { !$0.contains(#""error":"#) }, "it has not failed")

                try place.write(good, to: "parlograph.toml")
                process.send(SIGHUP)
                try await eventually("all in done") { try place.files("done").count == 4 }
                try await eventually("the note gone") { !place.exists("outbox/parlograph.status.txt") }
                process.send(SIGTERM)
                _ = try await process.end()
            }
        }
    }

    @Test func whatArrivesIsListedWithItsReason() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            try place.writeMarks(0..<6, to: "whole.wav")
            let whole = try TestAudioFile.read(place["whole.wav"])
            try TestAudioFile.write(Array(whole.prefix(whole.count / 2)), to: place["inbox/half.wav"])
            try await place.start("serve") { process in
                try await process.says("ready")
                try await eventually("the half of it") {
                    try await place.run("jobs").lines.contains { $0.contains("It is not complete: ") }
                }
                let jobs = try await place.run("jobs")
                #expect(jobs.lines.contains { $0.contains("arriving") && $0.hasSuffix("half.wav") }, "\(jobs.lines)")
                let json = try await place.run("jobs", "--json")
                #expect(
                    json.lines.contains {
                        $0.contains(#""state":"arriving""#) && $0.contains(#""waits_for":"incomplete""#)
                            && $0.contains("bytes_expected")
                    }, "\(json.lines)")
                #expect(try await place.run("jobs", "--failed").lines.isEmpty)
                try TestAudioFile.write(whole, to: place["inbox/half.wav"])
                try await eventually("the transcript") { place.exists("outbox/half.json") }
                process.send(SIGTERM)
                _ = try await process.end()
            }
        }
    }

    @Test func aConfigurationThatBecameFaultyHidesNothing() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            let good = try place.text("parlograph.toml")
            try place.write("no audio", to: "inbox/broken.wav")
            try await place.start("serve") { process in
                try await eventually("a failure") {
                    try await place.run("status").lines.contains { $0.contains("1 failed") }
                }
                for fault in ["[[inbox", "nonsense = 1\n[processing]"] {
                    try place.write(good.replacing("[processing]", with: fault), to: "parlograph.toml")
                    let status = try await place.run("status")
                    #expect(status.status == 0 && status.lines.contains { $0.contains("1 failed") }, "\(status.errors)")
                    #expect(status.errors.contains("the configuration has a fault"), "\(status.errors)")
                    let jobs = try await place.run("jobs", "--failed")
                    #expect(jobs.status == 0 && jobs.lines.first?.hasSuffix("broken.wav") == true, "\(jobs.errors)")
                    // What the unit asks before it sends the signal.
                    let check = try await place.run("check", "--configuration-only")
                    #expect(check.status == 78, "\(check.lines)")
                }
                let retry = try await place.run("jobs", "retry", "broken.wav")
                #expect(retry.status == 0, "\(retry.errors)")
                process.send(SIGTERM)
                _ = try await process.end()
            }
            #expect(try await place.run("status").status == 69, "no service runs")
            try place.write(good, to: "parlograph.toml")
            let check = try await place.run("check", "--configuration-only")
            #expect(check.status == 0, "\(check.lines)")
            #expect(server.requests.isEmpty, "no engine is asked")
        }
    }

    @Test func checkSeesAFullOutbox() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            let good = try place.text("parlograph.toml")
            #expect(try await place.run("check").status == 0)
            // More than any disk has.
            try place.write(
                good.replacing("[processing]", with: "[processing]\nmin_free_space_mb = 16777216"),
                to: "parlograph.toml")
            let full = try await place.run("check")
            #expect(full.status == 73)
            #expect(
                full.lines.contains {
                    $0.hasPrefix("FAIL  outbox ") && $0.contains("min_free_space_mb") && $0.contains("16777216")
                }, "\(full.lines)")
            #expect(full.lines.contains { $0.hasPrefix("ok    inbox ") })
        }
    }
}
