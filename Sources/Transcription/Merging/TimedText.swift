/// The smallest piece of a segment's text that is not broken: a word; in scripts without spaces one of their characters, or
/// a word where whole words were asked for.
struct TimedToken {
    /// Without white space.
    var text: String
    var range: SampleRange
    /// A space stands before it in the text.
    var spaceBefore: Bool
    /// Where it stands in the text, in characters.
    var offsets: Range<Int>
    /// The last one of its segment.
    var endsSegment = false
}

/// Gives each piece of a segment's text its time: by the words' times where the engine told them, by the share of
/// characters elsewhere.
struct TimedText {
    /// Slowest speech that is believed, in columns per second: engines stretch a short text over the silence after it.
    private static let slowestSpeech: Int64 = 5

    private struct Anchor {
        var offset: Int
        var time: Int64
    }

    let tokens: [TimedToken]

    /// - Parameters:
    ///   - trimmingSilence: takes text that lasts implausibly long as spoken at its beginning.
    ///   - wholeWords: keeps words of scripts without spaces together, and a number with what it counts.
    init(_ segment: Segment, trimmingSilence: Bool = false, wholeWords: Bool = false) {
        let characters = Array(segment.text)
        let anchors = Self.anchors(of: segment, in: characters, trimmingSilence: trimmingSilence)
        let asksForWords = wholeWords && characters.contains(where: \.isUnspaced)
        var pieces = Self.pieces(
            of: characters, wordStarts: asksForWords ? WordBoundaries.wordStarts(in: characters) : nil)
        if !pieces.isEmpty { pieces[pieces.count - 1].endsSegment = true }
        var from = 0
        for at in pieces.indices {
            let offsets = pieces[at].offsets
            while from + 1 < anchors.count, anchors[from + 1].offset <= offsets.lowerBound { from += 1 }
            let start = Self.time(at: offsets.lowerBound, after: from, in: anchors)
            var to = from
            while to + 1 < anchors.count, anchors[to + 1].offset < offsets.upperBound { to += 1 }
            var end = max(start, Self.time(at: offsets.upperBound, after: to, in: anchors))
            if trimmingSilence { end = min(end, start + Self.longest(pieces[at].text[...])) }
            pieces[at].range = SampleRange(start, end)
        }
        tokens = pieces
    }

    /// `segment` up to its token `end` (exclusive), with its words; nil when nothing is left.
    static func prefix(of segment: Segment, upTo end: Int, tokens: [TimedToken]) -> Segment? {
        guard end > 0 else { return nil }
        guard end < tokens.count else { return segment }
        var cut = segment
        cut.text = WrittenText.clean(String(Array(segment.text)[..<tokens[end - 1].offsets.upperBound]))
        cut.range = SampleRange(segment.range.start, tokens[end - 1].range.end)
        cut.words = segment.words.filter { $0.range.middle < tokens[end].range.start }
        return cut
    }

    /// `segment` from its token `start` on; nil when nothing is left.
    static func suffix(of segment: Segment, from start: Int, tokens: [TimedToken]) -> Segment? {
        guard start < tokens.count else { return nil }
        guard start > 0 else { return segment }
        var cut = segment
        cut.text = WrittenText.clean(String(Array(segment.text)[tokens[start].offsets.lowerBound...]))
        cut.range = SampleRange(tokens[start].range.start, segment.range.end)
        cut.words = segment.words.filter { $0.range.middle >= tokens[start].range.start }
        return cut
    }

    private static func longest(_ text: some StringProtocol) -> Int64 {
        max(2 * SampleClock.rate, Int64(WrittenText.columns(text)) * SampleClock.rate / slowestSpeech)
    }

    // MARK: Anchors

    private static func anchors(of segment: Segment, in text: [Character], trimmingSilence: Bool) -> [Anchor] {
        var range = segment.range
        let located = locate(segment.words, in: text)
        if located.isEmpty {
            if trimmingSilence { range.end = min(range.end, range.start + longest(segment.text)) }
            return [Anchor(offset: 0, time: range.start), Anchor(offset: text.count, time: range.end)]
        }
        var anchors: [Anchor] = []
        var clock = range.start
        func add(_ offset: Int, _ time: Int64) {
            clock = max(clock, min(time, range.end))
            anchors.append(Anchor(offset: offset, time: clock))
        }
        if let first = located.first, first.offsets.lowerBound > 0 { add(0, range.start) }
        for word in located {
            add(word.offsets.lowerBound, word.range.start)
            add(word.offsets.upperBound, word.range.end)
        }
        if let last = located.last, last.offsets.upperBound < text.count { add(text.count, range.end) }
        return anchors
    }

