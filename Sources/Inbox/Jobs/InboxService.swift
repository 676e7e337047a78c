package import Logging
import ServiceLifecycle
import SystemPackage
package import SystemSupport
import Transcription

/// The watch-folder service: starts and stops the intake of every inbox, the work on recordings and the reports, and
/// decides which recording begins when.
///
/// A graceful shutdown stops intake and the queue at once, gives running recordings `shutdown` to finish and cancels
/// them then; the journal brings them back at the next start, and the cache what was finished of them.
package struct InboxService: Service {
    let current: ActiveSettings
    let journal: JobJournal
    let board = ProgressBoard()
    let logger: Logger
    let wake = AsyncSignal()
    let space: FreeSpace
    let backoff: DependencyBackoff
    let pendingMoves = PendingMoves()
    let intakes: IntakeSupervisor
    package let runner: JobRunner
    package let reporter: StatusReporter
    let hooks: HookDispatcher
    private let metrics: MetricsReporter?
    private let folderFiles: FolderFiles
    private let ready: @Sendable () -> Void
    private let abandon: @Sendable () -> Void
    private let notifier: ServiceNotifier?
    private let shutdownWait: ShutdownGuard.Wait

    /// The settings that new jobs get.
    var settings: ServiceSettings { current.settings }

    /// - Parameters:
    ///   - folderFile: reads the text of a folder's `parlograph.toml`.
    ///   - claims: keeps other services away from the inboxes; nil: there are none.
    ///   - faults: what others find that status files and pages are to tell.
    ///   - webhooks: sends webhooks.
    ///   - metrics: all figures, in the text format of Prometheus; nil: nobody counts.
    ///   - notifier: is told that the service is ready, what it does, and that it is alive.
    ///   - platform: replaced in tests.
    ///   - ready: called once, after the first scan of every inbox.
    ///   - abandon: called where a stop does not come to its end, because a process or a thread hangs in the kernel and
    ///     cannot be ended: ends this process without waiting for it.
    package init(
        settings: ServiceSettings, backend: TranscriptionBackend, journal: JobJournal, logger: Logger,
        folderFile: @escaping FolderFiles.Parser = { _ in FolderChoices() }, space: FreeSpace? = nil,
        claims: InboxLocks? = nil, faults: StandingFaults = StandingFaults(),
        webhooks: @escaping WebhookSender = { _ in throw HookFailure("is not asked: nobody sends webhooks here.") },
        metrics: (@Sendable () -> String)? = nil,
        notifier: ServiceNotifier? = nil, platform: ServicePlatform = ServicePlatform(),
        ready: @escaping @Sendable () -> Void = {},
        abandon: @escaping @Sendable () -> Void = {}
    ) {
        let current = ActiveSettings(settings, backend)
        let space = space ?? FreeSpace(logger: logger)
        let notes = NoteQueue(logger: logger)
        let backoff = DependencyBackoff(logger: logger)
        let probe = OutboxProbe()
        let folderFiles = FolderFiles(parse: folderFile, notes: notes, logger: logger)
        let intakes = IntakeSupervisor(
            current: current, journal: journal, board: board, notes: notes, pendingMoves: pendingMoves, claims: claims,
            wake: wake, logger: logger, platform: platform)
        self.current = current
        self.journal = journal
        self.logger = logger
        self.space = space
        self.backoff = backoff
        self.intakes = intakes
        self.folderFiles = folderFiles
        let hooks = HookDispatcher(
            current: current, journal: journal, logger: logger, send: webhooks, changed: board.noteChange)
        self.hooks = hooks
        self.metrics = metrics.map {
            MetricsReporter(
                current: current, journal: journal, intakes: intakes, backoff: backoff, space: space, faults: faults,
                logger: logger, text: $0)
        }
        runner = JobRunner(
            current: current, journal: journal, board: board, folderFiles: folderFiles, backoff: backoff,
            outboxProbe: probe, pendingMoves: pendingMoves, logger: logger, wake: wake, release: intakes.release)
        reporter = StatusReporter(
            current: current, journal: journal, board: board, intakes: intakes, backoff: backoff,
            pendingMoves: pendingMoves, hooks: hooks,
            faults: faults, space: space, pages: StatusPages(probe: probe, logger: logger), notes: notes,
            outageNotes: OutageNotes(checkMount: probe.checkMount), logger: logger, notifier: notifier)
        self.notifier = notifier
        shutdownWait = platform.shutdownWait
        self.ready = ready
        self.abandon = abandon
        faults.whenChanged { [board] in board.noteChange() }
    }

    package var summary: ServiceSummary { board.summary }

    /// Takes up new settings: recordings that are being worked on finish with the old ones, intake of inboxes that were
    /// added, removed or changed begins, ends or begins anew. The state directory stays what it was.
    package func apply(_ settings: ServiceSettings, _ backend: TranscriptionBackend) async {
        current.replace(settings, backend)
        intakes.changed.signal()
        intakes.acceptPlaces()
        backoff.tryAgain(settings.inboxes)
        await endWaiting(of: settings.inboxes)
        await hooks.tryAgain()
        board.noteChange()
    }

    /// Engines that recordings wait for and that somebody has to put right.
    package var refusedEngines: [String] {
        backoff.all.compactMap { outage in
            guard outage.fault == .refused, case .engine(let name) = outage.place else { return nil }
            return name
        }
    }

    /// What these engines need has come into place.
    package func tryAgain(engines: [String]) async {
        backoff.tryAgain(with: engines)
        await endWaiting(of: settings.inboxes.filter { engines.contains($0.engine) })
        board.noteChange()
    }

    private func endWaiting(of inboxes: [InboxSettings]) async {
        do {
            try await journal.endWaiting(of: inboxes.map(\.id))
        } catch {
            logger.warning("waiting recordings stay so until their time has come", metadata: ["error": "\(error)"])
        }
        wake.signal()
    }

    /// Until the service is to stop, or, with `once`, until the inboxes are empty.
    /// - Throws: what ends the service before that.
    package func run() async throws {
        board.noteDelivery(at: (try? await journal.lastDelivery()) ?? nil)
        let interrupted = try await journal.requeueInterrupted()
        if interrupted > 0 {
            logger.notice("taking up interrupted recordings again", metadata: ["count": "\(interrupted)"])
        }
        let unmoved = try await journal.withPendingSource()
        if settings.once { await runner.dispose(of: unmoved) }

        let (stopping, finished) = (CancellationFlag(), CancellationFlag())
        let shutdown = ShutdownGuard(wait: shutdownWait) { [logger, abandon] in
            logger.error("something hangs and cannot be ended; the service ends without waiting for it")
            abandon()
        }
        defer { shutdown.end() }
        let dispatching = Heartbeat(waking: wake)
        // Loops that wait for a journal that cannot be used are alive.
        journal.whileWaiting { for loop in intakes.heartbeats + [dispatching] { loop.beat() } }
        let scanned = AsyncSignal()
        try await withGracefulShutdownHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await cancelWhenGracefulShutdown {
                        await intakes.run(unmoved) {
                            ready()
                            scanned.signal()
                        }
                    }
                }
                group.addTask { await reporter.reportStatus() }
                group.addTask { await reporter.reportPages() }
                group.addTask { await lookAtFolderFilesAgain() }
                group.addTask { await followOutages() }
                if let notifier { addNotifying(notifier, scanned: scanned, dispatching, to: &group) }
                group.addTask { await keepJournalSmall() }
                if let metrics { group.addTask { await metrics.run() } }
                group.addTask {
                    // A copy to another file system may take long: new recordings do not wait for it.
                    if !settings.once { await runner.dispose(of: unmoved) }
                    hooks.wake.signal()
                    await runner.retryPendingMoves()
                }
                do {
                    try await withinShutdownTime {
                        async let called: Void = hooks.run {
                            stopping.isSet || finished.isSet
                        } mayBegin: {
                            !stopping.isSet
                        }
                        try await dispatch(turned: dispatching.beat) {
                            stopping.isSet || (settings.once && intakes.isDone)
                        } mayTake: {
                            !stopping.isSet
                        }
                        finished.set()
                        hooks.wake.signal()
                        try await called
                    }
                } catch is CancellationError {
                    logger.notice("stopped before all recordings were finished; they go on at the next start")
                }
                group.cancelAll()
            }
        } onGracefulShutdown: {
            stopping.set()
            wake.signal()
            hooks.wake.signal()
            shutdown.begin(seconds: ShutdownGuard.patience(shutdown: settings.shutdown))
        }
        await metrics?.writeLast()
        await reporter.writeLastReports()
    }

    private func addNotifying(
        _ notifier: ServiceNotifier, scanned: AsyncSignal, _ dispatching: Heartbeat,
        to group: inout ThrowingTaskGroup<Void, any Error>
    ) {
        group.addTask {
            await scanned.wait()
            guard !Task.isCancelled else { return }
            await notifier.ready()
            await Watchdog { intakes.heartbeats + [dispatching] }.feed(notifier)
        }
        group.addTask {
            guard (try? await gracefulShutdown()) != nil else { return }
            await notifier.stopping(within: settings.shutdown)
        }
    }

    /// Runs `body`, which is cancelled when it is not done `shutdown` after a graceful shutdown began.
    private func withinShutdownTime(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await gracefulShutdown()
                try await Task.sleep(for: settings.shutdown)
                throw CancellationError()
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Lets those begin that waited for an engine, when that is over, and has people told of it; until the task is cancelled.
    private func followOutages() async {
        while !Task.isCancelled {
            let ended = backoff.takeEnded()
            let free = settings.inboxes.filter { ended.contains(.engine($0.engine)) }
            if !free.isEmpty { await endWaiting(of: free) }
            let isTold = await reporter.writeOutageNotes()
            board.noteChange()
            if isTold { await backoff.changed.wait() } else { await backoff.changed.wait(atMost: Self.pauseUntold) }
        }
    }

    /// Until a note that could not be written or taken away is tried again.
    private static let pauseUntold = Duration.seconds(60)
    private static let folderFilePause = Duration.seconds(5)

    /// A person who mended a `parlograph.toml` sees the note about it go.
    private func lookAtFolderFilesAgain() async {
        while !Task.isCancelled {
            await folderFiles.faulty.wait()
            while !Task.isCancelled, folderFiles.hasFaults {
                try? await Task.sleep(for: Self.folderFilePause)
                await folderFiles.lookAgain()
            }
        }
    }
}
