/// Which of several long works goes on next: the one with the least left, so that a memo does not wait behind hearings
/// and hearings end one after another; and now and then the one that has waited longest, so that the largest comes to its
/// end however many small ones arrive.
package struct TurnOrder<ID: Hashable> {
    private struct Waiting {
        let storage: Storage
        let remaining: Int64
        let since: Int
    }

    /// Every so many turns the longest wait counts instead of what is left.
    private static var longestWaitEvery: Int { 4 }

    private var waiting: [ID: Waiting] = [:]
    private var running: [ID: Storage] = [:]
    private var shares: ThreadShares
    private var arrivals = 0
    private var turns = 0

    package var waitingCount: Int { waiting.count }

    /// - Parameters:
    ///   - limit: turns at the same time, but for the first one of each storage.
    ///   - perStorage: turns at the same time on one storage.
    package init(limit: Int, perStorage: Int) {
        shares = ThreadShares(limit: limit, perStorage: perStorage)
    }

    /// Asks for a turn. One that has a turn gives it up.
    /// - Parameter remaining: bytes that are left to do.
    package mutating func wait(_ id: ID, on storage: Storage, remaining: Int64) {
        end(id)
        arrivals += 1
        waiting[id] = Waiting(storage: storage, remaining: remaining, since: arrivals)
    }

    /// Gives a turn to one that waits; nil: none may have one now.
    package mutating func next() -> ID? {
        let able = waiting.filter { shares.mayBegin(on: $0.value.storage) }
        let isForTheOldest = (turns + 1) % Self.longestWaitEvery == 0
        let first = able.min { one, other in
            let (one, other) = (one.value, other.value)
            if !isForTheOldest, one.remaining != other.remaining { return one.remaining < other.remaining }
            return one.since < other.since
        }
        guard let first else { return nil }
        turns += 1
        waiting[first.key] = nil
        running[first.key] = first.value.storage
        shares.begin(on: first.value.storage)
        return first.key
    }

    /// The work is done or called off, with or without a turn.
    package mutating func end(_ id: ID) {
        waiting[id] = nil
        if let storage = running.removeValue(forKey: id) { shares.end(on: storage) }
    }
}
