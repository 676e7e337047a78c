import Glibc
import SystemSupport
import Transcription

/// Shows the progress of a run on standard error: bars that are drawn over on a terminal, a line every few seconds otherwise.
struct ProgressDisplay: Sendable {
    private let progress: RunProgress
    private let isTerminal = isatty(STDERR_FILENO) == 1

    private static let lineInterval = Duration.seconds(5)
    private static let barInterval = Duration.milliseconds(250)

    init(_ progress: RunProgress) { self.progress = progress }

    /// Draws until the task is cancelled, then takes the bars away.
    func run() async {
        while (try? await Task.sleep(for: isTerminal ? Self.barInterval : Self.lineInterval)) != nil {
            let lines = progress.snapshot().lines(width: Self.width, isTerminal: isTerminal).map(\.printable)
            if isTerminal { StandardError.draw(lines) } else { lines.forEach { StandardError.write($0 + "\n") } }
        }
        StandardError.eraseDrawn()
    }

    /// Columns of the terminal; 80 where it does not tell.
    private static var width: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return 80 }
        return Int(size.ws_col)
    }
}
