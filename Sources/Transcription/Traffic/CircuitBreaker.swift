import SystemSupport

/// Whether an engine as a whole answers: a circuit breaker that opens when nothing but failures came back, and lets one
/// request at a time through until one is answered.
package struct CircuitBreaker: Sendable {
    private struct Open: Sendable {
        var since: Duration
        /// No request goes before.
        var until: Duration
        /// Requests to find out, itself included, that failed.
        var failures = 1
        var probe: UInt64?
        var isTold = false
    }

    /// Failures without a success between them: of four requests at once all, and one more.
    private static let threshold = 5
    /// Between two requests to an engine that is away.
    private static let backoff = Backoff(first: .seconds(1), maximum: .seconds(30))

    private let isUsed: Bool
    private var failuresInARow = 0
    private var open: Open?
    private var recovered: Duration?
    /// It has answered before. What never has is set up wrongly rather than away: it is not waited for.
    package private(set) var hasAnswered = false
    /// It has taken a request, answered or not: there is a server, which may have been ended since.
    package private(set) var hasTaken = false

    /// - Parameter isUsed: false: never opens.
    package init(isUsed: Bool) { self.isUsed = isUsed }

    package var isOpen: Bool { open != nil }
    package var isProbed: Bool { open?.probe != nil }
    /// When the next request may go; nil while the engine answers.
    package var opensUntil: Duration? { open?.until }
    /// Since when the engine is away.
    package var openSince: Duration? { open?.since }
    /// One more failure in a row would open it.
    package var isDoubtful: Bool { isUsed && hasAnswered && open == nil && failuresInARow + 1 >= Self.threshold }

    /// A request goes.
    /// - Returns: whether it goes to find out.
    mutating func begin(_ id: UInt64) -> Bool {
        guard open != nil else { return false }
        open?.probe = id
        return true
    }

    mutating func record(_ outcome: RequestOutcome, of id: UInt64, now: Duration) {
        let wasProbe = open?.probe == id
        if wasProbe { open?.probe = nil }
        switch outcome {
        case .success, .other:
            hasAnswered = true
            close(now)
        case .rejected: close(now)
        case .pressure(.strained, _), .broken, .away:
            failuresInARow += 1
            if wasProbe {
                prolong(now)
            } else if isUsed, open == nil,
                outcome == .away && (hasAnswered || hasTaken) || hasAnswered && failuresInARow >= Self.threshold
            {
                open = Open(since: now, until: now + Self.backoff.pause(after: 1))
            }
        case .pressure(.refused, _): if wasProbe { prolong(now) }
        case .cancelled, .notSent: break
        }
    }

    mutating func noteTaken() { hasTaken = true }

    /// True once while it is open.
    mutating func takeNews() -> Bool {
        guard open?.isTold == false else { return false }
        open?.isTold = true
        return true
    }

    mutating func takeRecovery() -> Duration? {
        defer { recovered = nil }
        return recovered
    }

    private mutating func prolong(_ now: Duration) {
        guard var open else { return }
        open.failures += 1
        open.until = now + Self.backoff.pause(after: open.failures)
        self.open = open
    }

    private mutating func close(_ now: Duration) {
        failuresInARow = 0
        if let open, open.isTold { recovered = now - open.since }
        open = nil
    }
}
