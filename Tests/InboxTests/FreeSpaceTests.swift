import Inbox
import Logging
import Synchronization
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// Waiting where a file system is nearly full.
@Suite struct FreeSpaceTests {
    @Test func warnsOnceWithNumbersAndSaysWhenItIsOver() {
        let lines = Mutex<[String]>([])
        let free = Mutex<[FilePath: Int64]>(["/outbox": 50 << 20, "/state": 500 << 20])
        var logger = Logger(label: "test") { _ in
            JournalLogHandler(level: .trace, style: .journal) { line in lines.withLock { $0.append(line) } }
        }
        logger.logLevel = .info
        let space = FreeSpace(logger: logger) { folder in free.withLock { $0[folder] } }
        let folders: Set<FilePath> = ["/outbox", "/state", "/cannot-be-told"]
        for _ in 0..<3 { #expect(space.look(at: folders, least: 100 << 20) == ["/outbox"]) }
        #expect(space.shortFolders == ["/outbox"])
        #expect(lines.withLock { $0.count } == 1)
        #expect(lines.withLock { $0[0] }.contains("free=\"50.0 MB\""), "\(lines.withLock { $0 })")
        #expect(lines.withLock { $0[0] }.contains("min_free_space_mb=100"))
        free.withLock { $0["/outbox"] = 100 << 20 }
        #expect(space.look(at: folders, least: 100 << 20).isEmpty)
        #expect(lines.withLock { $0.count } == 2)
        #expect(space.look(at: folders, least: 0).isEmpty)
    }

    @Test func asksTheFileSystem() async throws {
        try await withTemporaryDirectory { folder in
            #expect((FreeSpace.freeBytes(folder) ?? 0) > 0)
            #expect(FreeSpace.freeBytes(folder.appending("missing")) == nil)
        }
    }
}
