import Synchronization

/// Bounds the chunks in memory, over all recordings of the process; fair between recordings.
package final class ChunkSlots: Sendable {
    private struct State {
        var free: Int
        var nextID: UInt64 = 0
        var queue = FairQueue<CheckedContinuation<Void, any Error>>()
    }

    private let state: Mutex<State>

    /// - Parameter count: chunks that may be in memory at once, the one being decoded included.
    package init(count: Int) { state = Mutex(State(free: max(1, count))) }

    /// Recordings' requests for a place that have none yet.
    package var waiting: Int { state.withLock { $0.queue.waiting } }

    /// Waits for a place; give it back with `release`.
    /// - Throws: `CancellationError`.
    package func acquire(for recording: RecordingID) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let resumed = state.withLock { state -> [CheckedContinuation<Void, any Error>] in
                    state.queue.add(continuation, id: id, of: recording, cost: 1)
                    return Self.grant(&state)
                }
                if Task.isCancelled { cancel(id, of: recording) }
                for next in resumed { next.resume() }
            }
        } onCancel: {
            cancel(id, of: recording)
        }
    }

    package func release(of recording: RecordingID) {
        let resumed = state.withLock { state in
            state.free += 1
            state.queue.finished(recording)
            return Self.grant(&state)
        }
        for next in resumed { next.resume() }
    }

    private func cancel(_ id: UInt64, of recording: RecordingID) {
        let waiter = state.withLock { $0.queue.remove(id: id, of: recording) }
        waiter?.resume(throwing: CancellationError())
    }

    private static func grant(_ state: inout State) -> [CheckedContinuation<Void, any Error>] {
        var out: [CheckedContinuation<Void, any Error>] = []
        while state.free > 0, let next = state.queue.next() {
            state.free -= 1
            out.append(next.waiter)
        }
        return out
    }
}
