import Glibc
package import Logging
import SystemPackage
package import SystemSupport
import Transcription

/// What the service tells about itself: `status.json` for the commands, a line for the service manager, `status.html` and
/// notes in the outboxes for people.
package struct StatusReporter: Sendable {
    let current: ActiveSettings
    let journal: JobJournal
    let board: ProgressBoard
    let intakes: IntakeSupervisor
    let backoff: DependencyBackoff
    let pendingMoves: PendingMoves
    let hooks: HookDispatcher
    let faults: StandingFaults
    let space: FreeSpace
    let pages: StatusPages
    let notes: NoteQueue
    let outageNotes: OutageNotes
    let logger: Logger
    /// Nil: there is no service manager to be told.
    let notifier: ServiceNotifier?
    /// Seconds since 1970; replaced in tests of what is told when a day ends.
    var now: @Sendable () -> Int64 = UnixTime.now
    /// Waits for a signal, at most so long; replaced together with `now`.
    var wait: @Sendable (AsyncSignal, Duration) async -> Void = { await $0.wait(atMost: $1) }

    var settings: ServiceSettings { current.settings }

    func inbox(of job: Job) -> InboxSettings? { current.inbox(of: job) }
}

extension StatusReporter {
    /// One that tells of a service of which nothing runs: what the journal holds.
    /// - Parameters:
    ///   - faults: what others found.
    ///   - backoff: outboxes and engines that are away; nil: none is.
    ///   - now: seconds since 1970, by which the status pages go.
    ///   - wait: waits for a signal, at most so long.
    package init(
        settings: ServiceSettings, backend: TranscriptionBackend, journal: JobJournal, faults: StandingFaults,
        backoff: DependencyBackoff? = nil, logger: Logger, now: @escaping @Sendable () -> Int64 = UnixTime.now,
        wait: @escaping @Sendable (AsyncSignal, Duration) async -> Void = { await $0.wait(atMost: $1) }
    ) {
        let current = ActiveSettings(settings, backend)
        let (board, pendingMoves) = (ProgressBoard(), PendingMoves())
        let notes = NoteQueue(logger: logger)
        let probe = OutboxProbe()
        self.init(
            current: current, journal: journal, board: board,
            intakes: IntakeSupervisor(
                current: current, journal: journal, board: board, notes: notes, pendingMoves: pendingMoves, claims: nil,
                wake: AsyncSignal(), logger: logger),
            backoff: backoff ?? DependencyBackoff(logger: logger), pendingMoves: pendingMoves,
            hooks: HookDispatcher(
                current: current, journal: journal, logger: logger,
                send: { _ in throw HookFailure("is not asked: nobody sends webhooks here.") }), faults: faults,
            space: FreeSpace(logger: logger),
            pages: StatusPages(probe: probe, logger: logger), notes: notes,
            outageNotes: OutageNotes(checkMount: probe.checkMount), logger: logger, notifier: nil, now: now, wait: wait)
    }

    /// Keeps the status file, the manager's line and the journal's figures up to date until the task is cancelled.
    package func reportStatus() async {
        var last: ServiceStatus?
        var noted: [Int64: Job.Chunks] = [:]
        while !Task.isCancelled {
            await forgetIdleOutages()
            let status = await makeStatus()
            let chunks = board.chunks
            let news = chunks.filter { noted[$0.key] != $0.value }
            let ledgers = board.ledgersWithNews
            if !news.isEmpty || !ledgers.isEmpty { try? await journal.note(news, ledgers) }
            noted = chunks
            if var before = last {
                let age = status.updatedAt - before.updatedAt
                before.updatedAt = status.updatedAt
                if before != status || Pace(settings.progressInterval).isDue(age: age) { last = await write(status) }
            } else {
                last = await write(status)
            }
            let pace = Pace(settings.progressInterval)
            try? await Task.sleep(for: pace.pause)
            if board.isIdle { await board.changed.wait(atMost: pace.pauseWhenIdle) }
        }
    }

