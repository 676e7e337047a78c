import Glibc
import Logging
import SystemPackage
import SystemSupport
import Transcription

// Which job begins when.
extension InboxService {
    /// `parlograph jobs retry` puts jobs into the journal from another process, and a clock that is set back would make
    /// a pause long.
    private static let maximumPause = Duration.seconds(60)
    /// How long nothing is begun where space was short before it is looked at again.
    private static let pauseWhenSpaceIsShort = Duration.seconds(10)

    /// Runs queued jobs, `parallelRecordings` at a time, until `isDone` and none is left that may begin.
    /// - Parameter turned: is called whenever the loop has come round, at the latest after `wake` was signalled.
    func dispatch(
        turned: @Sendable () -> Void, until isDone: @Sendable () -> Bool, mayTake: @Sendable () -> Bool
    ) async throws {
        let running = RunningJobs()
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                try Task.checkCancellation()
                turned()
                // Those that end while this turn looks leave room for others: they are asked for in the next one.
                let isLast = isDone() && running.count == 0
                let settings = settings
                var pause: Duration?
                let inboxes = running.inboxesWithRoom(
                    settings.inboxes.map(\.id), limit: settings.parallelRecordings)
                if mayTake(), !inboxes.isEmpty {
                    let now = UnixTime.now()
                    let withSpace = await inboxesWithSpace(settings)
                    let open = withSpace.filter { backoff.rest(of: $0, now: now) == nil }.map(\.id)
                        .filter(inboxes.contains)
                    if let job = try await journal.takeNext(now: now, of: open) {
                        running.begin(job)
                        if let inbox = current.inbox(of: job) { backoff.begin(job, with: inbox.engine) }
                        group.addTask {
                            let again = await runner.run(job)
                            backoff.release(job)
                            runner.letGo(job, again: again)
                            running.end(job)
                            wake.signal()
                            hooks.wake.signal()
                        }
                        continue
                    }
                    pause = try await pauseUntilNext(settings, open: open, withSpace: withSpace)
                }
                if isLast { break }
                await wake.wait(atMost: min(pause ?? Self.maximumPause, Self.maximumPause))
            }
        }
        if settings.once {
            board.noteWaiting(
                try await journal.count(of: settings.inboxes.map(\.id), in: .queued),
                forEngine: backoff.all.contains { $0.fault != nil })
            board.noteNotTakenOut(pendingMoves.all.count)
        }
    }

    private func pauseUntilNext(
        _ settings: ServiceSettings, open: [RawName], withSpace: [InboxSettings]
    ) async throws -> Duration? {
        let now = UnixTime.now()
        let due = try await journal.nextDue(of: open)
        let rests = withSpace.compactMap { backoff.rest(of: $0, now: now) }
        let pause = (rests + [due].compactMap(\.self)).min().map { Duration.seconds(max(1, $0 - now)) }
        let all = settings.inboxes.map(\.id)
        guard withSpace.count < all.count, try await journal.nextDue(of: all) != nil else { return pause }
        return min(pause ?? Self.pauseWhenSpaceIsShort, Self.pauseWhenSpaceIsShort)
    }

    /// The inboxes whose recordings may begin as far as space goes: none while state or cache are short of it or do not
    /// answer, else all but those whose outbox is or does not.
    private func inboxesWithSpace(_ settings: ServiceSettings) async -> [InboxSettings] {
        let own = [settings.stateDirectory, settings.cacheDirectory]
        let before = space.shortFolders
        let short = await space.look(at: Set(own + settings.inboxes.map(\.outbox)), minimum: settings.minimumFreeBytes)
        if space.shortFolders != before { board.noteChange() }
        if own.contains(where: short.contains) { return [] }
        return settings.inboxes.filter { !short.contains($0.outbox) }
    }

    /// Once at the start, then daily.
    func keepJournalSmall() async {
        while !Task.isCancelled {
            do {
                try await journal.pruneHookCalls(failingBefore: UnixTime.now() - Self.memory)
                let removed = try await journal.prune(finishedBefore: UnixTime.now() - Self.memory) { job in
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
