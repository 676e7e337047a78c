/// The seam at a cut through speech: both chunks heard the audio around it, each word is taken from one of them.
///
/// With word times a word belongs to the left chunk if its middle lies before the cut. Engines place the same word a
/// little differently in the two chunks, so words that both heard are paired first, and each pair gives one word. Without
/// word times the common run of words is looked for and the texts are spliced in the middle of it.
struct OverlapMerger {
    /// Segments of the chunk before and after the cut, in samples of the recording.
    private(set) var left: [Segment]
    private(set) var right: [Segment]
    private let cut: Int64
    /// What both chunks heard.
    private let overlap: SampleRange
    /// So many segments and words are compared on each side: nobody says more in the seconds that both heard, and each is
    /// compared with each.
    private static let maximumSegments = 256
    private static let maximumWords = 1000

    init(left: [Segment], right: [Segment], cut: Int64, overlap: SampleRange) {
        self.left = left
        self.right = right
        self.cut = cut
        self.overlap = overlap
    }

    /// A segment beside a forced cut whose other side failed: what lies beyond the cut belongs to the gap there. A
    /// segment without word times stays whole if it begins on this side.
    static func trim(_ segments: [Segment], to owned: SampleRange) -> [Segment] {
        segments.compactMap { segment in
            guard segment.range.start < owned.start || segment.range.end > owned.end else { return segment }
            if segment.words.isEmpty {
                guard segment.range.overlap(with: owned) > 0 else { return nil }
                var kept = segment
                kept.range = segment.range.clamped(to: owned)
                return kept
            }
            return keeping(segment.words.map { owned.contains($0.range.middle) }, of: segment)
        }
    }

    /// Changes `left` and `right` so that each word stands once.
    /// - Returns: false when the two sides had nothing in common and the choice was made by time alone.
    mutating func resolve() -> Bool {
        let first = left.firstIndex { $0.range.end > overlap.start } ?? left.endIndex
        let tail = max(first, left.endIndex - Self.maximumSegments)..<left.endIndex
        let last = right.lastIndex { $0.range.start < overlap.end } ?? -1
        let head = 0..<min(last + 1, Self.maximumSegments)
        // A side that heard nothing there takes nothing away from the other one.
        guard !tail.isEmpty, !head.isEmpty else { return true }
        if left[tail].allSatisfy({ !$0.words.isEmpty }), right[head].allSatisfy({ !$0.words.isEmpty }) {
            resolveByWords(tail, head)
            return true
        }
        if spliceAtSegment(tail, head) || spliceInRun(tail, head) { return true }
        return resolveBySegments(tail, head)
    }

    // MARK: Words with times

    private struct Spoken {
        var segment: Int
        var word: Int
        var range: SampleRange
        var text: String
    }

    private mutating func resolveByWords(_ tail: Range<Int>, _ head: Range<Int>) {
        let leftWords = Self.spoken(left, tail).filter { $0.range.end > overlap.start }
        let rightWords = Self.spoken(right, head).filter { $0.range.start < overlap.end }
        guard !leftWords.isEmpty, !rightWords.isEmpty else { return }
        let rightIsSilent = !rightWords.contains { $0.range.overlap(with: overlap) > 0 }
        let leftIsSilent = !leftWords.contains { $0.range.overlap(with: overlap) > 0 }
        var keepLeft = leftWords.map { rightIsSilent || $0.range.middle < cut }
        var keepRight = rightWords.map { leftIsSilent || $0.range.middle >= cut }
        for (l, r) in Self.pairs(leftWords, rightWords) where keepLeft[l] == keepRight[r] {
            keepRight[r] = false
            keepLeft[l] = true
        }
        left = Self.keeping(keepLeft, of: leftWords, in: left)
        right = Self.keeping(keepRight, of: rightWords, in: right)
    }

    private static func spoken(_ segments: [Segment], _ range: Range<Int>) -> [Spoken] {
        range.flatMap { at in
            segments[at].words.enumerated().map {
                Spoken(
                    segment: at, word: $0.offset, range: $0.element.range,
                    text: WrittenText.comparable($0.element.text))
            }
        }
    }

    /// The best pairing in order of the words that both sides heard: same text, at nearly the same time. None where there
    /// are more than anybody says.
    private static func pairs(_ left: [Spoken], _ right: [Spoken]) -> [(Int, Int)] {
        guard max(left.count, right.count) <= maximumWords else { return [] }
        let tolerance = Double(SampleClock.rate) * 0.6
        func gain(_ l: Spoken, _ r: Spoken) -> Double {
            guard l.text == r.text else { return 0 }
            let distance = Double(abs(l.range.middle - r.range.middle))
            return distance > tolerance ? 0 : 1 - 0.5 * distance / tolerance
        }
        let width = right.count + 1
        var best = [Double](repeating: 0, count: (left.count + 1) * width)
        for l in left.indices.reversed() {
            for r in right.indices.reversed() {
                let skip = max(best[(l + 1) * width + r], best[l * width + r + 1])
                let gain = gain(left[l], right[r])
                best[l * width + r] = gain > 0 ? max(skip, gain + best[(l + 1) * width + r + 1]) : skip
            }
        }
        var pairs: [(Int, Int)] = []
        var (l, r) = (0, 0)
        while l < left.count, r < right.count {
            let here = best[l * width + r]
            if here == best[(l + 1) * width + r] {
                l += 1
            } else if here == best[l * width + r + 1] {
                r += 1
            } else {
                pairs.append((l, r))
                l += 1
                r += 1
            }
        }
        return pairs
    }

