/// How long to wait after failures in a row: a pause that doubles with each, up to a longest one.
package struct Backoff: Sendable, Hashable {
    /// After the first failure.
    package var first: Duration
    /// No pause is longer.
    package var maximum: Duration

    package init(first: Duration, maximum: Duration) {
        self.first = first
        self.maximum = maximum
    }

    /// - Parameter failures: in a row, from 1.
    package func pause(after failures: Int) -> Duration {
        // More doublings than any pause of a program needs, and few enough for a Duration to hold.
        min(maximum, first * (1 << min(max(0, failures - 1), 40)))
    }
}
