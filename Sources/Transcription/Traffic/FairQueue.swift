/// Which recording a request belongs to, for fairness between recordings.
package struct RecordingID: Hashable, Sendable {
    private let value: UInt64
    package init(_ value: UInt64) { self.value = value }
}

/// Waiters of several recordings, served by accumulated service: who has had least goes first, so a short memo does not
/// wait for a long hearing that came before it. First come first served within a recording.
///
/// Start-time fair queueing (Goyal, Vin, Cheng 1996) with one weight for all: a recording that joins starts at the
/// service of the one served last, so it can neither claim a past it was not there for nor be made to wait for one. That
/// time also moves on by half of a recording's share of what is served, so that a row of newcomers, each of whom would
/// start at the same time, cannot keep a long recording waiting for ever.
package struct FairQueue<Waiter> {
    private struct Line {
        var service: Int64
        var waiters: [(id: UInt64, cost: Int64, waiter: Waiter)] = []
        /// Permits held; a line with neither waiters nor permits is idle.
        var holding = 0

        var isIdle: Bool { waiters.isEmpty && holding <= 0 }
    }

    private var lines: [RecordingID: Line] = [:]
    private var virtualTime: Int64 = 0

    /// Of all recordings.
    package private(set) var waiting = 0

    /// Recordings that are remembered: those with waiters or permits, and idle ones that have had more than their share.
    package var recordings: Int { lines.count }

    package init() {}

    /// - Parameter id: unique in this queue and rising.
    package mutating func add(_ waiter: Waiter, id: UInt64, of recording: RecordingID, cost: Int64) {
        lines[recording, default: Line(service: virtualTime)].waiters.append((id, cost, waiter))
        waiting += 1
    }

    /// Whose turn it is, and what it costs.
    package var first: (recording: RecordingID, cost: Int64)? { first(onlyNewcomers: false) }

    /// - Parameter onlyNewcomers: among recordings that hold no permit.
    private func first(onlyNewcomers: Bool) -> (recording: RecordingID, cost: Int64)? {
        var best: (recording: RecordingID, cost: Int64, service: Int64, id: UInt64)?
        for (recording, line) in lines where !onlyNewcomers || line.holding <= 0 {
            guard let first = line.waiters.first else { continue }
            if let best, (best.service, best.id) < (line.service, first.id) { continue }
            best = (recording, first.cost, line.service, first.id)
        }
        return best.map { ($0.recording, $0.cost) }
    }

    /// Takes out the waiter whose turn it is and charges its recording with its cost.
    /// - Parameter onlyNewcomers: it must be one of a recording that holds no permit.
    package mutating func next(onlyNewcomers: Bool = false) -> (waiter: Waiter, recording: RecordingID)? {
        guard let recording = first(onlyNewcomers: onlyNewcomers)?.recording, var line = lines[recording] else {
            return nil
        }
        let first = line.waiters.removeFirst()
        let active = lines.values.count { !$0.isIdle }
        virtualTime = max(virtualTime + first.cost / Int64(2 * max(1, active)), line.service)
        line.service += first.cost
        line.holding += 1
        lines[recording] = line
        waiting -= 1
        return (first.waiter, recording)
    }

    /// Gives up waiting; nil when it is no longer in the queue.
    package mutating func remove(id: UInt64, of recording: RecordingID) -> Waiter? {
        guard let at = lines[recording]?.waiters.firstIndex(where: { $0.id == id }) else { return nil }
        let waiter = lines[recording]?.waiters.remove(at: at).waiter
        waiting -= 1
        if lines[recording]?.isIdle == true { forgetIdle() }
        return waiter
    }

    /// A permit of `recording` came back.
    package mutating func finished(_ recording: RecordingID) {
        lines[recording]?.holding -= 1
        if lines[recording]?.isIdle == true { forgetIdle() }
    }

    /// An idle line is remembered while its recording has had more than the others; with no others there is no share.
    private mutating func forgetIdle() {
        if lines.values.allSatisfy(\.isIdle) {
            lines.removeAll()
        } else {
            lines = lines.filter { !$0.value.isIdle || $0.value.service > virtualTime }
        }
    }
}
