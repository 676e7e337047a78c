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
