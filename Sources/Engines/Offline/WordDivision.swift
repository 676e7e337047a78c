import Transcription

/// Which words of a text are said in which stretch of speech: of all divisions that keep the order, the one that costs least.
///
/// A run of words costs by how far its length is from that of its stretch, and by where the breaks fall.
struct WordDivision {
    /// Seconds that the detector hears on behind the last sound.
    private static let tail = 0.1
    /// Of a break between two stretches behind a word without punctuation; the longer the pause, the less likely it is.
    private static let unmarkedBreak = 0.3
    private static let unmarkedBreakPerSecond = 1.0
    /// Of the end of a sentence in the middle of a stretch.
    private static let sentenceWithin = 0.15
    /// Of a second of speech without a word.
    private static let wordlessSecond = 0.3
    /// How far the length of a run may be from that of its stretch, in seconds and as a part of it.
    private static let tolerance = (seconds: 0.15, part: 0.15)
    /// More words or stretches than a piece can have are not fitted but spread.
    private static let maximumPlaces = 2_000_000

    /// Times in seconds.
    struct Stretch {
        let range: SampleRange
        let start: Double
        let end: Double
        var length: Double { end - start }

        init(_ range: SampleRange) {
            self.range = range
            start = SampleClock.seconds(range.start)
            end = max(start + 0.05, SampleClock.seconds(range.end) - WordDivision.tail)
        }
    }

    struct Spoken {
        enum Mark { case none, clause, sentence }
        /// In letters, nearly.
        let weight: Double
        let mark: Mark

        init(_ text: String) {
            var letters = 0.0
            var vowels = 0.0
            var wasVowel = false
            for character in text.lowercased() {
                // A digit is a word of its own.
                letters += character.isNumber ? 3 : character.isLetter ? 1 : 0
                let isVowel = "aeiouy".contains(character)
                if isVowel, !wasVowel { vowels += 1 }
                wasVowel = isVowel
            }
            weight = max(letters, 1) + 1 + max(vowels, 1)
            let last = text.last { !"\"'”’»)".contains($0) }
            mark =
                text.endsSentence
                ? .sentence : last.map { ",;:，、；：".contains($0) } == true ? .clause : .none
        }
    }

    let words: [Spoken]
    /// At least one.
    let stretches: [Stretch]
    /// For each stretch the words that are said in it.
    private(set) var runs: [Range<Int>]
    /// For each stretch, what it costs at least that so many words are said up to its end; empty where nothing was fitted.
    private var before: [[Double]] = []
    /// `times[k]`: seconds that the first `k` words take.
    private let times: [Double]
    private let sentences: [Double]

    /// - Parameters:
    ///   - texts: the words, in order; at least one.
    ///   - speech: where somebody speaks, in order.
    ///   - bounds: where the words were decoded from.
    init(_ texts: [String], in speech: [SampleRange], within bounds: SampleRange) {
        let heard = speech.map { $0.clamped(to: bounds) }.filter { !$0.isEmpty }
        let (stretches, words) = ((heard.isEmpty ? [bounds] : heard).map(Stretch.init), texts.map(Spoken.init))
        let rate = stretches.reduce(0) { $0 + $1.length } / words.reduce(0) { $0 + $1.weight }
        times = Self.sums(words.map { $0.weight * rate })
        sentences = Self.sums(words.map { $0.mark == .sentence ? Self.sentenceWithin : 0 })
        (self.stretches, self.words) = (stretches, words)
        runs = [0..<words.count]
        guard stretches.count > 1 else { return }
        if words.count * words.count * stretches.count <= Self.maximumPlaces {
            fit()
        } else {
            runs = evenRuns()
        }
    }

    private mutating func fit() {
        let count = words.count
        var best = [Double](repeating: .infinity, count: count + 1)
        best[0] = 0
        var ways: [[Int]] = []
        for at in stretches.indices {
            var next = [Double](repeating: .infinity, count: count + 1)
            var way = [Int](repeating: 0, count: count + 1)
            for end in 0...count {
                for start in 0...end where best[start] < .infinity {
                    let cost = best[start] + cost(of: start, end, in: at)
                    if cost < next[end] { (next[end], way[end]) = (cost, start) }
                }
            }
            best = next
            before.append(best)
            ways.append(way)
        }
        var end = count
        runs = []
        for way in ways.reversed() {
            runs.append(way[end]..<end)
            end = way[end]
        }
        runs.reverse()
    }

    /// Of the words from `start` to `end` in the stretch, and of the break behind them.
    private func cost(of start: Int, _ end: Int, in at: Int) -> Double {
        let stretch = stretches[at]
        let off = times[end] - times[start] - stretch.length
        let fit = off * off / (Self.tolerance.seconds + Self.tolerance.part * stretch.length)
        guard start < end else { return fit + Self.wordlessSecond * min(2, stretch.length) }
        let inside = fit + sentences[end - 1] - sentences[start]
        guard end < words.count, words[end - 1].mark == .none else { return inside }
        return inside + Self.unmarkedBreak + Self.unmarkedBreakPerSecond * min(1, pause(behind: at))
    }

    /// In seconds; 0 behind the last stretch.
    func pause(behind at: Int) -> Double {
        at + 1 < stretches.count ? max(0, stretches[at + 1].start - stretches[at].end) : 0
    }

    // MARK: How sure it is

    /// For each pause, what it costs at least that so many words are said before it; empty where nothing was fitted.
    var costsOfBreaks: [[Double]] {
        guard !before.isEmpty else { return [] }
        let count = words.count
        var after = [Double](repeating: .infinity, count: count + 1)
        after[count] = 0
        var costs: [[Double]] = []
        for at in stretches.indices.dropFirst().reversed() {
            var next = [Double](repeating: .infinity, count: count + 1)
            for start in 0...count {
                for end in start...count where after[end] < .infinity {
                    next[start] = min(next[start], cost(of: start, end, in: at) + after[end])
                }
            }
            after = next
            costs.append(zip(before[at - 1], after).map(+))
        }
        return costs.reversed()
    }

    // MARK: Without fitting

    /// In proportion to the lengths alone.
    private func evenRuns() -> [Range<Int>] {
        let speech = stretches.reduce(0) { $0 + $1.length }
        var (start, passed) = (0, 0.0)
        return stretches.map { stretch in
            passed += stretch.length
            let end = max(start, min(words.count, Int((Double(words.count) * passed / speech).rounded())))
            defer { start = end }
            return start..<end
        }
    }

    private static func sums(_ values: [Double]) -> [Double] {
        var sum = 0.0
        return [0]
            + values.map { value in
                sum += value
                return sum
            }
    }
}
