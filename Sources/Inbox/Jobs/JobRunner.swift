import Glibc
package import Logging
import SystemPackage
import SystemSupport
import Transcription

/// Takes one recording from the queue to its sidecars and its source out of the inbox, or says what it waits for.
///
/// The order is: sidecars, journal, source. What the journal has not taken down has not happened: after a crash the next
/// start does it again.
package struct JobRunner: Sendable {
    let current: ActiveSettings
    let journal: JobJournal
    let board: ProgressBoard
    let folderFiles: FolderFiles
    let backoff: DependencyBackoff
    let outboxProbe: OutboxProbe
    let pendingMoves: PendingMoves
    let logger: Logger
    /// Is signalled when recordings may begin that could not before.
    let wake: AsyncSignal
    /// Lets a recording go that is no longer worked on; `again`: it changed and wants to be looked at by intake.
    let release: @Sendable (_ job: Job, _ again: Bool) -> Void
    let undelivered = UndeliveredTranscripts()
    let interruptions = InterruptionCounts()

    var settings: ServiceSettings { current.settings }

    /// What became of recordings so far.
    package var summary: ServiceSummary { board.summary }
}

extension JobRunner {
    /// One that works by itself, with nobody beside it to be told.
    package init(
        settings: ServiceSettings, backend: TranscriptionBackend, journal: JobJournal, logger: Logger,
        release: @escaping @Sendable (_ job: Job, _ again: Bool) -> Void = { _, _ in }
    ) {
        let notes = NoteQueue(logger: logger)
        self.init(
            current: ActiveSettings(settings, backend), journal: journal, board: ProgressBoard(),
            folderFiles: FolderFiles(parse: { _ in FolderChoices() }, notes: notes, logger: logger),
            backoff: DependencyBackoff(logger: logger), outboxProbe: OutboxProbe(), pendingMoves: PendingMoves(),
            logger: logger,
            wake: AsyncSignal(), release: release)
    }
}

// One recording, from the queue to its sidecars.
extension JobRunner {
    /// - Returns: true when the recording changed and wants to be looked at again by intake.
    package func run(_ job: Job) async -> Bool {
        let (settings, backend) = current.both
        guard let configured = settings.inboxes.first(where: { $0.id == job.inbox }) else {
            // The inbox was taken out of the configuration this moment: the job waits in the journal.
            try? await journal.requeue(job.id)
            return false
        }
        let inbox = await BlockingPool.files.run(on: .folder(configured.path)) {
            folderFiles.settings(for: job.path, of: configured)
        }
        var logger = logger
        logger[metadataKey: "job"] = "\(job.id)"
        logger[metadataKey: "file"] = "\(job.path.printable)"
        let started = ContinuousClock.now
        // The engine may be made for it, and read its files.
        let tracker = await BlockingPool.files.run { backend.tracker(job.path.printable, inbox) }
        let ledger = ChunkLedger()
        board.begin(job, tracker, ledger)
        var finished: Job.State?
        defer { board.end(job, as: finished) }
        do {
            try await checkOutbox(of: inbox)
            if let outcome = try await closeDelivered(job, inbox, logger: logger) {
                finished = outcome
                return await moveSource(of: job, inbox, as: outcome)
            }
            let transcript = try await transcript(of: job, inbox, by: backend.pipeline, tracker, ledger)
            if try await isRenamed(job, inbox) {
                logger.info("recording was renamed, it is delivered under its new name")
                await drop(job, inbox)
                return false
            }
            try await deliver(
                transcript, of: job, to: inbox, run: RunFacts(processingTime: ContinuousClock.now - started))
            undelivered.drop(job)
            interruptions.drop(job)
            let outcome = transcript.isPartial ? Job.State.partial : .delivered
            finished = outcome
            logger.info(
                "recording delivered",
                metadata: [
                    "seconds": "\(SampleClock.seconds(transcript.sampleCount))", "chunks": "\(transcript.chunks.count)",
                    "cache_hits": "\(transcript.cacheHits)", "gaps": "\(transcript.gaps.count)",
                ])
            return await moveSource(of: job, inbox, as: outcome)
        } catch {
            let isInterrupted = (error as? TranscriptionError)?.code == .decodingInterrupted
            let verdict = JobVerdict(
                error, interruptions: isInterrupted ? interruptions.count(job) : 0, isStopping: Task.isCancelled,
                once: settings.once)
            let ending = await act(verdict, on: job, inbox, error, tracker, logger: logger)
            if ending.hasFailed { finished = .failed }
            return ending.again
        }
    }