    private static func keeping(_ keep: [Bool], of words: [Spoken], in segments: [Segment]) -> [Segment] {
        var dropped: [Int: Set<Int>] = [:]
        for (word, keep) in zip(words, keep) where !keep { dropped[word.segment, default: []].insert(word.word) }
        return segments.enumerated().compactMap { at, segment in
            guard let gone = dropped[at] else { return segment }
            return keeping(segment.words.indices.map { !gone.contains($0) }, of: segment)
        }
    }

    /// The segment with those of its words only. Its text is cut where the words stand in it, so that punctuation stays.
    private static func keeping(_ keep: [Bool], of segment: Segment) -> Segment? {
        guard keep.contains(false) else { return segment }
        guard let first = keep.firstIndex(of: true), let last = keep.lastIndex(of: true) else { return nil }
        var kept = segment
        kept.words = zip(segment.words, keep).filter(\.1).map(\.0)
        let start = first == 0 ? segment.range.start : max(segment.range.start, segment.words[first].range.start)
        let end = last == keep.count - 1 ? segment.range.end : min(segment.range.end, segment.words[last].range.end)
        kept.range = SampleRange(start, end)
        let tokens = TimedText(segment).tokens
        let inside = tokens.filter { $0.range.middle >= start && $0.range.middle < end }
        let text = inside.first.flatMap { first in
            inside.last.map { String(Array(segment.text)[first.offsets.lowerBound..<$0.offsets.upperBound]) }
        }
        let joined = kept.words.map(\.text).joinedAsText()
        // The text is trusted only where it says what the words say.
        let agrees = text.map { WrittenText.comparable($0) == WrittenText.comparable(joined) } ?? false
        kept.text = agrees ? WrittenText.clean(text ?? joined) : joined
        return kept
    }

    // MARK: Segments that both sides have

    /// Splices at a segment that both sides cut out the same way; the one nearest to the cut.
    private mutating func spliceAtSegment(_ tail: Range<Int>, _ head: Range<Int>) -> Bool {
        var best: (l: Int, r: Int, distance: Int64)?
        let texts = head.map { WrittenText.comparable(right[$0].text) }
        for l in tail {
            let text = WrittenText.comparable(left[l].text)
            for r in head where texts[r] == text {
                let (a, b) = (left[l].range, right[r].range)
                let tolerance = min(SampleClock.rate / 2, max(a.count, b.count) / 2)
                guard abs(a.start - b.start) <= tolerance, abs(a.end - b.end) <= tolerance else { continue }
                let distance = abs(a.middle - cut) + abs(a.start - b.start)
                if distance < best?.distance ?? .max { best = (l, r, distance) }
            }
        }
        guard let best else { return false }
        let isLeft = left[best.l].range.middle < cut
        left.removeSubrange((isLeft ? best.l + 1 : best.l)...)
        right.removeSubrange(..<(isLeft ? best.r + 1 : best.r))
        return true
    }

    // MARK: Text without word times

    /// A token of one side with its place; only tokens near the overlap are compared.
    private struct Heard: AlignableToken {
        var segment: Int
        var token: Int
        var tokens: [TimedToken]
        var text: String
        var middle: Int64
        /// Times of tokens in a long segment are only shares of it.
        var uncertainty: Int64
    }

    private func heard(_ segments: [Segment], _ range: Range<Int>) -> [Heard] {
        range.flatMap { at -> [Heard] in
            let tokens = TimedText(segments[at]).tokens
            let uncertainty = SampleClock.rate + segments[at].range.count / 10
            return tokens.indices.map {
                Heard(
                    segment: at, token: $0, tokens: tokens, text: WrittenText.comparable(tokens[$0].text),
                    middle: tokens[$0].range.middle, uncertainty: uncertainty)
            }
        }
    }

    private mutating func spliceInRun(_ tail: Range<Int>, _ head: Range<Int>) -> Bool {
        let leftTokens = heard(left, tail).filter { $0.middle + $0.uncertainty >= overlap.start }.suffix(80)
        let rightTokens = heard(right, head).filter { $0.middle - $0.uncertainty <= overlap.end }.prefix(80)
        let (l, r) = (Array(leftTokens), Array(rightTokens))
        guard let run = TokenAlignment.maximumCommonRun(l, r) else { return false }
        let last = l[run.left + run.count / 2]
        let first = r[run.right + run.count / 2]
        let head = TimedText.prefix(of: left[last.segment], upTo: last.token, tokens: last.tokens)
        let rest = TimedText.suffix(of: right[first.segment], from: first.token, tokens: first.tokens)
        left.replaceSubrange(last.segment..., with: head.map { [$0] } ?? [])
        right.replaceSubrange(...first.segment, with: rest.map { [$0] } ?? [])
        return true
    }

    /// Nothing in common: by the middle of each segment, but of two that cover the same time one stays.
    private mutating func resolveBySegments(_ tail: Range<Int>, _ head: Range<Int>) -> Bool {
        let leftIsAlone = !right[head].contains { $0.range.overlap(with: overlap) > 0 }
        let rightIsAlone = !left[tail].contains { $0.range.overlap(with: overlap) > 0 }
        guard !leftIsAlone, !rightIsAlone else { return true }
        var keepLeft = left.map { $0.range.middle < cut }
        var keepRight = right.map { $0.range.middle >= cut }
        for l in left.indices where !tail.contains(l) { keepLeft[l] = true }
        for r in right.indices where !head.contains(r) { keepRight[r] = true }
        for l in tail {
            for r in head where keepLeft[l] == keepRight[r] {
                let (a, b) = (left[l].range, right[r].range)
                if a.overlap(with: b) * 10 >= max(a.count, b.count) * 6 {
                    keepLeft[l] = true
                    keepRight[r] = false
                }
            }
        }
        left = zip(left, keepLeft).filter(\.1).map(\.0)
        right = zip(right, keepRight).filter(\.1).map(\.0)
        return false
    }
}
