import Synchronization
import SystemSupport

/// The jobs in work, counted by their inboxes: as many as the limit, and beyond it one for each inbox that has none, so
/// that a memo does not wait until the hearings of another inbox are done.
final class RunningJobs: Sendable {
    private let counts = Mutex<[RawName: Int]>([:])

    /// In all.
    var count: Int { counts.withLock { $0.values.reduce(0, +) } }

    func begin(_ job: Job) { counts.withLock { $0[job.inbox, default: 0] += 1 } }

    func end(_ job: Job) {
        counts.withLock { counts in
            guard let own = counts[job.inbox] else { return }
            counts[job.inbox] = own > 1 ? own - 1 : nil
        }
    }

    /// Those of `inboxes` of which one more job may begin.
    func inboxesWithRoom(_ inboxes: [RawName], limit: Int) -> [RawName] {
        let running = counts.withLock { $0 }
        guard running.values.reduce(0, +) >= limit else { return inboxes }
        return inboxes.filter { running[$0] == nil }
    }
}
