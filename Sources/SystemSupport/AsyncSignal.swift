import Synchronization

/// A flag that one task waits for: a signal given before the wait is not lost, several before one wait count once.
package final class AsyncSignal: Sendable {
    private enum State {
        case idle
        case signalled
        case waiting(CheckedContinuation<Void, Never>)
    }

    private let state = Mutex(State.idle)

    package init() {}

    /// A task waits, and no signal has come for it.
    package var isAwaited: Bool {
        state.withLock { state in
            if case .waiting = state { true } else { false }
        }
    }

    /// Wakes the task that waits, or the next one that would.
    package func signal() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard case .waiting(let continuation) = state else {
                state = .signalled
                return nil
            }
            state = .idle
            return continuation
        }
        waiter?.resume()
    }

    /// Returns after a signal, or when the task is cancelled. One task waits at a time.
    package func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = state.withLock { state in
                    if case .signalled = state {
                        state = .idle
                        return true
                    }
                    state = .waiting(continuation)
                    return false
                }
                if isDue { continuation.resume() } else if Task.isCancelled { signal() }
            }
        } onCancel: {
            signal()
        }
    }

    /// Returns after a signal, when `duration` has passed, or when the task is cancelled.
    package func wait(atMost duration: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait() }
            group.addTask { try? await Task.sleep(for: duration) }
            await group.next()
            group.cancelAll()
        }
    }
}
