import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// Two services beside each other.
@Suite(.serialized) struct TwoServicesTests {
    @Test(arguments: ["inbox", "link"], [["serve"], ["serve", "--once"]])
    func aSecondServiceOnAnInboxIsRefused(_ name: String, _ arguments: [String]) async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            #expect(symlink("inbox", place["link"].string) == 0)
            try place.writeMarks(0..<4, to: "talk.wav")
            let theirs = folder.appending("second")
            try Workplace.makeFolder(theirs)
            let second = try Workplace(
                theirs,
                """
                [[inbox]]
                path = "\(folder.string)/\(name)"
                outbox = "\(theirs.string)/outbox"
                done = "\(theirs.string)/done"
                failed = "\(theirs.string)/failed"
                """)
            try await place.start("serve") { process in
                try await process.says("ready")
                let refused = try await second.run(arguments.map { Array($0.utf8) })
                #expect(refused.status == 78)
                #expect(
                    refused.errors.contains(
                        "process \(process.id ?? 0) serves the inbox \(folder.string)/\(name) already, with another "
                            + "state_directory"), "\(refused.errors)")
                try place.move("talk.wav", "inbox/talk.wav")
                try await eventually("delivered") { try place.files("done") == ["talk.wav"] }
                process.send(SIGKILL)
                _ = try await process.end()
            }
            // The name went with the process.
            #expect(try await second.run("serve", "--once").status == 0)
        }
    }

    /// Anybody on the machine may take the name of a claim.
    @Test func whoSquatsOnTheNameStopsNoService() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            let name = try NameSquatter.claim(of: place.inbox)
            let squatter = try await NameSquatter.hold(name)
            try place.writeMarks(0..<4, to: "inbox/talk.wav")
            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 0 && ended.lines == ["1 delivered, 0 partial, 0 failed"], "\(ended.errors)")
            #expect(ended.errors.contains("holds the name of its claim"), "\(ended.errors)")
            #expect(ended.errors.contains("@\(name)"), "\(ended.errors)")
            withExtendedLifetime(squatter) {}
        }
    }
}