    /// How often the status file is looked to, and written though nothing in it is new: who reads it takes an old one for
    /// that of a service that hangs, or cannot write.
    package struct Pace: Sendable {
        /// Of the file, in seconds, at which it is written again.
        private static let maximumAge: Int64 = 10

        /// Between two reports.
        package let pause: Duration
        /// Longer than that by so much, while no recording is in work and nothing changes.
        package var pauseWhenIdle: Duration { .seconds(Self.maximumAge) - pause }

        /// - Parameter progressInterval: as it is configured.
        package init(_ progressInterval: Duration) { pause = min(progressInterval, .seconds(Self.maximumAge)) }

        /// Whether a file of this age, in seconds, would be too old at the next report.
        package func isDue(age: Int64) -> Bool {
            !(0..<max(0, Self.maximumAge - 1 - pause.components.seconds)).contains(age)
        }
    }

    package func makeStatus() async -> ServiceStatus {
        let counts = (try? await journal.counts()) ?? [:]
        let (cache, figures) = await current.backend.figures()
        let running = running
        var status = ServiceStatus(
            processID: getpid(), startedAt: board.startedAt, updatedAt: UnixTime.now(), settling: intakes.settlingCount,
            queued: counts[.queued] ?? 0,
            running: running.map {
                ServiceStatus.Running(name: $0.job.path.printable, progress: $0.progress, job: $0.job.id)
            }, delivered: counts[.delivered] ?? 0, partial: counts[.partial] ?? 0, failed: counts[.failed] ?? 0,
            cache: cache, engines: engines(figures, running))
        let short = space.shortFolders
        if !short.isEmpty { status.shortOfSpace = short.map(\.printable).sorted() }
        status.inboxes = settings.inboxes.map {
            ServiceStatus.Inbox(path: $0.path.printable, outbox: $0.outbox.printable, engine: $0.engine)
        }
        status.outboxes = outboxesThatAreAway
        status.faults = standingFaults
        status.arriving = arriving
        let foreign = intakes.foreignCount()
        if foreign > 0 { status.foreign = foreign }
        let subtitled = intakes.subtitledCount()
        if subtitled > 0 { status.subtitled = subtitled }
        status.oldestWaitingAt = await oldestWaiting(counts)
        status.lastDeliveryAt = board.lastDelivery
        return status
    }

    private func write(_ status: ServiceStatus) async -> ServiceStatus {
        let directory = settings.stateDirectory
        await notifier?.status(status.line)
        do {
            try await BlockingPool.files.run { try status.write(to: directory) }
            board.noteStatusFault(nil)
        } catch {
            let kind = (error as? SystemError).map { "\($0.errno)" } ?? "\(error)"
            if board.noteStatusFault(kind) {
                logger.warning("status cannot be written", metadata: ["error": "\(error)"])
            }
        }
        return status
    }

    /// After everything has ended.
    package func writeLastReports() async {
        _ = await write(makeStatus())
        await notes.finish(within: Self.maximumLastNotes)
        _ = await writeOutageNotes()
        await writePages(stoppedAt: UnixTime.now())
    }

    private static let maximumLastNotes = Duration.seconds(15)
    private static let maximumPageWait = Duration.seconds(5)
    private static let minimumPageInterval = Duration.seconds(2)
    private static let progressPageInterval = Duration.seconds(3)

    /// Keeps the status pages up to date: at once when a quiet queue comes to life, every few seconds while it lives,
    /// and after midnight, when what was finished today is of yesterday.
    package func reportPages() async {
        let outboxes = Set(settings.inboxes.map(\.outbox)).subtracting(shownInboxes.keys)
        for outbox in outboxes {
            _ = await pages.calls.run(on: .folder(outbox), within: Self.maximumPageWait) { pages.remove(from: outbox) }
        }
        while !Task.isCancelled {
            await writePages(stoppedAt: nil)
            try? await Task.sleep(for: Self.minimumPageInterval)
            guard board.isIdle else {
                await wait(board.pagesOutdated, Self.progressPageInterval)
                continue
            }
            let now = now()
            await wait(board.pagesOutdated, .seconds(max(60, LocalTime.startOfNextDay(now) - now)))
        }
    }

