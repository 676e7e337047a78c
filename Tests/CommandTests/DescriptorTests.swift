import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// A service whose file descriptors run out: recordings wait, and go on when there are some again.
@Suite(.timeLimit(.minutes(20))) struct DescriptorTests {
    private static func openCount(of process: pid_t) throws -> Int {
        var count = 0
        try DirectoryLister.forEach(in: FilePath("/proc/\(process)/fd")) { _ in
            count += 1
            return true
        }
        return count
    }

    @Test func recordingsWaitForThem() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            let ended = try await place.start("serve") { process in
                try await process.says("ready")
                let id = try #require(process.id)
                // Enough to look at a recording, too few to start a decoder.
                #expect(SystemCalls.limitDescriptors(of: id, to: UInt64(try Self.openCount(of: id) + 16)))
                try place.writeMarks(0..<3, to: "inbox/talk.wav")
                try await process.says("recording cannot be read now, trying again")
                // It is tried again now and then, and in work for a moment each time.
                try await eventually("the cause in the queue") {
                    let lines = try await place.run("jobs").lines
                    return lines.contains { $0.contains("queued") && $0.hasSuffix("talk.wav") }
                        && lines.contains { $0.contains("Too many open files") }
                }
                #expect(place.exists("inbox/talk.wav") && !place.exists("outbox/talk.error.txt"))
                #expect(SystemCalls.limitDescriptors(of: id, to: 1024))
                try await eventually("the transcript") { place.exists("done/talk.wav") }
                process.send(SIGTERM)
                return try await process.end()
            }
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.transcript("outbox/talk.json").marks == [0, 1, 2])
        }
    }
}
