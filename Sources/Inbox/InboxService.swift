package import Logging
import ServiceLifecycle
import Synchronization
package import SystemPackage
package import SystemSupport
package import Transcription

/// The watch-folder service: intake of every inbox, the queue, transcription, delivery.
///
/// A graceful shutdown stops intake and the queue at once, gives running recordings `shutdown` to finish and cancels
/// them then; the journal brings them back at the next start, and the cache what was finished of them.
package struct InboxService: Service {
    package struct Settings: Sendable {
        package var inboxes: [InboxSettings]
        package var stateDirectory: FilePath
        package var cacheDirectory: FilePath
        /// Recordings that are worked on at the same time.
        package var parallelRecordings: Int
        package var shutdown: Duration
        /// How often progress is written down.
        package var progressInterval: Duration
        /// No recording is begun with less than this free at the outbox, the state or the cache; 0: never mind.
        package var leastFreeBytes: Int64
        /// Empty the inboxes, then return.
        package var once: Bool

        package init(
            inboxes: [InboxSettings], stateDirectory: FilePath, cacheDirectory: FilePath, parallelRecordings: Int,
            shutdown: Duration, progressInterval: Duration, leastFreeBytes: Int64, once: Bool
        ) {
            self.inboxes = inboxes
            self.stateDirectory = stateDirectory
            self.cacheDirectory = cacheDirectory
            self.parallelRecordings = parallelRecordings
            self.shutdown = shutdown
            self.progressInterval = progressInterval
            self.leastFreeBytes = leastFreeBytes
            self.once = once
        }
    }

    /// What transcribes, made for certain settings and replaced together with them.
    package struct Equipment: Sendable {
        /// Transcribes one recording of an inbox.
        package typealias Pipeline =
            @Sendable (
                _ recording: Recording, _ id: RecordingID, _ inbox: InboxSettings,
                _ observe: @escaping @Sendable (ChunkEvent) -> Void
            ) async throws -> Transcript

        let tracker: @Sendable (_ name: String, _ inbox: InboxSettings) -> ProgressTracker
        let pipeline: Pipeline
        let figures: @Sendable () async -> (ServiceStatus.CacheFigures?, [String: ConcurrencyController.Figures])

        /// - Parameters:
        ///   - tracker: makes the progress tracker of a recording.
        ///   - pipeline: transcribes one recording.
        ///   - figures: asked for `status.json`.
        package init(
            tracker: @escaping @Sendable (_ name: String, _ inbox: InboxSettings) -> ProgressTracker,
            pipeline: @escaping Pipeline,
            figures:
                @escaping @Sendable () async -> (
                    ServiceStatus.CacheFigures?, [String: ConcurrencyController.Figures]
                ) = { (nil, [:]) }
        ) {
            self.tracker = tracker
            self.pipeline = pipeline
            self.figures = figures
        }
    }

    /// What `serve --once` did.
    package struct Summary: Sendable, Hashable {
        static let mostNames = 100

        package var delivered = 0
        package var partial = 0
        package var failed = 0
        /// Still in the queue, because there was too little space to begin them, or no engine.
        package var waiting = 0
        /// Some of those wait for an engine.
        package var waitsForEngine = false
        /// Left in the inbox, since their end is missing or somebody still writes them.
        package var incomplete = 0
        /// Finished, but still in the inbox: they could not be moved or deleted.
        package var notTakenOut = 0
        /// Why recordings failed.
        package var failures: Set<TranscriptionError.Code> = []
        /// The first of those that failed, relative to their inboxes.
        package var failedNames: [RawName] = []
    }

    /// Settings and what was made for them, replaced as one.
    final class Current: Sendable {
        private let value: Mutex<(Settings, Equipment)>

        init(_ settings: Settings, _ equipment: Equipment) { value = Mutex((settings, equipment)) }

        var settings: Settings { value.withLock { $0.0 } }
        var equipment: Equipment { value.withLock { $0.1 } }
        var both: (settings: Settings, equipment: Equipment) { value.withLock { $0 } }
        func replace(_ settings: Settings, _ equipment: Equipment) { value.withLock { $0 = (settings, equipment) } }
    }

    let current: Current
    let journal: JobJournal
    let board = ProgressBoard()
    let logger: Logger
    let wake = AsyncSignal()
    let space: FreeSpace
    let folderFiles: FolderFiles
    let pages: StatusPages
    let desk: IntakeDesk
    let outages: Outages
    let undelivered = UndeliveredTranscripts()
    let outboxProbe = OutboxProbe()
    let stuck = StuckSources()
    let outageNotes: OutageNotes
    let faults: StandingFaults
    let notes: NoteQueue
    let interruptions = Interruptions()
    private let ready: @Sendable () -> Void
    private let abandon: @Sendable () -> Void
    let notifier: ServiceNotifier?

    /// The settings that new jobs get.
    var settings: Settings { current.settings }

    /// - Parameters:
    ///   - folderFile: reads the text of a folder's `parlograph.toml`.
    ///   - claims: keeps other services away from the inboxes; nil: there are none.
    ///   - faults: what others find that status files and pages are to tell.
    ///   - notifier: is told that the service is ready, what it does, and that it is alive.
    ///   - ready: called once, after the first scan of every inbox.
    ///   - abandon: called where a stop does not come to its end, because a process or a thread hangs in the kernel and
    ///     cannot be ended: ends this process without waiting for it.
    package init(
        settings: Settings, equipment: Equipment, journal: JobJournal, logger: Logger,
        folderFile: @escaping FolderFiles.Parser = { _ in FolderChoices() }, space: FreeSpace? = nil,
        claims: InboxClaims? = nil, faults: StandingFaults = StandingFaults(), notifier: ServiceNotifier? = nil,
        ready: @escaping @Sendable () -> Void = {},
        abandon: @escaping @Sendable () -> Void = {}
    ) {
        current = Current(settings, equipment)
        self.journal = journal
        self.logger = logger
        self.space = space ?? FreeSpace(logger: logger)
        notes = NoteQueue(logger: logger)
        folderFiles = FolderFiles(parse: folderFile, notes: notes, logger: logger)
        outageNotes = OutageNotes(checkMount: outboxProbe.checkMount)
        pages = StatusPages(probe: outboxProbe, logger: logger)
        desk = IntakeDesk(claims: claims, logger: logger)
        self.faults = faults
        self.notifier = notifier
        self.ready = ready
        self.abandon = abandon
        outages = Outages(logger: logger)
        faults.whenChanged { [board] in board.noteChange() }
    }

    package var summary: Summary { board.summary }

    /// Takes up new settings: recordings that are being worked on finish with the old ones, intake of inboxes that were
    /// added, removed or changed begins, ends or begins anew. The state directory stays what it was.
    package func apply(_ settings: Settings, _ equipment: Equipment) async {
        current.replace(settings, equipment)
        desk.changed.signal()
        desk.acceptPlaces()
        outages.tryAgain(settings.inboxes)
        do {
            try await journal.endWaiting(of: settings.inboxes.map { RawName($0.path) })
        } catch {
            logger.warning("waiting recordings stay so until their time has come", metadata: ["error": "\(error)"])
        }
        wake.signal()
        board.noteChange()
    }

    /// Engines that recordings wait for and that somebody has to put right.
    package var refusedEngines: [String] {
        outages.all.compactMap { outage in
            guard outage.fault == .refused, case .engine(let name) = outage.place else { return nil }
            return name
        }
    }

    /// What these engines need has come into place.
    package func tryAgain(engines: [String]) async {
        outages.tryAgain(with: engines)
        let inboxes = settings.inboxes.filter { engines.contains($0.engine) }.map { RawName($0.path) }
        try? await journal.endWaiting(of: inboxes)
        wake.signal()
        board.noteChange()
    }

    package func run() async throws {
        board.noteDelivery(at: (try? await journal.lastDelivery()) ?? nil)
        let interrupted = try await journal.requeueInterrupted()
        if interrupted > 0 {
            logger.notice("taking up interrupted recordings again", metadata: ["count": "\(interrupted)"])
        }
        let unsettled = try await journal.withPendingSource()
        if settings.once { await settle(unsettled) }

        let stopping = CancellationFlag()
        let shutdown = ShutdownGuard { [logger, abandon] in
            logger.error("something hangs and cannot be ended; the service ends without waiting for it")
            abandon()
        }
        defer { shutdown.end() }
        let dispatching = Heartbeat(waking: wake)
        // Loops that wait for a journal that cannot be used are alive.
        journal.whileWaiting { for loop in desk.heartbeats + [dispatching] { loop.beat() } }
        let scanned = AsyncSignal()
        try await withGracefulShutdownHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await runIntakes(unsettled, scanned: scanned) }
                group.addTask { await reportStatus() }
                group.addTask { await reportPages() }
                group.addTask { await lookAtFolderFilesAgain() }
                group.addTask { await followOutages() }
                if let notifier {
                    group.addTask {
                        await scanned.wait()
                        guard !Task.isCancelled else { return }
                        await notifier.ready()
                        await Watchdog { desk.heartbeats + [dispatching] }.feed(notifier)
                    }
                    group.addTask {
                        guard (try? await gracefulShutdown()) != nil else { return }
                        await notifier.stopping(within: settings.shutdown)
                    }
                }
                group.addTask { await keepJournalSmall() }
                group.addTask {
                    // A copy to another file system may take long: new recordings do not wait for it.
                    if !settings.once { await settle(unsettled) }
                    await takeStuckSourcesOut()
                }
                do {
                    try await withinShutdownTime {
                        try await dispatch(turned: dispatching.beat) {
                            stopping.isSet || (settings.once && desk.isDone)
                        } mayTake: {
                            !stopping.isSet
                        }
                    }
                } catch is CancellationError {
                    logger.notice("stopped before all recordings were finished; they go on at the next start")
                }
                group.cancelAll()
            }
        } onGracefulShutdown: {
            stopping.set()
            wake.signal()
            shutdown.begin(seconds: Int(settings.shutdown.components.seconds) + Self.timeToCancel)
        }
        await writeLastReports()
    }

    /// In seconds, behind `Settings.shutdown`: what is cancelled ends within a moment, unless the kernel holds it.
    private static let timeToCancel = 10

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

    /// Runs an intake for each inbox of the settings, whatever they become, until a graceful shutdown.
    /// - Parameter unsettled: finished jobs whose recordings lay in their inboxes at the start.
    private func runIntakes(_ unsettled: [Job], scanned: AsyncSignal) async {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                var unscanned: SharedCounter?
                var unstarted = unsettled
                while !Task.isCancelled {
                    let begun = desk.update(
                        to: settings.inboxes, noted: (try? await journal.shortOnes()) ?? [:],
                        finished: unstarted + stuck.all.map(\.job))
                    unstarted = []
                    let first = unscanned == nil ? SharedCounter(begun.count) : nil
                    unscanned = unscanned ?? first
                    for place in begun {
                        group.addTask {
                            await place.run(
                                once: settings.once, incomplete: { await tell($0, place.inbox) },
                                changed: board.noteChange
                            ) {
                                guard let first, first.add(-1) == 0 else { return }
                                ready()
                                scanned.signal()
                            } arrived: { arrival in
                                try await enqueue(arrival, place.inbox)
                            }
                            wake.signal()
                        }
                    }
                    await desk.changed.wait()
                }
            }
        }
    }

    func inbox(of job: Job) -> InboxSettings? { settings.inboxes.first { RawName($0.path) == job.inbox } }

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
