import Synchronization

/// What the bodies of all answers may hold together.
final class ByteBudget: Sendable {
    private let limit: Int
    private let used = Atomic(0)

    init(limit: Int) { self.limit = limit }

    /// - Parameter isDue: it is taken in any case.
    /// - Returns: false where there is no room for so much; nothing is taken then.
    fileprivate func take(_ count: Int, isDue: Bool) -> Bool {
        let total = used.add(count, ordering: .relaxed).newValue
        guard total > limit, !isDue else { return true }
        give(count)
        return false
    }

    fileprivate func give(_ count: Int) { used.subtract(count, ordering: .relaxed) }
}

/// The part of the budget that one body takes; given back when the answer is let go.
final class BodyShare: Sendable {
    private let budget: ByteBudget
    private let taken = Atomic(0)

    init(of budget: ByteBudget) { self.budget = budget }

    deinit { budget.give(taken.load(ordering: .relaxed)) }

    /// - Parameter count: bytes of the body; not fewer than before.
    /// - Returns: false where the budget is used up and the body is not small.
    func grow(to count: Int) -> Bool {
        let more = count - taken.load(ordering: .relaxed)
        guard budget.take(more, isDue: count <= CurlLoop.smallBody) else { return false }
        taken.store(count, ordering: .relaxed)
        return true
    }
}
