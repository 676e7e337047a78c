import Glibc
import Logging
import SystemPackage
import SystemSupport
import Transcription

// One recording, from the queue to its sidecars.
extension InboxService {
    /// - Returns: true when the recording changed and wants to be looked at again by intake.
    func work(on job: Job) async -> Bool {
        guard let inbox = settings.inboxes.first(where: { RawName($0.path) == job.inbox }) else {
            // The inbox is no longer configured: the job waits in the journal as it is.
            return false
        }
        var logger = logger
        logger[metadataKey: "job"] = "\(job.id)"
        logger[metadataKey: "file"] = "\(job.path.printable)"
        let started = ContinuousClock.now
        let tracker = makeTracker(job.path.printable, inbox)
        board.begin(job, tracker)
        var finished: Job.State?
        defer { board.end(job, as: finished) }
        do {
            let transcript = try await withStatusNote(of: job, inbox, tracker) {
                try await transcribe(job, inbox, tracker)
            }
            try await deliver(
                transcript, of: job, to: inbox, run: RunFacts(processingTime: ContinuousClock.now - started))
            finished = transcript.isPartial ? .partial : .delivered
            logger.info(
                "recording delivered",
                metadata: [
                    "seconds": "\(SampleClock.seconds(transcript.sampleCount))", "chunks": "\(transcript.chunks.count)",
                    "cache_hits": "\(transcript.cacheHits)", "gaps": "\(transcript.gaps.count)",
                ])
            await settleSource(of: job)
            return false
        } catch is CancellationError {
            await BlockingPool.files.run {
                PersonalNotes.remove(.status, base: job.sidecarBase, outbox: inbox.outbox)
            }
            return false
        } catch let error as TranscriptionError where error.code == .recordingChanged || error.isAboutMissingFile {
            logger.info("recording changed or went away while it was read, looking again")
            try? await journal.forget(job.id)
            return true
        } catch let error as TranscriptionError where error.code == .cannotWrite && !settings.once {
            logger.error("sidecars cannot be written, trying again", metadata: ["error": "\(error.message)"])
            try? await journal.postpone(job.id, until: Self.now() + Self.pauseWhenOutboxFails)
            return false
        } catch let error as TranscriptionError where error.mayBeTriedLater && !settings.once {
            logger.error("engine cannot be used now, trying again", metadata: ["error": "\(error.message)"])
            await writeWaitingNote(job, inbox, error)
            try? await journal.postpone(job.id, until: Self.now() + Self.pauseWhenEngineFails)
            return false
        } catch {
            if Task.isCancelled { return false }
            let error =
                error as? TranscriptionError
                ?? TranscriptionError(.internalFault, "An unexpected fault: \(error)", cause: error)
            finished = .failed
            board.noteFailure(error.code)
            await fail(job, inbox, error, logger: logger)
            return false
        }
    }

    /// Seconds. The place in the queue's work is free meanwhile: other inboxes go on.
    private static let pauseWhenOutboxFails: Int64 = 30
    private static let pauseWhenEngineFails: Int64 = 60

    /// For the office user: nothing is lost, it only waits.
    private func writeWaitingNote(_ job: Job, _ inbox: InboxSettings, _ error: TranscriptionError) async {
        let text = """
            \(job.path.last.printable) is waiting: \(error.message)
            It is tried again every minute; nothing needs to be done.

            """
        await BlockingPool.files.run {
            try? PersonalNotes.write(text, .status, base: job.sidecarBase, outbox: inbox.outbox)
        }
    }

    private func transcribe(_ job: Job, _ inbox: InboxSettings, _ tracker: ProgressTracker) async throws -> Transcript {
        let recording = try await BlockingPool.files.run {
            let root = try OwnedDescriptor(opening: inbox.path, flags: O_RDONLY | O_DIRECTORY)
            return try Recording(opening: job.path, beneath: root.descriptor, at: inbox.path)
        }
        guard recording.identity == job.identity else {
            throw TranscriptionError(.recordingChanged, "\(job.path.printable) changed before it was transcribed.")
        }
        return try await pipeline(recording, RecordingID(UInt64(job.id)), inbox, tracker)
    }

