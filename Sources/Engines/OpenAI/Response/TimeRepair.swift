import Transcription

/// Brings the times of a server, in whatever unit and order, into the chunk.
struct TimeRepair {
    /// Starts that go back by more than this are not sorted but raised: the text's order is right, its times are not.
    private static let sortableDisorderSeconds = 1.0
    /// Servers overrun the end a little (30 s windows); more than this is worth a warning.
    private static let toleratedOverrunSeconds = 0.5

    let sampleCount: Int64
    private(set) var warnings: [String] = []
    private var seconds: Double { SampleClock.seconds(sampleCount) }

    init(sampleCount: Int64) { self.sampleCount = sampleCount }

    /// What the server's times must be divided by to be seconds; nil when they make sense in no unit. LocalAI sent
    /// nanoseconds until May 2026.
    func unit(of pieces: [HeardText.Piece], _ words: [HeardText.Word]) -> Double? {
        var longest = 0.0
        for piece in pieces {
            longest = max(longest, piece.start ?? 0, piece.end ?? 0)
            for word in piece.words { longest = max(longest, word.start ?? 0, word.end ?? 0) }
        }
        for word in words { longest = max(longest, word.start ?? 0, word.end ?? 0) }
        guard longest > 20 * seconds + 60 else { return 1 }
        // The smallest divisor that fits: a larger one would squeeze everything into the first moment.
        return [1e3, 1e6, 1e9].first { longest / $0 <= 1.5 * seconds + 2 }
    }

    /// Pieces with both times, in order, inside the chunk; nil when none of them had a time.
    mutating func ranges(of pieces: [(start: Double?, end: Double?)], lastEnd: Int64) -> [SampleRange]? {
        guard pieces.contains(where: { $0.start != nil || $0.end != nil }) else { return nil }
        var overrun = 0.0
        var ranges: [(start: Double, end: Double)] = []
        for (piece, next) in zip(pieces, Self.nextKnown(pieces.map { $0.start ?? $0.end })) {
            let previous = ranges.last?.end ?? 0
            let start = max(0, piece.start ?? min(previous, piece.end ?? previous))
            let end = piece.end ?? max(start, next ?? SampleClock.seconds(lastEnd))
            overrun = max(overrun, start - seconds)
            ranges.append((start, max(start, end)))
        }
        if overrun >= Self.toleratedOverrunSeconds {
            warnings.append("The engine gave times beyond the end of the audio; they were moved to its end.")
        }
        return ordered(ranges).map {
            inside(SampleClock.samples(seconds: $0.start), SampleClock.samples(seconds: $0.end))
        }
    }

    /// For each place the first known time after it.
    static func nextKnown(_ times: [Double?]) -> [Double?] {
        var out = times
        var known: Double?
        for at in times.indices.reversed() {
            out[at] = known
            known = times[at] ?? known
        }
        return out
    }

    /// Within the chunk and, where the chunk has room, not empty.
    func inside(_ start: Int64, _ end: Int64) -> SampleRange {
        let start = min(max(0, start), max(0, sampleCount - 1))
        return SampleRange(start, min(max(start + 1, end), sampleCount))
    }

    /// Raises starts so that they never go back. (`order` sorts before where that is the better repair.)
    private func ordered(_ ranges: [(start: Double, end: Double)]) -> [(start: Double, end: Double)] {
        var out = ranges
        for at in out.indices.dropFirst() where out[at].start < out[at - 1].start {
            out[at].start = out[at - 1].start
            out[at].end = max(out[at].end, out[at].start)
        }
        return out
    }

    /// The order in which pieces are to be taken: by start where the disorder is small, otherwise as sent.
    static func order(of starts: [Double?]) -> [Int] {
        var latest = 0.0
        var disorder = 0.0
        for start in starts.compactMap({ $0 }) {
            disorder = max(disorder, latest - start)
            latest = max(latest, start)
        }
        let indices = Array(starts.indices)
        guard disorder > 0, disorder <= sortableDisorderSeconds, !starts.contains(nil) else { return indices }
        return indices.sorted { (starts[$0] ?? 0, $0) < (starts[$1] ?? 0, $1) }
    }
}
