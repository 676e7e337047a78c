package import Transcription

/// Makes phrases for people of the decoder's words.
package enum OfflinePhrases {
    /// A pause of this length ends a phrase, in samples.
    private static let pause = SampleClock.samples(seconds: 0.5)
    /// Beyond this length a shorter pause ends it, too.
    private static let longPhrase = SampleClock.samples(seconds: 8)
    private static let shortPause = SampleClock.samples(seconds: 0.15)

    /// - Parameter bounds: no time lies outside.
    package static func segments(of decoded: [DecodedWord], within bounds: SampleRange) -> [Segment] {
        var segments: [Segment] = []
        var words: [Word] = []
        func finish() {
            guard let first = words.first, let last = words.last else { return }
            let confidence = words.reduce(0) { $0 + ($1.confidence ?? 0) } / Double(words.count)
            segments.append(
                Segment(
                    range: SampleRange(first.range.start, last.range.end),
                    text: words.map(\.text).joined(separator: " "), words: words, confidence: rounded(confidence)))
            words = []
        }
        for word in decoded {
            guard let text = spoken(word.text) else { continue }
            let range = word.range.clamped(to: bounds)
            if let first = words.first, let last = words.last {
                let gap = range.start - last.range.end
                let isLong = last.range.end - first.range.start >= longPhrase
                if gap >= (isLong ? shortPause : pause) { finish() }
            }
            words.append(Word(range: range, text: text, confidence: rounded(word.probability)))
        }
        finish()
        return segments
    }

    /// The word as it is written; nil for silence, noise and sentence marks. `read(2)` is the second pronunciation of
    /// `read`.
    package static func spoken(_ entry: String) -> String? {
        guard let first = entry.first, !"<[+".contains(first) else { return nil }
        guard entry.hasSuffix(")"), let open = entry.lastIndex(of: "("), open != entry.startIndex else { return entry }
        return String(entry[..<open])
    }

    /// To a thousandth: more digits say nothing.
    private static func rounded(_ probability: Double) -> Double { (probability * 1000).rounded() / 1000 }
}
