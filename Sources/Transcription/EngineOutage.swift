import Synchronization

/// Remembers for a while that an engine cannot be used, so that its fallback is asked at once instead of after another
/// failure for each chunk.
package final class EngineOutage: Sendable {
    private struct Known {
        var error: TranscriptionError
        var end: Duration
    }

    private static let length = Duration.seconds(60)
    /// However long a pause an engine asked for: then it is asked again.
    private static let longest = Duration.seconds(3600)

    private let known = Mutex<Known?>(nil)
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
    package func begin(_ error: TranscriptionError) {
        let end = now() + Self.length
        known.withLock { $0 = $0 ?? Known(error: error, end: end) }
    }

    /// The engine does not want to be asked for so long.
    package func begin(_ error: TranscriptionError, for pause: Duration) {
        let end = now() + min(pause, Self.longest)
        known.withLock { known in
            if end > known?.end ?? .zero { known = Known(error: error, end: end) }
        }
    }
}

/// The engine was not asked after all: its outage lasts.
struct EngineSpared: Error {
    /// What began the outage.
    let error: TranscriptionError
}
