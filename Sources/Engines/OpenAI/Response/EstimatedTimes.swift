import Transcription

/// Times for text that came without: its characters are spread evenly over the stretches where something is to be heard.
struct EstimatedTimes {
    /// A segment ends at the end of a sentence, but not before it has this many characters ("Dr. No" stays together).
    private static let shortestSentence = 20
    /// A segment without the end of a sentence is broken at the next word.
    private static let longestSegment = 160

    private let speech: [SampleRange]
    private let total: Int64

    /// - Parameter speech: as in `Chunk.speech`; the whole chunk is taken where it is empty.
    init(speech: [SampleRange], sampleCount: Int64) {
        let whole = SampleRange(0, sampleCount)
        let heard = speech.map { $0.clamped(to: whole) }.filter { !$0.isEmpty }
        self.speech = heard.isEmpty ? [whole] : heard
        total = self.speech.reduce(0) { $0 + $1.count }
    }

    /// One segment per sentence and per stretch of speech.
    func segments(of text: String) -> [Segment] {
        let tokens = Self.tokens(of: text)
        let characters = tokens.reduce(0) { $0 + $1.weight }
        guard characters > 0 else { return [] }

        var segments: [Segment] = []
        var current: (stretch: Int, start: Int64, end: Int64, text: [Substring])?
        func finish() {
            guard let done = current else { return }
            let bounds = speech[done.stretch]
            segments.append(
                Segment(
                    range: SampleRange(max(done.start, bounds.start), min(done.end, bounds.end)),
                    text: done.text.joinedAsText()))
            current = nil
        }
        var before = 0
        for token in tokens {
            let start = place(before, of: characters)
            let end = place(before + token.weight, of: characters)
            let stretch = place(before * 2 + token.weight, of: characters * 2).stretch
            before += token.weight
            if current?.stretch != stretch { finish() }
            var open = current ?? (stretch, start.sample, end.sample, [])
            open.end = end.stretch == stretch ? end.sample : speech[stretch].end
            if open.text.isEmpty, start.stretch != stretch { open.start = speech[stretch].start }
            open.text.append(token.text)
            current = open
            let length = open.text.reduce(0) { $0 + $1.count + 1 }
            if length >= Self.longestSegment || length >= Self.shortestSentence && token.text.endsSentence { finish() }
        }
        finish()
        return segments
    }

    /// Where the `count`th of `all` characters is spoken.
    private func place(_ count: Int, of all: Int) -> (sample: Int64, stretch: Int) {
        var rest = Int64((Double(total) * Double(count) / Double(all)).rounded())
        for (index, range) in speech.enumerated() {
            if rest <= range.count { return (range.start + rest, index) }
            rest -= range.count
        }
        return (speech[speech.count - 1].end, speech.count - 1)
    }

    /// Words, or characters in scripts without spaces; the weight counts the space that follows.
    private static func tokens(of text: String) -> [(text: Substring, weight: Int)] {
        text.split(whereSeparator: \.isWhitespace).flatMap { word -> [(text: Substring, weight: Int)] in
            guard word.contains(where: \.isUnspaced) else { return [(word, word.count + 1)] }
            return word.indices.map { (word[$0...$0], 1) }
        }
    }
}

extension StringProtocol {
    /// Ends with a full stop, question or exclamation mark of any script, quotes and brackets after it ignored.
    var endsSentence: Bool {
        guard let last = last(where: { !"\"'”’»)]」』".contains($0) }) else { return false }
        return ".?!…。？！।؟".contains(last)
    }
}
