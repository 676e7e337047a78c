import Synchronization

/// Decides how many requests to one engine are under way: a ceiling, adaptive below it, paced by the engine's limits on
/// requests and audio, fair between recordings. One for each engine of the process; `Admission` holds the rules.
package final class ConcurrencyController: Sendable {
    package struct Settings: Sendable, Hashable {
        /// Requests under way at most.
        package var ceiling: Int
        /// Requests that may begin in any 60 seconds; nil: no limit.
        package var requestsPerMinute: Int?
        /// Seconds of audio that may be sent in any hour; nil: no limit.
        package var audioSecondsPerHour: Int?
        /// How long the first request goes alone unless it is answered before, and again the first one after the server has
        /// turned us away: what is wrong with key or address shows in one request instead of many. Zero: not at all.
        package var firstAlone: Duration
        /// A longer pause that a server asks for holds back nothing but the request that it was said to.
        package var longestPause: Duration

        /// - Parameters: numbers below 1 count as no limit.
        package init(
            ceiling: Int, requestsPerMinute: Int? = nil, audioSecondsPerHour: Int? = nil,
            firstAlone: Duration = .zero, longestPause: Duration = .seconds(900)
        ) {
            self.ceiling = max(1, ceiling)
            self.requestsPerMinute = requestsPerMinute.flatMap { $0 > 0 ? $0 : nil }
            self.audioSecondsPerHour = audioSecondsPerHour.flatMap { $0 > 0 ? $0 : nil }
            self.firstAlone = firstAlone
            self.longestPause = longestPause
        }
    }

    /// Figures for `parlograph status`.
    package struct Figures: Sendable, Hashable, Codable {
        package var limit: Int
        package var ceiling: Int
        package var inFlight: Int
        package var waiting: Int
        package var requestsInLastMinute: Int
    }

    private struct State {
        var admission: Admission<CheckedContinuation<RequestPermit, any Error>>
        var lastID: UInt64 = 0
    }

    private let settings: Settings
    private let state: Mutex<State>
    /// Time since the controller was made.
    private let now: @Sendable () -> Duration
    private let sleep: @Sendable (Duration) async throws -> Void

    /// Between two looks at the rules by one who waits, in case what it waits for has changed meanwhile.
    private static let longestNap = Duration.milliseconds(250)

    package init<C: Clock>(_ settings: Settings, clock: C = ContinuousClock()) where C.Duration == Duration {
        self.settings = settings
        state = Mutex(State(admission: Admission(settings)))
        let origin = clock.now
        now = { origin.duration(to: clock.now) }
        sleep = { try await clock.sleep(until: origin.advanced(by: $0), tolerance: nil) }
    }

    /// Runs one request when its turn comes. `body`'s error is looked at for pressure and thrown on.
    /// - Parameters:
    ///   - cost: what the request is worth, for fairness and the limit on audio: its audio, in samples.
    ///   - isWanted: is asked when its turn has come; false: it is not sent after all.
    /// - Throws: what `body` throws; `CancellationError`, also where it was not wanted any more.
    package func withPermit<Result: Sendable>(
        for recording: RecordingID, cost: Int64, isWanted: () -> Bool = { true },
        _ body: () async throws -> Result
    ) async throws -> Result {
        let permit = try await acquire(for: recording, cost: cost)
        guard isWanted(), !Task.isCancelled else {
            finish(permit, .notSent)
            throw CancellationError()
        }
        do {
            let result = try await body()
            finish(permit, .success)
            return result
        } catch {
            finish(permit, RequestOutcome(error))
            throw error
        }
    }

    /// Takes one retry from the budget: false when a storm of failures has used it up.
    package func takeRetry() -> Bool { state.withLock { $0.admission.takeRetry() } }

    /// How long the engine has answered nothing but refusals for load.
    package var refusing: Duration {
        let now = now()
        return state.withLock { $0.admission.refusing(now: now) }
    }

    package var figures: Figures {
        let now = now()
        return state.withLock { state in
            Figures(
                limit: state.admission.currentLimit, ceiling: settings.ceiling, inFlight: state.admission.inFlight,
                waiting: state.admission.waiting,
                requestsInLastMinute: state.admission.requestsInLastMinute(now: now))
        }
    }

    private func acquire(for recording: RecordingID, cost: Int64) async throws -> RequestPermit {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        return try await withThrowingTaskGroup(of: RequestPermit?.self) { group in
            group.addTask { try await self.wait(id, for: recording, cost: cost) }
            group.addTask {
                // What blocks may be time (a pause, a rate): look again when it is over. The end by cancellation is no
                // error: only `wait` knows whether a permit was granted meanwhile.
                while (try? await self.sleep(self.grant())) != nil {}
                return nil
            }
            defer { group.cancelAll() }
            while let finished = try await group.next() {
                if let permit = finished { return permit }
            }
            throw CancellationError()
        }
    }

    private func wait(_ id: UInt64, for recording: RecordingID, cost: Int64) async throws -> RequestPermit {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                state.withLock { $0.admission.add(continuation, id: id, of: recording, cost: cost) }
                if Task.isCancelled { cancel(id, of: recording) }
                _ = grant()
            }
        } onCancel: {
            cancel(id, of: recording)
        }
    }

    private func cancel(_ id: UInt64, of recording: RecordingID) {
        let waiter = state.withLock { $0.admission.remove(id: id, of: recording) }
        waiter?.resume(throwing: CancellationError())
    }

    /// Lets as many go as may; returns when to look again.
    private func grant() -> Duration {
        let now = now()
        let (granted, again) = state.withLock { $0.admission.grant(now: now) }
        for (waiter, permit) in granted { waiter.resume(returning: permit) }
        let nap = now + Self.longestNap
        return again.map { min($0, nap) } ?? nap
    }

    private func finish(_ permit: RequestPermit, _ outcome: RequestOutcome) {
        let now = now()
        state.withLock { $0.admission.finish(permit, outcome, now: now) }
        _ = grant()
    }
}