    /// Closes a job whose sidecars are in place already.
    /// - Returns: what it is; nil: it is still to be done.
    private func closeDelivered(_ job: Job, _ inbox: InboxSettings, logger: Logger) async throws -> Job.State? {
        if let delivered = try await deliveredBefore(job, inbox) {
            try await close(job, inbox, as: delivered.outcome, sidecars: delivered.sidecars)
            logger.info("recording was delivered just before the service ended")
            return delivered.outcome
        }
        guard try await isDeliveredOnRecord(job, inbox) else { return nil }
        try await close(job, inbox, as: .delivered)
        logger.info("recording has its transcript already, the journal did not know of it")
        return .delivered
    }

    /// The transcript, kept until it is delivered; the journal has its chunks.
    private func transcript(
        of job: Job, _ inbox: InboxSettings, by pipeline: @escaping TranscriptionBackend.Pipeline,
        _ tracker: ProgressTracker, _ ledger: ChunkLedger
    ) async throws -> Transcript {
        let isMade = undelivered[job] != nil
        try await journal.noteBegin(job.id, Job.Options(inbox), isOnlyToBeDelivered: isMade, now: UnixTime.now())
        let requests = RequestMetrics()
        let transcript = try await noting(tracker, ledger, of: job) {
            try await withStatusNote(of: job, inbox, tracker) {
                try await transcribe(job, inbox, by: pipeline) { event in
                    tracker.observe(event)
                    ledger.observe(event)
                    requests.observe(event)
                    if case .finished(_, false, .some) = event {
                        backoff.end(.engine(inbox.engine), now: UnixTime.now())
                    }
                }
            }
        }
        undelivered.keep(transcript, for: job)
        if !isMade {
            let chunks = transcript.chunks.count
            let failed = tracker.snapshot().chunksFailed
            try await journal.note(
                [job.id: Job.Chunks(expected: chunks, done: chunks, failed: failed)], [job.id: ledger])
        }
        return transcript
    }

    /// - Returns: as `run`; and whether the journal has it that the job failed.
    private func act(
        _ verdict: JobVerdict, on job: Job, _ inbox: InboxSettings, _ error: any Error, _ tracker: ProgressTracker,
        logger: Logger
    ) async -> (again: Bool, hasFailed: Bool) {
        let fault =
            error as? TranscriptionError
            ?? TranscriptionError(.internalFault, "An unexpected fault: \(error)", cause: error)
        switch verdict {
        case .leave: await write(OutboxNotices.waitingText(name: job.path.last, .stopped), .status, job, inbox)
        case .forget:
            logger.info("recording changed or went away while it was read, looking again")
            await drop(job, inbox)
            return (true, false)
        case .waitForEngine(let kind): await waitForEngine(job, inbox, kind, fault, tracker)
        case .waitForOutbox: await waitForOutbox(job, inbox, fault, logger: logger)
        case .waitForEnvironment: await waitForEnvironment(job, inbox, error, logger: logger)
        case .fail:
            undelivered.drop(job)
            interruptions.drop(job)
            let ending = await fail(job, inbox, fault, logger: logger)
            if ending.hasFailed { board.noteFailure(fault.code, of: job) }
            return ending
        }
        return (false, false)
    }

    /// Forgets a job that is none any more.
    func drop(_ job: Job, _ inbox: InboxSettings) async {
        await BlockingPool.files.run(on: .folder(inbox.outbox)) {
            OutboxNotices.remove(.status, base: job.sidecarBase, outbox: inbox.outbox)
        }
        undelivered.drop(job)
        interruptions.drop(job)
        try? await journal.forget(job.id)
    }

    /// Somebody gave the recording another name while it was in work: what has that name is a job by now, and finds its
    /// chunks in the cache.
    private func isRenamed(_ job: Job, _ inbox: InboxSettings) async throws -> Bool {
        let isGone = await BlockingPool.files.run(on: .folder(inbox.path)) {
            do {
                _ = try OpenFolder(root: inbox.path).status(at: job.path)
                return false
            } catch {
                return (error as? SystemError)?.errno == .noSuchFileOrDirectory
            }
        }
        guard isGone else { return false }
        return try await journal.hasAnotherName(job)
    }

