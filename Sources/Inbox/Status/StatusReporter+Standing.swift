import SystemSupport
import Transcription

// What keeps recordings from going on, as status file, pages and notes tell it.
extension StatusReporter {
    /// The recordings in work. One that waits for its turn behind others that get no answer waits for the engine, too.
    var running: [(job: Job, progress: ProgressSnapshot)] {
        let all = board.running.map { job, own in
            var progress = backoff.progress(of: job, with: inbox(of: job)?.engine, own)
            if progress.stall?.reason == .engineSilent, progress.stall?.cause == nil {
                progress.stall?.cause = inbox(of: job).map { Self.silence(of: $0.engine) }
            }
            return (job: job, progress: progress)
        }
        var stalled: [String: ProgressStall] = [:]
        for (job, progress) in all {
            guard let stall = progress.stall, stall.reason != .turn, let engine = inbox(of: job)?.engine else {
                continue
            }
            if stalled[engine].map({ $0.seconds < stall.seconds }) ?? true { stalled[engine] = stall }
        }
        return all.map { job, progress in
            var progress = progress
            if progress.stall?.reason == .turn, let engine = inbox(of: job)?.engine, let cause = stalled[engine] {
                progress.stall = cause
            }
            return (job, progress)
        }
    }

    private static func silence(of engine: String) -> String {
        "It takes requests and answers none. See whether the server, model or program of [engines.\(engine)] hangs or is "
            + "overloaded, and start it again; the recording then goes on by itself."
    }

    /// Each engine with its figures, and what is wrong with it.
    func engines(
        _ figures: [String: ConcurrencyController.Figures], _ running: [(job: Job, progress: ProgressSnapshot)]
    ) -> [String: ServiceStatus.EngineStatus] {
        var engines = figures.mapValues { ServiceStatus.EngineStatus($0) }
        for inbox in settings.inboxes where engines[inbox.engine] == nil {
            engines[inbox.engine] = ServiceStatus.EngineStatus()
        }
        let now = UnixTime.now()
        for (job, progress) in running {
            guard let name = inbox(of: job)?.engine, var engine = engines[name] else { continue }
            if let stall = progress.stall, stall.reason != .turn {
                engine.state = .waiting
                engine.since = min(engine.since ?? .max, now - Int64(stall.seconds))
                engine.cause = stall.cause ?? engine.cause
            } else if let wait = progress.engineWaitSeconds, engine.state == .ok {
                engine.state = .paused
                engine.nextTry = now + Int64(wait)
            }
            engines[name] = engine
        }
        for outage in backoff.all {
            guard case .engine(let name) = outage.place, let fault = outage.fault, var engine = engines[name] else {
                continue
            }
            engine.state = fault == .refused ? .refused : .waiting
            (engine.since, engine.cause) = (outage.since, outage.cause)
            engine.nextTry = outage.restsUntil > now ? outage.restsUntil : nil
            engines[name] = engine
        }
        return engines
    }

    /// Nil: there are none.
    var standingFaults: [ServiceStatus.Fault]? {
        let all = faults.all + folderFaults + stuckFaults + hookFaults
        return all.isEmpty ? nil : all.sorted { ($0.since, $0.kind, $0.place) < ($1.since, $1.kind, $1.place) }
    }

    private var folderFaults: [ServiceStatus.Fault] {
        let now = UnixTime.now()
        return intakes.folderFaults.map { inbox, fault, age in
            ServiceStatus.Fault(fault, in: inbox.path, since: now - age.components.seconds)
        }
    }

    /// One for each inbox, with the cause of the first recording.
    private var stuckFaults: [ServiceStatus.Fault] {
        Dictionary(grouping: pendingMoves.all, by: \.job.inbox).map { inbox, all in
            let what =
                all.count == 1
                ? "A finished recording is still in the inbox"
                : "\(all.count) finished recordings are still in the inbox"
            return ServiceStatus.Fault(
                .source, at: inbox.printable, since: all.map(\.since).min() ?? UnixTime.now(),
                cause: "\(what): \(all.first?.cause ?? "")")
        }
    }

    /// One for each inbox and kind.
    private var hookFaults: [ServiceStatus.Fault] {
        hooks.troubles.map { trouble in
            ServiceStatus.Fault(
                trouble, isOff: trouble.kind == .webhook && hooks.switchedOff.contains(trouble.inbox))
        }
    }

    /// What people are told of these inboxes and the folders in them.
    func faultsToTell(of inboxes: [RawName]) -> [String] {
        let troubles = hooks.troubles.filter { inboxes.contains($0.inbox) }
        let untold = troubles.isEmpty ? [] : [Self.untold]
        let faults = intakes.folderFaults.filter { inboxes.contains($0.inbox.id) }
        let told = faults.compactMap(\.fault.forOffice)
        return Array(Set(told).sorted().prefix(Self.maximumFaultsToTell)) + untold
    }

    private static let untold =
        "What is to happen with finished transcripts (a mail, a message) does not work at the moment; the transcripts are "
        + "here."

    private static let maximumFaultsToTell = 10

    /// Nil: none is.
    var outboxesThatAreAway: [ServiceStatus.OutboxStatus]? {
        let away = backoff.all.compactMap { outage -> ServiceStatus.OutboxStatus? in
            guard case .outbox(let path) = outage.place else { return nil }
            return ServiceStatus.OutboxStatus(
                path: path.printable, since: outage.since, cause: outage.cause,
                nextTry: max(outage.restsUntil, UnixTime.now()))
        }
        return away.isEmpty ? nil : away.sorted { $0.path < $1.path }
    }

    /// When the oldest recording was found that has no transcript yet and has not failed; not older than a few seconds,
    /// since among many it takes a moment to find out.
    func oldestWaiting(_ counts: [Job.State: Int]) async -> Int64? {
        guard counts[.queued] != nil || counts[.processing] != nil else { return nil }
        let now = UnixTime.now()
        if let known = board.oldestWaiting, (known.lookedAt...known.lookedAt + Self.oldestIsGoodFor).contains(now) {
            return known.foundAt
        }
        let found = (try? await journal.oldestOpen()) ?? nil
        board.noteOldestWaiting(found, now: now)
        return found
    }

    private static let oldestIsGoodFor: Int64 = 5
    private static let maximumArriving = 100

    /// Nil: nothing is on its way into an inbox.
    var arriving: [ServiceStatus.ArrivingRecording]? {
        let now = UnixTime.now()
        let pending = intakes.pending(limit: Self.maximumArriving).map { inbox, recording in
            ServiceStatus.ArrivingRecording(
                name: recording.path.printable, inbox: inbox.path.printable,
                foundAt: now - recording.age.components.seconds, recording.hindrance)
        }
        return pending.isEmpty ? nil : pending
    }

    /// What people are told of the engines of these inboxes; nil: they work, as far as is known.
    func outageToTell(of inboxes: [RawName]) -> String? {
        let engines = Set(settings.inboxes.filter { inboxes.contains($0.id) }.map(\.engine))
        let known = backoff.all.filter { outage in
            guard case .engine(let name) = outage.place else { return false }
            return engines.contains(name)
        }
        if let first = known.min(by: { $0.since < $1.since }), let fault = first.fault {
            return OutboxNotices.outage(fault, since: first.since)
        }
        let stalls = running.filter { inboxes.contains($0.job.inbox) }.compactMap(\.progress.stall)
        guard let longest = stalls.filter({ $0.reason != .turn }).max(by: { $0.seconds < $1.seconds }) else {
            return nil
        }
        let since = UnixTime.now() - Int64(longest.seconds)
        return "The speech recognition has not answered since \(LocalTime.moment(since))."
    }
}