    private func deliver(
        _ transcript: Transcript, of job: Job, to inbox: InboxSettings, run: RunFacts
    ) async throws {
        do {
            let rendered = await BlockingPool.files.run {
                Sidecar.renderSet(transcript, inbox.formats, run: run)
            }
            var known = try await journal.knownDigests(inbox: job.inbox, base: job.sidecarBase)
            // A recording that replaced the one of this name in place replaces its transcript; a different one that came
            // under a name used before must not wipe out what was delivered then.
            let names = SidecarNames(for: job.sidecarBase.last, keepingExtension: true)
            let record = await BlockingPool.files.run {
                SidecarRecord(names, in: inbox.outbox.pushing(job.sidecarBase.folder.path))
            }
            if record?.source == transcript.source.sha256 {
                known.formUnion(record?.digests ?? [])
            } else if inbox.after != .keep, try await journal.hasEarlierDelivery(than: job) {
                known = Set(job.sidecarDigests)
            }
            let ours = rendered.values.map { bytes in bytes.withUnsafeBytes { SHA256.digest(of: $0) } }
            try await journal.recordDelivery(job.id, digests: ours)
            let replaceable = known.union(ours)
            _ = try await BlockingPool.files.run {
                try SidecarWriter(root: inbox.outbox, subfolder: job.sidecarBase.folder.components).write(
                    rendered, for: job.sidecarBase.last, keepingExtension: true, overwrite: .ifUnedited(replaceable))
            }
        } catch let error as SystemError {
            throw TranscriptionError(
                .cannotWrite, "The transcript cannot be written to \(inbox.outbox.printable): \(error.errno).",
                cause: error)
        }
        try await journal.finish(
            job.id, state: transcript.isPartial ? .partial : .delivered, error: nil, now: Self.now())
        await BlockingPool.files.run {
            for kind in PersonalNotes.Kind.allCases {
                PersonalNotes.remove(kind, base: job.sidecarBase, outbox: inbox.outbox)
            }
        }
    }

    private func fail(_ job: Job, _ inbox: InboxSettings, _ error: TranscriptionError, logger: Logger) async {
        logger.error("recording failed", metadata: ["code": "\(error.code)", "error": "\(error.message)"])
        do {
            let movesTo = inbox.after == .keep ? nil : inbox.failed.lastComponent?.string
            try await BlockingPool.files.run {
                PersonalNotes.remove(.status, base: job.sidecarBase, outbox: inbox.outbox)
                try PersonalNotes.write(
                    PersonalNotes.errorText(name: job.path.last, error: error, movedTo: movesTo), .error,
                    base: job.sidecarBase, outbox: inbox.outbox)
            }
            try await journal.finish(
                job.id, state: .failed, error: (error.code.rawValue, error.message), now: Self.now())
            await settleSource(of: job, failed: true)
        } catch {
            logger.error("failure cannot be recorded, trying again", metadata: ["error": "\(error)"])
            try? await journal.postpone(job.id, until: Self.now() + Self.pauseWhenOutboxFails)
        }
    }

    /// Moves, keeps or deletes the source of a finished job, as its inbox wants.
    func settleSource(of job: Job, failed: Bool? = nil) async {
        guard let inbox = settings.inboxes.first(where: { RawName($0.path) == job.inbox }) else { return }
        do {
            let hasFailed = failed ?? (job.state == .failed)
            let result = try await BlockingPool.files.run {
                try SourceSettlement.settle(job, inbox: inbox, failed: hasFailed)
            }
            try await journal.markSource(job.id, result.disposal, place: result.place.map { RawName($0) })
        } catch {
            logger.error(
                "recording cannot be taken out of the inbox; it stays there and is not transcribed again",
                metadata: ["file": "\(job.path.printable)", "error": "\(error)"])
        }
    }

    /// Keeps `NAME.status.txt` up to date while `body` runs, once that takes longer than a moment.
    private func withStatusNote<Result: Sendable>(
        of job: Job, _ inbox: InboxSettings, _ tracker: ProgressTracker,
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                var pause = Duration.seconds(2)
                while (try? await Task.sleep(for: pause)) != nil {
                    let text = ProgressLine.draw(tracker.snapshot(), width: 200, isTerminal: false) + "\n"
                    await BlockingPool.files.run {
                        try? PersonalNotes.write(text, .status, base: job.sidecarBase, outbox: inbox.outbox)
                    }
                    pause = .seconds(10)
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

extension TranscriptionError {
    /// The engine may be back later: a server that is not reachable, not a refused key.
    fileprivate var mayBeTriedLater: Bool {
        if code == .engineUnavailable, case .retry = remedy { true } else { false }
    }

    /// The file vanished between being queued and being read.
    fileprivate var isAboutMissingFile: Bool {
        code == .noSuchInput && (cause as? SystemError)?.errno == .noSuchFileOrDirectory
    }
}
