import Synchronization
import SystemSupport

/// Finished jobs whose recording could not be taken out of the inbox: `done` is full, read-only or away.
final class PendingMoves: Sendable {
    /// One of them.
    struct Stuck: Sendable {
        let job: Job
        let outcome: Job.State
        /// The fault and its remedy in sentences.
        var cause: String
        /// Seconds since 1970.
        let since: Int64
    }

    private let jobs = Mutex<[Int64: Stuck]>([:])

    /// Is signalled when there is one.
    let found = AsyncSignal()

    /// - Returns: whether it is news, as a new cause is.
    func insert(_ job: Job, as outcome: Job.State, because cause: String, now: Int64) -> Bool {
        defer { found.signal() }
        return jobs.withLock { jobs in
            let known = jobs[job.id]
            jobs[job.id] = Stuck(job: job, outcome: outcome, cause: cause, since: known?.since ?? now)
            return known?.cause != cause
        }
    }

    /// - Returns: whether it was one of them.
    func remove(_ job: Job) -> Bool { jobs.withLock { $0.removeValue(forKey: job.id) != nil } }

    func contains(_ job: Job) -> Bool { jobs.withLock { $0[job.id] != nil } }

    /// In the order in which they were queued.
    var all: [Stuck] { jobs.withLock { $0.values.sorted { $0.job.id < $1.job.id } } }
}
