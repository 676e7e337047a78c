import Synchronization
package import Transcription

/// How far a run over recordings is, one after the other.
final class RunProgress: Sendable {
    private struct State {
        var position = 0
        var doneWeight = 0.0
        var current: (tracker: ProgressTracker, weight: Double)?
    }

    private let weights: [Double]
    private let began = ContinuousClock.now
    private let state = Mutex(State())

    /// - Parameter byteCounts: of the recordings' files; what is known of their lengths before they are decoded.
    init(byteCounts: [Int64]) { weights = byteCounts.map { Double(max(1, $0)) } }

    /// The recording with this index is in work.
    func begin(_ index: Int, _ tracker: ProgressTracker) {
        state.withLock { state in
            state.position = index + 1
            state.doneWeight = weights[..<index].reduce(0, +)
            state.current = (tracker, weights[index])
        }
    }

    func snapshot() -> RunSnapshot {
        let (state, elapsed) = (state.withLock { $0 }, began.duration(to: .now) / .seconds(1))
        let current = state.current?.tracker.snapshot()
        let all = max(1, weights.reduce(0, +))
        let done = state.doneWeight + (current?.fraction ?? 0) * (state.current?.weight ?? 0)
        return RunSnapshot(
            current: current, position: state.position, count: weights.count, fraction: min(1, done / all),
            elapsedSeconds: elapsed)
    }
}

/// A run at one moment.
package struct RunSnapshot: Sendable {
    /// nil before the first recording.
    package var current: ProgressSnapshot?
    /// Of the recording in work, counted from 1.
    package var position: Int
    package var count: Int
    /// Of all recordings, by the bytes of their files: 0...1.
    package var fraction: Double
    package var elapsedSeconds: Double

    package init(
        current: ProgressSnapshot?, position: Int, count: Int, fraction: Double, elapsedSeconds: Double
    ) {
        self.current = current
        self.position = position
        self.count = count
        self.fraction = fraction
        self.elapsedSeconds = elapsedSeconds
    }

    /// Before that an estimate says nothing.
    private static let minimumFraction = 0.02
    private static let minimumSeconds = 5.0

    /// nil when it cannot be told, also where the recording in work waits.
    private var remainingSeconds: Double? {
        let waits = current.map { $0.stall != nil || $0.engineWaitSeconds != nil } ?? true
        guard !waits, fraction >= Self.minimumFraction, elapsedSeconds >= Self.minimumSeconds else { return nil }
        return elapsedSeconds * (1 - fraction) / fraction
    }

    /// The recording in work and, where there are several, all of them. Pure.
    /// - Parameter width: the terminal's columns.
    package func lines(width: Int, isTerminal: Bool) -> [String] {
        guard let current else { return [] }
        let line = ProgressLine.draw(current, width: width, isTerminal: isTerminal)
        guard count > 1 else { return [line] }
        guard isTerminal else { return ["\(position) of \(count): \(line)"] }
        let head = "\(position) of \(count) recordings"
        let left = remainingSeconds.map { "  \(TimeText.estimate(seconds: $0)) left" } ?? ""
        let tail = "\(Int(fraction * 100)) %\(left)"
        let free = width - 1 - head.count - tail.count - 4
        guard free >= 8 else { return [line, String(head.prefix(max(0, width - 1)))] }
        return [line, "\(head)  \(ProgressLine.gauge(fraction, length: free))  \(tail)"]
    }
}

/// What a run came to.
package struct RunTotals: Sendable, Hashable {
    package var whole = 0
    package var partial = 0
    package var failed = 0
    /// Length of the recordings that have a transcript, in samples.
    package var samples: Int64 = 0
    package var chunks = 0
    package var chunksFromCache = 0

    package init() {}

    /// One line for people; nil where nothing was transcribed.
    /// - Parameter seconds: how long it took.
    package func summary(seconds: Double) -> String? {
        let done = whole + partial
        guard done + failed > 0, done > 0 || failed > 1 else { return nil }
        var parts = [Self.count(done, "recording")]
        if partial > 0 { parts.append("\(partial) of them partial") }
        if failed > 0 { parts.append("\(failed) failed") }
        let length = Double(samples) / Double(SampleClock.rate)
        var text = parts.joined(separator: ", ")
        if done > 0 {
            text +=
                ": \(TimeText.duration(seconds: length.rounded())) of sound in \(TimeText.duration(seconds: seconds))"
            if seconds >= 0.1, length >= 1 { text += ", \(Self.speed(length / seconds)) times real time" }
            if chunksFromCache > 0 { text += "; \(chunksFromCache) of \(Self.count(chunks, "chunk")) from the cache" }
        }
        return text + "."
    }

    private static func speed(_ ratio: Double) -> String {
        ratio < 10 ? ((ratio * 10).rounded() / 10).shortText : "\(Int(ratio.rounded()))"
    }

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}
