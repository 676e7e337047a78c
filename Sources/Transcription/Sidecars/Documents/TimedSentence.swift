/// A sentence of a segment, or the whole of a short one.
struct TimedSentence {
    struct Word {
        var token: TimedToken
        /// 0...1 if known.
        var confidence: Double?
    }

    var text: String
    /// In samples; that of the segment where times were not asked for.
    var start: Int64
    /// Empty unless they were asked for.
    var words: [Word]

    /// Up to this length a segment is taken as a whole, in bytes.
    private static let shortSegment = 400

    /// - Parameters:
    ///   - needsTimes: each sentence has its own, not that of the segment.
    ///   - dividesWords: each has its words.
    static func sentences(of segment: Segment, needsTimes: Bool, dividesWords: Bool) -> [TimedSentence] {
        let text = WrittenText.clean(segment.text)
        let sentences = split(text)
        guard dividesWords || needsTimes && sentences.count > 1 else {
            return sentences.map { TimedSentence(text: String($0), start: segment.range.start, words: []) }
        }
        var cleaned = segment
        cleaned.text = text
        var rest = TimedText(cleaned, wholeWords: dividesWords).tokens[...]
        var (offset, place) = (0, text.startIndex)
        var confidences = WordConfidences(segment)
        return sentences.map { sentence in
            offset += text.distance(from: place, to: sentence.endIndex)
            place = sentence.endIndex
            let own = rest.prefix { $0.offsets.lowerBound < offset }
            rest = rest.dropFirst(own.count)
            let words = dividesWords ? own.map { Word(token: $0, confidence: confidences.next(at: $0.range)) } : []
            return TimedSentence(
                text: String(sentence), start: own.first?.range.start ?? segment.range.start, words: words)
        }
    }

    /// A short segment whole, a long one (of an engine without times) sentence by sentence.
    private static func split(_ text: String) -> [Substring] {
        guard text.utf8.count > shortSegment else { return [text[...]] }
        var sentences: [Substring] = []
        var start = text.startIndex
        for index in text.indices where index > start {
            let isSeam = text[index] == " " || text[index].isUnspaced
            guard isSeam, !text[index].isPunctuation, text[start..<index].utf8.count > 1,
                WrittenText.ending(of: text[start..<index]) == .sentence
            else { continue }
            sentences.append(text[start..<index])
            start = text[index] == " " ? text.index(after: index) : index
        }
        if start < text.endIndex { sentences.append(text[start...]) }
        return sentences
    }
}

/// How sure the engine is of what it heard at a time.
private struct WordConfidences {
    private let words: [Word]
    private var at = 0

    init(_ segment: Segment) { words = segment.words.filter { $0.confidence != nil } }

    /// Times are asked for in their order.
    mutating func next(at range: SampleRange) -> Double? {
        while at < words.count, words[at].range.end <= range.middle { at += 1 }
        guard at < words.count, words[at].range.contains(range.middle) else { return nil }
        return words[at].confidence
    }
}
