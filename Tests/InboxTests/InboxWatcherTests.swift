import Glibc
import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// What is to be scanned when folders get other rights, many at once as with `chmod -R`.
@Suite struct InboxWatcherTests {
    private static func watcher(of inbox: InboxFixture) throws -> InboxWatcher {
        try InboxWatcher(root: inbox.settings.path, changed: AsyncSignal(), logger: InboxFixture.logger)
    }

    @Test func aFolderBelowAnotherIsScannedWithIt() {
        var changes = InboxWatcher.Changes()
        func scanned(_ folders: String...) -> [String] {
            changes.folders = Set(folders.map { RawName(bytes: $0.utf8) })
            return changes.topmostFolders.map(\.printable)
        }
        #expect(scanned("a/b/c", "a", "ab", "d/e", "d/f") == ["a", "ab", "d/e", "d/f"])
        #expect(scanned("a", "", "b/c") == [""])
        #expect(scanned() == [])
    }

    /// The queue of the kernel is full: what it dropped is found by a scan.
    @Test func anOverflowAsksForAScan() async throws {
        try await withTemporaryDirectory { folder in
            let watcher = try Self.watcher(of: try InboxFixture(folder))
            defer { watcher.stop() }
            #expect(!watcher.drain().isOverflow)
            watcher.handle(try Self.event(watch: -1, IN_Q_OVERFLOW, ""))
            #expect(watcher.drain().isOverflow)
            #expect(!watcher.drain().isOverflow, "it is asked for once")
        }
    }

    /// More files than are remembered change between two looks of the intake.
    @Test func moreFilesThanAreRememberedAskForAScan() async throws {
        try await withTemporaryDirectory { folder in
            let watcher = try Self.watcher(of: try InboxFixture(folder))
            defer { watcher.stop() }
            // The first watch of an instance, that of the inbox, is number 1.
            for number in 1...20_000 { watcher.handle(try Self.event(watch: 1, IN_CLOSE_WRITE, "\(number).wav")) }
            watcher.handle(try Self.event(watch: 1, IN_CLOSE_WRITE, "one more.wav"))
            let changes = watcher.drain()
            #expect(changes.files.count == 20_000 && changes.isOverflow)
        }
    }

    /// Nothing but the overflow tells of the recording.
    @Test func whatAnOverflowDroppedIsFoundAtOnce() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let wake = AsyncSignal()
            let made = Guarded<InboxWatcher?>(nil)
            try await inbox.watching {
                Intake(
                    $0, wake: wake, logger: InboxFixture.logger,
                    makeWatcher: { _, changed, logger, _ in
                        // Events of another folder: those of the inbox are lost.
                        let watcher = try InboxWatcher(root: inbox["done"], changed: changed, logger: logger)
                        made.change { $0 = watcher }
                        return watcher
                    })
            } _: { _ in
                try inbox.write("x", to: "inbox/talk.wav")
                made.value?.handle(try Self.event(watch: -1, IN_Q_OVERFLOW, ""))
                wake.signal()
                try await inbox.arrivals.have(["talk.wav"])
            }
        }
    }

    /// One as the kernel gives it.
    private static func event(watch: Int32, _ mask: CInt, _ name: String) throws -> InotifyEvent {
        let padded = name.isEmpty ? [] : Array(name.utf8) + [UInt8](repeating: 0, count: 16 - name.utf8.count % 16)
        let words = [UInt32(bitPattern: watch), UInt32(mask), 0, UInt32(padded.count)]
        let bytes = words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } } + padded
        return try #require(bytes.withUnsafeBytes { InotifyEvent.parse($0) }.first)
    }

    @Test func aFolderWithOtherRightsIsScannedAndStaysWatched() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            for path in ["a", "a/b"] { try InboxFixture.makeFolder(inbox["inbox/\(path)"]) }
            let watcher = try Self.watcher(of: inbox)
            defer { watcher.stop() }
            for path in ["inbox", "inbox/a"] {
                #expect(chmod(inbox[path].string, 0o700) == 0)
                let name = RawName(bytes: path.utf8.dropFirst("inbox/".utf8.count))
                try await eventually("\(path)") { watcher.drain().folders.contains(name) }
            }
            try InboxFixture.makeFolder(inbox["inbox/a/new"])
            try await eventually("the new one") {
                watcher.drain().topmostFolders.contains(RawName(bytes: "a/new".utf8))
            }
            for path in ["a/b/talk.wav", "a/new/talk.wav"] {
                try inbox.write("x", to: "inbox/\(path)")
                try await eventually("\(path)") { watcher.drain().files.contains(RawName(bytes: path.utf8)) }
            }
        }
    }

    @Test func manyFoldersAreScannedAsOne() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            for number in 0..<1000 { try InboxFixture.makeFolder(inbox["inbox/\(number)"]) }
            let watcher = try Self.watcher(of: inbox)
            defer { watcher.stop() }
            for number in 0..<1000 { #expect(chmod(inbox["inbox/\(number)"].string, 0o700) == 0) }
            // Events come in order.
            try inbox.write("x", to: "inbox/last.wav")
            var scanned = 0
            try await eventually("the file after them") {
                let changes = watcher.drain()
                #expect(changes.folders.count <= 300 && !changes.isOverflow)
                scanned += changes.topmostFolders.contains(RawName(bytes: [])) ? 1000 : changes.topmostFolders.count
                return changes.files.contains(RawName(bytes: "last.wav".utf8))
            }
            #expect(scanned >= 1000, "each with all below it, or the inbox as a whole")
        }
    }
}
