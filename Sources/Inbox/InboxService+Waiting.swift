import Logging
import SystemPackage
import SystemSupport
import Transcription

// A recording that cannot go on because of something that is not its fault: it waits.
extension InboxService {
    /// Before work begins: no use in transcribing what cannot be delivered.
    /// - Throws: `TranscriptionError` with code `cannotWrite`.
    func checkOutbox(of inbox: InboxSettings) async throws {
        let (outbox, probe) = (inbox.outbox, outboxProbe)
        let isAway = outages.contains(.outbox(outbox))
        do {
            try await BlockingPool.files.run {
                if isAway { try probe.checkWriting(outbox) } else { try probe.checkMount(outbox) }
            }
        } catch let error as SystemError {
            throw Self.cannotWrite(to: outbox, error)
        }
        guard isAway, outages.end(.outbox(outbox), now: Self.now()) else { return }
        try await journal.endWaiting(of: settings.inboxes.filter { $0.outbox == outbox }.map { RawName($0.path) })
        wake.signal()
    }

    static func cannotWrite(to outbox: FilePath, _ error: SystemError) -> TranscriptionError {
        TranscriptionError(
            .cannotWrite,
            "The transcript cannot be written to \(outbox.printable): \(error.errno). \(remedy(error.errno))",
            cause: error)
    }

    private static func remedy(_ error: Errno) -> String {
        switch error {
        case .noSpace, Errno(rawValue: 122): "Free some space."
        case .noSuchFileOrDirectory: "Mount it or make it again."
        case .readOnlyFileSystem, .permissionDenied, .notPermitted: "Let the service write there."
        default: "Look at its disk or server."
        }
    }

    /// The outbox takes nothing: what needs it waits. If only this recording's place in it does, only this one waits.
    func waitForOutbox(_ job: Job, _ inbox: InboxSettings, _ error: TranscriptionError, logger: Logger) async {
        let (outbox, probe) = (inbox.outbox, outboxProbe)
        let isWhole = await BlockingPool.files.run {
            do {
                try probe.checkWriting(outbox)
                return false
            } catch {
                return true
            }
        }
        if isWhole {
            let kind = (error.cause as? SystemError).map { "\($0.errno)" } ?? error.code.rawValue
            let until = outages.begin(
                .outbox(outbox), cause: error.message, kind: kind, job: job, now: Self.now())
            try? await journal.postpone(job.id, until: until, cause: error)
        } else {
            await postpone(job, "sidecars cannot be written, trying again", error, logger: logger)
        }
    }

    func waitForSurroundings(_ job: Job, _ error: any Error, logger: Logger) async {
        let cause = error as? TranscriptionError ?? TranscriptionError(.noSuchInput, "\(error)", cause: error)
        await postpone(job, "recording cannot be read now, trying again", cause, logger: logger)
    }

    /// The engine takes nothing: what needs it waits.
    /// - Parameter tracker: of the work that ended with `error`.
    func waitForEngine(
        _ job: Job, _ inbox: InboxSettings, _ fault: EngineFault, _ error: TranscriptionError,
        _ tracker: ProgressTracker
    ) async {
        let place = Outages.Place.engine(inbox.engine)
        let now = Self.now()
        let since = tracker.snapshot().stall.map { now - Int64($0.seconds) }
        let until = outages.begin(
            place, fault, cause: error.message, kind: fault.rawValue, job: job, since: since, now: now)
        if fault == .refused {
            // The one note in the outbox tells of it for all.
            await BlockingPool.files.run {
                PersonalNotes.remove(.status, base: job.sidecarBase, outbox: inbox.outbox)
            }
        } else {
            await write(
                PersonalNotes.waitingText(name: job.path.last, .engine, since: outages[place]?.since), .status, job,
                inbox)
        }
        try? await journal.postpone(job.id, until: until, cause: error)
    }

    /// Tells people of engines that no recording is begun with, and lets those begin that waited for one, when that is
    /// over; until the task is cancelled.
    func followOutages() async {
        while !Task.isCancelled {
            let ended = outages.takeEnded()
            let free = settings.inboxes.filter { ended.contains(.engine($0.engine)) }.map { RawName($0.path) }
            if !free.isEmpty {
                try? await journal.endWaiting(of: free)
                wake.signal()
            }
            await writeOutageNotes()
            board.noteChange()
            await outages.changed.wait()
        }
    }

    /// The one note in each outbox whose recordings wait for an engine.
    func writeOutageNotes() async {
        let inboxes = settings.inboxes
        var texts: [FilePath: String] = [:]
        for outage in outages.all.sorted(by: { $0.since < $1.since }) {
            guard case .engine(let name) = outage.place, outage.isWhole, let fault = outage.fault else { continue }
            for inbox in inboxes where inbox.engine == name && texts[inbox.outbox] == nil {
                texts[inbox.outbox] = PersonalNotes.outageText(fault, since: outage.since)
            }
        }
        let (wanted, outboxes, notes) = (texts, Set(inboxes.map(\.outbox)), outageNotes)
        await BlockingPool.files.run { notes.update(wanted, outboxes: outboxes) }
    }

