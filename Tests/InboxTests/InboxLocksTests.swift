import Glibc
import Inbox
import Logging
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// Two services and one inbox.
@Suite struct InboxLocksTests {
    /// Made again while the other was quicker, or added by a reload.
    @Test func anInboxThatAnotherServesIsLeftToItUntilItEnds() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            try inbox.write("x", to: "inbox/talk.wav")
            let (wake, lines) = (AsyncSignal(), InboxFixture.LogLines())
            let other = Guarded<FolderLock?>(try FolderLock.take(inbox.settings.path))
            #expect(other.value != nil)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let intake = Intake(inbox.settings, wake: wake, logger: lines.logger, claims: InboxLocks())
                    await intake.run(once: false) {
                    } arrived: {
                        inbox.arrivals.add($0)
                    }
                }
                let words = "another process serves this inbox, leaving it to that"
                try await eventually("a warning") { !lines.list(of: words).isEmpty }
                for _ in 0..<3 { wake.signal() }
                #expect(inbox.arrivals.names == [])
                #expect(lines.metadata(of: words).first?["process"] == "\(getpid())")
                other.change { $0 = nil }
                try await eventually("it is taken") {
                    wake.signal()
                    return inbox.arrivals.names == ["talk.wav"]
                }
                #expect(lines.list(of: words).count == 1)
                group.cancelAll()
            }
        }
    }

    @Test func whatIsServedNoLongerAndWhatWasMadeAgainIsFree() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder).settings.path
            let claims = InboxLocks()
            try claims.take(inbox)
            try claims.take(inbox)
            #expect(throws: FolderLock.Held.self) { try InboxLocks().take(inbox) }
            #expect(rename(inbox.string, folder.appending("old").string) == 0)
            // There is nothing to serve.
            try claims.take(inbox)
            try InboxFixture.makeFolder(inbox)
            try claims.take(inbox)
            #expect(try FolderLock.take(folder.appending("old")) != nil)
            #expect(throws: FolderLock.Held.self) { try InboxLocks().take(inbox) }
        }
    }

    @Test func aSquatterIsNamed() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder).settings.path
            let lines = InboxFixture.LogLines()
            let name = try NameSquatter.claim(of: inbox)
            let squatter = try NameSquatter(name)
            let claims = InboxLocks(logger: lines.logger)
            try claims.take(inbox)
            try claims.take(inbox)
            let words = "a user whom neither the service nor the inbox belongs to holds the name of its claim"
            #expect(lines.list(of: words).count == 1)
            let told = lines.metadata(of: "\(words); the inbox is served").first
            #expect(told?["name"] == "@\(name)" && told?["process"] == "\(getpid())")
            withExtendedLifetime(squatter) {}
        }
    }
}
