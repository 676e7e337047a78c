import Synchronization

/// Short calls to storages that may hang, for a loop that must go on: one that is not back in time is not waited for,
/// and not made again before it is back.
package final class TimedCalls: Sendable {
    private let pool: BlockingPool
    private let pending = Mutex<Set<Storage>>([])

    package init(pool: BlockingPool = .files) { self.pool = pool }

    /// Runs `work` on a thread for its storage.
    /// - Returns: nil when it is not back within `limit`, when an earlier one is not back, or when the task is cancelled;
    ///   `work` goes on then.
    package func run<Value: Sendable>(
        on storage: Storage, within limit: Duration, _ work: @escaping @Sendable () -> Value
    ) async -> Value? {
        guard pending.withLock({ $0.insert(storage).inserted }) else { return nil }
        let (back, answer) = (AsyncSignal(), Answer<Value>())
        pool.submit(on: storage) { [self] in
            let value = work()
            pending.withLock { _ = $0.remove(storage) }
            answer.set(value)
            back.signal()
        }
        await back.wait(atMost: limit)
        return answer.value
    }

    private final class Answer<Value: Sendable>: Sendable {
        private let state = Mutex<Value?>(nil)
        var value: Value? { state.withLock { $0 } }
        func set(_ value: Value) { state.withLock { $0 = value } }
    }
}