    /// 5 s, doubled with each attempt up to 10 min; said at the first, second, fourth, eighth … attempt.
    private func postpone(_ job: Job, _ what: Logger.Message, _ cause: TranscriptionError, logger: Logger) async {
        let pause = min(Int64(5) << min(max(0, job.attempts - 1), 7), JobJournal.longestPause)
        if job.attempts.nonzeroBitCount == 1 {
            logger.error(
                what, metadata: ["error": "\(cause.message)", "attempt": "\(job.attempts)", "again_in": "\(pause) s"])
        }
        try? await journal.postpone(job.id, until: Self.now() + pause, cause: cause)
    }

    /// A crash came between the sidecars and the journal: what lies in the outbox is what this job put there.
    /// - Returns: what the job is; nil when it is not delivered.
    func deliveredBefore(_ job: Job, _ inbox: InboxSettings) async throws -> Job.State? {
        guard let outcome = job.outcome, !job.sidecarDigests.isEmpty else { return nil }
        let isThere = await BlockingPool.files.run {
            let status = try? FileStatus(at: inbox.path.pushing(job.path.path), followingLinks: false)
            return status?.identity == job.identity
                && SidecarWriter(root: inbox.outbox, subfolder: job.sidecarBase.folder.components).holds(
                    Set(job.sidecarDigests), inbox.formats, for: job.sidecarBase.last, keepingExtension: true)
        }
        return isThere ? outcome : nil
    }

    /// Whether the outbox has the whole transcript of a kept recording that the journal knows nothing of: that was lost, or
    /// purged with the package. What lies there is not paid for again.
    func isDeliveredOnRecord(_ job: Job, _ inbox: InboxSettings) async throws -> Bool {
        guard inbox.after == .keep, job.sidecarDigests.isEmpty, try await !journal.hasEarlierDelivery(than: job) else {
            return false
        }
        let flag = CancellationFlag()
        let record = try await withTaskCancellationHandler {
            try await BlockingPool.files.run { () -> SidecarRecord? in
                let names = SidecarNames(for: job.sidecarBase.last, keepingExtension: true)
                let folder = inbox.outbox.pushing(job.sidecarBase.folder.path)
                guard let record = SidecarRecord(names, in: folder), record.isWhole,
                    inbox.formats.allSatisfy({
                        (try? FileStatus(at: folder.pushing(names.name($0).path), followingLinks: false)) != nil
                    })
                else { return nil }
                let digest = try open(job, in: inbox).digest(isCancelled: { flag.isSet })
                return digest == record.source ? record : nil
            }
        } onCancel: {
            flag.set()
        }
        guard let record else { return false }
        try await journal.recordDelivery(job.id, digests: Array(record.digests), outcome: .delivered)
        return true
    }

    /// Takes the recordings of finished jobs out of their inboxes: a crash or a stop came before that.
    func settle(_ jobs: [Job]) async {
        for job in jobs where !Task.isCancelled {
            guard let inbox = inbox(of: job) else { continue }
            if await settleSource(of: job, inbox, as: job.state) { desk.release(job, again: true) }
        }
    }

    private static let pauseWhenStuck = Duration.seconds(30)

    func takeStuckSourcesOut() async {
        while !Task.isCancelled {
            if stuck.all.isEmpty { await stuck.found.wait() }
            guard (try? await Task.sleep(for: Self.pauseWhenStuck)) != nil else { return }
            for (job, outcome) in stuck.all where !Task.isCancelled {
                guard let inbox = inbox(of: job) else { continue }
                if await settleSource(of: job, inbox, as: outcome) { desk.release(job, again: true) }
            }
        }
    }

    /// Once at the start, then daily.
    func keepJournalSmall() async {
        while !Task.isCancelled {
            do {
                let removed = try await journal.prune(finishedBefore: Self.now() - Self.memory) { job in
                    let place = job.inbox.path.pushing(job.path.path)
                    do {
                        return try FileStatus(at: place, followingLinks: false).identity == job.identity
                    } catch {
                        // An inbox that is not mounted has not lost its recordings.
                        let isHere = (try? InboxRoot.holds(job, at: job.inbox.path)) ?? false
                        return !isHere || (error as? SystemError)?.errno != .noSuchFileOrDirectory
                    }
                }
                if removed > 0 { logger.info("old jobs forgotten", metadata: ["count": "\(removed)"]) }
            } catch {
                logger.debug("old jobs are forgotten another time", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: .seconds(86_400))
        }
    }

    /// Seconds that finished jobs are remembered: 90 days.
    private static let memory: Int64 = 90 * 86_400
}

/// A fault that lies neither in the recording nor in the engine and that passes when somebody mends it: too many open
/// files, a disk or a share that does not answer, rights that were taken away.
struct SurroundingsFault {
    init?(_ error: any Error) {
        let system = error as? SystemError ?? (error as? TranscriptionError)?.cause as? SystemError
        guard let system else { return nil }
        if let error = error as? TranscriptionError, error.code != .noSuchInput, error.code != .internalFault {
            return nil
        }
        switch system.errno {
        case .noSuchFileOrDirectory:
            // Of the inbox itself; a recording that is gone is a `TranscriptionError`.
            guard error is SystemError else { return nil }
        case .tooManyOpenFiles, .tooManyOpenFilesInSystem, .ioError, .noMemory, .resourceTemporarilyUnavailable,
            .noSpace, .readOnlyFileSystem, .permissionDenied, .notPermitted, .staleNFSFileHandle, .timedOut,
            .socketNotConnected, .hostIsDown, .noRouteToHost, .noSuchAddressOrDevice, .operationNotSupportedByDevice:
            break
        default: return nil
        }
    }
}
