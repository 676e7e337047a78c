import Transcription

extension PieceHearing {
    /// The text in segments, each a sentence or what is said between two pauses.
    /// - Returns: besides, whether times are an estimate.
    func segments() -> (segments: [Segment], areEstimated: Bool) {
        var segments: [Segment] = []
        var areEstimated = false
        for part in parts {
            let texts = part.text.split(whereSeparator: \.isWhitespace).map(String.init)
            if let words = part.timedWords(texts, speech: speech) {
                segments += Self.segments(of: words)
            } else if part.text.contains(where: \.isUnspaced) {
                areEstimated = true
                let speech = speech.map { $0.clamped(to: part.range) }.filter { !$0.isEmpty }
                    .map { $0.shifted(by: -part.range.start) }
                segments += EstimatedTimes(speech: speech, sampleCount: part.range.count).segments(of: part.text).map {
                    var segment = $0
                    segment.range = segment.range.shifted(by: part.range.start)
                    return segment
                }
            } else {
                areEstimated = true
                segments += Self.segments(of: WordTiming.words(texts, in: speech, within: part.range))
            }
        }
        return (segments, areEstimated)
    }

    /// A pause of this length ends a segment: 0.5 s.
    private static let pause = SampleClock.rate / 2
    /// Beyond this length, 8 s, a shorter pause ends it, too: 0.15 s.
    private static let longSegment = 8 * SampleClock.rate
    private static let shortPause = SampleClock.rate * 15 / 100

    private static func segments(of words: [Word]) -> [Segment] {
        var segments: [Segment] = []
        var run: [Word] = []
        func finish() {
            guard let first = run.first, let last = run.last else { return }
            let range = SampleRange(first.range.start, max(first.range.start, last.range.end))
            segments.append(Segment(range: range, text: run.map(\.text).joined(separator: " "), words: run))
            run = []
        }
        for word in words {
            if let first = run.first, let last = run.last {
                let gap = word.range.start - last.range.end
                let isLong = last.range.end - first.range.start >= longSegment
                if last.text.endsSentence || gap >= (isLong ? shortPause : pause) { finish() }
            }
            run.append(word)
        }
        finish()
        return segments
    }
}

extension PieceHearing.Part {
    /// A word is heard for so long at most, where only its start is known: 1 s.
    private static let maximumWord = SampleClock.rate

    /// The words with the times that the model gives; nil where it gives none, or where they do not make up the text.
    fileprivate func timedWords(_ texts: [String], speech: [SampleRange]) -> [Word]? {
        guard !tokens.isEmpty else { return nil }
        var words: [Word] = []
        for token in tokens {
            let text = token.text.replacing("▁", with: " ")
            let visible = text.filter { !$0.isWhitespace }
            if words.isEmpty || text.first?.isWhitespace == true {
                words.append(Word(range: SampleRange(token.start, token.start), text: visible))
            } else {
                words[words.count - 1].text += visible
            }
        }
        words.removeAll { $0.text.isEmpty }
        guard words.map(\.text) == texts else { return nil }
        let end = speech.last { $0.start < range.end }.map { min($0.end, range.end) } ?? range.end
        for at in words.indices {
            let start = words[at].range.start
            let next = at + 1 < words.count ? words[at + 1].range.start : max(start, end)
            words[at].range = SampleRange(start, max(start, min(next, start + Self.maximumWord)))
        }
        return words
    }
}
