import Logging
import SystemPackage
import SystemSupport
import Transcription

// A recording that cannot go on because of something that is not its fault: it waits.
extension JobRunner {
    /// Before work begins: no use in transcribing what cannot be delivered.
    /// - Throws: `TranscriptionError` with code `cannotWrite`.
    func checkOutbox(of inbox: InboxSettings) async throws {
        let (outbox, probe) = (inbox.outbox, outboxProbe)
        let isAway = backoff.contains(.outbox(outbox))
        do {
            try await BlockingPool.files.run(on: .folder(outbox)) {
                if isAway { try probe.checkWriting(outbox) } else { try probe.checkMount(outbox) }
            }
        } catch let error as SystemError {
            throw Self.cannotWrite(to: outbox, error)
        }
        guard isAway, backoff.end(.outbox(outbox), now: UnixTime.now()) else { return }
        try await journal.endWaiting(of: settings.inboxes.filter { $0.outbox == outbox }.map(\.id))
        wake.signal()
    }

    /// The outbox takes nothing: what needs it waits. If only this recording's place in it does, only this one waits.
    func waitForOutbox(_ job: Job, _ inbox: InboxSettings, _ error: TranscriptionError, logger: Logger) async {
        let (outbox, probe) = (inbox.outbox, outboxProbe)
        let isWhole = await BlockingPool.files.run(on: .folder(outbox)) {
            do {
                try probe.checkWriting(outbox)
                return false
            } catch {
                return true
            }
        }
        if isWhole {
            // Nothing can be said there; what was said of its progress is no longer so.
            await BlockingPool.files.run(on: .folder(outbox)) {
                OutboxNotices.remove(.status, base: job.sidecarBase, outbox: outbox)
            }
            let kind = (error.cause as? SystemError).map { "\($0.errno)" } ?? error.code.rawValue
            let until = backoff.begin(
                .outbox(outbox), cause: error.message, kind: kind, job: job, now: UnixTime.now())
            try? await journal.postpone(job.id, until: until, cause: error)
        } else {
            await write(OutboxNotices.waitingText(name: job.path.last, .outbox), .status, job, inbox)
            await postpone(job, "sidecars cannot be written, trying again", error, logger: logger)
        }
    }

    func waitForEnvironment(_ job: Job, _ inbox: InboxSettings, _ error: any Error, logger: Logger) async {
        await write(OutboxNotices.waitingText(name: job.path.last, .reading), .status, job, inbox)
        let cause = error as? TranscriptionError ?? TranscriptionError(.noSuchInput, "\(error)", cause: error)
        await postpone(job, "recording cannot be read now, trying again", cause, logger: logger)
    }

    /// The engine takes nothing: what needs it waits.
    /// - Parameter tracker: of the work that ended with `error`.
    func waitForEngine(
        _ job: Job, _ inbox: InboxSettings, _ fault: EngineFault, _ error: TranscriptionError,
        _ tracker: ProgressTracker
    ) async {
        let place = DependencyBackoff.Dependency.engine(inbox.engine)
        let now = UnixTime.now()
        let since = tracker.snapshot().stall.map { now - Int64($0.seconds) }
        let until = backoff.begin(
            place, fault, cause: error.message, kind: fault.rawValue, job: job, since: since, now: now)
        if fault == .refused {
            // The one note in the outbox tells of it for all.
            await BlockingPool.files.run(on: .folder(inbox.outbox)) {
                OutboxNotices.remove(.status, base: job.sidecarBase, outbox: inbox.outbox)
            }
        } else {
            await write(
                OutboxNotices.waitingText(name: job.path.last, .engine, since: backoff[place]?.since), .status, job,
                inbox)
        }
        try? await journal.postpone(job.id, until: until, cause: error)
    }

    static func cannotWrite(to outbox: FilePath, _ error: SystemError) -> TranscriptionError {
        TranscriptionError(
            .cannotWrite,
            "The transcript cannot be written to \(outbox.printable): "
                + (error.sentence ?? "\(error.errno). \(remedy(error.errno))"), cause: error)
    }

    private static func remedy(_ error: Errno) -> String {
        switch error {
        case .noSpace, Errno(rawValue: 122): "Free some space."
        case .noSuchFileOrDirectory: "Mount it or make it again."
        case .readOnlyFileSystem, .permissionDenied, .notPermitted: "Let the service write there."
        default: "Look at its disk or server."
        }
    }

    private static let backoff = Backoff(first: .seconds(5), maximum: .seconds(JobJournal.maximumPause))

    /// Said at the first, second, fourth, eighth … attempt.
    private func postpone(_ job: Job, _ what: Logger.Message, _ cause: TranscriptionError, logger: Logger) async {
        let pause = Self.backoff.pause(after: job.attempts).components.seconds
        if job.attempts.nonzeroBitCount == 1 {
            logger.error(
                what, metadata: ["error": "\(cause.message)", "attempt": "\(job.attempts)", "again_in": "\(pause) s"])
        }
        try? await journal.postpone(job.id, until: UnixTime.now() + pause, cause: cause)
    }
}
