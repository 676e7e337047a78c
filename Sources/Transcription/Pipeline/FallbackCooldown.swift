import Synchronization

/// Remembers for a while that an engine cannot be used, so that its fallback is asked at once instead of after another
/// failure for each chunk.
package final class FallbackCooldown: Sendable {
    private struct Known {
        var error: TranscriptionError
        var end: Duration
    }

    private static let length = Duration.seconds(60)
    /// However long a pause an engine asked for: then it is asked again.
    private static let maximumPause = Duration.seconds(3600)

    private struct Refusal {
        var error: TranscriptionError
        var at: ContinuousClock.Instant
    }

    private let known = Mutex<Known?>(nil)
    private let refused = Mutex<Refusal?>(nil)
    /// Time since this object was made.
    private let now: @Sendable () -> Duration

    package init<C: Clock>(clock: C = ContinuousClock()) where C.Duration == Duration {
        let origin = clock.now
        now = { origin.duration(to: clock.now) }
    }

    /// - Throws: the failure that began the outage, while it lasts.
    package func check() throws {
        let now = now()
        let error = known.withLock { known in
            if let end = known?.end, now >= end { known = nil }
            return known?.error
        }
        if let error { throw error }
    }

    /// Chunks that were on their way fail late: they do not prolong it.
    /// - Returns: false where it was known already.
    @discardableResult package func begin(_ error: TranscriptionError) -> Bool {
        let end = now() + Self.length
        return known.withLock { known in
            defer { known = known ?? Known(error: error, end: end) }
            return known == nil
        }
    }

    /// The engine does not want to be asked for so long.
    package func begin(_ error: TranscriptionError, for pause: Duration) {
        let end = now() + min(pause, Self.maximumPause)
        known.withLock { known in
            if end > known?.end ?? .zero { known = Known(error: error, end: end) }
        }
    }
}

// An engine that cannot be used as it is set up says so once, not to each recording that waits for its turn.
extension FallbackCooldown {
    /// It will have nothing of anybody's (`EngineFault.refused`).
    func refuse(_ error: TranscriptionError) { refused.withLock { $0 = Refusal(error: error, at: .now) } }

    /// It has answered.
    func accept() { refused.withLock { $0 = nil } }

    /// One that begins a moment after another was refused was on its way already.
    private static let moment = Duration.seconds(10)

    /// Why the engine refused another recording, where this one had begun before or just then, and nothing was answered
    /// since: it would say the same. One that begins later finds out for itself.
    func refusal(ofBegun begun: ContinuousClock.Instant) -> TranscriptionError? {
        refused.withLock { refused in
            refused.flatMap { $0.at + Self.moment >= begun ? $0.error : nil }
        }
    }
}