    private static func time(at offset: Int, after index: Int, in anchors: [Anchor]) -> Int64 {
        let before = anchors[index]
        guard index + 1 < anchors.count, offset > before.offset else { return before.time }
        let next = anchors[index + 1]
        guard offset < next.offset else { return next.time }
        return before.time
            + (next.time - before.time) * Int64(offset - before.offset) / Int64(next.offset - before.offset)
    }

    /// The places of `words` in the text, in order, each with the punctuation around it; those that are not found are
    /// passed over.
    private static func locate(_ words: [Word], in text: [Character]) -> [(offsets: Range<Int>, range: SampleRange)] {
        guard !words.isEmpty else { return [] }
        var found: [(offsets: Range<Int>, range: SampleRange)] = []
        var cursor = 0
        for (word, place) in zip(words, WordAlignment.places(of: words.map(\.text), in: text)) {
            guard let place, place.upperBound > cursor else { continue }
            var start = max(cursor, place.lowerBound)
            while let next = attached(before: start, in: text), next >= cursor { start = next }
            var end = place.upperBound
            while let next = attached(behind: end, in: text) { end = next }
            found.append((start..<end, word.range))
            cursor = end
        }
        return found
    }

    /// Where the mark before `place` begins that belongs to what follows: also an opening one with a space behind it.
    private static func attached(before place: Int, in text: [Character]) -> Int? {
        guard place > 0 else { return nil }
        if isAttached(text[place - 1]) { return place - 1 }
        guard place > 1, text[place - 1].isWhitespace else { return nil }
        let mark = text[place - 2]
        return openers.contains(mark) || isNoBreakSpace(text[place - 1]) && isAttached(mark) ? place - 2 : nil
    }

    /// Where the mark behind `place` ends that belongs to what stands before it.
    private static func attached(behind place: Int, in text: [Character]) -> Int? {
        let mark = place < text.count && isNoBreakSpace(text[place]) ? place + 1 : place
        guard mark < text.count, isAttached(text[mark]), !openers.contains(text[mark]) else { return nil }
        return mark + 1
    }

    private static func isNoBreakSpace(_ character: Character) -> Bool { "\u{A0}\u{202F}\u{2007}".contains(character) }

    private static func isAttached(_ character: Character) -> Bool { character.isPunctuation }

    // MARK: Pieces

    private static let openers: Set<Character> = ["「", "『", "（", "【", "《", "〈", "“", "‘", "(", "[", "«"]
    private static let smallKana: Set<Character> = [
        "ー", "っ", "ッ", "ゃ", "ゅ", "ょ", "ャ", "ュ", "ョ", "ぁ", "ぃ", "ぅ", "ぇ", "ぉ", "ァ", "ィ", "ゥ", "ェ", "ォ", "々",
    ]

    /// Cuts at white space and between characters of scripts without it, but not before closing punctuation or small
    /// kana nor after opening brackets; of these only where words begin, if that is given. Times are not set yet.
    private static func pieces(of text: [Character], wordStarts: [Bool]?) -> [TimedToken] {
        var pieces: [TimedToken] = []
        var start: Int?
        var spaced = false
        func finish(at end: Int) {
            guard let from = start, from < end else { return }
            start = nil
            let piece = String(text[from..<end])
            guard WrittenText.isVisible(piece) else { return }
            pieces.append(
                TimedToken(text: piece, range: SampleRange(0, 0), spaceBefore: spaced, offsets: from..<end))
            spaced = false
        }
        for (at, character) in text.enumerated() {
            if character.isWhitespace, !isNoBreakSpace(character) {
                finish(at: at)
                spaced = !pieces.isEmpty
                continue
            }
            if at > 0, start != nil {
                let previous = text[at - 1]
                let unspaced = previous.isUnspaced || character.isUnspaced
                let clings =
                    openers.contains(previous) || smallKana.contains(character)
                    || (isAttached(character) && !openers.contains(character))
                let isInWord = wordStarts.map { !$0[at] || previous.isDigit && !character.isDigit } ?? false
                if unspaced, !clings, !isInWord { finish(at: at) }
            }
            if start == nil { start = at }
        }
        finish(at: text.count)
        return pieces
    }
}

extension Character {
    /// A digit of any script; Han numerals are words.
    fileprivate var isDigit: Bool { unicodeScalars.first?.properties.generalCategory == .decimalNumber }
}
