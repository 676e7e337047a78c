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
            let path = inbox.settings.path
            let other = Guarded<FolderLock?>(try await BlockingPool.files.run { try FolderLock.take(path) })
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
            func expectHeld() async {
                await #expect(throws: FolderLock.Held.self) {
                    try await BlockingPool.files.run { try InboxLocks().take(inbox) }
                }
            }
            func take() async throws { try await BlockingPool.files.run { try claims.take(inbox) } }
            try await take()
            try await take()
            await expectHeld()
            #expect(rename(inbox.string, folder.appending("old").string) == 0)
            // There is nothing to serve.
            try await take()
            try InboxFixture.makeFolder(inbox)
            try await take()
            let old = folder.appending("old")
            #expect(try await BlockingPool.files.run { try FolderLock.take(old) != nil })
            await expectHeld()
        }
    }

    @Test func aSquatterIsNamed() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder).settings.path
            let lines = InboxFixture.LogLines()
            let name = try NameSquatter.claim(of: inbox)
            let squatter = try await NameSquatter.hold(name)
            let claims = InboxLocks(logger: lines.logger)
            for _ in 1...2 { try await BlockingPool.files.run { try claims.take(inbox) } }
            let words = "a user whom neither the service nor the inbox belongs to holds the name of its claim"
            #expect(lines.list(of: words).count == 1)
            let told = lines.metadata(of: "\(words); the inbox is served").first
            #expect(told?["name"] == "@\(name)" && told?["process"] == "\(getpid())")
            withExtendedLifetime(squatter) {}
        }
    }
}
