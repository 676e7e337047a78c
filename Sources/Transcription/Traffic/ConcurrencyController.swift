import Synchronization
import SystemSupport

/// Decides how many requests to one engine are under way: a ceiling, adaptive below it, paced by the engine's limits on
/// requests and audio, fair between recordings. One for each engine of the process, or for all engines at the same server;
/// `Admission` holds the rules.
package final class ConcurrencyController: Sendable {
    package struct Settings: Sendable, Hashable {
        /// Requests under way at most.
        package var ceiling: Int
        /// Requests that may begin in any 60 seconds; nil: no limit.
        package var requestsPerMinute: Int?
        /// Seconds of audio that may be sent in any hour; nil: no limit.
        package var audioSecondsPerHour: Int?
        /// How long the first request goes alone unless it is answered before or its engine lets the others follow
        /// (`RequestContext.letOthersFollow`), and again the first one after the server has turned us away: what is wrong with
        /// key or address shows in one request instead of many. Zero: not at all.
        package var firstAlone: Duration
        /// A longer pause that a server asks for holds back nothing but the request that it was said to.
        package var maximumPause: Duration
        /// Nothing is sent to an engine that has answered before and answers nobody now, except one request after pauses.
        /// False where a fallback is asked instead.
        package var waitsForEngine: Bool

        /// - Parameters: numbers below 1 count as no limit.
        package init(
            ceiling: Int, requestsPerMinute: Int? = nil, audioSecondsPerHour: Int? = nil,
            firstAlone: Duration = .zero, maximumPause: Duration = .seconds(900),
            waitsForEngine: Bool = true
        ) {
            self.ceiling = max(1, ceiling)
            self.requestsPerMinute = requestsPerMinute.flatMap { $0 > 0 ? $0 : nil }
            self.audioSecondsPerHour = audioSecondsPerHour.flatMap { $0 > 0 ? $0 : nil }
            self.firstAlone = firstAlone
            self.maximumPause = maximumPause
            self.waitsForEngine = waitsForEngine
        }

        /// The same but for the limits on requests and audio.
        package func differsOnlyInRates(from other: Settings) -> Bool {
            var other = other
            (other.requestsPerMinute, other.audioSecondsPerHour) = (requestsPerMinute, audioSecondsPerHour)
            return self == other
        }
    }

    /// Figures for `parlograph status`.
    package struct Figures: Sendable, Hashable, Codable {
        /// Requests that may be under way at the moment.
        package var limit: Int
        /// The highest that `limit` may become.
        package var ceiling: Int
        package var inFlight: Int
        package var waiting: Int
        package var requestsInLastMinute: Int
        /// That may begin; nil: as many as there are.
        package var requestsPerMinute: Int?
    }

    /// When one who waits looks at the rules again; nil: not before it is woken.
    private struct Alarm {
        var until: Duration?
        let signal: AsyncSignal
    }

    private struct State {
        var admission: Admission<Waiter>
        var lastID: UInt64 = 0
        /// Of those who wait, by their numbers.
        var alarms: [UInt64: Alarm] = [:]

        /// Somebody has to look when time alone lets the next one go.
        /// - Parameter again: when that is.
        /// - Returns: who is to be woken, to set an earlier alarm.
        mutating func alarm(for again: Duration?) -> AsyncSignal? {
            guard let again, let any = alarms.first,
                !alarms.values.contains(where: { $0.until.map { $0 <= again } ?? false })
            else { return nil }
            alarms[any.key]?.until = again
            return any.value.signal
        }
    }

    /// What counts now: what it was made with, and the rates that it was given since.
    package var settings: Settings { state.withLock { $0.admission.settings } }
    private let state: Mutex<State>
    /// Time since the controller was made.
    private let now: @Sendable () -> Duration
    private let sleep: @Sendable (Duration) async throws -> Void

    package init<C: Clock>(_ settings: Settings, clock: C = ContinuousClock()) where C.Duration == Duration {
        state = Mutex(State(admission: Admission(settings)))
        let origin = clock.now
        now = { origin.duration(to: clock.now) }
        sleep = { try await clock.sleep(until: origin.advanced(by: $0), tolerance: nil) }
    }

    /// Runs one request when its turn comes. `body`'s error is looked at for pressure and thrown on.
    /// - Parameters:
    ///   - cost: what the request is worth, for fairness and the limit on audio: its audio, in samples.
    ///   - isWanted: is asked when its turn has come; false: it is not sent after all.
    ///   - body: gets its turn, which is of no use after it returns.
    /// - Throws: what `body` throws; `CancellationError`, also where it was not wanted any more.
    package func withPermit<Result: Sendable>(
        for recording: RecordingID, cost: Int64, isWanted: @escaping @Sendable () -> Bool = { true },
        _ body: (RequestContext) async throws -> Result
    ) async throws -> Result {
        let permit = try await acquire(of: recording) { $0.add($1, id: $2, of: recording, cost: cost) }
        guard isWanted(), !Task.isCancelled else {
            finish(permit, .notSent)
            throw CancellationError()
        }
        do {
            let result = try await body(turn(permit, isWanted: isWanted))
            finish(permit, .success)
            return result
        } catch {
            finish(permit, RequestOutcome(error))
            throw error
        }
    }

    private func turn(_ permit: RequestPermit, isWanted: @escaping @Sendable () -> Bool) -> RequestContext {
        RequestContext(
            isFirst: permit.isFirst, isProbe: permit.isProbe,
            admit: {
                _ = try await self.acquire(of: permit.recording) { $0.addFurther($1, id: $2, with: permit) }
                guard isWanted(), !Task.isCancelled else { throw CancellationError() }
            },
            follow: { grace in
                let now = self.now()
                self.state.withLock { $0.admission.follow(permit, after: grace, now: now) }
                self.grant()
            },
            learn: { allowance in
                let now = self.now()
                self.state.withLock { $0.admission.take(allowance, by: permit, now: now) }
                self.grant()
            },
            taken: { self.state.withLock { $0.admission.noteTaken() } })
    }

    /// Other limits on requests and audio count from now on, also for those who wait.
    package func setRates(_ rates: Settings) {
        state.withLock { $0.admission.setRates(rates) }
        grant()
    }

    /// No more than `ceiling` requests are under way from now on.
    package func lowerCeiling(to ceiling: Int) { state.withLock { $0.admission.lowerCeiling(to: ceiling) } }

    /// Takes one retry from the budget: false when a storm of failures has used it up.
    package func takeRetry() -> Bool { state.withLock { $0.admission.takeRetry() } }

    /// How long the engine has answered nothing but refusals for load.
    package var refusing: Duration {
        let now = now()
        return state.withLock { $0.admission.refusing(now: now) }
    }

    /// Chunks wait for the engine when it is away.
    package var waitsForEngine: Bool { settings.waitsForEngine }

    /// What is known of the engine's answering.
    package var engine: CircuitBreaker { state.withLock { $0.admission.engine } }

    /// How long the engine has been away, and how long nothing is sent to it; nil while it answers.
    package var absence: (lasted: Duration, nextTry: Duration)? {
        let now = now()
        let engine = engine
        guard let since = engine.openSince, let until = engine.opensUntil else { return nil }
        return (now - since, max(.zero, until - now))
    }

    /// True once in an outage, for who tells of it.
    package func takeNewsOfOutage() -> Bool { state.withLock { $0.admission.takeNewsOfOutage() } }

    /// Once after an outage that was told of: how long it was.
    package func takeRecovery() -> Duration? { state.withLock { $0.admission.takeRecovery() } }

    /// How long nobody may begin a request, by what the server asked for and by the limits on requests and audio; nil: not
    /// for that.
    package var heldFor: Duration? {
        let now = now()
        return state.withLock { $0.admission.heldUntil(now: now) }.map { $0 - now }
    }

    package var figures: Figures {
        let now = now()
        return state.withLock { state in
            Figures(
                limit: state.admission.currentLimit, ceiling: state.admission.settings.ceiling,
                inFlight: state.admission.inFlight,
                waiting: state.admission.waiting,
                requestsInLastMinute: state.admission.requestsInLastMinute(now: now),
                requestsPerMinute: state.admission.settings.requestsPerMinute)
        }
    }

    private typealias Waiter = CheckedContinuation<RequestPermit, any Error>

    /// - Parameter add: puts the waiter with its number into the queue it belongs to.
    private func acquire(
        of recording: RecordingID, add: @escaping @Sendable (inout Admission<Waiter>, Waiter, UInt64) -> Void
    ) async throws -> RequestPermit {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        return try await withThrowingTaskGroup(of: RequestPermit?.self) { group in
            group.addTask { try await self.wait(id, of: recording, add: add) }
            group.addTask {
                await self.lookAgain(for: id)
                // Its end by cancellation is no error: only `wait` knows whether a permit was granted meanwhile.
                return nil
            }
            defer { group.cancelAll() }
            while let finished = try await group.next() {
                if let permit = finished { return permit }
            }
            throw CancellationError()
        }
    }

    private func wait(
        _ id: UInt64, of recording: RecordingID, add: @Sendable (inout Admission<Waiter>, Waiter, UInt64) -> Void
    ) async throws -> RequestPermit {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                state.withLock { add(&$0.admission, continuation, id) }
                if Task.isCancelled { cancel(id, of: recording) }
                grant()
            }
        } onCancel: {
            cancel(id, of: recording)
        }
    }

    private func cancel(_ id: UInt64, of recording: RecordingID) {
        let waiter = state.withLock { $0.admission.remove(id: id, of: recording) }
        waiter?.resume(throwing: CancellationError())
    }

    /// What blocks may be time (a pause, a rate): looks again when it is over, until the task is cancelled.
    private func lookAgain(for id: UInt64) async {
        let signal = AsyncSignal()
        while !Task.isCancelled {
            guard let until = grant(settingAlarm: id, signal) else {
                await signal.wait()
                continue
            }
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await signal.wait() }
                group.addTask { try? await self.sleep(until) }
                await group.next()
                group.cancelAll()
            }
        }
        state.withLock { $0.alarms[id] = nil }
        // Its alarm may have been the one that others relied on.
        grant()
    }

    /// Lets as many go as may, and looks again when the next one may.
    private func grant() {
        let now = now()
        let (granted, woken) = state.withLock { state in
            let (granted, again) = state.admission.grant(now: now)
            return (granted, state.alarm(for: again))
        }
        for (waiter, permit) in granted { waiter.resume(returning: permit) }
        woken?.signal()
    }

    /// The same, by one who waits and looks again itself.
    /// - Returns: when to look again; nil where only an event can change anything.
    private func grant(settingAlarm id: UInt64, _ signal: AsyncSignal) -> Duration? {
        let now = now()
        let (granted, again) = state.withLock { state in
            let (granted, again) = state.admission.grant(now: now)
            state.alarms[id] = Alarm(until: again, signal: signal)
            return (granted, again)
        }
        for (waiter, permit) in granted { waiter.resume(returning: permit) }
        return again
    }

    private func finish(_ permit: RequestPermit, _ outcome: RequestOutcome) {
        let now = now()
        state.withLock { $0.admission.finish(permit, outcome, now: now) }
        grant()
    }
}
