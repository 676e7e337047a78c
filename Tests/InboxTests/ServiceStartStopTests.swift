import Glibc
import Inbox
import ServiceLifecycle
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// The beginning of the service, a reload, and its end, in this process.
@Suite(.timeLimit(.minutes(20))) struct ServiceStartStopTests {
    /// What the service is made of, but for what a test replaces.
    private struct Parts {
        let settings: ServiceSettings
        let backend: TranscriptionBackend
        let journal: JobJournal

        init(
            _ inboxes: [InboxFixture], in folder: FilePath, shutdown: Duration = .seconds(5),
            pipeline: @escaping TranscriptionBackend.Pipeline = { _, _, _, _ in
                throw TranscriptionError(.undecodable, "It is played.")
            }
        ) async throws {
            FileLease.ignoreBreakSignal()
            settings = ServiceSettings(
                inboxes: inboxes.map(\.settings), stateDirectory: folder, cacheDirectory: folder, parallelRecordings: 2,
                shutdown: shutdown, progressInterval: .milliseconds(100), minimumFreeBytes: 0, once: false)
            backend = TranscriptionBackend(
                tracker: { name, _ in
                    ProgressTracker(
                        name: name, expectedSamples: nil, expectedChunks: nil, concurrency: 1, priorRate: 1)
                }, pipeline: pipeline)
            journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
        }
    }

    private static func inboxes(_ names: [String], in folder: FilePath) throws -> [InboxFixture] {
        try names.map { name in
            try InboxFixture.makeFolder(folder.appending(name))
            return try InboxFixture(folder.appending(name))
        }
    }

    private static func running(_ service: InboxService, _ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            defer { group.cancelAll() }
            try await body()
        }
    }

    /// First lines of what the manager is told, until a line that begins so.
    private static func told(_ socket: NotifySocket, until start: String) async throws -> [String] {
        var lines: [String] = []
        try await eventually("the message \(start)", within: .seconds(300)) {
            while let line = socket.next()?.first {
                lines.append(line)
                if line.hasPrefix(start) { return true }
            }
            return false
        }
        return lines
    }

    /// Whoever is started after the service may rely on it: a file that is put into any inbox then is found by an event.
    @Test func itIsReadyOnceAllInboxesAreScannedAndNotBefore() async throws {
        try await withTemporaryDirectory { folder in
            let inboxes = try Self.inboxes(["held", "free"], in: folder)
            let parts = try await Parts(inboxes, in: folder)
            let socket = try NotifySocket(folder.appending("notify").string)
            let notifier = try #require(ServiceNotifier(environment: ["NOTIFY_SOCKET": socket.name]))
            let (lines, ready) = (InboxFixture.LogLines(), SharedCounter())
            let path = inboxes[0].settings.path
            let other = Guarded<FolderLock?>(try await BlockingPool.files.run { try FolderLock.take(path) })
            try #require(other.value != nil)
            let service = InboxService(
                settings: parts.settings, backend: parts.backend, journal: parts.journal, logger: lines.logger,
                claims: InboxLocks(), notifier: notifier
            ) {
                ready.add(1)
            }
            try await Self.running(service) {
                try await eventually("it waits") {
                    !lines.list(of: "another process serves this inbox, leaving it to that").isEmpty
                }
                // It works at the other one, and takes up new settings, meanwhile.
                await notifier.reloading()
                await service.apply(parts.settings, parts.backend)
                await notifier.reloaded()
                try inboxes[1].write("x", to: "inbox/memo.raw")
                let before = try await Self.told(socket, until: "STATUS=0 running, 0 queued, 0 arriving, 1 failed")
                try #require(before.allSatisfy { $0.hasPrefix("STATUS=") } && ready.value == 0, "\(before)")

                other.change { $0 = nil }
                // Wakes those who wait.
                await service.apply(parts.settings, parts.backend)
                _ = try await Self.told(socket, until: "READY=1")
                #expect(ready.value == 1)
                await notifier.reloading()
                let between = try await Self.told(socket, until: "RELOADING=1")
                #expect(!between.contains("READY=1"), "once")
            }
        }
    }

    /// What is arriving has settled for as long as before, and no event is lost between two watchers.
    @Test func aReloadLeavesInboxesAloneThatStayAsTheyAre() async throws {
        try await withTemporaryDirectory { folder in
            var inboxes = try Self.inboxes(["same", "new"], in: folder)
            (inboxes[0].settings.settle, inboxes[1].settings.settle) = (.seconds(7200), .zero)
            let before = try await Parts([inboxes[0]], in: folder)
            let (clock, watched, isReady) = (HandClock(), Guarded<[FilePath]>([]), CancellationFlag())
            let platform = ServicePlatform(
                clock: { clock.now },
                makeWatcher: { root, changed, logger, ignored in
                    watched.change { $0.append(root) }
                    return try InboxWatcher(root: root, changed: changed, logger: logger, ignored: ignored)
                })
            let service = InboxService(
                settings: before.settings, backend: before.backend, journal: before.journal,
                logger: InboxFixture.logger, platform: platform
            ) {
                isReady.set()
            }
            func age(_ name: String) async -> Int64? {
                let arriving = await service.reporter.makeStatus().arriving ?? []
                return arriving.first { $0.name == name }.map { UnixTime.now() - $0.foundAt }
            }
            try inboxes[1].write("x", to: "inbox/memo.raw")
            try await Self.running(service) {
                try await eventually("the first scan") { isReady.isSet }
                try inboxes[0].write("x", to: "inbox/talk.raw")
                try await eventually("it arrives", within: .seconds(300)) { await age("talk.raw") != nil }
                clock.advance(by: .seconds(3600))
                var settings = before.settings
                settings.inboxes = inboxes.map(\.settings)
                await service.apply(settings, before.backend)
                try await eventually("the new inbox is served", within: .seconds(300)) {
                    inboxes[1].exists("failed/memo.raw")
                }
                let old = await age("talk.raw")
                #expect(old.map { $0 >= 3600 } == true, "\(old ?? -1) s")
                #expect(watched.value == inboxes.map(\.settings.path))
            }
        }
    }

    /// The kernel holds a process of a recording, or a call: nothing in this process can end it.
    @Test func aStopThatARecordingHoldsUpIsGivenUpInTime() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try Self.inboxes(["only"], in: folder)[0]
            let (hung, threads) = (Turnstile(), BlockingPool(name: "hung", limit: 1))
            let parts = try await Parts([inbox], in: folder, shutdown: .zero) { _, _, _, _ in
                await threads.run { hung.pass() }
                throw CancellationError()
            }
            let (waits, abandoned) = (Guarded<[Int]>([]), SharedCounter())
            let platform = ServicePlatform(shutdownWait: { _, seconds in
                waits.change { $0.append(seconds) }
                return false
            })
            let service = InboxService(
                settings: parts.settings, backend: parts.backend, journal: parts.journal, logger: InboxFixture.logger,
                platform: platform
            ) {
            } abandon: {
                abandoned.add(1)
            }
            let group = ServiceGroup(configuration: .init(services: [service], logger: InboxFixture.logger))
            try inbox.write("x", to: "inbox/talk.raw")
            try await hung.holding {
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    tasks.addTask { try await group.run() }
                    await hung.haveArrived(1)
                    defer { hung.open() }
                    #expect(waits.value == [], "not before it is to stop")
                    await group.triggerGracefulShutdown()
                    try await eventually("the end of patience", within: .seconds(120)) { abandoned.value > 0 }
                    hung.open()
                    try await tasks.waitForAll()
                }
            }
            #expect(waits.value == [10] && abandoned.value == 1)
        }
    }
}
