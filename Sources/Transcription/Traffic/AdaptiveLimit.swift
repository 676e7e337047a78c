/// How many requests may be under way at once, by what the server makes of them.
///
/// Up to four are taken to be welcome; above that the number doubles with each window of successes until something is
/// refused (slow start). From then on additive increase, multiplicative decrease (Chiu, Jain 1989): a refusal halves, or
/// goes back to what has just worked; strain takes three tenths; at most one cut for all that was sent before it. One more
/// is allowed after each full window of successes, but what was refused before is tried again only after a hold in time
/// and in successes that doubles, so that a server that allows two is not asked for three all the time.
package struct AdaptiveLimit: Sendable {
    /// Known of a request when it is sent.
    package struct Mark: Sendable, Hashable {
        /// How many were under way with it.
        package let level: Int
        /// Cuts before it.
        package let epoch: Int
    }

    private static let welcome = 4
    private static let firstHold = Duration.seconds(30)
    private static let maximumHold = Duration.seconds(960)
    private static let firstPatience = 50
    private static let maximumPatience = 800

    private let ceiling: Int
    private var value: Double
    private var isDoubling: Bool
    private var epoch = 0
    /// The smallest number that was refused, as far as can be told.
    private var refusedAt: Int?
    private var hold = firstHold
    private var holdUntil = Duration.zero
    /// Successes that the hold lasts at least.
    private var patience = firstPatience
    private var successes = 0
    /// Successes that were sent although `refusedAt` requests or more were under way with them.
    private var successesBeyond = 0
    /// The largest number that has had a success since the last cut.
    private var worked = 0
    /// More than this brings nothing, until then.
    private var useful: (limit: Int, until: Duration)?
    /// Cuts by refusals since the last success.
    package private(set) var refusalsInARow = 0

    package init(ceiling: Int) {
        self.ceiling = max(1, ceiling)
        value = Double(min(self.ceiling, Self.welcome))
        isDoubling = self.ceiling > Self.welcome
    }

    package var limit: Int { Int(value) }

    /// - Parameter inFlight: requests under way, the one that is being sent included.
    package func mark(inFlight: Int) -> Mark { Mark(level: inFlight, epoch: epoch) }

    /// - Parameter inFlight: requests under way, the one that has succeeded included.
    package mutating func succeeded(_ mark: Mark, inFlight: Int, now: Duration) {
        refusalsInARow = 0
        guard mark.epoch == epoch else { return }
        successes += 1
        worked = max(worked, min(mark.level, limit))
        if let refusedAt, mark.level >= refusedAt {
            successesBeyond += 1
            if successesBeyond >= refusedAt { forgetRefusal() }
        }
        guard inFlight >= limit, limit < ceiling else { return }
        let raised = min(Double(ceiling), value + (isDoubling ? 1 : 1 / value))
        if let refusedAt, Int(raised) >= refusedAt, now < holdUntil || successes < patience { return }
        if let useful, Int(raised) > useful.limit, now < useful.until { return }
        value = raised
    }

    /// More than `limit` brings nothing: no more, for `time`.
    package mutating func stepBack(to limit: Int, for time: Duration, now: Duration) {
        useful = (limit, now + time)
        value = Double(max(1, min(limit, self.limit)))
        epoch += 1
    }

    /// It did bring something after all.
    package mutating func stepForward(to limit: Int) {
        useful = nil
        value = Double(min(limit, ceiling))
    }

    /// - Parameter inFlight: requests under way, the refused one included.
    /// - Returns: whether the limit was cut.
    @discardableResult
    package mutating func refused(_ mark: Mark, inFlight: Int, now: Duration) -> Bool {
        guard mark.epoch == epoch else {
            // Of the same burst: that many fewer have a place.
            if mark.epoch == epoch - 1, let refusedAt { self.refusedAt = max(limit + 1, min(refusedAt, inFlight)) }
            return false
        }
        let tried = max(1, min(limit, max(mark.level, inFlight)))
        if let refusedAt, tried <= refusedAt {
            hold = min(Self.maximumHold, hold * 2)
            patience = min(Self.maximumPatience, patience * 2)
        }
        refusedAt = tried
        holdUntil = now + hold
        let half = tried / 2
        cut(to: Double(worked < tried ? max(half, worked) : half))
        refusalsInARow += 1
        return true
    }

    /// A time-out, a broken connection or another fault that may come from too much load.
    package mutating func strained(_ mark: Mark) {
        guard mark.epoch == epoch else { return }
        cut(to: value * 0.7)
    }

    private mutating func cut(to value: Double) {
        self.value = max(1, value)
        isDoubling = false
        epoch += 1
        successes = 0
        successesBeyond = 0
        worked = 0
    }

    private mutating func forgetRefusal() {
        refusedAt = nil
        hold = Self.firstHold
        patience = Self.firstPatience
    }
}
