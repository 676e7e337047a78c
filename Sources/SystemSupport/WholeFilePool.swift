import Synchronization

/// Threads for work on whole files (hashing, copying), which takes minutes on a slow disk: apart from those for short
/// calls, a few at a time, in turns of some megabytes (docs/decisions/0043-long-work-in-turns.md).
///
/// Work that has begun keeps its thread while others have their turn; there are as many as recordings in work at most.
package final class WholeFilePool: Sendable {
    private enum Phase {
        case new(begin: @Sendable () -> Void, drop: @Sendable () -> Void)
        /// Has its turn.
        case running
        case paused(ThreadSignal)
    }

    private struct State {
        var order: TurnOrder<Int>
        var phases: [Int: Phase] = [:]
        var lastID = 0
    }

    private let state: Mutex<State>
    private let turnBytes: Int
    private let threads = BlockingPool(name: "whole-file", limit: .max)

    /// - Parameters:
    ///   - limit: turns at the same time, but for the first one of each storage, which is never kept waiting by others.
    ///   - perStorage: turns at the same time on one storage.
    ///   - turnBytes: how much is done in one turn.
    package init(limit: Int = 4, perStorage: Int = 2, turnBytes: Int = 8 << 20) {
        state = Mutex(State(order: TurnOrder(limit: limit, perStorage: perStorage)))
        self.turnBytes = turnBytes
    }

    /// Works that wait for a turn.
    package var waiting: Int { state.withLock { $0.order.waitingCount } }

    /// The one of this process.
    package static let shared = WholeFilePool()

    /// The right of a long work to go on.
    package final class Turn: Sendable {
        private struct Progress {
            var remaining: Int64
            /// Since its turn began.
            var done = 0
        }

        private let pool: WholeFilePool
        fileprivate let id: Int
        private let storage: Storage
        private let progress: Mutex<Progress>
        fileprivate let isCancelled = CancellationFlag()

        fileprivate init(_ id: Int, of pool: WholeFilePool, on storage: Storage, bytes: Int64) {
            (self.id, self.pool, self.storage) = (id, pool, storage)
            progress = Mutex(Progress(remaining: bytes))
        }

        /// Lets others have their turn once this one has had its share. Blocks meanwhile; call it for each megabyte or so.
        /// - Parameter bytes: how much was done since the last call.
        /// - Returns: false when the task was cancelled, and the work is to end.
        package func goesOn(after bytes: Int) -> Bool {
            guard !isCancelled.isSet else { return false }
            let remaining = progress.withLock { progress -> Int64? in
                progress.remaining = max(0, progress.remaining - Int64(bytes))
                progress.done += bytes
                guard progress.done >= pool.turnBytes else { return nil }
                progress.done = 0
                return progress.remaining
            }
            if let remaining { pool.pause(self, on: storage, remaining: remaining) }
            return !isCancelled.isSet
        }

        fileprivate func cancel() {
            isCancelled.set()
            pool.wakeForItsEnd(id)
        }

        fileprivate func begin(_ begin: @escaping @Sendable () -> Void, drop: @escaping @Sendable () -> Void) {
            pool.enqueue(id, on: storage, remaining: progress.withLock(\.remaining), begin: begin, drop: drop)
            // The task may have been cancelled before there was anything to drop.
            if isCancelled.isSet { cancel() }
        }
    }

    /// Runs `work` in turns; it asks `Turn.goesOn` between two pieces.
    /// - Parameters:
    ///   - storage: what it reads or writes.
    ///   - bytes: how long it is: the shorter, the sooner it has its turn.
    /// - Throws: what `work` throws; `CancellationError` when the task is cancelled before it began.
    package func run<Value: Sendable>(
        on storage: Storage, bytes: Int64, _ work: @escaping @Sendable (Turn) throws -> Value
    ) async throws -> Value {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        let turn = Turn(id, of: self, on: storage, bytes: bytes)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
                turn.begin {
                    let result = Result { try work(turn) }
                    self.end(id)
                    continuation.resume(with: result)
                } drop: {
                    continuation.resume(throwing: CancellationError())
                }
            }
        } onCancel: {
            turn.cancel()
        }
    }

    private func enqueue(
        _ id: Int, on storage: Storage, remaining: Int64, begin: @escaping @Sendable () -> Void,
        drop: @escaping @Sendable () -> Void
    ) {
        update { state in
            state.phases[id] = .new(begin: begin, drop: drop)
            state.order.wait(id, on: storage, remaining: remaining)
        }
    }

    private func pause(_ turn: Turn, on storage: Storage, remaining: Int64) {
        let signal = ThreadSignal()
        update { state in
            state.phases[turn.id] = .paused(signal)
            state.order.wait(turn.id, on: storage, remaining: remaining)
        }
        // It may have been cancelled before it was seen to wait.
        if turn.isCancelled.isSet { wakeForItsEnd(turn.id) }
        signal.wait()
    }

    private func end(_ id: Int) {
        update { state in
            state.phases[id] = nil
            state.order.end(id)
        }
    }

    /// One that waits learns at once that it is cancelled; one that has its turn asks.
    private func wakeForItsEnd(_ id: Int) {
        let phase = state.withLock { state -> Phase? in
            switch state.phases[id] {
            case .new:
                state.order.end(id)
                return state.phases.removeValue(forKey: id)
            case .paused:
                state.order.end(id)
                return state.phases.updateValue(.running, forKey: id)
            case .running, nil: return nil
            }
        }
        switch phase {
        case .new(_, let drop): drop()
        case .paused(let signal): signal.signal()
        case .running, nil: break
        }
    }

    /// Changes the state, and lets those go on who have a turn then.
    private func update(_ change: (inout State) -> Void) {
        let lucky = state.withLock { state in
            change(&state)
            var lucky: [Phase] = []
            while let id = state.order.next() {
                if let phase = state.phases.updateValue(.running, forKey: id) { lucky.append(phase) }
            }
            return lucky
        }
        for phase in lucky {
            switch phase {
            case .new(let begin, _): threads.submit(on: nil, begin)
            case .paused(let signal): signal.signal()
            case .running: break
            }
        }
    }
}
