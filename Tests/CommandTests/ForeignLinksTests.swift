import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// One of the four folders is reached through a link that belongs to somebody else than root and the service.
@Suite(.enabled(if: geteuid() == 0, "only root can make another one's link")) struct ForeignLinksTests {
    private static let stranger: UInt32 = 4321

    private static func divert(_ name: String, _ place: Workplace) throws {
        try place.move(name, "\(name) aside")
        #expect(symlink("\(name) aside", place[name].string) == 0)
        #expect(lchown(place[name].string, stranger, stranger) == 0)
    }

    @Test(arguments: ["inbox", "outbox", "done", "failed"])
    func theServiceDoesNotStartAndSaysWhy(_ name: String) async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            try Self.divert(name, place)
            let words = """
                The way to the folder \(place[name].string) leads over the symbolic link \(place[name].string), which \
                belongs to user \(Self.stranger)
                """
            let refused = try await place.run("serve", "--once")
            #expect(refused.status == 78)
            #expect(
                refused.errors.contains(words) && refused.errors.contains("have root make the link"),
                "\(refused.errors)")
            let checked = try await place.run("check")
            #expect(checked.status == 78)
            #expect(checked.lines.contains { $0.hasPrefix("FAIL") && $0.contains(words) }, "\(checked.lines)")
            #expect(lchown(place[name].string, 0, 0) == 0)
            #expect(try await place.run("serve", "--once").status == 0)
        }
    }

    /// While it runs: recordings wait, and go on when it is put right.
    @Test func recordingsWaitWhileTheOutboxIsSomebodysLink() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            try place.writeMarks(0..<4, to: "one.wav")
            try place.writeMarks(4..<8, to: "two.wav")
            try await place.start("serve") { process in
                try await process.says("ready")
                try Self.divert("outbox", place)
                for name in ["one.wav", "two.wav"] { try place.move(name, "inbox/\(name)") }
                try await process.says("outbox cannot be written to now, trying again")
                try await process.says("leads over the symbolic link")
                #expect(try place.files("outbox aside").filter { $0.contains("one") || $0.contains("two") }.isEmpty)
                #expect(unlink(place["outbox"].string) == 0)
                try place.move("outbox aside", "outbox")
                try await eventually("delivered") { try place.files("done") == ["one.wav", "two.wav"] }
            }
        }
    }

    @Test func jobsSaysWhyARecordingIsStillInTheInbox() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            try place.writeMarks(0..<4, to: "talk.wav")
            try await place.start("serve") { process in
                try await process.says("ready")
                try Self.divert("done", place)
                try place.move("talk.wav", "inbox/talk.wav")
                try await process.says("recording cannot be taken out of the inbox")
                let why = "The way to the folder \(place["done"].string) leads over the symbolic link"
                let lines = try await place.run("jobs").lines
                #expect(lines.contains { $0.hasPrefix("    still in the inbox: \(why)") }, "\(lines)")
                let row = try await place.run("jobs", "--json").lines.first
                #expect(row?.contains(#""source_error":"\#(why)"#) == true, "\(row ?? "")")
                #expect(try place.files("done aside").isEmpty && place.exists("inbox/talk.wav"))
            }
        }
    }
}
