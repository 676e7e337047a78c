import Synchronization

/// How often the decoder of each recording was ended from outside. In memory: a service that is started again has the
/// patience of the beginning.
final class InterruptionCounts: Sendable {
    /// Jobs that are remembered. Others are as those that were never interrupted before.
    private static let maximumCount = 10_000
    private let counts = Mutex<[Int64: Int]>([:])

    /// - Returns: how often it was by now.
    func count(_ job: Job) -> Int {
        counts.withLock { counts in
            let count = counts[job.id, default: 0] + 1
            if counts[job.id] != nil || counts.count < Self.maximumCount { counts[job.id] = count }
            return count
        }
    }

    /// The job is done with, however it ended.
    func drop(_ job: Job) { counts.withLock { $0[job.id] = nil } }
}
