import Glibc
import Logging
import SystemPackage
import SystemSupport
import Transcription

// From a complete recording to the job that begins.
extension InboxService {
    func enqueue(_ arrival: Intake.Arrival, _ inbox: InboxSettings) async throws {
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
        notes.put(nil, base: IncompleteNote.base(path), outbox: inbox.outbox)
        logger.info(
            "recording found",
            metadata: ["file": "\(path.printable)", "bytes": "\(arrival.identity.byteCount)", "job": "\(job.id)"])
        wake.signal()
        board.noteChange()
    }

    /// A person hears what a recording lacks, or no longer hears it.
    func tell(_ incomplete: Intake.Incomplete, _ inbox: InboxSettings) async {
        if incomplete.isGivenUp { board.noteIncomplete() }
        let path = incomplete.path
        do {
            switch incomplete.reason {
            case .short(_, let identity):
                try await journal.noteShort(path, identity, in: RawName(inbox.path))
            case .unreadable, nil: try await journal.forgetShort(path, in: RawName(inbox.path))
            }
        } catch {
            // The note is written all the same; at the next start nothing is known of it.
            logger.warning("incomplete recording cannot be remembered", metadata: ["error": "\(error)"])
        }
        let text = incomplete.reason.map { IncompleteNote.text(path, $0) }
        guard text != nil || !incomplete.isGivenUp else { return }
        notes.put(text, base: IncompleteNote.base(path), outbox: inbox.outbox)
    }

    /// `parlograph jobs retry` puts jobs into the journal from another process, and a clock that is set back would make
    /// a pause long.
    private static let longestPause = Duration.seconds(60)
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
                let done = isDone()
                let settings = settings
                var pause: Duration?
                let inboxes = running.inboxesWithRoom(
                    settings.inboxes.map { RawName($0.path) }, limit: settings.parallelRecordings)
                if mayTake(), !inboxes.isEmpty {
                    let now = Self.now()
                    let withSpace = await inboxesWithSpace(settings)
                    let open = withSpace.filter { outages.rest(of: $0, now: now) == nil }.map { RawName($0.path) }
                        .filter(inboxes.contains)
                    if let job = try await journal.takeNext(now: now, of: open) {
                        running.begin(job)
                        if let inbox = inbox(of: job) { outages.begin(job, with: inbox.engine) }
                        group.addTask {
                            let again = await work(on: job)
                            outages.release(job)
                            letGo(job, again: again)
                            running.end(job)
                            wake.signal()
                        }
                        continue
                    }
                    pause = try await pauseUntilNext(settings, open: open, withSpace: withSpace)
                }
                if done, running.count == 0 { break }
                await wake.wait(atMost: min(pause ?? Self.longestPause, Self.longestPause))
            }
        }
        if settings.once {
            board.noteWaiting(
                try await journal.count(of: settings.inboxes.map { RawName($0.path) }, in: .queued),
                forEngine: outages.all.contains { $0.fault != nil })
            board.noteNotTakenOut(stuck.all.count)
        }
    }

    private func pauseUntilNext(
        _ settings: Settings, open: [RawName], withSpace: [InboxSettings]
    ) async throws -> Duration? {
        let now = Self.now()
        let due = try await journal.nextDue(of: open)
        let rests = withSpace.compactMap { outages.rest(of: $0, now: now) }
        let pause = (rests + [due].compactMap(\.self)).min().map { Duration.seconds(max(1, $0 - now)) }
        let all = settings.inboxes.map { RawName($0.path) }
        guard withSpace.count < all.count, try await journal.nextDue(of: all) != nil else { return pause }
        return min(pause ?? Self.pauseWhenSpaceIsShort, Self.pauseWhenSpaceIsShort)
    }

    /// The inboxes whose recordings may begin as far as space goes: none while state or cache are short of it or do not
    /// answer, else all but those whose outbox is or does not.
    private func inboxesWithSpace(_ settings: Settings) async -> [InboxSettings] {
        let own = [settings.stateDirectory, settings.cacheDirectory]
        let before = space.shortFolders
        let short = await space.look(at: Set(own + settings.inboxes.map(\.outbox)), least: settings.leastFreeBytes)
        if space.shortFolders != before { board.noteChange() }
        if own.contains(where: short.contains) { return [] }
        return settings.inboxes.filter { !short.contains($0.outbox) }
    }

    static func now() -> Int64 { Int64(time(nil)) }
}
