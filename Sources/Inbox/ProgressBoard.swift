import Glibc
import Synchronization
import SystemSupport
import Transcription

/// The recordings that are being worked on, for status files, and what became of the others since the start.
final class ProgressBoard: Sendable {
    private struct State {
        var trackers: [Int64: (name: String, tracker: ProgressTracker)] = [:]
        var summary = InboxService.Summary()
    }

    private let state = Mutex(State())
    /// Is signalled when a recording begins or ends.
    let changed = AsyncSignal()
    /// Seconds since 1970.
    let startedAt = Int64(time(nil))

    var summary: InboxService.Summary { state.withLock { $0.summary } }
    var isIdle: Bool { state.withLock { $0.trackers.isEmpty } }

    var running: [ServiceStatus.Running] {
        state.withLock { state in
            state.trackers.sorted { $0.key < $1.key }.map {
                ServiceStatus.Running(name: $0.value.name, progress: $0.value.tracker.snapshot())
            }
        }
    }

    func noteFailure(_ code: TranscriptionError.Code) {
        state.withLock { _ = $0.summary.failures.insert(code) }
    }

    func begin(_ job: Job, _ tracker: ProgressTracker) {
        state.withLock { $0.trackers[job.id] = (job.path.printable, tracker) }
        changed.signal()
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
        changed.signal()
    }
}
