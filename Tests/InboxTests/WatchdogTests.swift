import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// When the service manager is told that the service is alive.
@Suite(.timeLimit(.minutes(20))) struct WatchdogTests {
    /// Waits until the loop has been asked and owes its answer, or the manager was told something.
    /// - Returns: whether it was told nothing.
    private static func isAskedFirst(_ heartbeat: Heartbeat, _ socket: NotifySocket) async throws -> Bool {
        var message: [String]?
        try await eventually("a question to the loop, or a sign of life without one", within: .seconds(120)) {
            message = socket.next()
            return message != nil || heartbeat.isAsked
        }
        return message == nil && socket.next() == nil
    }

    @Test func isFedOnlyAfterEveryLoopHasAnswered() async throws {
        try await withTemporaryDirectory { folder in
            let socket = try NotifySocket(folder.appending("notify").string)
            let notifier = try #require(
                ServiceNotifier(environment: ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "30000"]))
            let (quick, stuck) = (Heartbeat(waking: AsyncSignal()), Heartbeat(waking: AsyncSignal()))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await Watchdog({ [quick, stuck] }).feed(notifier) }
                group.addTask {
                    while !Task.isCancelled {
                        await quick.wake.wait()
                        quick.beat()
                    }
                }
                defer { group.cancelAll() }
                // The watchdog has the first one's answer when it asks the second.
                try #require(await Self.isAskedFirst(stuck, socket))
                stuck.beat()
                try await socket.message("WATCHDOG=1")
                try #require(await Self.isAskedFirst(stuck, socket))
                // What an ended loop no longer says does not matter.
                stuck.end()
                for _ in 1...3 { try await socket.message("WATCHDOG=1") }
            }
        }
    }

    @Test func anAnswerFromBeforeTheQuestionDoesNotCount() async throws {
        try await withTemporaryDirectory { folder in
            let socket = try NotifySocket(folder.appending("notify").string)
            let notifier = try #require(
                ServiceNotifier(environment: ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "30000"]))
            let loop = Heartbeat(waking: AsyncSignal())
            for _ in 1...3 { loop.beat() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await Watchdog({ [loop] }).feed(notifier) }
                defer { group.cancelAll() }
                try #require(await Self.isAskedFirst(loop, socket))
                loop.beat()
                try await socket.message("WATCHDOG=1")
            }
        }
    }

    @Test func isNotFedWhileTheThreadsForFilesAllHang() async throws {
        try await withTemporaryDirectory { folder in
            let socket = try NotifySocket(folder.appending("notify").string)
            let pool = BlockingPool(name: "test", limit: 2)
            let notifier = try #require(
                ServiceNotifier(
                    environment: ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "30000"], pool: pool))
            let (loop, hung) = (Heartbeat(waking: AsyncSignal()), Turnstile())
            try await hung.holding {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 1...2 { group.addTask { await pool.run { hung.pass() } } }
                    await hung.haveArrived(2)
                    group.addTask { await Watchdog({ [loop] }).feed(notifier) }
                    defer {
                        hung.open()
                        group.cancelAll()
                    }
                    try #require(await Self.isAskedFirst(loop, socket))
                    loop.beat()
                    #expect(socket.next() == nil)
                    hung.open()
                    try await socket.message("WATCHDOG=1")
                }
            }
        }
    }

    /// More hearings than there are threads hang in a file system that is dead; the inbox is another one's.
    @Test func isFedWhileWholeFilesHang() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let heartbeat = Heartbeat(waking: AsyncSignal())
            let socket = try NotifySocket(folder.appending("notify").string)
            let notifier = try #require(
                ServiceNotifier(environment: ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "30000"]))
            try inbox.write("words", to: "outbox/hearing.wav")
            let (path, hung) = (inbox["outbox/hearing.wav"], Turnstile())
            try await hung.holding {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 1...20 {
                        group.addTask {
                            let hearing = try await BlockingPool.files.run {
                                try Recording(opening: path, followingLinks: false)
                            }
                            _ = try await hearing.digest {
                                hung.pass()
                                return try $0.read(fromAbsoluteOffset: $2, into: $1)
                            }
                        }
                    }
                    await hung.haveArrived(2)
                    let intake = Intake(inbox.settings, wake: heartbeat.wake, logger: InboxFixture.logger)
                    group.addTask {
                        await intake.run(once: false, scanned: {}, turned: heartbeat.beat) { _ in }
                    }
                    group.addTask { await Watchdog({ [heartbeat] }).feed(notifier) }
                    for _ in 1...5 { try await socket.message("WATCHDOG=1") }
                    hung.open()
                    group.cancelAll()
                }
            }
        }
    }

    @Test func anInboxAnswersWhenItIsAsked() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let heartbeat = Heartbeat(waking: AsyncSignal())
            let socket = try NotifySocket(folder.appending("notify").string)
            let notifier = try #require(
                ServiceNotifier(environment: ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "30000"]))
            // Its next scan is an hour away.
            let intake = Intake(inbox.settings, wake: heartbeat.wake, logger: InboxFixture.logger)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await intake.run(once: false) {
                    } turned: {
                        heartbeat.beat()
                    } arrived: { _ in
                    }
                }
                group.addTask { await Watchdog({ [heartbeat] }).feed(notifier) }
                for _ in 1...5 { try await socket.message("WATCHDOG=1") }
                group.cancelAll()
            }
        }
    }
}
