/// Which recording a request belongs to, for fairness between recordings.
package struct RecordingID: Hashable, Sendable {
    private let value: UInt64
    package init(_ value: UInt64) { self.value = value }
}

/// Waiters of several recordings, served by accumulated service: who has had least goes first, so a short memo does not
/// wait for a long hearing that came before it. First come first served within a recording.
///
/// Start-time fair queueing (Goyal, Vin, Cheng 1996) with one weight for all: a recording that joins starts at the
/// service of the one served last, so it can neither claim a past it was not there for nor be made to wait for one.
struct FairQueue<Waiter> {
    private struct Line {
        var service: Int64
        var waiters: [(id: UInt64, cost: Int64, waiter: Waiter)] = []
        /// Permits held; the line is forgotten when it has neither waiters nor permits.
        var holding = 0
    }

    private var lines: [RecordingID: Line] = [:]
    private var virtualTime: Int64 = 0

    private(set) var waiting = 0

    mutating func add(_ waiter: Waiter, id: UInt64, of recording: RecordingID, cost: Int64) {
        lines[recording, default: Line(service: virtualTime)].waiters.append((id, cost, waiter))
        waiting += 1
    }

    /// Takes out the waiter whose turn it is and charges its recording with its cost.
    mutating func next() -> (waiter: Waiter, recording: RecordingID)? {
        var best: (recording: RecordingID, service: Int64, id: UInt64)?
        for (recording, line) in lines {
            guard let first = line.waiters.first else { continue }
            if let best, (best.service, best.id) < (line.service, first.id) { continue }
            best = (recording, line.service, first.id)
        }
        guard let best, var line = lines[best.recording] else { return nil }
        let first = line.waiters.removeFirst()
        virtualTime = max(virtualTime, line.service)
        line.service += first.cost
        line.holding += 1
        lines[best.recording] = line
        waiting -= 1
        return (first.waiter, best.recording)
    }

    /// Gives up waiting; nil when it is no longer in the queue.
    mutating func remove(id: UInt64, of recording: RecordingID) -> Waiter? {
        guard let at = lines[recording]?.waiters.firstIndex(where: { $0.id == id }) else { return nil }
        let waiter = lines[recording]?.waiters.remove(at: at).waiter
        waiting -= 1
        forgetIfDone(recording)
        return waiter
    }

    /// A permit of `recording` came back.
    mutating func finished(_ recording: RecordingID) {
        lines[recording]?.holding -= 1
        forgetIfDone(recording)
    }

    private mutating func forgetIfDone(_ recording: RecordingID) {
        if let line = lines[recording], line.waiters.isEmpty, line.holding <= 0, line.service <= virtualTime {
            lines[recording] = nil
        }
    }
}
