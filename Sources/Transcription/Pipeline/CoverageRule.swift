/// Finds speech in a chunk that an answer has no text for.
struct CoverageRule: Sendable {
    struct Hole: Sendable, Hashable {
        /// From the first to the last sample that is heard in it.
        var range: SampleRange
        /// How much is heard in it.
        var heard: Int64
    }

    /// So much heard speech without text is missed, where words or segments say where the text is: 2 s.
    static let minimumHole = 2 * SampleClock.rate
    /// Where only the number of words says that something is missing: 4 s.
    private static let minimumGuess = 4 * SampleClock.rate
    /// Slower speech than this part of the usual rate is not believed at once.
    private static let slowest = 0.5
    /// A text of so many words leaves no room for missed ones, wherever its segments are said to be.
    static let sufficient = 0.8
    /// Words a second that nobody says.
    private static let fastest = 6.0
    /// Engines place words, and segments, up to this far off.
    private static let wordInaccuracy = SampleClock.rate / 2
    private static let segmentInaccuracy = SampleClock.rate

    /// `Chunk.speech`.
    let speech: [SampleRange]
    /// In samples.
    let length: Int64
    /// Words a second of speech below whose `slowest` part text is missing.
    var rate: Double
    /// Words a second of speech that are enough whatever the times say.
    var enough: Double

    init(speech: [SampleRange], length: Int64, rate: Double) {
        self.speech = speech
        self.length = length
        self.rate = rate
        enough = rate * Self.sufficient
    }

    /// All that is heard.
    var heard: Int64 { speech.reduce(0) { $0 + $1.count } }

    /// - Parameters:
    ///   - transcript: without what is no speech.
    ///   - sounds: what the engine says to be music and the like; nobody expects text there.
    ///   - cut: where the audio was cut for it, where it was; text without times is in that part of which it is.
    func holes(in transcript: ChunkTranscript, sounds: [SampleRange] = [], cut: Int64? = nil) -> [Hole] {
        let segments = transcript.segments.filter { WrittenText.isVisible($0.text) }
        var covers = sounds.map { Cover(range: $0, isGuess: false) }
        let words = segments.reduce(0) { $0 + SpeakingRate.words(in: $1.text) }
        if transcript.timesAreEstimated {
            let parts = cut.map { [SampleRange(0, $0), SampleRange($0, length)] } ?? [SampleRange(0, length)]
            for part in parts {
                let text = segments.filter { part.contains(min(max(0, $0.range.middle), length - 1)) }
                covers.append(cover(of: text.reduce(0) { $0 + SpeakingRate.words(in: $1.text) }, in: part))
            }
        } else {
            let isTimed = segments.allSatisfy(Self.hasTimedWords)
            if !isTimed, words >= enough * SampleClock.seconds(heard) { return [] }
            let following = segments.dropFirst().map(\.range.start) + [length]
            for (segment, next) in zip(segments, following) { covers += self.covers(of: segment, before: next) }
        }
        return holes(between: covers)
    }

    // MARK: What text covers

    private struct Cover {
        var range: SampleRange
        /// Its end is where the words would be used up, not where the engine says.
        var isGuess: Bool
        /// By so much it is wider than what the engine says.
        var margin: Int64 = 0
    }

    /// The words are all of its text, and have a place: times without a width are none.
    private static func hasTimedWords(_ segment: Segment) -> Bool {
        guard !segment.words.isEmpty, segment.words.count(where: { $0.range.isEmpty }) * 5 <= segment.words.count
        else { return false }
        let own = segment.words.reduce(0) { $0 + SpeakingRate.words(in: $1.text) }
        return own * 5 >= SpeakingRate.words(in: segment.text) * 4
    }

    /// - Parameter next: where the segment behind it begins.
    private func covers(of segment: Segment, before next: Int64) -> [Cover] {
        guard Self.hasTimedWords(segment) else {
            let words = SpeakingRate.words(in: segment.text)
            var range = segment.range
            // Nobody says it in that time: only where it begins may be true.
            if words > Self.fastest * range.seconds { range.end = max(range.end, next) }
            let place = range.widened(by: Self.segmentInaccuracy).clamped(to: SampleRange(0, length))
            var cover = cover(of: words, in: place)
            cover.margin = Self.segmentInaccuracy
            return [cover]
        }
        return segment.words.map { word in
            // A word that is stretched over what follows it covers no more than it can last.
            let longest = max(2 * SampleClock.rate, Int64(WrittenText.columns(word.text)) * SampleClock.rate / 5)
            let range = SampleRange(word.range.start, min(word.range.end, word.range.start + longest))
            return Cover(range: range.widened(by: Self.wordInaccuracy), isGuess: false, margin: Self.wordInaccuracy)
        }
    }

    /// As much of what is heard in `place` as can be said with so many words, from its beginning.
    private func cover(of words: Double, in place: SampleRange) -> Cover {
        guard words > 0 else { return Cover(range: SampleRange(place.start, place.start), isGuess: false) }
        var left = Int64(min(words / (rate * Self.slowest), 86_400) * Double(SampleClock.rate)) + SampleClock.rate
        for piece in speech.overlapping(place) {
            let piece = piece.clamped(to: place)
            if piece.count > left { return Cover(range: SampleRange(place.start, piece.start + left), isGuess: true) }
            left -= piece.count
        }
        return Cover(range: place, isGuess: false)
    }

    // MARK: What is left

    private func holes(between covers: [Cover]) -> [Hole] {
        var found: [Hole] = []
        var last = Cover(range: SampleRange(0, 0), isGuess: false)
        let ordered = covers.sorted { $0.range.start < $1.range.start }
        for cover in ordered + [Cover(range: SampleRange(length, length), isGuess: false)] {
            if let hole = hole(from: last, to: cover) { found.append(hole) }
            if cover.range.end >= last.range.end { last = cover }
        }
        return found
    }

    private func hole(from last: Cover, to next: Cover) -> Hole? {
        let bounds = SampleRange(last.range.end, next.range.start)
        guard heard(in: bounds) >= (last.isGuess ? Self.minimumGuess : Self.minimumHole) else { return nil }
        // It is there for sure; then it reaches from text to text.
        let margin = last.isGuess ? 0 : last.margin
        let whole = SampleRange(max(0, bounds.start - margin), min(length, bounds.end + next.margin))
        let pieces = speech.overlapping(whole).map { $0.clamped(to: whole) }
        guard let first = pieces.first, let final = pieces.last else { return nil }
        return Hole(range: SampleRange(first.start, final.end), heard: heard(in: whole))
    }

    private func heard(in bounds: SampleRange) -> Int64 {
        speech.overlapping(bounds).reduce(0) { $0 + $1.overlap(with: bounds) }
    }
}

extension SampleRange {
    fileprivate func widened(by margin: Int64) -> SampleRange { SampleRange(start - margin, end + margin) }
}
