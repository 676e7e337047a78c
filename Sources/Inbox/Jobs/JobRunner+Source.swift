import Logging
import SystemSupport

// From the finished job to a recording that is out of its inbox.
extension JobRunner {
    /// Moves, keeps or deletes the source of a finished job, as its inbox wants. A copy to another file system ends when
    /// the task is cancelled; the next start takes it up.
    /// - Returns: true when something else lies under its name by now, which wants to be looked at.
    @discardableResult
    func moveSource(of job: Job, _ inbox: InboxSettings, as outcome: Job.State) async -> Bool {
        let probe = outboxProbe
        let storage = Storage.folder(FinishedSource.target(of: inbox, as: outcome))
        do {
            if pendingMoves.contains(job) {
                // Many that are stuck are not written down again and again.
                try await BlockingPool.files.run(on: storage) {
                    try FinishedSource.checkTarget(of: job, inbox: inbox, as: outcome, checkRoot: probe.checkMount)
                }
            }
            guard try await journal.beginDisposal(job.id) else {
                // Queued again by `jobs retry`, or on record no longer.
                _ = pendingMoves.remove(job)
                return false
            }
            let result = try await WholeFilePool.shared.run(on: storage, bytes: job.identity.byteCount) { turn in
                try FinishedSource.dispose(
                    job, inbox: inbox, as: outcome, checkRoot: probe.checkMount,
                    isCancelled: { !turn.goesOn(after: FileMover.pieceBytes) })
            }
            try await journal.markSource(job.id, result.disposal, place: result.place.map { RawName($0) })
            if pendingMoves.remove(job) {
                logger.notice(
                    "recording was taken out of the inbox after all", metadata: ["file": "\(job.path.printable)"])
                board.noteChange()
            }
            return result.isReplaced
        } catch is CancellationError {
            try? await journal.endDisposal(job.id)
            return false
        } catch {
            await noteStuck(job, inbox, as: outcome, error)
            return false
        }
    }

    private func noteStuck(_ job: Job, _ inbox: InboxSettings, as outcome: Job.State, _ error: any Error) async {
        let cause = await BlockingPool.files.run(on: .folder(inbox.path)) {
            FinishedSource.obstacle(error, job, inbox: inbox, as: outcome)
        }
        try? await journal.noteStuck(job.id, because: cause)
        guard pendingMoves.insert(job, as: outcome, because: cause, now: UnixTime.now()) else { return }
        logger.error(
            "recording cannot be taken out of the inbox, trying again; it is not transcribed again",
            metadata: ["file": "\(job.path.printable)", "error": "\(cause)"])
        board.noteChange()
    }

    /// Work on a recording has ended. One that cannot be taken out of its inbox is not found there as new.
    func letGo(_ job: Job, again: Bool) {
        guard again || !pendingMoves.contains(job) else { return }
        release(job, again)
    }

    /// Takes the recordings of finished jobs out of their inboxes: a crash or a stop came before that.
    package func dispose(of jobs: [Job]) async {
        for job in jobs where !Task.isCancelled {
            guard let inbox = current.inbox(of: job) else { continue }
            letGo(job, again: await moveSource(of: job, inbox, as: job.state))
        }
    }

    private static let pauseWhenStuck = Duration.seconds(30)

    /// Tries again and again, until the task is cancelled.
    func retryPendingMoves() async {
        while !Task.isCancelled {
            if pendingMoves.all.isEmpty { await pendingMoves.found.wait() }
            guard (try? await Task.sleep(for: Self.pauseWhenStuck)) != nil else { return }
            await movePendingSources()
        }
    }

    /// Tries once more to take those out that could not be. What was queued again meanwhile by `jobs retry`, or is on record
    /// no longer, is none any more.
    package func movePendingSources() async {
        for known in pendingMoves.all where !Task.isCancelled {
            guard let inbox = current.inbox(of: known.job) else { continue }
            do {
                guard let job = try await journal.finished(known.job.id) else {
                    _ = pendingMoves.remove(known.job)
                    continue
                }
                letGo(job, again: await moveSource(of: job, inbox, as: known.outcome))
            } catch {
                // Cancelled while the journal could not be used: the next start takes it up again.
                return
            }
        }
    }
}
