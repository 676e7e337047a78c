import Synchronization
import SystemSupport

/// Finished jobs whose recording could not be taken out of the inbox: `done` is full, read-only or away.
final class StuckSources: Sendable {
    private let jobs = Mutex<[Int64: (job: Job, outcome: Job.State)]>([:])

    /// Is signalled when there is one.
    let found = AsyncSignal()

    /// - Returns: whether it was not known as stuck before.
    func insert(_ job: Job, as outcome: Job.State) -> Bool {
        defer { found.signal() }
        return jobs.withLock { $0.updateValue((job, outcome), forKey: job.id) == nil }
    }

    /// - Returns: whether it was stuck.
    func remove(_ job: Job) -> Bool { jobs.withLock { $0.removeValue(forKey: job.id) != nil } }

    /// In the order in which they were queued.
    var all: [(job: Job, outcome: Job.State)] { jobs.withLock { $0.values.sorted { $0.job.id < $1.job.id } } }
}
