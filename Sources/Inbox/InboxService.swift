import Glibc
package import Logging
import ServiceLifecycle
package import SystemPackage
import SystemSupport
package import Transcription

/// The watch-folder service: intake of every inbox, the queue, transcription, delivery.
///
/// A graceful shutdown stops intake and the queue at once, gives running recordings `shutdown` to finish and cancels
/// them then; the journal brings them back at the next start, and the cache what was finished of them.
package struct InboxService: Service {
    /// Transcribes one recording of an inbox.
    package typealias Pipeline =
        @Sendable (
            _ recording: Recording, _ id: RecordingID, _ inbox: InboxSettings, _ tracker: ProgressTracker
        ) async throws -> Transcript

    package struct Settings: Sendable {
        package var inboxes: [InboxSettings]
        package var stateDirectory: FilePath
        /// Recordings that are worked on at the same time.
        package var parallelRecordings: Int
        package var shutdown: Duration
        /// How often progress is written down.
        package var progressInterval: Duration
        /// Empty the inboxes, then return.
        package var once: Bool

        package init(
            inboxes: [InboxSettings], stateDirectory: FilePath, parallelRecordings: Int, shutdown: Duration,
            progressInterval: Duration, once: Bool
        ) {
            self.inboxes = inboxes
            self.stateDirectory = stateDirectory
            self.parallelRecordings = parallelRecordings
            self.shutdown = shutdown
            self.progressInterval = progressInterval
            self.once = once
        }
    }

    /// What `serve --once` did.
    package struct Summary: Sendable, Hashable {
        package var delivered = 0
        package var partial = 0
        package var failed = 0
        /// Why recordings failed.
        package var failures: Set<TranscriptionError.Code> = []
    }

    let settings: Settings
    let journal: JobJournal
    let pipeline: Pipeline
    let board: ProgressBoard
    let logger: Logger
    let wake = AsyncSignal()
    let makeTracker: @Sendable (_ name: String, _ inbox: InboxSettings) -> ProgressTracker
    private let figures: @Sendable () async -> (ServiceStatus.CacheFigures?, [String: ConcurrencyController.Figures])
    private let ready: @Sendable () -> Void

    /// - Parameters:
    ///   - tracker: makes the progress tracker of a recording.
    ///   - pipeline: transcribes one recording.
    ///   - figures: asked for `status.json`.
    ///   - ready: called once, after the first scan of every inbox.
    package init(
        settings: Settings, journal: JobJournal, logger: Logger,
        tracker: @escaping @Sendable (_ name: String, _ inbox: InboxSettings) -> ProgressTracker,
        pipeline: @escaping Pipeline,
        figures:
            @escaping @Sendable () async -> (
                ServiceStatus.CacheFigures?, [String: ConcurrencyController.Figures]
            ) = { (nil, [:]) }, ready: @escaping @Sendable () -> Void = {}
    ) {
        self.settings = settings
        self.journal = journal
        self.pipeline = pipeline
        makeTracker = tracker
        self.logger = logger
        self.figures = figures
        self.ready = ready
        board = ProgressBoard()
    }

    package var summary: Summary { board.summary }

    package func run() async throws {
        let interrupted = try await journal.requeueInterrupted()
        if interrupted > 0 {
            logger.notice("taking up interrupted recordings again", metadata: ["count": "\(interrupted)"])
        }
        for job in try await journal.withPendingSource() { await settleSource(of: job) }

        let stopping = CancellationFlag()
        let intakes = settings.inboxes.map { inbox in
            (inbox, Intake(inbox, wake: AsyncSignal(), logger: logger))
        }
        let unfinishedIntakes = SharedCounter(intakes.count)
        let unscanned = SharedCounter(intakes.count)
        try await withGracefulShutdownHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (inbox, intake) in intakes {
                    group.addTask {
                        await cancelWhenGracefulShutdown {
                            await intake.run(once: settings.once) {
                                if unscanned.add(-1) == 0 { ready() }
                            } arrived: { arrival in
                                try await enqueue(arrival, inbox)
                            }
                        }
                        unfinishedIntakes.add(-1)
                        wake.signal()
                    }
                }
                group.addTask { await reportStatus { @Sendable in intakes.reduce(0) { $0 + $1.1.settlingCount } } }
                do {
                    try await withinShutdownTime {
                        try await dispatch(intakes: intakes.map(\.1)) {
                            stopping.isSet || (settings.once && unfinishedIntakes.value == 0)
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
        }
        await writeStatus(settling: 0)
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

    private func enqueue(_ arrival: Intake.Arrival, _ inbox: InboxSettings) async throws {
        let path = arrival.path
        let job = try await journal.enqueue(
            inbox: RawName(inbox.path),
            sharingOutbox: settings.inboxes.filter { $0.outbox == inbox.outbox }.map { RawName($0.path) },
            path: path, identity: arrival.identity, now: Self.now()
        ) { isTaken in
            for attempt in 0..<1000 {
                let candidate = path.folder.appending(SidecarNames.candidate(attempt, for: path.last).base)
                if try !isTaken(candidate) { return candidate }
            }
            throw TranscriptionError(.internalFault, "\(path.printable): every name for its sidecars is taken.")
        }
        guard let job else { return }
        logger.info(
            "recording found",
            metadata: ["file": "\(path.printable)", "bytes": "\(arrival.identity.byteCount)", "job": "\(job.id)"])
        wake.signal()
    }

    /// Runs queued jobs, `parallelRecordings` at a time, until `isDone` and none is left.
    private func dispatch(
        intakes: [Intake], until isDone: @Sendable () -> Bool, mayTake: @Sendable () -> Bool
    ) async throws {
        let running = SharedCounter()
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                try Task.checkCancellation()
                let done = isDone()
                if mayTake(), running.value < settings.parallelRecordings,
                    let job = try await journal.takeNext(now: Self.now())
                {
                    running.add(1)
                    group.addTask {
                        let again = await work(on: job)
                        if again { for intake in intakes { intake.look(at: job.path) } }
                        running.add(-1)
                        wake.signal()
                    }
                    continue
                }
                if done, running.value == 0 { return }
                if mayTake(), running.value < settings.parallelRecordings, let due = try await journal.nextDue() {
                    await wake.wait(atMost: .seconds(max(1, due - Self.now())))
                } else {
                    await wake.wait()
                }
            }
        }
    }

    static func now() -> Int64 { Int64(time(nil)) }

    private func reportStatus(settling: @Sendable () -> Int) async {
        var last: ServiceStatus?
        while !Task.isCancelled {
            let status = await makeStatus(settling: settling())
            if var before = last {
                before.updatedAt = status.updatedAt
                if before != status { last = await write(status) }
            } else {
                last = await write(status)
            }
            try? await Task.sleep(for: settings.progressInterval)
            if board.isIdle { await board.changed.wait(atMost: .seconds(60)) }
        }
    }

    private func makeStatus(settling: Int) async -> ServiceStatus {
        let counts = (try? await journal.counts()) ?? [:]
        let (cache, engines) = await figures()
        return ServiceStatus(
            processID: getpid(), startedAt: board.startedAt, updatedAt: Self.now(), settling: settling,
            queued: counts[.queued] ?? 0, running: board.running, delivered: counts[.delivered] ?? 0,
            partial: counts[.partial] ?? 0, failed: counts[.failed] ?? 0, cache: cache, engines: engines)
    }

    private func write(_ status: ServiceStatus) async -> ServiceStatus {
        let directory = settings.stateDirectory
        do {
            try await BlockingPool.files.run { try status.write(to: directory) }
        } catch {
            logger.warning("status cannot be written", metadata: ["error": "\(error)"])
        }
        return status
    }

    private func writeStatus(settling: Int) async { _ = await write(makeStatus(settling: settling)) }
}
