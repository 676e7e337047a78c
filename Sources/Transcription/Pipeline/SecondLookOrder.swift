import Synchronization

/// Which chunks of one recording are asked for a second time, decided in the order of the recording, whatever the order in
/// which they are answered: the same answers give the same text.
///
/// A chunk with a doubtful answer waits until all before it are settled. It holds nothing that they need: they have their
/// places already, and no request is under way for it.
final class SecondLookOrder: Sendable {
    /// What became of a chunk, as far as it matters to those behind it.
    struct Settlement: Sendable {
        /// It was to be asked for again.
        var isLooked = false
        /// Of text that is believed to be all of it: its words, and what is heard, in samples.
        var words = 0.0
        var heard: Int64 = 0
    }

    /// What is known of all chunks before one.
    struct History: Sendable {
        fileprivate(set) var chunks = 0
        fileprivate(set) var looks = 0
        fileprivate var words = 0.0
        fileprivate var heard: Int64 = 0

        /// Less says nothing of how somebody speaks: 8 s.
        private static let minimumHeard = 8 * SampleClock.rate

        /// Words a second of speech; nil where too little is known.
        var rate: Double? { heard >= Self.minimumHeard ? words / SampleClock.seconds(heard) : nil }

        /// Two requests each: together no more than ten and a fifth of the chunks, as failed requests are repeated.
        var allowsLook: Bool { 2 * (looks + 1) <= 10 + (chunks + 1) / 5 }

        fileprivate mutating func add(_ settlement: Settlement) {
            chunks += 1
            looks += settlement.isLooked ? 1 : 0
            words += settlement.words
            heard += settlement.heard
        }
    }

    private struct State {
        var history = History()
        /// Of chunks behind one that is not settled yet.
        var settled: [Int: Settlement] = [:]
        var waiting: [Int: CheckedContinuation<History, any Error>] = [:]
    }

    private let state = Mutex(State())

    /// Each chunk is settled once, whatever became of it.
    func settle(_ index: Int, _ settlement: Settlement) {
        let (next, history) = state.withLock { state in
            state.settled[index] = settlement
            while let settlement = state.settled.removeValue(forKey: state.history.chunks) {
                state.history.add(settlement)
            }
            return (state.waiting.removeValue(forKey: state.history.chunks), state.history)
        }
        next?.resume(returning: history)
    }

    /// Waits until all chunks before this one are settled.
    /// - Throws: `CancellationError`.
    func turn(of index: Int) async throws -> History {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let known: Result<History, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.history.chunks >= index { return .success(state.history) }
                    state.waiting[index] = continuation
                    return nil
                }
                if let known { continuation.resume(with: known) }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: index) }?.resume(throwing: CancellationError())
        }
    }
}
