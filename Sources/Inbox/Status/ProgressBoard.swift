import Glibc
import Synchronization
import SystemSupport
import Transcription

/// The recordings that are being worked on, for status files, and what became of the others since the start.
final class ProgressBoard: Sendable {
    private struct State {
        var trackers: [Int64: (job: Job, tracker: ProgressTracker, ledger: ChunkLedger)] = [:]
        var summary = ServiceSummary()
        var lastDelivery: Int64?
        var statusFault: String?
        var oldestWaiting: (foundAt: Int64?, lookedAt: Int64)?
    }

    private let state = Mutex(State())
    /// Is signalled by `noteChange`, for the status file.
    let changed = AsyncSignal()
    /// Is signalled by `noteChange`, for the status pages.
    let pagesOutdated = AsyncSignal()
    /// Seconds since 1970.
    let startedAt = UnixTime.now()

    var summary: ServiceSummary { state.withLock { $0.summary } }
    var isIdle: Bool { state.withLock { $0.trackers.isEmpty } }

    /// With how far they are, in the order in which they were found.
    var running: [(job: Job, progress: ProgressSnapshot)] {
        state.withLock { state in
            state.trackers.sorted { $0.key < $1.key }.map { ($0.value.job, $0.value.tracker.snapshot()) }
        }
    }

    /// Of each job that is being worked on.
    var chunks: [Int64: Job.Chunks] { state.withLock { $0.trackers.mapValues { $0.tracker.snapshot().chunks } } }

    /// Of each job that is being worked on and has something for the journal.
    var ledgersWithNews: [Int64: ChunkLedger] {
        state.withLock { $0.trackers.mapValues(\.ledger).filter { $0.value.hasNews } }
    }

    func noteIncomplete() { state.withLock { $0.summary.incomplete += 1 } }

    func noteFailure(_ code: TranscriptionError.Code, of job: Job) {
        state.withLock { state in
            state.summary.failures.insert(code)
            if state.summary.failedNames.count < ServiceSummary.maximumNames {
                state.summary.failedNames.append(job.path)
            }
        }
    }

    /// Something that the status files and pages tell is different now.
    func noteChange() {
        changed.signal()
        pagesOutdated.signal()
    }

    /// - Parameter fault: why the status file could not be written; nil: it was.
    /// - Returns: whether it is news.
    @discardableResult
    func noteStatusFault(_ fault: String?) -> Bool {
        state.withLock { state in
            defer { state.statusFault = fault }
            return state.statusFault != fault
        }
    }

    func noteNotTakenOut(_ count: Int) { state.withLock { $0.summary.notTakenOut = count } }

    /// - Parameter isForEngine: some of them wait for an engine.
    func noteWaiting(_ count: Int, forEngine isForEngine: Bool) {
        state.withLock { ($0.summary.waiting, $0.summary.waitsForEngine) = (count, isForEngine) }
    }

    /// When a transcript was last delivered, in seconds since 1970; nil: never, as far as is known.
    var lastDelivery: Int64? { state.withLock { $0.lastDelivery } }

    /// What `noteOldestWaiting` was told last.
    var oldestWaiting: (foundAt: Int64?, lookedAt: Int64)? { state.withLock { $0.oldestWaiting } }

    func noteOldestWaiting(_ foundAt: Int64?, now: Int64) { state.withLock { $0.oldestWaiting = (foundAt, now) } }

    func noteDelivery(at time: Int64?) { state.withLock { $0.lastDelivery = time ?? $0.lastDelivery } }

    func begin(_ job: Job, _ tracker: ProgressTracker, _ ledger: ChunkLedger) {
        state.withLock { $0.trackers[job.id] = (job, tracker, ledger) }
        noteChange()
    }

    func end(_ job: Job, as finished: Job.State?) {
        let now = UnixTime.now()
        if let finished { ServiceMetrics.noteEnd(of: job, as: finished, now: now) }
        state.withLock { state in
            state.trackers[job.id] = nil
            if finished == .delivered || finished == .partial { state.lastDelivery = now }
            switch finished {
            case .delivered: state.summary.delivered += 1
            case .partial: state.summary.partial += 1
            case .failed: state.summary.failed += 1
            case .queued, .processing, nil: break
            }
        }
        noteChange()
    }
}
