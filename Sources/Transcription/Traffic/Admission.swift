import SystemSupport

/// The right to send one request to an engine; it is given back with what became of it.
package struct RequestPermit: Sendable, Hashable {
    package let id: UInt64
    package let recording: RecordingID
    package let mark: AdaptiveLimit.Mark
    /// When it was given.
    package let started: Duration
    /// Audio, in samples.
    package let cost: Int64
    /// It goes alone, because the server has not accepted us yet.
    package let isFirst: Bool
    /// It goes alone, to find out whether an engine that failed at everything is back.
    package let isProbe: Bool
}

/// What became of a request, as far as it matters for the next ones.
package enum RequestOutcome: Sendable, Hashable {
    case success
    /// `pressure` of the error; `after`: the pause that the server asked for.
    case pressure(TranscriptionError.Pressure, after: Duration?)
    /// The server will have nothing of us: a wrong key, no such model, no quota.
    case rejected
    /// A useless answer that another attempt may better; says nothing about load.
    case broken
    /// The engine answers nothing at all at the moment (`AttemptFailure.engineAway`).
    case away
    /// An answer that says nothing about load.
    case other
    /// Called off while it was under way.
    case cancelled
    /// Called off before it was sent: it counts for no rate.
    case notSent

    /// - Parameter error: what an engine threw.
    package init(_ error: any Error) {
        if error is CancellationError {
            self = .cancelled
        } else if let failure = error as? AttemptFailure {
            self =
                switch failure {
                case .notSent: .notSent
                case .engineAway: .away
                case .chunkFault: .other
                }
        } else if let error = error as? TranscriptionError {
            if error.remedy == .giveUpRecording {
                self = .rejected
            } else if let pressure = error.pressure {
                var after: Duration?
                if case .retry(let hint) = error.remedy { after = hint }
                self = .pressure(pressure, after: after)
            } else if case .retry = error.remedy {
                self = .broken
            } else {
                self = .other
            }
        } else {
            self = .other
        }
    }
}

