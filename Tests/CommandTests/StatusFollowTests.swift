import Glibc
import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// `status --follow`, for somebody who leaves it running.
@Suite(.serialized, .timeLimit(.minutes(20))) struct StatusFollowTests {
    /// What it has printed so far.
    private static func figures(_ follower: RunningProgram) -> [ServiceStatus] {
        follower.lines.compactMap { BoundedJSON.decode(from: $0.utf8) }
    }

    @Test func itShowsWhatChangesAndEndsWithTheService() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            let ended = try await place.start("serve") { service in
                try await service.says("ready")
                return try await place.start("status", "--follow", "--json") { follower in
                    try await eventually("the first figures") { Self.figures(follower).last?.delivered == 0 }
                    try place.writeMarks(0..<3, to: "inbox/talk.wav")
                    try await eventually("the delivery") { Self.figures(follower).last?.delivered == 1 }
                    // It goes on where nothing changes.
                    let count = Self.figures(follower).count
                    try await eventually("further figures") { Self.figures(follower).count >= count + 2 }
                    service.send(SIGTERM)
                    _ = try await service.end()
                    return try await follower.end()
                }
            }
            #expect(ended.status == 0)
            #expect(ended.errors.contains("no service is running for"))
        }
    }

    @Test(arguments: [SIGINT, SIGTERM]) func itEndsWhenItIsToldTo(signal: CInt) async throws {
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder,
                """
                [[inbox]]
                path = "\(folder.string)/inbox"
                outbox = "\(folder.string)/outbox"
                after = "keep"
                engine = "program"
                [engines.program]
                kind = "command"
                command = ["/bin/true"]
                """)
            try await place.start("serve") { service in
                try await service.says("ready")
                let ended = try await place.start("status", "--follow") { follower in
                    try await eventually("figures") {
                        follower.lines.contains { $0.contains("0 running, 0 queued") }
                    }
                    follower.send(signal)
                    return try await follower.end()
                }
                #expect(ended.status == 0, "\(ended.errors)")
            }
        }
    }

    /// Without a service there is nothing to follow.
    @Test func withoutAServiceItSaysSo() async throws {
        try await withTemporaryDirectory { folder in
            let ended = try await Workplace(folder).run("status", "--follow")
            #expect(ended.status == 69)
            #expect(ended.errors.contains("no service is running for"))
        }
    }
}