    /// The inboxes of each outbox that has a page.
    private var shownInboxes: [FilePath: [RawName]] {
        Dictionary(grouping: settings.inboxes.filter(\.showsStatusPage), by: \.outbox).mapValues { inboxes in
            inboxes.map(\.id)
        }
    }

    private func writePages(stoppedAt: Int64?) async {
        var made: [FilePath: StatusPage] = [:]
        for (outbox, inboxes) in shownInboxes {
            guard let page = try? await makePage(outbox, inboxes, stoppedAt: stoppedAt) else { return }
            made[outbox] = page
        }
        let now = now()
        for outbox in pages.outboxes.union(made.keys) {
            let page = made[outbox]
            let write: @Sendable () -> Void = { pages.update(page, in: outbox, now: now) }
            if stoppedAt == nil {
                _ = await pages.calls.run(on: .folder(outbox), within: Self.maximumPageWait, write)
            } else {
                await BlockingPool.files.run(on: .folder(outbox), write)
            }
        }
    }

    private static let maximumWaiting = 100
    private static let maximumFinished = 100
    private static let maximumFailed = 50
    /// Older failures are in `parlograph jobs`.
    private static let failuresOf: Int64 = 7 * 86_400

    private func makePage(_ outbox: FilePath, _ inboxes: [RawName], stoppedAt: Int64?) async throws -> StatusPage {
        let now = now()
        let today = LocalTime.startOfDay(now)
        var page = StatusPage()
        page.stoppedAt = stoppedAt
        page.running = running.filter { inboxes.contains($0.job.inbox) }.map { job, progress in
            StatusPage.Running(
                name: job.path.printable, percent: progress.fraction.map { Int(min(1, max(0, $0)) * 100) },
                remaining: progress.stall.map(OutboxNotices.stalled)
                    ?? OutboxNotices.timeLeft(progress))
        }
        page.outage = outageToTell(of: inboxes)
        page.faults = faultsToTell(of: inboxes)
        // Of a service that has stopped, what was interrupted waits as well.
        for state in stoppedAt == nil ? [Job.State.queued] : [.processing, .queued] {
            page.waitingCount += try await journal.count(of: inboxes, in: state)
            page.waiting += try await journal.jobs(of: inboxes, in: state, limit: Self.maximumWaiting).map(
                \.path.printable)
        }
        if stoppedAt == nil {
            page.arriving = intakes.settlingCount(of: inboxes)
            page.foreign = intakes.foreignCount(of: inboxes)
            page.subtitled = intakes.subtitledCount(of: inboxes)
        }
        for (state, failure) in [(Job.State.delivered, nil), (.partial, "parts of it could not be transcribed")] {
            page.finished += try await journal.jobs(
                of: inboxes, in: state, finishedSince: today, limit: Self.maximumFinished
            ).map { job in
                StatusPage.Finished(
                    name: job.path.printable, at: job.finishedAt ?? job.foundAt,
                    remark: OutboxNotices.remark([
                        failure ?? OutboxNotices.damage(lostSamples: job.lostSampleCount),
                        OutboxNotices.uncovered(job.coverage),
                    ]))
            }
        }
        page.finished.sort { ($0.at, $0.name) > ($1.at, $1.name) }
        page.failed = try await journal.jobs(
            of: inboxes, in: .failed, finishedSince: now - Self.failuresOf, limit: Self.maximumFailed
        ).map { job in
            let code = job.errorCode.flatMap(TranscriptionError.Code.init) ?? .internalFault
            return StatusPage.Finished(
                name: job.path.printable, at: job.finishedAt ?? job.foundAt,
                remark: OutboxNotices.reason(code, message: job.errorMessage))
        }
        let folders = [outbox, settings.stateDirectory, settings.cacheDirectory]
        page.isShortOfSpace = folders.contains { space.shortFolders.contains($0) }
        return page
    }
}
