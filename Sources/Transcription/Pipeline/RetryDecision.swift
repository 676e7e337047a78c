/// Why one attempt at a chunk failed, where it matters whose fault that is. Attempts that nobody looked into fail with a
/// `TranscriptionError`.
package enum AttemptFailure: Error {
    /// The engine was not asked after all: its outage, which began with this error, lasts.
    case notSent(TranscriptionError)
    /// The request failed, and so did something small that is no recording's audio: the engine answers nobody.
    case engineAway(TranscriptionError)
    /// The request failed though it may succeed later, and the engine answers others: it counts as an attempt of the chunk.
    case chunkFault(TranscriptionError)

    /// What the engine said.
    var error: TranscriptionError {
        switch self {
        case .notSent(let error), .engineAway(let error), .chunkFault(let error): error
        }
    }
}

/// What follows when an attempt at a chunk failed.
package enum RetryDecision: Sendable, Equatable {
    /// The error stands as it is.
    case fail
    /// The chunk is cut into parts of at most so many samples, or into halves.
    case split(maximumSamples: Int64?)
    /// The next attempt waits until the engine answers again; it costs the chunk nothing.
    case waitForEngine
    /// The engine has let nobody in for too long: the recording waits for it, instead of losing its chunks one by one.
    case engineUnavailable
    /// The chunk is given up; `reason`: why it is not tried again, where that is not only that the attempts are used up.
    case giveUp(reason: String?)
    /// Another attempt after the pause before repetition `number` (from 1), or the one that the server asked for.
    /// `isBudgeted`: it may have cost something and counts for the budget that all recordings share.
    case again(number: Int, hint: Duration?, isBudgeted: Bool)
}

/// The attempts at a chunk so far.
package struct RetryState: Sendable, Equatable {
    /// Repetitions that count as the chunk's own.
    package private(set) var retries = 0
    /// By pauses that the server asked for; they do not count.
    package private(set) var heldBack = Duration.zero

    /// What is known of the engine besides its answer.
    package struct EngineState: Sendable {
        /// It answers nobody at the moment.
        package var isAway: Bool
        /// For how long it has refused every request; zero: it has not.
        package var refusing: Duration

        package init(isAway: Bool, refusing: Duration) {
            self.isAway = isAway
            self.refusing = refusing
        }
    }

    package init() {}

    /// Takes note of a failure and says what follows.
    package mutating func decide(_ failure: AttemptFailure, _ settings: RetrySettings) -> RetryDecision {
        switch failure {
        case .notSent: return .fail
        case .engineAway: return .waitForEngine
        case .chunkFault(let error):
            retries += 1
            return again(isOwnFault: true, hint: nil, after: error, settings)
        }
    }

    /// The same for a failure of which only the error is known.
    package mutating func decide(
        _ error: TranscriptionError, _ engine: EngineState, _ settings: RetrySettings
    ) -> RetryDecision {
        switch error.remedy {
        case .giveUpChunk, .giveUpRecording: return .fail
        case .split(let most): return .split(maximumSamples: most)
        case .retry where engine.isAway: return .waitForEngine
        case .retry(let told):
            let isRefused = error.pressure == .refused
            if isRefused, engine.refusing >= settings.patience { return .engineUnavailable }
            let hint = told.flatMap { $0 > .zero ? $0 : nil }
            if isRefused, let hint, heldBack + hint <= settings.patience {
                heldBack += hint
                return .again(number: max(1, retries), hint: hint, isBudgeted: false)
            }
            // Where nobody is let in, it is not the chunk's fault: the patience above bounds it.
            let isNobodyLetIn = isRefused && engine.refusing > .zero
            retries = isNobodyLetIn ? min(retries + 1, max(1, settings.maximumRetries)) : retries + 1
            return again(isOwnFault: !isNobodyLetIn, hint: hint, after: error, settings)
        }
    }

    private func again(
        isOwnFault: Bool, hint: Duration?, after error: TranscriptionError, _ settings: RetrySettings
    ) -> RetryDecision {
        if let hint, hint > settings.patience {
            return .giveUp(reason: "the pause asked for is longer than \(settings.patience.components.seconds) s")
        }
        guard retries <= settings.maximumRetries || !isOwnFault else { return .giveUp(reason: nil) }
        return .again(number: retries, hint: hint, isBudgeted: error.pressure != .refused)
    }
}
