import Transcription

/// Times for text that came without: its characters are spread evenly over the stretches where something is to be heard.
struct EstimatedTimes {
    /// A segment ends at the end of a sentence, but not before it has this many characters ("Dr. No" stays together).
    private static let minimumSentence = 20
    /// A segment without the end of a sentence is broken at the next word.
    private static let maximumSegment = 160

    private let speech: [SampleRange]
    /// How much of it lies before each stretch of speech.
    private let before: [Int64]
    private let total: Int64

    /// - Parameter speech: as in `Chunk.speech`; the whole chunk is taken where it is empty.
    init(speech: [SampleRange], sampleCount: Int64) {
        let whole = SampleRange(0, sampleCount)
        let heard = speech.map { $0.clamped(to: whole) }.filter { !$0.isEmpty }
        let stretches = heard.isEmpty ? [whole] : heard
        self.speech = stretches
        var sum: Int64 = 0
        before = stretches.map { range in
            defer { sum += range.count }
            return sum
        }
        total = sum
    }

    /// One segment per sentence and per stretch of speech.
    func segments(of text: String) -> [Segment] {
        let tokens = Self.tokens(of: text)
        let characters = tokens.reduce(0) { $0 + $1.weight }
        guard characters > 0 else { return [] }

        var segments: [Segment] = []
        var open = Open(stretch: 0)
        func finish(next stretch: Int) {
            if !open.text.text.isEmpty {
                let bounds = speech[open.stretch]
                let range = SampleRange(max(open.start, bounds.start), min(open.end, bounds.end))
                segments.append(Segment(range: range, text: open.text.text))
            }
            open = Open(stretch: stretch)
        }
        var spoken = 0
        for token in tokens {
            let start = place(spoken, of: characters)
            let end = place(spoken + token.weight, of: characters)
            let stretch = place(spoken * 2 + token.weight, of: characters * 2).stretch
            spoken += token.weight
            if open.stretch != stretch { finish(next: stretch) }
            if open.length == 0 { open.start = start.stretch == stretch ? start.sample : speech[stretch].start }
            open.end = end.stretch == stretch ? end.sample : speech[stretch].end
            open.text.append(token.text)
            open.length += token.text.count + 1
            if open.length >= Self.maximumSegment
                || open.length >= Self.minimumSentence && token.text.endsSentence
            {
                finish(next: stretch)
            }
        }
        finish(next: 0)
        return segments
    }

    /// The segment that grows.
    private struct Open {
        var stretch: Int
        var start: Int64 = 0
        var end: Int64 = 0
        var text = JoinedText()
        /// In characters, with a space behind each word.
        var length = 0
    }

    /// Where the `count`th of `all` characters is spoken.
    private func place(_ count: Int, of all: Int) -> (sample: Int64, stretch: Int) {
        let place = Int64((Double(total) * Double(count) / Double(all)).rounded())
        // The last stretch that begins before it: at a border that is the one that ends there.
        let stretch = max(0, before.firstPlace { $0 >= place } - 1)
        return (min(speech[stretch].start + place - before[stretch], speech[stretch].end), stretch)
    }

    /// Words, or characters in scripts without spaces; the weight counts the space that follows.
    private static func tokens(of text: String) -> [(text: Substring, weight: Int)] {
        text.split(whereSeparator: \.isWhitespace).flatMap { word -> [(text: Substring, weight: Int)] in
            guard word.contains(where: \.isUnspaced) else { return [(word, word.count + 1)] }
            return word.indices.map { (word[$0...$0], 1) }
        }
    }
}
