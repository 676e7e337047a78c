import Synchronization
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// Long works beside each other and beside short ones. What hangs is played by threads that a test holds back.
@Suite(.timeLimit(.minutes(20))) struct WholeFilePoolTests {
    private static let (nas, disk) = (Storage.folder("/nas"), Storage.folder("/disk"))

    @Test func aStorageThatHangsHoldsUpNoOther() async throws {
        let pool = WholeFilePool(limit: 4, perStorage: 2)
        let hung = Turnstile()
        try await hung.holding {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 1...10 {
                    group.addTask { try await pool.run(on: Self.nas, bytes: 1 << 40) { _ in hung.pass() } }
                }
                await hung.haveArrived(2)
                for number in 1...20 {
                    #expect(try await pool.run(on: Self.disk, bytes: 100) { _ in number } == number)
                }
                hung.open()
                try await group.waitForAll()
            }
        }
    }

    @Test func noMoreHaveATurnThanThereAreTurns() async throws {
        let pool = WholeFilePool(limit: 3, perStorage: 2, turnBytes: 10)
        let inside = Guarded((now: 0, most: 0, total: 0))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 1...20 {
                group.addTask {
                    try await pool.run(on: Self.nas, bytes: 1000) { turn in
                        for _ in 1...100 {
                            inside.change {
                                $0.now += 1
                                $0.most = max($0.most, $0.now)
                                $0.total += 1
                            }
                            inside.change { $0.now -= 1 }
                            #expect(turn.goesOn(after: 10))
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(inside.value.most <= 2)
        #expect(inside.value.total == 2000)
    }

    @Test func aMemoGoesBetweenTwoSlicesOfAHearing() async throws {
        let pool = WholeFilePool(limit: 1, perStorage: 1, turnBytes: 10)
        let (slice, log) = (Turnstile(), Guarded<[String]>([]))
        try await slice.holding {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await pool.run(on: Self.nas, bytes: 1000) { turn in
                        slice.pass()
                        for _ in 1...100 where turn.goesOn(after: 10) {}
                        log.change { $0.append("hearing") }
                    }
                }
                await slice.haveArrived(1)
                group.addTask {
                    async let memo: Void = pool.run(on: Self.nas, bytes: 1) { _ in log.change { $0.append("memo") } }
                    try await memo
                }
                try await eventually("the memo waits") { pool.waiting == 1 }
                slice.open()
                try await group.waitForAll()
            }
        }
        #expect(log.value == ["memo", "hearing"])
    }

    @Test func whatIsCancelledEndsAtOnceWhereverItIs() async throws {
        let pool = WholeFilePool(limit: 1, perStorage: 1, turnBytes: 10)
        let (running, pieces) = (Turnstile(), Guarded(0))
        await running.holding {
            await withTaskGroup(of: Bool.self) { group in
                func add(_ bytes: Int64, _ work: @escaping @Sendable (WholeFilePool.Turn) throws -> Void) {
                    group.addTask {
                        do {
                            try await pool.run(on: Self.nas, bytes: bytes, work)
                            return false
                        } catch {
                            return error is CancellationError
                        }
                    }
                }
                add(1000) { turn in
                    // One that has its turn, between two pieces.
                    running.pass()
                    while turn.goesOn(after: 1) { pieces.change { $0 += 1 } }
                    throw CancellationError()
                }
                await running.haveArrived(1)
                // Those that wait have no thread to tell.
                for _ in 1...5 { add(2000) { _ in Issue.record("begun though it was cancelled") } }
                try? await eventually("five wait") { pool.waiting == 5 }
                group.cancelAll()
                for _ in 1...5 { #expect(await group.next() == true) }
                running.open()
                #expect(await group.next() == true)
            }
        }
        #expect(pieces.value == 0)
        #expect(try await pool.run(on: Self.nas, bytes: 1) { _ in 5 } == 5, "its turn was given back")
    }

    @Test func onePausedInTheMiddleEndsWhenItIsCancelled() async throws {
        let pool = WholeFilePool(limit: 1, perStorage: 1, turnBytes: 10)
        let (first, second) = (Turnstile(), Turnstile())
        try await second.holding {
            try await withThrowingTaskGroup(of: Void.self) { group in
                let long = group.addTaskUnlessCancelled {
                    await withTaskGroup(of: Void.self) { inner in
                        inner.addTask {
                            let outcome: Void? = try? await pool.run(on: Self.nas, bytes: 1000) { turn in
                                first.pass()
                                guard turn.goesOn(after: 10) else { throw CancellationError() }
                                Issue.record("went on though it was cancelled")
                            }
                            #expect(outcome == nil)
                        }
                        await first.haveArrived(1)
                        inner.addTask { _ = try? await pool.run(on: Self.nas, bytes: 1) { _ in second.pass() } }
                        try? await eventually("the short one waits") { pool.waiting == 1 }
                        first.open()
                        // It has given its turn to the short one, which keeps it.
                        await second.haveArrived(1)
                        inner.cancelAll()
                        await inner.next()
                        second.open()
                    }
                }
                #expect(long)
                try await group.waitForAll()
            }
        }
        #expect(try await pool.run(on: Self.nas, bytes: 1) { _ in 5 } == 5)
    }

    @Test func errorsReachTheCaller() async throws {
        struct Fault: Error {}
        let pool = WholeFilePool()
        await #expect(throws: Fault.self) { try await pool.run(on: Self.nas, bytes: 1) { _ in throw Fault() } }
    }
}

@Suite(.timeLimit(.minutes(20))) struct HungStorageTests {
    @Test func anOutboxThatHangsLeavesThreadsToOthers() async {
        let pool = BlockingPool(name: "test", limit: 4, perStorage: 2)
        let hung = Turnstile()
        await hung.holding {
            await withTaskGroup(of: Void.self) { group in
                for outbox in 1...6 {
                    for _ in 1...10 {
                        group.addTask { await pool.run(on: .folder(FilePath("/outbox\(outbox)"))) { hung.pass() } }
                    }
                }
                // Two with two threads each, and four with one: which of them is left to the order in which they came.
                await hung.haveArrived(6)
                #expect(await pool.run(on: .folder("/another")) { 1 } == 1)
                for number in 2...20 { #expect(await pool.run { number } == number) }
                hung.open()
            }
        }
    }

    @Test func aFolderThatHangsHoldsNoLockThatAnotherNeeds() async throws {
        let locks = FolderLocks()
        let pool = BlockingPool(name: "test", limit: 8)
        @Sendable func folder(_ inode: UInt64) -> FileIdentity {
            FileIdentity(device: 1, inode: inode, byteCount: 0, modified: 0)
        }
        let (hung, log) = (Turnstile(), Guarded<[String]>([]))
        await hung.holding {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    await pool.run {
                        locks.withLock(on: folder(1)) {
                            hung.pass()
                            log.change { $0.append("first") }
                        }
                    }
                }
                await hung.haveArrived(1)
                group.addTask {
                    await pool.run { locks.withLock(on: folder(1)) { log.change { $0.append("second") } } }
                }
                await pool.run { locks.withLock(on: folder(2)) { log.change { $0.append("other") } } }
                hung.open()
            }
        }
        #expect(log.value.first == "other")
        #expect(log.value.count == 3)
    }
}
