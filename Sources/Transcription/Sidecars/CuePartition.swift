/// Cuts a row of words into cues: of all ways that keep to the rules, the one with the least total cost, by dynamic
/// programming over the places between words.
struct CuePartition {
    private let rules: CueRules
    private let tokens: [CueToken]
    /// Where the next thing after these words begins, in milliseconds; nil: nothing does.
    private let limit: Int64?
    /// Nil: nobody's in particular.
    private let voice: CueVoice?
    /// `offset[k]`: columns of the words before `k`, with the spaces before them.
    private var offset: [Int] = [0]
    /// `lineEnd[k]`: how far a line goes that begins with word `k`.
    private var lineEnd: [Int] = []
    /// `offset` and `lineEnd` in code points, as some checkers count.
    private var codePointOffset: [Int] = [0]
    private var codePointLineEnd: [Int] = []
    /// `seams[k]`: what stands between the words `k` and `k + 1`.
    private var seams: [Seam] = []

    /// How well text is parted at a place.
    private enum Seam { case sentence, clause, beforeLeadingWord, plain, poor }

    init(_ words: [CueToken], rules: CueRules, limit: Int64?, voice: CueVoice? = nil) {
        self.rules = rules
        self.limit = limit
        self.voice = voice
        var tokens = words
        var clock: Int64 = 0
        for at in tokens.indices {
            clock = max(clock, tokens[at].start)
            tokens[at].start = clock
            tokens[at].end = max(clock, tokens[at].end)
            if at > 0 {
                tokens[at - 1].end = min(tokens[at - 1].end, clock)
                if tokens[at].startsSegment { tokens[at].spaceBefore = Self.isSpaced(tokens[at - 1], tokens[at]) }
            } else {
                tokens[at].spaceBefore = false
            }
        }
        tokens = UnbrokenWords(rules).joined(tokens)
        self.tokens = tokens
        for token in tokens {
            let space = token.spaceBefore ? 1 : 0
            offset.append((offset.last ?? 0) + token.columns + space)
            codePointOffset.append((codePointOffset.last ?? 0) + token.text.unicodeScalars.count + space)
        }
        seams = tokens.indices.map { Self.seam(behind: $0, of: tokens, rules.functionWords) }
        lineEnd = lineEnds(offset)
        codePointLineEnd = lineEnds(codePointOffset)
    }

    private func lineEnds(_ offset: [Int]) -> [Int] {
        var ends: [Int] = []
        for start in tokens.indices {
            var end = max(ends.last ?? 0, start + 1)
            while end < tokens.count, width(start, end + 1, by: offset) <= rules.lineColumns { end += 1 }
            ends.append(end)
        }
        return ends
    }

    private static func isSpaced(_ a: CueToken, _ b: CueToken) -> Bool {
        guard let last = a.text.last, let first = b.text.first else { return false }
        return JoinedText.areSpaced(last, first)
    }

    private static func seam(behind at: Int, of tokens: [CueToken], _ words: FunctionWords) -> Seam {
        switch WrittenText.ending(of: tokens[at].text) {
        case .sentence: return .sentence
        case .clause: return .clause
        case .none: break
        }
        guard at + 1 < tokens.count else { return .plain }
        let (last, first) = (tokens[at].lastWord, tokens[at + 1].firstWord)
        let bare = last.lowercased()
        if [words.articles, words.attached, words.leading].contains(where: { $0.contains(bare) }) { return .poor }
        if words.leading.contains(first.lowercased()) { return .beforeLeadingWord }
        return words.areAttached(last, first) ? .poor : .plain
    }

    /// The cues from their first words until their last ones have been heard and read; `CueTiming` makes room for them.
    func cues() -> [Cue] {
        var best = [Double](repeating: .infinity, count: tokens.count + 1)
        var from = [Int](repeating: 0, count: tokens.count + 1)
        best[0] = 0
        for end in tokens.indices.map({ $0 + 1 }) {
            var inside = Inside()
            for start in stride(from: end - 1, through: 0, by: -1) {
                if start < end - 1 {
                    inside.add(pause: pause(after: start), sentenceEnds: seams[start] == .sentence)
                    guard fits(start, end), inside.maximumPause <= rules.maximumPause,
                        tokens[end - 1].end - tokens[start].start <= rules.maximumDuration
                    else { break }
                }
                let cost = best[start] + cost(start, end, inside)
                if cost < best[end] { (best[end], from[end]) = (cost, start) }
            }
        }
        var cues: [Cue] = []
        var end = tokens.count
        while end > 0 {
            let start = from[end]
            let read = tokens[start].start + Int64(readingTime(start, end).rounded(.up))
            cues.append(
                Cue(
                    start: tokens[start].start, end: max(tokens[end - 1].end, read), lines: lines(start, end),
                    speaker: voice?.speaker))
            end = start
        }
        return cues.reversed()
    }

