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

    @Test func aFolderBelowAnotherIsScannedWithIt() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            for path in ["a", "a/b", "a/b/c", "ab", "d", "d/e"] { try InboxFixture.makeFolder(inbox["inbox/\(path)"]) }
            let watcher = try Self.watcher(of: inbox)
            defer { watcher.stop() }
            for path in ["a", "a/b/c", "ab", "d/e"] { #expect(chmod(inbox["inbox/\(path)"].string, 0o700) == 0) }
            var scanned: [RawName] = []
            try await eventually("the last of them") {
                scanned += watcher.drain().topmostFolders
                return scanned.contains(RawName(bytes: "d/e".utf8))
            }
            // What was drained apart is scanned apart.
            #expect(Set(scanned.map(\.printable)).subtracting(["a/b/c"]) == ["a", "ab", "d/e"])

            try inbox.write("x", to: "inbox/a/b/c/talk.wav")
            try await eventually("its file") { watcher.drain().files.contains(RawName(bytes: "a/b/c/talk.wav".utf8)) }
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
