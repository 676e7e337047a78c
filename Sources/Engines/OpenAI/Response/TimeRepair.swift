import Transcription

/// Brings the times of a server, in whatever unit and order, into the chunk.
struct TimeRepair {
    /// Starts that go back by more than this are not sorted but raised: the text's order is right, its times are not.
    private static let sortableDisorderSeconds = 1.0
    /// Servers overrun the end a little (30 s windows); more than this is worth a warning.
    private static let toleratedOverrunSeconds = 0.5
    /// Engines of the Whisper family fill up what they are given to so much: later times are none.
    private static let windowSeconds = 30.0
    /// In the right unit segments and words are mostly longer, and the last of them ends in this share of the speech or
    /// later.
    private static let minimumSeconds = 0.02
    private static let minimumShare = 0.1

    let sampleCount: Int64
    private(set) var warnings: [String] = []
    private var seconds: Double { SampleClock.seconds(sampleCount) }

    init(sampleCount: Int64) { self.sampleCount = sampleCount }

    /// Makes seconds of the times of `heard`. One that lies far outside of the audio is unknown afterwards; a warning
    /// tells of it.
    /// - Parameter lastEnd: where the last speech ends, in samples.
    /// - Returns: false when the times make sense in no unit.
    mutating func makeSeconds(of heard: inout RawTranscript, lastEnd: Int64) -> Bool {
        guard let unit = unit(of: heard, lastEnd: lastEnd) else { return false }
        var (kept, dropped) = (0, 0)
        let limit = seconds + Self.windowSeconds
        heard.changeTimes { time in
            let time = time / unit
            guard time <= limit else {
                dropped += 1
                return nil
            }
            kept += 1
            return time
        }
        guard dropped > 0 else { return true }
        warnings.append("The engine gave some times that make no sense; they are estimated.")
        return kept > 0
    }

    /// What the times must be divided by to be seconds: LocalAI sent nanoseconds until May 2026. The bulk of them decides,
    /// since a single one may be anything. Nil when they fit no unit, or only one in which all would be said in the first
    /// moment.
    private func unit(of heard: RawTranscript, lastEnd: Int64) -> Double? {
        let stretches = heard.stretches
        let ends = stretches.compactMap { $0.end ?? $0.start }.filter { $0 > 0 }.sorted()
        guard let longest = ends.last else { return 1 }
        let limit = 1.5 * seconds + 2
        let middle = ends[(ends.count - 1) / 2]
        // What the names of the times promise, unless it would squeeze everything into the first moment, and without it
        // everything fits.
        if let hint = heard.unitHint, middle / hint <= limit,
            middle > limit || longest / hint >= SampleClock.seconds(lastEnd) * Self.minimumShare
        {
            return hint
        }
        guard longest > 20 * seconds + 60 else { return 1 }
        // The smallest divisor that fits: a larger one would squeeze everything into the first moment.
        guard let unit = [1, 1e3, 1e6, 1e9].first(where: { middle / $0 <= limit }) else { return nil }
        if unit == 1 { return 1 }
        let lengths = stretches.map { ($0.end ?? 0) - ($0.start ?? 0) }.filter { $0 > 0 }.sorted()
        if !lengths.isEmpty, lengths[(lengths.count - 1) / 2] / unit < Self.minimumSeconds { return nil }
        let latest = ends.last { $0 / unit <= limit } ?? middle
        return latest / unit >= SampleClock.seconds(lastEnd) * Self.minimumShare ? unit : nil
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

extension RawTranscript {
    /// What the times are counted in by their names, if by all of them.
    fileprivate var unitHint: Double? {
        var hints: Set<Double?> = []
        for piece in pieces {
            if piece.start != nil || piece.end != nil { hints.insert(piece.unitHint) }
            for word in piece.words where word.start != nil || word.end != nil { hints.insert(word.unitHint) }
        }
        for word in words where word.start != nil || word.end != nil { hints.insert(word.unitHint) }
        return hints.count == 1 ? hints.first ?? nil : nil
    }

    /// Start and end of every piece and word.
    fileprivate var stretches: [(start: Double?, end: Double?)] {
        var out: [(start: Double?, end: Double?)] = []
        for piece in pieces {
            out.append((piece.start, piece.end))
            for word in piece.words { out.append((word.start, word.end)) }
        }
        for word in words { out.append((word.start, word.end)) }
        return out
    }

    fileprivate mutating func changeTimes(_ change: (Double) -> Double?) {
        func changeWords(_ words: inout [Word]) {
            for at in words.indices {
                words[at].start = words[at].start.flatMap(change)
                words[at].end = words[at].end.flatMap(change)
            }
        }
        for at in pieces.indices {
            pieces[at].start = pieces[at].start.flatMap(change)
            pieces[at].end = pieces[at].end.flatMap(change)
            changeWords(&pieces[at].words)
        }
        changeWords(&words)
    }
}
