import Glibc
import Synchronization
import SystemSupport
import Transcription

/// How much of a download is there: a bar that is drawn over on a terminal, a line for every 20 MB otherwise.
final class FetchLine: Sendable {
    private struct State {
        var began: (at: ContinuousClock.Instant, bytes: Int64)?
        var drawn = ContinuousClock.now - .seconds(1)
        var step: Int64 = -1
        var isDrawn = false
    }

    private let name: String
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let state = Mutex(State())

    private static let interval = Duration.milliseconds(200)
    private static let lineBytes: Int64 = 20 << 20
    private static let gaugeColumns = 30

    init(_ name: String) { self.name = name }

    /// - Parameter total: nil where the server does not say it.
    func show(_ bytes: Int64, of total: Int64?) {
        let line = state.withLock { state -> String? in
            let now = ContinuousClock.now
            let began = state.began ?? (now, bytes)
            state.began = began
            let step = bytes / Self.lineBytes
            let isDue = isTerminal ? state.drawn.duration(to: now) >= Self.interval : step != state.step
            guard isDue || bytes == total else { return nil }
            (state.drawn, state.step, state.isDrawn) = (now, step, true)
            let seconds = Double(began.at.duration(to: now).components.seconds)
            return text(bytes, total, bytesPerSecond: seconds < 1 ? nil : Double(bytes - began.bytes) / seconds)
        }
        guard let line else { return }
        if isTerminal { StandardError.draw([line]) } else { StandardError.write(line + "\n") }
    }

    private func text(_ bytes: Int64, _ total: Int64?, bytesPerSecond: Double?) -> String {
        guard let total, total > 0 else { return "\(name)  \(ByteCount.text(bytes)) fetched" }
        let fraction = Double(bytes) / Double(total)
        let bar = isTerminal ? "\(ProgressLine.gauge(fraction, length: Self.gaugeColumns))  " : ""
        var line = "\(name)  \(bar)\(Int(fraction * 100)) %, \(ByteCount.text(bytes)) of \(ByteCount.text(total))"
        if let speed = bytesPerSecond, speed >= 1, bytes < total {
            line += ", about \(TimeText.estimate(seconds: Double(total - bytes) / speed)) left"
        }
        return line
    }

    /// Wipes the bar.
    func end() {
        let isDrawn = state.withLock { state in
            defer { state.isDrawn = false }
            return state.isDrawn
        }
        if isTerminal, isDrawn { StandardError.eraseDrawn() }
    }
}
