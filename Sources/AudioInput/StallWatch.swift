import Glibc
import Synchronization

/// Notices that a decoder stands still: nothing comes of it that is waited for, and it uses no processor time, for longer
/// than any work takes. It was stopped (SIGSTOP), or waits for a file system that hangs.
final class StallWatch: Sendable {
    private struct State {
        /// When the last progress was seen; nil while nobody waits for the decoder.
        var progress: SuspendingClock.Instant?
        var processorTime: Duration = .zero
        /// ffmpeg, where it works for the decoder.
        var program: pid_t?
        var hasStalled = false
    }

    /// Less is no progress: a process that is woken for nothing uses some.
    private static let minimumProcessorTime = Duration.milliseconds(10)

    private let limit: Duration
    private let state = Mutex(State())

    /// - Parameter limit: without progress.
    init(limit: Duration) { self.limit = limit }

    /// The decoder stood still and was ended for it.
    var hasStalled: Bool { state.withLock { $0.hasStalled } }

    /// Something of the decoder is waited for, or has come.
    func waits(_ waits: Bool) { state.withLock { $0.progress = waits ? .now : nil } }

    /// What this process does counts as the decoder's.
    func includes(_ program: pid_t) { state.withLock { $0.program = program } }

    /// Looks after the process until the task is cancelled, and ends its process group when it stands still.
    func watch(_ process: pid_t) async {
        while (try? await Task.sleep(for: limit / 10)) != nil {
            let program = state.withLock { $0.program }
            let used = Self.processorTime(of: process) + (program.map(Self.processorTime) ?? .zero)
            let stalls = state.withLock { state in
                guard let progress = state.progress else { return false }
                if used - state.processorTime >= Self.minimumProcessorTime {
                    (state.processorTime, state.progress) = (used, .now)
                    return false
                }
                state.hasStalled = state.hasStalled || progress.duration(to: .now) >= limit
                return state.hasStalled
            }
            if stalls { kill(-process, SIGKILL) }
        }
    }

    /// Zero where it cannot be told.
    private static func processorTime(of process: pid_t) -> Duration {
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(process, &clock) == 0, clock_gettime(clock, &time) == 0 else { return .zero }
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