/// Who may send when: the rules behind `ConcurrencyController`, without clock, tasks or locks.
///
/// A waiter goes when the adaptive limit, the pauses that the server asked for, the rates and what the server says is left
/// of its own count allow it, and it is its recording's turn. After a pause, and while the server has not shown yet that it
/// accepts us at all, one goes alone: the others follow when it has been answered, when its engine says so (`follow`), or
/// after a grace, since a refusal comes quickly and a transcript need not.
package struct Admission<Waiter> {
    /// The grace of the one that goes alone after a pause: uploads may take seconds.
    private static var graceAfterPause: Duration { .seconds(5) }
    /// Of pauses that we choose ourselves when a server refuses everything and does not say for how long.
    private static var backoff: Backoff { Backoff(first: .seconds(1), maximum: .seconds(30)) }
    /// A refusal so long after the last one, and after the pause that it asked for, says nothing about the time between.
    private static var memory: Duration { .seconds(120) }
    /// How long more requests than are useful are not tried.
    private static var uselessFor: Duration { .seconds(900) }
    /// What retries may be spent without successes.
    private static var retryReserve: Double { 10 }
    private static var retriesPerSuccess: Double { 0.2 }

    /// What counts now.
    package private(set) var settings: ConcurrencyController.Settings
    private var limit: AdaptiveLimit
    private var saturation = SaturationDetector()
    private var queue = FairQueue<Waiter>()
    private var requests: RateWindow
    private var audio: RateWindow
    private var lastPermit: UInt64 = 0
    private var pausedUntil = Duration.zero
    /// The next one goes alone; `isFirst`: because the server has not accepted us yet.
    private var nextAlone: (grace: Duration, isFirst: Bool)?
    /// The one that is under way alone, and when its grace ends.
    private var alone: (id: UInt64, grace: Duration, isFirst: Bool, until: Duration)?
    /// Those who have a permit and wait to send one more request with it.
    private var further: [(waiter: Waiter, id: UInt64, permit: RequestPermit)] = []
    /// What the server said is left of its own count, less what was sent since.
    private var allowance: (left: Int, until: Duration)?
    private var underWay: Set<UInt64> = []
    private var retryBudget = retryReserve
    private var refusingSince: Duration?
    private var lastRefusal = Duration.zero
    private var breaker: CircuitBreaker

    /// Turns under way.
    package var inFlight: Int { underWay.count }

    package init(_ settings: ConcurrencyController.Settings) {
        self.settings = settings
        limit = AdaptiveLimit(ceiling: settings.ceiling)
        requests = RateWindow(length: .seconds(60), limit: settings.requestsPerMinute.map(Int64.init))
        audio = RateWindow(
            length: .seconds(3600), limit: settings.audioSecondsPerHour.map { Int64($0) * SampleClock.rate })
        nextAlone = settings.firstAlone > .zero ? (settings.firstAlone, true) : nil
        breaker = CircuitBreaker(isUsed: settings.waitsForEngine)
    }

    /// Other rates, which count at once; audio that was sent while it had no limit does not count.
    package mutating func setRates(_ rates: ConcurrencyController.Settings) {
        settings.requestsPerMinute = rates.requestsPerMinute
        settings.audioSecondsPerHour = rates.audioSecondsPerHour
        requests.setLimit(rates.requestsPerMinute.map(Int64.init))
        audio.setLimit(rates.audioSecondsPerHour.map { Int64($0) * SampleClock.rate })
    }

    /// No more requests than `ceiling` are under way from now on, as far as they are not yet.
    package mutating func lowerCeiling(to ceiling: Int) {
        guard ceiling < settings.ceiling else { return }
        settings.ceiling = max(1, ceiling)
        limit = AdaptiveLimit(ceiling: settings.ceiling)
    }

    /// The server has taken a request as a whole.
    package mutating func noteTaken() { breaker.noteTaken() }

    /// Requests that may be under way at the moment.
    package var currentLimit: Int { limit.limit }
    package var waiting: Int { queue.waiting }
    package func requestsInLastMinute(now: Duration) -> Int { Int(requests.amount(now: now)) }

    /// How long every answer has been a refusal for load.
    package func refusing(now: Duration) -> Duration { refusingSince.map { now - $0 } ?? .zero }

    /// - Parameters:
    ///   - id: unique and rising.
    ///   - cost: audio, in samples.
    package mutating func add(_ waiter: Waiter, id: UInt64, of recording: RecordingID, cost: Int64) {
        queue.add(waiter, id: id, of: recording, cost: cost)
    }

    /// One more request with a permit that was given already; it goes before those who have none.
    /// - Parameter id: as for `add`.
    package mutating func addFurther(_ waiter: Waiter, id: UInt64, with permit: RequestPermit) {
        further.append((waiter, id, permit))
    }

    /// Gives up waiting; nil when it is no longer in the queue.
    package mutating func remove(id: UInt64, of recording: RecordingID) -> Waiter? {
        if let at = further.firstIndex(where: { $0.id == id }) { return further.remove(at: at).waiter }
        return queue.remove(id: id, of: recording)
    }

    /// Lets as many go as may.
    /// - Returns: them, and when to ask again if nothing happens before; nil where only an event can change anything.
    package mutating func grant(now: Duration) -> (granted: [(waiter: Waiter, permit: RequestPermit)], again: Duration?)
    {
        var granted: [(waiter: Waiter, permit: RequestPermit)] = []
        while let next = further.first {
            if let free = blocked(cost: next.permit.cost, now: now) { return (granted, free) }
            further.removeFirst()
            count(next.permit.id, cost: next.permit.cost, now: now)
            granted.append((next.waiter, next.permit))
        }
        while inFlight < limit.limit, let first = queue.first {
            if let alone, now < alone.until { return (granted, max(alone.until, pausedUntil)) }
            if breaker.isProbed { return (granted, nil) }
            if let until = breaker.opensUntil, now < until { return (granted, until) }
            if let free = blocked(cost: first.cost, now: now) { return (granted, free) }
            guard let next = queue.next() else { break }
            lastPermit += 1
            underWay.insert(lastPermit)
            count(lastPermit, cost: first.cost, now: now)
            alone = nextAlone.map { (lastPermit, $0.grace, $0.isFirst, now + $0.grace) }
            nextAlone = nil
            let permit = RequestPermit(
                id: lastPermit, recording: next.recording, mark: limit.mark(inFlight: inFlight), started: now,
                cost: first.cost, isFirst: alone?.isFirst ?? false, isProbe: breaker.begin(lastPermit))
            granted.append((next.waiter, permit))
        }
        return (granted, nil)
    }

    /// When the next request may be sent as far as time alone is against it; nil: now.
    package func heldUntil(now: Duration) -> Duration? { blocked(cost: queue.first?.cost ?? 0, now: now) }

    /// When a request with so much audio may be sent; nil: now.
    private func blocked(cost: Int64, now: Duration) -> Duration? {
        if now < pausedUntil { return pausedUntil }
        if let allowance, allowance.left <= 0, now < allowance.until { return allowance.until }
        return [requests.wait(for: 1, now: now), audio.wait(for: cost, now: now)].compactMap { $0 }.max()
    }

    private mutating func count(_ id: UInt64, cost: Int64, now: Duration) {
        requests.start(id, amount: 1, now: now)
        if settings.audioSecondsPerHour != nil { audio.start(id, amount: cost, now: now) }
        allowance?.left -= 1
    }

    /// The others need not wait for the answer to the first one: they may go after `grace`.
    package mutating func follow(_ permit: RequestPermit, after grace: Duration, now: Duration) {
        guard let was = alone, was.id == permit.id, was.isFirst else { return }
        alone?.until = min(was.until, now + grace)
    }

    /// What the server said with its answer to the request of `permit`. Those sent after that one may not be in its count
    /// yet. A reset farther off than we wait for is left to what the server says to the next request.
    package mutating func take(_ said: RequestAllowance, by permit: RequestPermit, now: Duration) {
        guard said.reset > .zero, said.reset <= settings.maximumPause else { return }
        let later = underWay.count { $0 > permit.id }
        allowance = (max(0, said.remaining - later), now + said.reset)
    }

    /// The permit is given back; each is given back once.
    package mutating func finish(_ permit: RequestPermit, _ outcome: RequestOutcome, now: Duration) {
        if outcome == .notSent {
            requests.cancel(permit.id)
            audio.cancel(permit.id)
        } else {
            requests.finish(permit.id, now: now)
            audio.finish(permit.id, now: now)
        }
        if let was = alone, was.id == permit.id {
            alone = nil
            // Nothing was learnt: the next one goes alone.
            if outcome == .notSent || outcome == .cancelled { nextAlone = (was.grace, was.isFirst) }
        }
        switch outcome {
        case .success:
            retryBudget = min(Self.retryReserve, retryBudget + Self.retriesPerSuccess)
            refusingSince = nil
            limit.succeeded(permit.mark, inFlight: inFlight, now: now)
            gauge(permit, now: now)
        case .pressure(.refused, let after): refused(permit, after: after, now: now)
        case .pressure(.strained, _), .away:
            limit.strained(permit.mark)
            saturation.interrupt()
        case .broken: refusingSince = nil
        case .rejected:
            refusingSince = nil
            if settings.firstAlone > .zero {
                nextAlone = (max(nextAlone?.grace ?? .zero, settings.firstAlone), true)
            }
        case .other: refusingSince = nil
        case .cancelled, .notSent: break
        }
        breaker.record(outcome, of: permit.id, now: now)
        underWay.remove(permit.id)
        queue.finished(permit.recording)
    }

    private mutating func gauge(_ permit: RequestPermit, now: Duration) {
        let sample = SaturationDetector.Sample(
            level: permit.mark.level, sent: permit.started, finished: now, audio: permit.cost)
        switch saturation.take(sample, limit: limit.limit, isFull: inFlight >= limit.limit) {
        case .none: break
        case .fewer(let fewer): limit.stepBack(to: fewer, for: Self.uselessFor, now: now)
        case .back(let more): limit.stepForward(to: more)
        }
    }

    private mutating func refused(_ permit: RequestPermit, after: Duration?, now: Duration) {
        if now > max(lastRefusal, pausedUntil) + Self.memory { refusingSince = nil }
        refusingSince = refusingSince ?? now
        saturation.interrupt()
        lastRefusal = now
        let wasOne = limit.limit == 1
        let isCut = limit.refused(permit.mark, inFlight: inFlight, now: now)
        var pause = Duration.zero
        if let after, after > .zero {
            // A server that sends us away for days means this request: the others find out for themselves.
            if after <= settings.maximumPause { pause = after }
        } else if isCut, wasOne || limit.refusalsInARow > 1 {
            // Fewer were no better: wait, longer each time.
            pause = Self.backoff.pause(after: limit.refusalsInARow - 1)
        }
        guard pause > .zero else { return }
        pausedUntil = max(pausedUntil, now + pause)
        nextAlone = (max(nextAlone?.grace ?? .zero, Self.graceAfterPause), nextAlone?.isFirst ?? false)
    }

    /// The engine's outages.
    package var engine: CircuitBreaker { breaker }

    /// True once in an outage.
    package mutating func takeNewsOfOutage() -> Bool { breaker.takeNews() }

    /// Once after an outage that was told of: how long it was.
    package mutating func takeRecovery() -> Duration? { breaker.takeRecovery() }

    /// Takes one retry from the budget, which is 10 and a fifth of the successes since: false when a storm of failures
    /// has used it up.
    package mutating func takeRetry() -> Bool {
        guard retryBudget >= 1 else { return false }
        retryBudget -= 1
        return true
    }
}
