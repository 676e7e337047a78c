import Synchronization

/// What the chunks of one recording have to tell each other: that it is over, and which of them failed first.
final class FirstFailureLatch: Sendable {
    private struct State {
        var failure: TranscriptionError?
        var end: (any Error)?
    }

    private let state = Mutex(State())
    /// When the recording was begun.
    let begun = ContinuousClock.now

    /// No further request of the recording makes sense.
    var isOver: Bool { state.withLock { $0.end != nil } }
    /// What ended it.
    var end: (any Error)? { state.withLock { $0.end } }
    /// The failure of the chunk that failed first.
    var first: TranscriptionError? { state.withLock { $0.failure } }

    func record(_ failure: TranscriptionError) { state.withLock { $0.failure = $0.failure ?? failure } }
    /// The first call counts: what comes after it follows from it.
    func end(with error: any Error) { state.withLock { $0.end = $0.end ?? error } }
}
