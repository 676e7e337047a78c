/// Puts the results of a recording's chunks together again: by index, with absolute times, each word once.
///
/// A cut in silence is a plain seam: what stands on both sides of it was said twice. A forced cut has audio on both sides
/// that two chunks heard, `OverlapMerger` takes each word from one of them. A failed chunk becomes a gap over the part that
/// it answers for and moves nothing else; so does what the decoder could not give, which may lie behind the last chunk.
package struct ResultMerger: Sendable {
    /// What is true of the recording as a whole.
    package struct Facts: Sendable {
        /// What the decoder gave and what it could not give.
        package var decoded: DecodeSummary
        package var source: Transcript.Source
        package var engine: String
        package var model: String

        package init(
            decoded: DecodeSummary, source: Transcript.Source, engine: String, model: String
        ) {
            self.decoded = decoded
            self.source = source
            self.engine = engine
            self.model = model
        }
    }

    /// One chunk's share while its neighbours are being compared with it.
    private struct Part {
        let outcome: ChunkOutcome
        var transcript: ChunkTranscript?
        var segments: [Segment]
    }

    private let facts: Facts

    package init(_ facts: Facts) { self.facts = facts }

    /// - Parameter outcomes: in any order; those of one index in the order of the recording.
    package func merge(_ outcomes: [ChunkOutcome]) -> Transcript {
        let whole = SampleRange(0, max(0, facts.decoded.sampleCount))
        let ordered = outcomes.enumerated().sorted {
            ($0.element.index, $0.offset) < ($1.element.index, $1.offset)
        }
        var parts = ordered.map { Self.part(of: $0.element, whole: whole) }
        let doubtful = Self.resolveForcedCuts(&parts)
        let warnings = Warnings(first: facts.decoded.warnings + Self.nameSpeakers(&parts))
        let missed = parts.flatMap { Self.missedSpeech(of: $0.outcome, whole: whole) }
        let segments = Self.inOrder(parts.flatMap(\.segments).flatMap(SpeakerTurns.divided))
        return Transcript(
            language: Self.language(of: parts),
            sampleCount: facts.decoded.gaps.reduce(whole.end) { max($0, $1.range.end) },
            segments: Self.parted(segments, by: missed.map(\.range)),
            gaps: (parts.compactMap { Self.gap($0.outcome, whole: whole) } + facts.decoded.gaps + missed).separated(),
            warnings: warnings.collect(from: parts.map { ($0.outcome.owned, $0.transcript?.warnings ?? []) }, doubtful),
            chunks: parts.map { Self.report($0, whole: whole) }, source: facts.source, engine: facts.engine,
            model: facts.model,
            timesAreEstimated: parts.contains { $0.transcript?.timesAreEstimated == true && !$0.segments.isEmpty },
            suppressed: parts.flatMap { Self.suppressed(of: $0.outcome, whole: whole) })
    }

    // MARK: One chunk

    /// With absolute times, each within the chunk's audio and the recording; text in one line, none of it empty.
    private static func part(of outcome: ChunkOutcome, whole: SampleRange) -> Part {
        guard case .transcript(let transcript) = outcome.result else {
            return Part(outcome: outcome, transcript: nil, segments: [])
        }
        let bounds = outcome.range.clamped(to: whole)
        let segments = transcript.segments.compactMap { segment -> Segment? in
            var segment = segment
            segment.words = segment.words.compactMap { word in
                var word = word
                word.text = WrittenText.clean(word.text)
                word.range = absolute(word.range, from: outcome.range.start).clamped(to: bounds)
                return WrittenText.isVisible(word.text) ? word : nil
            }
            segment.text = WrittenText.clean(segment.text)
            if !WrittenText.isVisible(segment.text) { segment.text = segment.words.map(\.text).joinedAsText() }
            guard !segment.text.isEmpty else { return nil }
            segment.range = absolute(segment.range, from: outcome.range.start).clamped(to: bounds)
            return segment
        }
        return Part(outcome: outcome, transcript: transcript, segments: segments)
    }

    /// Engines are not trusted with times: no overflow.
    private static func absolute(_ range: SampleRange, from start: Int64) -> SampleRange {
        let far = Int64.max / 4
        let bounded = range.clamped(to: SampleRange(0, far))
        return bounded.shifted(by: start)
    }

    private static func gap(_ outcome: ChunkOutcome, whole: SampleRange) -> Transcript.Gap? {
        guard case .failed(let reason) = outcome.result else { return nil }
        let range = outcome.owned.clamped(to: whole)
        return range.isEmpty ? nil : Transcript.Gap(range: range, reason: WrittenText.clean(reason))
    }

    private static func report(_ part: Part, whole: SampleRange) -> Transcript.ChunkReport {
        Transcript.ChunkReport(
            index: part.outcome.index, range: part.outcome.owned.clamped(to: whole), hash: part.outcome.hash,
            fromCache: part.outcome.fromCache, attempts: part.outcome.attempts, language: part.transcript?.language,
            engine: part.transcript?.engine, model: part.transcript?.model, heard: part.outcome.heard,
            missed: part.transcript == nil ? part.outcome.heard : part.outcome.missed.reduce(0) { $0 + $1.heard })
    }

    // MARK: What is no text

    private static func suppressed(of outcome: ChunkOutcome, whole: SampleRange) -> [SuppressedText] {
        outcome.suppressed.compactMap { text in
            var text = text
            text.range = absolute(text.range, from: outcome.range.start).clamped(to: outcome.range.clamped(to: whole))
            text.text = WrittenText.clean(text.text)
            return outcome.owned.contains(text.range.middle) || text.range.isEmpty ? text : nil
        }
    }

    private static func missedSpeech(of outcome: ChunkOutcome, whole: SampleRange) -> [Transcript.Gap] {
        outcome.missed.filter(\.hasPlace).compactMap { missed in
            let range = absolute(missed.range, from: outcome.range.start).clamped(to: outcome.owned.clamped(to: whole))
            return range.isEmpty
                ? nil
                : Transcript.Gap(
                    range: range, reason: WrittenText.clean(missed.reason), cause: .uncovered)
        }
    }

    /// Each segment without the gaps that begin in it, found without a look at all others.
    private static func parted(_ segments: [Segment], by gaps: [SampleRange]) -> [Segment] {
        let gaps = gaps.sorted { $0.start < $1.start }
        return segments.flatMap { segment -> [Segment] in
            let first = gaps.firstPlace { $0.start > segment.range.start }
            return gaps[first...].prefix { $0.start < segment.range.end }
                .reduce([segment]) { pieces, gap in pieces.flatMap { parted($0, by: gap) } }
        }
    }

    /// A segment that spans speech without text ends before it, and goes on behind it where its words do.
    private static func parted(_ segment: Segment, by gap: SampleRange) -> [Segment] {
        guard segment.range.start < gap.start, segment.range.end > gap.start else { return [segment] }
        let tokens = segment.words.isEmpty ? [] : TimedText(segment).tokens
        let behind = tokens.firstIndex { $0.range.start >= gap.middle } ?? tokens.count
        var before = tokens.isEmpty ? segment : TimedText.prefix(of: segment, upTo: behind, tokens: tokens)
        before?.range.end = gap.start
        if let range = before?.range, let words = before?.words {
            before?.words = words.map { word in
                var word = word
                word.range = word.range.clamped(to: range)
                return word
            }
        }
        let rest = tokens.isEmpty ? nil : TimedText.suffix(of: segment, from: behind, tokens: tokens)
        return [before, rest].compactMap { $0 }
    }

    // MARK: Seams

    /// - Returns: the forced cuts at which no common words were found.
    private static func resolveForcedCuts(_ parts: inout [Part]) -> [Int64] {
        var doubtful: [Int64] = []
        for at in parts.indices {
            let outcome = parts[at].outcome
            if outcome.owned.end < outcome.range.end {
                let next = at + 1 < parts.endIndex ? parts[at + 1] : nil
                if next?.transcript == nil {
                    parts[at].segments = OverlapMerger.trim(parts[at].segments, to: outcome.owned)
                }
            }
            if outcome.owned.start > outcome.range.start, at == 0 || parts[at - 1].transcript == nil {
                parts[at].segments = OverlapMerger.trim(parts[at].segments, to: outcome.owned)
            }
            guard at > 0, parts[at - 1].transcript != nil, parts[at].transcript != nil else { continue }
            let before = parts[at - 1].outcome
            let heardTwice = SampleRange(outcome.range.start, before.range.end)
            let isForced = before.owned.end < before.range.end || outcome.owned.start > outcome.range.start
            guard isForced, !heardTwice.isEmpty else { continue }
            var join = OverlapMerger(
                left: parts[at - 1].segments, right: parts[at].segments, cut: before.owned.end, overlap: heardTwice)
            if !join.resolve() { doubtful.append(before.owned.end) }
            parts[at - 1].segments = join.left
            parts[at].segments = join.right
        }
        return doubtful
    }

    // MARK: Speakers

    /// - Returns: what is to be told of them.
    private static func nameSpeakers(_ parts: inout [Part]) -> [String] {
        var names = SpeakerNames()
        var partsWithSpeakers = 0
        for at in parts.indices {
            let count = parts[at].segments.speakers.count
            guard count > 0 else { continue }
            guard count <= SpeakerNames.maximumInAnswer else {
                for segment in parts[at].segments.indices { parts[at].segments[segment].renameSpeakers { _ in nil } }
                parts[at].transcript?.warnings.append(
                    "The engine named \(count) speakers; so many are not believed, and none is shown.")
                continue
            }
            partsWithSpeakers += 1
            names.distinguish(&parts[at].segments, forPeople: true)
        }
        guard partsWithSpeakers > 1 else { return [] }
        return [
            "Speakers are told apart within each of the \(partsWithSpeakers) parts that the recording was cut into, not "
                + "from one part to the next: one person may have several labels."
        ]
    }

    /// Starts never go back; a segment that runs into the next one ends there.
    private static func inOrder(_ segments: [Segment]) -> [Segment] {
        var segments = segments
        for at in segments.indices.dropFirst() {
            let before = segments[at - 1].range
            let start = max(segments[at].range.start, before.start)
            segments[at].range = SampleRange(start, segments[at].range.end)
            if start > before.start, before.end > start { segments[at - 1].range.end = start }
        }
        for at in segments.indices {
            var clock = segments[at].range.start
            for index in segments[at].words.indices {
                let range = segments[at].words[index].range.clamped(to: segments[at].range)
                clock = max(clock, range.start)
                segments[at].words[index].range = SampleRange(clock, range.end)
            }
        }
        return segments
    }

    // MARK: Language

    /// By majority of speech; of equals the one heard first.
    private static func language(of parts: [Part]) -> String? {
        var order: [String] = []
        var speech: [String: Int64] = [:]
        for part in parts {
            guard let language = part.transcript?.language, !language.isEmpty else { continue }
            if speech[language] == nil { order.append(language) }
            speech[language, default: 0] += part.segments.reduce(0) { $0 + $1.range.count }
        }
        let most = speech.values.max() ?? 0
        return order.first { speech[$0] == most }
    }
}

