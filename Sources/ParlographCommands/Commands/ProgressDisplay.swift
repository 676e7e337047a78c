import Glibc
import SystemSupport
import Transcription

/// Shows a recording's progress on standard error: a bar that is drawn over on a terminal, a line every few seconds
/// otherwise.
struct ProgressDisplay: Sendable {
    private let tracker: ProgressTracker
    private let isTerminal = isatty(STDERR_FILENO) == 1

    private static let lineInterval = Duration.seconds(5)
    private static let barInterval = Duration.milliseconds(250)

    init(_ tracker: ProgressTracker) { self.tracker = tracker }

    /// Draws until the task is cancelled, then wipes the bar.
    func run() async {
        while (try? await Task.sleep(for: isTerminal ? Self.barInterval : Self.lineInterval)) != nil {
            let line = ProgressLine.draw(tracker.snapshot(), width: Self.width, isTerminal: isTerminal).printable
            SystemdLogHandler.toStandardError(isTerminal ? "\r\u{1B}[K\(line)" : line + "\n")
        }
        if isTerminal { SystemdLogHandler.toStandardError("\r\u{1B}[K") }
    }

    /// Columns of the terminal; 80 where it does not tell.
    private static var width: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return 80 }
        return Int(size.ws_col)
    }
}