    /// What a cue would hold between its words.
    private struct Inside {
        var maximumPause: Int64 = 0
        var sentences = 0

        mutating func add(pause: Int64, sentenceEnds: Bool) {
            maximumPause = max(maximumPause, pause)
            if sentenceEnds { sentences += 1 }
        }
    }

    private func pause(after index: Int) -> Int64 {
        index + 1 < tokens.count ? tokens[index + 1].start - tokens[index].end : rules.maximumDuration
    }

    // MARK: Lines

    private func width(_ start: Int, _ end: Int) -> Int { width(start, end, by: offset) }

    private func width(_ start: Int, _ end: Int, by offset: [Int]) -> Int {
        offset[end] - offset[start] - (tokens[start].spaceBefore ? 1 : 0)
    }

    /// Whether the lines keep to their limit even where marks above and below letters are counted.
    private func fitsInCodePoints(_ start: Int, _ end: Int) -> Bool {
        let first = codePointLineEnd[start]
        return first >= end || lineEnd[start] < end && codePointLineEnd[first] >= end
    }

    private func fits(_ start: Int, _ end: Int) -> Bool {
        let first = firstLineEnd(start)
        return first >= end || lineEnd[first] >= end
    }

    /// What the cue that begins with word `start` has in front of it.
    private func lead(_ start: Int) -> CueVoice.Lead? { start == 0 ? voice?.first : voice?.others }

    private func leadWidth(_ start: Int) -> Int { lead(start)?.columns ?? 0 }

    /// How far the first line of a cue goes; no farther than `start` where only the speaker's label fits into it.
    private func firstLineEnd(_ start: Int) -> Int {
        let lead = leadWidth(start)
        guard lead > 0 else { return lineEnd[start] }
        var end = start
        while end < lineEnd[start], lead + width(start, end + 1) <= rules.lineColumns { end += 1 }
        return end
    }

    private func text(_ start: Int, _ end: Int) -> String {
        (start..<end).reduce(into: "") { text, at in
            if at > start, tokens[at].spaceBefore { text += " " }
            text += tokens[at].text
        }
    }

    /// One line where it fits, else two of about the same width, broken after punctuation or before a conjunction or
    /// preposition if there is one in the middle.
    private func lines(_ start: Int, _ end: Int) -> [String] {
        let first = firstLineEnd(start)
        let lead = lead(start).map { [$0.text] } ?? []
        if first >= end { return [(lead + [text(start, end)]).joined(separator: " ")] }
        if first == start { return lead + [text(start, end)] }
        var best = (at: first, cost: Int.max)
        for at in start + 1...first where at < end && width(at, end) <= rules.lineColumns {
            let (upper, lower) = (leadWidth(start) + width(start, at), width(at, end))
            var cost = abs(upper - lower) + (upper > lower ? 2 : 0)
            if codePointLineEnd[start] < at || codePointLineEnd[at] < end { cost += 20 }
            switch seams[at - 1] {
            case .sentence: cost -= 16
            case .clause: cost -= 12
            case .beforeLeadingWord: cost -= 7
            case .plain: break
            case .poor: cost += 12
            }
            if cost < best.cost { best = (at, cost) }
        }
        return [(lead + [text(start, best.at)]).joined(separator: " "), text(best.at, end)]
    }

    // MARK: Cost

    /// The weights say what is worse than what: to cut within a clause, to cut a clause off, to show a cue too shortly.
    private func cost(_ start: Int, _ end: Int, _ inside: Inside) -> Double {
        var cost = 12 + 4 * Double(inside.sentences)
        if !fitsInCodePoints(start, end) { cost += 12 }
        cost += Double(max(0, inside.maximumPause - 500)) / 100
        let pause = pause(after: end - 1)
        if end < tokens.count, pause < 700 {
            let isHeard = tokens[end - 1].endsSegment || pause >= 300
            switch seams[end - 1] {
            case .sentence: break
            case .clause: cost += 5
            case .beforeLeadingWord: cost += isHeard ? 5 : 14
            case .plain: cost += isHeard ? 5 : 16
            case .poor: cost += isHeard ? 12 : 24
            }
            if end - start == 1, seams[end - 1] != .sentence { cost += 6 }
        }
        let next = end < tokens.count ? tokens[end].start : limit ?? .max
        let room = max(1, next == .max ? rules.maximumDuration : next - rules.spacing - tokens[start].start)
        if room < rules.minimumDuration {
            cost += 30 * Double(rules.minimumDuration - room) / Double(rules.minimumDuration)
        }
        cost += min(25, max(0, readingTime(start, end) / Double(room) - 1) * 20)
        return cost
    }

    /// In milliseconds.
    private func readingTime(_ start: Int, _ end: Int) -> Double {
        Double(leadWidth(start) + width(start, end)) / rules.columnsPerSecond * 1000
    }
}
