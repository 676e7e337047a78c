import Inbox
import Logging
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// Waiting where a file system is nearly full.
@Suite struct FreeSpaceTests {
    @Test func warnsOnceWithNumbersAndSaysWhenItIsOver() async {
        let lines = Guarded<[String]>([])
        let free = Guarded<[FilePath: Int64]>(["/outbox": 50 << 20, "/state": 500 << 20])
        var logger = Logger(label: "test") { _ in
            SystemdLogHandler(level: .trace, style: .systemd) { line in lines.change { $0.append(line) } }
        }
        logger.logLevel = .info
        let space = FreeSpace(logger: logger) { folder in free.value[folder] }
        let folders: Set<FilePath> = ["/outbox", "/state", "/cannot-be-told"]
        for _ in 0..<3 { #expect(await space.look(at: folders, minimum: 100 << 20) == ["/outbox"]) }
        #expect(space.shortFolders == ["/outbox"])
        #expect(lines.value.count == 1)
        #expect(lines.value[0].contains("free=\"50.0 MB\""), "\(lines.value)")
        #expect(lines.value[0].contains("min_free_space_mb=100"))
        free.change { $0["/outbox"] = 100 << 20 }
        #expect(await space.look(at: folders, minimum: 100 << 20).isEmpty)
        #expect(lines.value.count == 2)
        #expect(await space.look(at: folders, minimum: 0).isEmpty)
    }

    /// A share hangs: the queue's loop learns it and goes on, and asks no second time before the first one is back.
    @Test(.timeLimit(.minutes(20))) func aFolderThatDoesNotAnswerHoldsUpNothing() async throws {
        let (hung, asked, log) = (Turnstile(), SharedCounter(), InboxFixture.LogLines())
        let pool = BlockingPool(name: "test", limit: 4, perStorage: 2)
        let space = FreeSpace(logger: log.logger, pool: pool, patience: .seconds(2)) { folder in
            asked.add(1)
            hung.pass()
            return 200 << 20
        }
        await hung.holding {
            for _ in 1...3 { #expect(await space.look(at: ["/share"], minimum: 100 << 20) == ["/share"]) }
            #expect(await space.look(at: ["/share"], minimum: 0) == ["/share"], "where space does not matter as well")
        }
        #expect(asked.value == 1)
        #expect(space.shortFolders.isEmpty, "nobody knows what is free there")
        hung.open()
        try await eventually("its answer") { await space.look(at: ["/share"], minimum: 100 << 20).isEmpty }
        #expect(!log.list(of: "folder does not answer").isEmpty)
        #expect(!log.list(of: "folder answers again").isEmpty)
    }

    @Test func asksTheFileSystem() async throws {
        try await withTemporaryDirectory { folder in
            #expect((FreeSpace.freeBytes(folder) ?? 0) > 0)
            #expect(FreeSpace.freeBytes(folder.appending("missing")) == nil)
        }
    }
}