/// The warnings of a recording and its chunks, the same one of neighbouring chunks once.
private struct Warnings {
    let first: [String]

    func collect(from chunks: [(range: SampleRange, warnings: [String])], _ doubtfulCuts: [Int64]) -> [String] {
        var merged: [(range: SampleRange, text: String)] = []
        var open: [String: Int] = [:]
        for chunk in chunks {
            var seen: [String: Int] = [:]
            for warning in chunk.warnings.map(WrittenText.clean) where !warning.isEmpty && seen[warning] == nil {
                if let at = open[warning], merged[at].range.end == chunk.range.start {
                    merged[at].range.end = chunk.range.end
                    seen[warning] = at
                } else {
                    seen[warning] = merged.count
                    merged.append((chunk.range, warning))
                }
            }
            open = seen
        }
        for cut in doubtfulCuts {
            let warning = "Speech without a pause had to be cut here; a word may be missing or doubled."
            merged.append((SampleRange(cut, cut), warning))
        }
        let ordered = merged.enumerated().sorted {
            ($0.element.range.start, $0.offset) < ($1.element.range.start, $1.offset)
        }
        return first
            + ordered.map { entry in
                let range = entry.element.range
                let place = range.isEmpty ? TimeText.clock(range.start) : TimeText.clock(range)
                return "\(place): \(entry.element.text)"
            }
    }
}
