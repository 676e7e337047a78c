import Synchronization

/// Bounds the chunks in memory, over all recordings of the process; fair between recordings.
///
/// Some places are only for recordings that have none, so that a memo need not wait for a hearing's request to end before
/// its own chunk can wait for its turn. Who takes one gives back the next place that becomes free, whosever it was.
package final class ChunkSlots: Sendable {
    private struct State {
        /// Less than nothing while places for newcomers are in use.
        var free: Int
        let forNewcomers: Int
        var nextID: UInt64 = 0
        var queue = FairQueue<CheckedContinuation<Void, any Error>>()
    }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - count: chunks that may be in memory at once, the one being decoded included.
    ///   - forNewcomers: so many more for recordings that have none.
    package init(count: Int, forNewcomers: Int = 0) {
        state = Mutex(State(free: max(1, count), forNewcomers: max(0, forNewcomers)))
    }

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

    /// Gives one slot back, and lets the next who waits have it.
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
        while state.free > -state.forNewcomers, let next = state.queue.next(onlyNewcomers: state.free <= 0) {
            state.free -= 1
            out.append(next.waiter)
        }
        return out
    }
}
