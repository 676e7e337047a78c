/// Which of several long works goes on next: the one with the least left, so that a memo does not wait behind hearings
/// and hearings end one after another; and now and then the one that came first, so that the largest comes to its end
/// however many small ones arrive.
package struct TurnOrder<ID: Hashable> {
    private struct Waiting {
        let storage: Storage
        let remaining: Int64
        let arrival: Int
    }

    /// Every so many turns it counts who came first instead of what is left.
    private static var firstComeEvery: Int { 4 }

    private var waiting: [ID: Waiting] = [:]
    private var running: [ID: Storage] = [:]
    private var shares: ThreadShares
    /// When each came, as a number in the order of coming.
    private var arrivals: [ID: Int] = [:]
    private var lastArrival = 0
    private var turns = 0

    /// Those without a turn.
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
        giveUpTurn(id)
        if arrivals[id] == nil {
            lastArrival += 1
            arrivals[id] = lastArrival
        }
        waiting[id] = Waiting(storage: storage, remaining: remaining, arrival: arrivals[id] ?? lastArrival)
    }

    /// Gives a turn to one that waits; nil: none may have one now.
    package mutating func next() -> ID? {
        let able = waiting.filter { shares.mayBegin(on: $0.value.storage) }
        let isForTheFirst = (turns + 1) % Self.firstComeEvery == 0
        let first = able.min { one, other in
            let (one, other) = (one.value, other.value)
            if !isForTheFirst, one.remaining != other.remaining { return one.remaining < other.remaining }
            return one.arrival < other.arrival
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
        arrivals[id] = nil
        giveUpTurn(id)
    }

    private mutating func giveUpTurn(_ id: ID) {
        if let storage = running.removeValue(forKey: id) { shares.end(on: storage) }
    }
}
