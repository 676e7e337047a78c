/// Cuts segments where words say that another person goes on.
enum SpeakerTurns {
    /// The segment in stretches of one speaker each, in order. Words count where they have labels; one without goes with the
    /// word before it.
    static func divided(_ segment: Segment) -> [Segment] {
        guard segment.words.contains(where: { $0.speaker != nil }) else { return [segment] }
        let turns = turns(of: segment)
        guard turns.count > 1 else {
            var whole = segment
            whole.speaker = turns.first?.speaker ?? segment.speaker
            return [whole]
        }
        let tokens = TimedText(segment).tokens
        let characters = Array(segment.text)
        let starts = starts(of: turns, in: tokens, words: segment.words)
        let spoken = withText(turns, starts, tokenCount: tokens.count)
        guard !spoken.isEmpty else { return [segment] }
        return spoken.enumerated().map { at, turn in
            let isLast = at == spoken.count - 1
            var part = segment
            part.speaker = turn.speaker
            part.words = Array(segment.words[turn.words])
            part.text = WrittenText.clean(
                String(
                    characters[
                        tokens[turn.tokens.lowerBound].offsets
                            .lowerBound..<tokens[turn.tokens.upperBound - 1].offsets
                            .upperBound]))
            let start = at == 0 ? segment.range.start : part.words[0].range.start
            let stop = isLast ? segment.range.end : part.words[part.words.count - 1].range.end
            part.range = SampleRange(start, max(start, stop))
            if segment.confidence != nil { part.confidence = mean(part.words.compactMap(\.confidence)) }
            return part
        }
    }

    private struct Turn {
        var words: Range<Int>
        var speaker: String?
        var tokens = 0..<0
    }

    /// The turns that have text; the words of others go with the turn before them, at the beginning with the first.
    private static func withText(_ turns: [Turn], _ starts: [Int], tokenCount: Int) -> [Turn] {
        var spoken: [Turn] = []
        for (at, turn) in turns.enumerated() {
            let end = at + 1 < turns.count ? starts[at + 1] : tokenCount
            if starts[at] < end {
                let first = spoken.isEmpty ? 0 : turn.words.lowerBound
                spoken.append(
                    Turn(words: first..<turn.words.upperBound, speaker: turn.speaker, tokens: starts[at]..<end))
            } else if let last = spoken.indices.last {
                spoken[last].words = spoken[last].words.lowerBound..<turn.words.upperBound
            }
        }
        return spoken
    }

    private static func turns(of segment: Segment) -> [Turn] {
        var turns: [Turn] = []
        for (at, word) in segment.words.enumerated() {
            guard let last = turns.last, word.speaker == nil || last.speaker == nil || word.speaker == last.speaker
            else {
                turns.append(Turn(words: at..<at + 1, speaker: word.speaker))
                continue
            }
            turns[turns.count - 1] = Turn(words: last.words.lowerBound..<at + 1, speaker: last.speaker ?? word.speaker)
        }
        return turns
    }

    /// The first token of each turn: word by word where there are as many, by their times elsewhere.
    private static func starts(of turns: [Turn], in tokens: [TimedToken], words: [Word]) -> [Int] {
        guard tokens.count != words.count else { return turns.map(\.words.lowerBound) }
        var next = 0
        return turns.enumerated().map { at, turn in
            let time = words[turn.words.lowerBound].range.start
            while at > 0, next < tokens.count, tokens[next].range.middle < time { next += 1 }
            return next
        }
    }

    private static func mean(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
}