    func write(_ text: String, _ kind: OutboxNotices.Kind, _ job: Job, _ inbox: InboxSettings) async {
        await BlockingPool.files.run(on: .folder(inbox.outbox)) {
            do {
                _ = try OutboxNotices.write(text, kind, base: job.sidecarBase, outbox: inbox.outbox)
            } catch {
                // One that tells what is no longer so is worse than none.
                OutboxNotices.remove(kind, base: job.sidecarBase, outbox: inbox.outbox)
            }
        }
    }

    /// When work on a recording ends without a transcript, the journal has how far it came.
    private func noting<Result: Sendable>(
        _ tracker: ProgressTracker, _ ledger: ChunkLedger, of job: Job, _ body: () async throws -> Result
    ) async throws -> Result {
        do {
            return try await body()
        } catch {
            try? await journal.note([job.id: tracker.snapshot().chunks], [job.id: ledger])
            throw error
        }
    }

    private func transcribe(
        _ job: Job, _ inbox: InboxSettings, by pipeline: TranscriptionBackend.Pipeline,
        observe: @escaping @Sendable (ChunkEvent) -> Void
    ) async throws -> Transcript {
        if let largest = inbox.maximumRecording, job.identity.byteCount > largest {
            throw TranscriptionError(
                .tooLarge,
                "\(job.path.last.printable) has \(ByteCount.text(job.identity.byteCount)); recordings of more than "
                    + "\(ByteCount.text(largest)) are not taken here.")
        }
        let recording = try await BlockingPool.files.run(on: .folder(inbox.path)) { try open(job, in: inbox) }
        if let made = undelivered[job] { return made }
        return try await pipeline(recording, RecordingID(UInt64(job.id)), inbox, observe)
    }

    /// Blocks.
    /// - Throws: `TranscriptionError` when it cannot be read or is another one by now.
    func open(_ job: Job, in inbox: InboxSettings) throws -> Recording {
        let root = try OpenFolder(root: inbox.path)
        let recording = try Recording(
            opening: job.path, beneath: root.descriptor, at: inbox.path, digestMemory: DigestMemory(journal, job))
        guard recording.identity == job.identity else {
            throw TranscriptionError(.recordingChanged, "\(job.path.printable) changed before it was transcribed.")
        }
        return recording
    }

    private func fail(
        _ job: Job, _ inbox: InboxSettings, _ error: TranscriptionError, logger: Logger
    ) async -> (again: Bool, hasFailed: Bool) {
        logger.error("recording failed", metadata: ["code": "\(error.code)", "error": "\(error.message)"])
        do {
            let movesTo = inbox.after == .keep ? nil : inbox.failed.lastComponent?.string
            try await BlockingPool.files.run(on: .folder(inbox.outbox)) {
                OutboxNotices.remove(.status, base: job.sidecarBase, outbox: inbox.outbox)
                try OutboxNotices.write(
                    OutboxNotices.errorText(
                        name: job.path.last, error: error, movedTo: movesTo, language: inbox.options.language), .error,
                    base: job.sidecarBase, outbox: inbox.outbox)
            }
            let now = UnixTime.now()
            let facts = HookFacts(failing: job, of: inbox, error: error, at: now)
            try await journal.finish(
                job.id, state: .failed, error: (error.code.rawValue, error.message),
                hooks: HookOrder(.failed, inbox.hooks.kinds(for: .failed), facts), now: now)
            return (await moveSource(of: job, inbox, as: .failed), true)
        } catch let fault as SystemError {
            await waitForOutbox(job, inbox, Self.cannotWrite(to: inbox.outbox, fault), logger: logger)
            return (false, false)
        } catch {
            // Cancelled while the journal could not be used: the next start takes it up again.
            return (false, false)
        }
    }

    /// Keeps `NAME.status.txt` up to date while `body` runs.
    private func withStatusNote<Result: Sendable>(
        of job: Job, _ inbox: InboxSettings, _ tracker: ProgressTracker,
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                var schedule = StatusNoteSchedule()
                while (try? await Task.sleep(for: StatusNoteSchedule.pause)) != nil {
                    let progress = backoff.progress(of: job, with: inbox.engine, tracker.snapshot())
                    guard schedule.isDue(progress.stall?.reason) else { continue }
                    await write(OutboxNotices.progressText(name: job.path.last, progress), .status, job, inbox)
                }
                return nil
            }
            defer { group.cancelAll() }
            while let finished = try await group.next() {
                if let result = finished { return result }
            }
            throw CancellationError()
        }
    }
}

extension Job.Options {
    fileprivate init(_ inbox: InboxSettings) {
        self.init(
            engine: inbox.engine, language: inbox.options.language, formats: inbox.formats.map(\.rawValue))
    }
}
