/// What may begin within any stretch of a certain length: requests in a minute, seconds of audio in an hour.
///
/// A sliding log, not a bucket that refills: a server that counts by the clock's minutes or by any others never sees more
/// than the limit. A request reaches the server some time after its start here, and what is late on the way in comes
/// closer to what follows it; so each counts for longer than the window by as much as it took, within bounds.
package struct RateWindow: Sendable {
    private struct Entry {
        let id: UInt64
        let started: Duration
        let amount: Int64
        var expires: Duration
    }

    private static let minimumLateness = Duration.seconds(1)
    private static let maximumLateness = Duration.seconds(5)

    private let length: Duration
    private var limit: Int64
    private var entries: [Entry] = []
    private var sum: Int64 = 0

    /// - Parameter limit: nil: only counts.
    package init(length: Duration, limit: Int64?) {
        self.length = length
        self.limit = limit ?? .max
    }

    /// Another limit, which counts at once, also for what has begun already.
    package mutating func setLimit(_ limit: Int64?) { self.limit = limit ?? .max }

    /// When `amount` more may begin; nil: now. More than the whole limit may begin when nothing else counts.
    package func wait(for amount: Int64, now: Duration) -> Duration? {
        guard limit < .max, sum + amount > limit else { return nil }
        let counting = entries.filter { $0.expires > now }
        var left = counting.reduce(0) { $0 + $1.amount }
        if left == 0 || left + amount <= limit { return nil }
        for entry in counting.sorted(by: { $0.expires < $1.expires }) {
            left -= entry.amount
            if left + amount <= limit || left == 0 { return entry.expires }
        }
        return nil
    }

    /// - Parameter id: of the turn; more than one request may begin in one.
    package mutating func start(_ id: UInt64, amount: Int64, now: Duration) {
        forget(now)
        entries.append(Entry(id: id, started: now, amount: amount, expires: now + length + Self.maximumLateness))
        sum += amount
    }

    /// The turn has come to its end, so nothing of it can have arrived later than now.
    package mutating func finish(_ id: UInt64, now: Duration) {
        for at in entries.indices where entries[at].id == id {
            let lateness = min(max(now - entries[at].started, Self.minimumLateness), Self.maximumLateness)
            entries[at].expires = entries[at].started + length + lateness
        }
    }

    /// It was never sent.
    package mutating func cancel(_ id: UInt64) {
        guard let at = entries.lastIndex(where: { $0.id == id }) else { return }
        sum -= entries.remove(at: at).amount
    }

    /// What began within the last `length`.
    package func amount(now: Duration) -> Int64 {
        entries.reduce(0) { now - $1.started < length ? $0 + $1.amount : $0 }
    }

    private mutating func forget(_ now: Duration) {
        entries.removeAll { entry in
            guard entry.expires <= now else { return false }
            sum -= entry.amount
            return true
        }
    }
}
