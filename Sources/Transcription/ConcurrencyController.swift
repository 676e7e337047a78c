import Synchronization

/// Decides how many requests to one engine are under way: a ceiling, adaptive below it, paced by the engine's request
/// limit, fair between recordings. One for each engine of the process.
///
/// Additive increase, multiplicative decrease (Chiu, Jain 1989): after a refusal half as many, at most one cut for what
/// was sent before it; then one more after each full window of successes. A limit that was refused before is tried again
/// only after a hold that doubles, so that a server that allows two is not asked for three with every second request.
package final class ConcurrencyController: Sendable {
    package struct Settings: Sendable, Hashable {
        /// Requests under way at most.
        package var ceiling: Int
        /// Requests in any 60 seconds; nil: no limit.
        package var requestsPerMinute: Int?

        package init(ceiling: Int, requestsPerMinute: Int? = nil) {
            self.ceiling = max(1, ceiling)
            self.requestsPerMinute = requestsPerMinute.flatMap { $0 > 0 ? $0 : nil }
        }
    }

    /// What a finished request says about load.
    package enum Outcome: Sendable, Hashable {
        case success
        /// `pressure` of the error; `after`: the pause that the server asked for.
        case pressure(TranscriptionError.Pressure, after: Duration?)
        /// An answer that says nothing about load.
        case other
    }

    /// Figures for `parlograph status`.
    package struct Figures: Sendable, Hashable, Codable {
        package var limit: Int
        package var ceiling: Int
        package var inFlight: Int
        package var waiting: Int
        package var requestsInLastMinute: Int
    }

    /// The rate window is kept a second longer than a minute: requests do not all take equally long to arrive.
    private static let rateWindow = Duration.seconds(61)
    private static let firstHold = Duration.seconds(30)
    private static let longestHold = Duration.seconds(960)

    private struct State {
        var limit: Double
        var inFlight = 0
        var nextID: UInt64 = 0
        var queue = FairQueue<CheckedContinuation<Duration, any Error>>()
        /// Start times of the requests in the rate window, oldest first.
        var starts: [Duration] = []
        var pausedUntil = Duration.zero
        var lastCut = Duration.zero
        var refusedAt: Int?
        var holdUntil = Duration.zero
        var hold = firstHold
        /// Retries that may still be spent: 10, and one more for every five successes.
        var retryBudget = 10.0
    }

    private let settings: Settings
    private let state: Mutex<State>
    /// Time since the controller was made.
    private let now: @Sendable () -> Duration
    private let sleep: @Sendable (Duration) async throws -> Void

    package init<C: Clock>(_ settings: Settings, clock: C = ContinuousClock()) where C.Duration == Duration {
        self.settings = settings
        state = Mutex(State(limit: Double(settings.ceiling)))
        let origin = clock.now
        now = { origin.duration(to: clock.now) }
        sleep = { try await clock.sleep(until: origin.advanced(by: $0), tolerance: nil) }
    }

    /// Runs one request when its turn comes. `body`'s error is looked at for pressure and thrown on.
    /// - Parameter cost: what the request is worth, for fairness: its audio, in samples.
    /// - Throws: what `body` throws, `CancellationError`.
    package func withPermit<Result: Sendable>(
        for recording: RecordingID, cost: Int64, _ body: () async throws -> Result
    ) async throws -> Result {
        let started = try await acquire(for: recording, cost: cost)
        do {
            let result = try await body()
            finish(recording, started: started, outcome: .success)
            return result
        } catch {
            var outcome = Outcome.other
            if let error = error as? TranscriptionError, let pressure = error.pressure {
                var after: Duration?
                if case .retry(let hint) = error.remedy { after = hint }
                outcome = .pressure(pressure, after: after)
            }
            finish(recording, started: started, outcome: outcome)
            throw error
        }
    }

    /// Takes one retry from the budget: false when a storm of failures has used it up.
    package func takeRetry() -> Bool {
        state.withLock { state in
            guard state.retryBudget >= 1 else { return false }
            state.retryBudget -= 1
            return true
        }
    }

    package var figures: Figures {
        let now = now()
        return state.withLock { state in
            Figures(
                limit: Int(state.limit), ceiling: settings.ceiling, inFlight: state.inFlight,
                waiting: state.queue.waiting,
                requestsInLastMinute: state.starts.count { now - $0 < .seconds(60) })
        }
    }

    private func acquire(for recording: RecordingID, cost: Int64) async throws -> Duration {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return try await withThrowingTaskGroup(of: Duration?.self) { group in
            group.addTask { try await self.wait(id, for: recording, cost: cost) }
            group.addTask {
                // What blocks may be time (a pause, the rate): look again when it is over, and at least every second.
                // Its end by cancellation is no error: only `wait` knows whether a permit was granted meanwhile.
                while (try? await self.sleep(self.grant())) != nil {}
                return nil
            }
            defer { group.cancelAll() }
            while let finished = try await group.next() {
                if let started = finished { return started }
            }
            throw CancellationError()
        }
    }

    private func wait(_ id: UInt64, for recording: RecordingID, cost: Int64) async throws -> Duration {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Duration, any Error>) in
                state.withLock { $0.queue.add(continuation, id: id, of: recording, cost: cost) }
                if Task.isCancelled { cancel(id, of: recording) }
                _ = grant()
            }
        } onCancel: {
            cancel(id, of: recording)
        }
    }

    private func cancel(_ id: UInt64, of recording: RecordingID) {
        let waiter = state.withLock { $0.queue.remove(id: id, of: recording) }
        waiter?.resume(throwing: CancellationError())
    }

    /// Lets as many go as may; returns when to look again.
    private func grant() -> Duration {
        let now = now()
        let (granted, again) = state.withLock { state in
            var granted: [CheckedContinuation<Duration, any Error>] = []
            var again = now + .seconds(1)
            while state.queue.waiting > 0, state.inFlight < Int(state.limit) {
                if now < state.pausedUntil {
                    again = min(again, state.pausedUntil)
                    break
                }
                state.starts.removeAll { now - $0 >= Self.rateWindow }
                if let most = settings.requestsPerMinute, state.starts.count >= most {
                    again = min(again, state.starts[state.starts.count - most] + Self.rateWindow)
                    break
                }
                guard let next = state.queue.next() else { break }
                state.inFlight += 1
                state.starts.append(now)
                granted.append(next.waiter)
            }
            return (granted, again)
        }
        for waiter in granted { waiter.resume(returning: now) }
        return again
    }

    private func finish(_ recording: RecordingID, started: Duration, outcome: Outcome) {
        let now = now()
        state.withLock { state in
            let saturated = state.inFlight >= Int(state.limit)
            state.inFlight -= 1
            state.queue.finished(recording)
            switch outcome {
            case .success:
                state.retryBudget = min(10, state.retryBudget + 0.2)
                guard saturated, state.limit < Double(settings.ceiling) else { break }
                let raised = min(Double(settings.ceiling), state.limit + 1 / state.limit)
                if let refusedAt = state.refusedAt, Int(raised) >= refusedAt, now < state.holdUntil { break }
                state.limit = raised
            case .pressure(let pressure, let after):
                if pressure == .refused, let after { state.pausedUntil = max(state.pausedUntil, now + after) }
                guard started >= state.lastCut else { break }
                state.lastCut = now
                let before = Int(state.limit)
                if pressure == .refused {
                    if let refusedAt = state.refusedAt, before <= refusedAt {
                        state.hold = min(Self.longestHold, state.hold * 2)
                    }
                    state.refusedAt = before
                    state.holdUntil = now + state.hold
                    state.limit = max(1, (Double(before) * 0.5).rounded(.down))
                } else {
                    state.limit = max(1, (Double(before) * 0.7).rounded(.down))
                }
            case .other: break
            }
        }
        _ = grant()
    }
}
