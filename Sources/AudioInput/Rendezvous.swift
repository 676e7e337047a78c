import Synchronization

/// Hands elements from one task to another, one at a time: who puts waits until the element is taken, so that at most
/// one is ever on its way. One putter and one taker at a time.
package final class Rendezvous<Element: Sendable>: Sendable {
    private struct State {
        var element: Element?
        var putter: CheckedContinuation<Void, any Error>?
        var taker: CheckedContinuation<Element?, any Error>?
        /// Set once: no further element comes, for this reason if any.
        var closed: Result<Void, any Error>?
    }

    private enum AfterPut {
        case taken(CheckedContinuation<Element?, any Error>)
        case waits
        case refused(any Error)
    }

    private enum AfterTake {
        case element(Element, CheckedContinuation<Void, any Error>?)
        case waits
        case ended(Result<Void, any Error>)
    }

    private let state = Mutex(State())

    package init() {}

    /// Returns when the element was taken.
    /// - Throws: what it was closed with; `CancellationError`.
    package func put(_ element: Element) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let next: AfterPut = state.withLock { state in
                    if let closed = state.closed {
                        if case .failure(let error) = closed { return .refused(error) }
                        return .refused(CancellationError())
                    }
                    if let taker = state.taker.take() { return .taken(taker) }
                    state.element = element
                    state.putter = continuation
                    return .waits
                }
                switch next {
                case .taken(let taker):
                    taker.resume(returning: element)
                    continuation.resume()
                case .waits: break
                case .refused(let error): continuation.resume(throwing: error)
                }
            }
        } onCancel: {
            close(throwing: CancellationError())
        }
    }

    /// The next element; nil when it was closed without an error.
    /// - Throws: what it was closed with; `CancellationError`.
    package func take() async throws -> Element? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let next: AfterTake = state.withLock { state in
                    if let element = state.element.take() { return .element(element, state.putter.take()) }
                    if let closed = state.closed { return .ended(closed) }
                    state.taker = continuation
                    return .waits
                }
                switch next {
                case .element(let element, let putter):
                    continuation.resume(returning: element)
                    putter?.resume()
                case .waits: break
                case .ended(.success): continuation.resume(returning: nil)
                case .ended(.failure(let error)): continuation.resume(throwing: error)
                }
            }
        } onCancel: {
            close(throwing: CancellationError())
        }
    }

    /// No element comes any more; whoever waits is told. Only the first call counts.
    package func close(throwing error: (any Error)? = nil) {
        var putter: CheckedContinuation<Void, any Error>?
        var taker: CheckedContinuation<Element?, any Error>?
        state.withLock { state in
            guard state.closed == nil else { return }
            state.closed = error.map { .failure($0) } ?? .success(())
            if error != nil { state.element = nil }
            putter = state.putter.take()
            taker = state.taker.take()
        }
        putter?.resume(throwing: error ?? CancellationError())
        if let error { taker?.resume(throwing: error) } else { taker?.resume(returning: nil) }
    }
}
