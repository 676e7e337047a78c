import Glibc
import Synchronization
import SystemSupport
import Transcription

/// The recordings that are being worked on, for status files, and what became of the others since the start.
final class ProgressBoard: Sendable {
    private struct State {
        var trackers: [Int64: (job: Job, tracker: ProgressTracker, ledger: ChunkLedger)] = [:]
        var summary = InboxService.Summary()
    }

    private let state = Mutex(State())
    /// Is signalled by `noteChange`, for the status file.
    let changed = AsyncSignal()
    /// Is signalled by `noteChange`, for the status pages.
    let pagesOutdated = AsyncSignal()
    /// Seconds since 1970.
    let startedAt = Int64(time(nil))

    var summary: InboxService.Summary { state.withLock { $0.summary } }
    var isIdle: Bool { state.withLock { $0.trackers.isEmpty } }

    var running: [ServiceStatus.Running] {
        state.withLock { state in
            state.trackers.sorted { $0.key < $1.key }.map {
                ServiceStatus.Running(
                    name: $0.value.job.path.printable, progress: $0.value.tracker.snapshot())
            }
        }
    }

    /// In the order in which they were found.
    func running(of inboxes: [RawName]) -> [ServiceStatus.Running] {
        state.withLock { state in
            state.trackers.filter { inboxes.contains($0.value.job.inbox) }.sorted { $0.key < $1.key }.map {
                ServiceStatus.Running(
                    name: $0.value.job.path.printable, progress: $0.value.tracker.snapshot())
            }
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
            if state.summary.failedNames.count < InboxService.Summary.mostNames {
                state.summary.failedNames.append(job.path)
            }
        }
    }

    /// Something that the status files and pages tell is different now.
    func noteChange() {
        changed.signal()
        pagesOutdated.signal()
    }

    func noteNotTakenOut(_ count: Int) { state.withLock { $0.summary.notTakenOut = count } }

    func noteWaiting(_ count: Int) { state.withLock { $0.summary.waiting = count } }

    func begin(_ job: Job, _ tracker: ProgressTracker, _ ledger: ChunkLedger) {
        state.withLock { $0.trackers[job.id] = (job, tracker, ledger) }
        noteChange()
    }

    func end(_ job: Job, as finished: Job.State?) {
        state.withLock { state in
            state.trackers[job.id] = nil
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
