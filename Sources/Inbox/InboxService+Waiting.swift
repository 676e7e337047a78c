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
            try await BlockingPool.files.run(on: .folder(outbox)) {
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
            await BlockingPool.files.run(on: .folder(inbox.outbox)) {
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
            let isTold = await writeOutageNotes()
            board.noteChange()
            if isTold { await outages.changed.wait() } else { await outages.changed.wait(atMost: Self.pauseUntold) }
        }
    }

    /// Forgets what is away and is waited for by no recording: it might be told as away for days.
    func forgetIdleOutages() async {
        for outage in outages.all {
            let inboxes = settings.inboxes.filter { inbox in
                switch outage.place {
                case .outbox(let path): inbox.outbox == path
                case .engine(let name): inbox.engine == name
                }
            }.map { RawName($0.path) }
            if await haveNothingToDo(inboxes) { outages.lapse(outage.place) }
        }
    }

    /// Whether none of their recordings is queued or in work; false where that cannot be told.
    private func haveNothingToDo(_ inboxes: [RawName]) async -> Bool {
        for state in [Job.State.queued, .processing] {
            guard let count = try? await journal.count(of: inboxes, in: state), count == 0 else { return false }
        }
        return true
    }

    /// Until a note that could not be written or taken away is tried again.
    private static let pauseUntold = Duration.seconds(60)
    private static let longestNote = Duration.seconds(5)

    /// The one note in each outbox whose recordings wait for an engine. An outbox that does not answer is not waited for.
    /// - Returns: whether all outboxes have what they should.
    func writeOutageNotes() async -> Bool {
        let inboxes = settings.inboxes
        var texts: [FilePath: String] = [:]
        for outage in outages.all.sorted(by: { $0.since < $1.since }) {
            guard case .engine(let name) = outage.place, outage.isWhole, let fault = outage.fault else { continue }
            for inbox in inboxes where inbox.engine == name && texts[inbox.outbox] == nil {
                texts[inbox.outbox] = PersonalNotes.outageText(fault, since: outage.since)
            }
        }
        let (wanted, notes) = (texts, outageNotes)
        return await withTaskGroup(of: Bool.self) { group in
            for outbox in notes.outboxes.union(inboxes.map(\.outbox)) {
                group.addTask {
                    await notes.calls.run(on: .folder(outbox), within: Self.longestNote) {
                        notes.update(wanted[outbox], in: outbox)
                    } ?? false
                }
            }
            return await group.reduce(true) { $0 && $1 }
        }
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
        let isThere = await BlockingPool.files.run(on: .folder(inbox.outbox)) {
            let status = try? OpenFolder(root: inbox.path).status(at: job.path)
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
        let record = await BlockingPool.files.run(on: .folder(inbox.outbox)) { () -> SidecarRecord? in
            let names = SidecarNames(for: job.sidecarBase.last, keepingExtension: true)
            guard let folder = try? OpenFolder(root: inbox.outbox).opening(job.sidecarBase.folder),
                let record = SidecarRecord(names, in: folder), record.isWhole
            else { return nil }
            for format in inbox.formats where (try? folder.status(of: names.name(format))) == nil { return nil }
            return record
        }
        guard let record else { return false }
        let recording = try await BlockingPool.files.run(on: .folder(inbox.path)) { try open(job, in: inbox) }
        guard try await recording.digest() == record.source else { return false }
        try await journal.recordDelivery(
            job.id, digests: Array(record.digests), outcome: .delivered, lostSamples: record.lostSampleCount)
        return true
    }

    /// Once at the start, then daily.
    func keepJournalSmall() async {
        while !Task.isCancelled {
            do {
                let removed = try await journal.prune(finishedBefore: Self.now() - Self.memory) { job in
                    guard let inbox = try? OpenFolder(root: job.inbox.path) else { return true }
                    do {
                        return try inbox.status(at: job.path).identity == job.identity
                    } catch {
                        // An inbox that is not mounted has not lost its recordings.
                        let isHere = (try? InboxRoot.holds(job, in: inbox)) ?? false
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
        case .noSuchFileOrDirectory, .tooManySymbolicLinkLevels:
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
