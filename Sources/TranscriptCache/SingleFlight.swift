import Synchronization
import Transcription

/// Who is making which result at the moment: the first call for a key makes it, later ones wait for it.
final class SingleFlight: Sendable {
    /// How a flight ended for those who waited.
    enum Outcome: Sendable {
        case made(ChunkTranscript)
        /// The maker failed or was cancelled: whoever waited may try.
        case abandoned
    }

    /// What a call has to do next.
    enum Part {
        case make
        case wait(Outcome)
    }

    private struct State {
        var waiters: [CacheKey: [Int: CheckedContinuation<Outcome, any Error>]] = [:]
        var nextWaiter = 0
    }

    private let state = Mutex(State())

    /// Returns at once with `.make` for the first call with this key, which must call `end`; otherwise waits for the one
    /// that makes it.
    /// - Throws: `CancellationError` when the waiting task is cancelled.
    func join(_ key: CacheKey) async throws -> Part {
        let waiter: Int? = state.withLock { state in
            if state.waiters[key] == nil {
                state.waiters[key] = [:]
                return nil
            }
            state.nextWaiter += 1
            return state.nextWaiter
        }
        guard let waiter else { return .make }
        let outcome = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Outcome, any Error>) in
                let atOnce: Result<Outcome, any Error>? = state.withLock { state in
                    // Cancelled before it waited: the handler found nobody to wake.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    // The flight ended between the two locks: look again.
                    if state.waiters[key] == nil { return .success(.abandoned) }
                    state.waiters[key]?[waiter] = continuation
                    return nil
                }
                if let atOnce { continuation.resume(with: atOnce) }
            }
        } onCancel: {
            state.withLock { $0.waiters[key]?.removeValue(forKey: waiter) }?
                .resume(throwing: CancellationError())
        }
        return .wait(outcome)
    }

    /// Ends the flight of `key` and wakes those who waited for it.
    func end(_ key: CacheKey, _ outcome: Outcome) {
        let waiters = state.withLock { $0.waiters.removeValue(forKey: key) ?? [:] }
        for continuation in waiters.values { continuation.resume(returning: outcome) }
    }

    /// Calls that wait for another one's result; for tests.
    var waiting: Int { state.withLock { $0.waiters.values.reduce(0) { $0 + $1.count } } }
}
