import Transcription

/// Tells which times of an answer can be true, and places the words that have none where something is to be heard between
/// their neighbours.
///
/// whisper.cpp gives a run of words one and the same time, ends before starts, or a stretch of silence that the speech only
/// follows. Words in digital silence move where clear speech beside them has no text and can hold them; words outside of
/// clear speech where the recording has any other sound may be a quiet voice: they stay, and nothing is moved for them.
/// What is set apart in brackets, and what lies far from anything heard, stays where it is: whether it was said at
/// all is not decided here.
struct WordPlacement {
    /// Servers place words up to this far off.
    private static let inaccuracy = SampleClock.rate * 3 / 10
    /// Text so far from anything heard was hardly said there or nearby.
    private static let farOff = SampleClock.rate
    /// So many words in a row at one time, or without width, have none.
    private static let minimumRun = 3
    /// Narrower than this is no width.
    private static let minimumWidth = SampleClock.rate / 200
    /// Less of a word than this is no word.
    private static let minimumWord = SampleClock.rate * 15 / 100
    /// In letters a second, over several words.
    private static let fastest: Int64 = 20
    private static let slowest: Int64 = 8
    /// A word of which less than one part in so many has any sound was not said there.
    private static let leastSound: Int64 = 10

    private let speech: [SampleRange]
    private let sampleCount: Int64
    private let sound: Coverage
    /// Nil: nothing at all where there is no speech.
    private lazy var audible: Coverage? = findAudible.map { Coverage($0()) }
    private let findAudible: (() -> [SampleRange])?

    /// - Parameters:
    ///   - speech: what is clearly heard, in order.
    ///   - audible: finds where there is more than digital silence, in order: a quiet voice, but also the noise of a room.
    ///     Called at most once, where words lie outside of `speech`. Nil: nothing but `speech` is to be heard.
    init(speech: [SampleRange], sampleCount: Int64, audible: (() -> [SampleRange])?) {
        self.speech = speech
        self.sampleCount = sampleCount
        sound = Coverage(speech)
        findAudible = audible
    }

    /// A word, or a piece as a whole that has none, with its time in samples.
    private struct Item {
        let piece: Int
        /// Nil: the piece.
        let word: Int?
        let text: String
        /// Of the whole piece.
        let pieceEnd: Int64?
        var start: Int64?
        var end: Int64?
        /// Its time is wrong or missing; otherwise it lies in digital silence.
        var isDegenerate = false
        var isSilent = false
        var isUnknown: Bool { isDegenerate || isSilent }
        var isMoved = false

        var letters: Int64 { Int64(text.count + 1) }
        /// Lasts longer than the word can.
        var isTooLong: Bool {
            guard let start, let end else { return false }
            return end - start > max(2 * SampleClock.rate, letters * SampleClock.rate / 5)
        }
    }

    /// Changes the times of `pieces`, which are in seconds and in order, where they cannot be true.
    mutating func place(_ pieces: inout [RawTranscript.Piece]) {
        var items = pieces.indices.flatMap { self.items(of: pieces[$0], at: $0) }
        judge(&items)
        fill(&items)
        write(items, to: &pieces)
        for at in pieces.indices { cutSilence(of: &pieces[at]) }
    }

    // MARK: What is known

    private func items(of piece: RawTranscript.Piece, at index: Int) -> [Item] {
        func samples(_ seconds: Double?) -> Int64? { seconds.map(SampleClock.samples(seconds:)) }
        let text = piece.text.trimmed
        if let first = text.first, let last = text.last, "[(*♪♫".contains(first), "])*♪♫".contains(last) { return [] }
        if let start = samples(piece.start), let end = samples(piece.end), end > start {
            let near = SampleRange(start - Self.farOff, end + Self.farOff)
            if !speech.isEmpty, speech.overlapping(near).isEmpty { return [] }
        }
        if piece.words.contains(where: { $0.start != nil || $0.end != nil }) {
            return piece.words.enumerated().map {
                Item(
                    piece: index, word: $0.offset, text: $0.element.text.trimmed, pieceEnd: samples(piece.end),
                    start: samples($0.element.start), end: samples($0.element.end))
            }
        }
        guard piece.start != nil || piece.end != nil else { return [] }
        return [
            Item(
                piece: index, word: nil, text: text, pieceEnd: samples(piece.end), start: samples(piece.start),
                end: samples(piece.end))
        ]
    }

    private mutating func judge(_ items: inout [Item]) {
        var latest: Int64 = 0
        for at in items.indices {
            let item = items[at]
            guard let start = item.start else {
                items[at].isDegenerate = item.end == nil
                continue
            }
            let end = item.end ?? start
            let isOutside = start >= sampleCount || start < latest - SampleClock.rate / 2
            if item.word != nil, end < start || isOutside {
                items[at].isDegenerate = true
            } else if !speech.isEmpty, item.word != nil || !item.isTooLong, isSilent(SampleRange(start, end)),
                !isAudible(SampleRange(start, end))
            {
                items[at].isSilent = true
            } else {
                latest = max(latest, start)
            }
        }
        markRuns(in: &items) { abs(($0.start ?? 0) - ($1.start ?? 0)) < Self.minimumWidth }
        markRuns(in: &items) { before, next in
            [before, next].allSatisfy { ($0.end ?? .max) - ($0.start ?? 0) < Self.minimumWidth }
        }
        for at in items.indices where !items[at].isUnknown && items[at].word != nil {
            guard let start = items[at].start, let end = items[at].end else { continue }
            let heard = heardPart(of: SampleRange(start, end))
            (items[at].start, items[at].end) = (heard.start, heard.end)
        }
    }

    /// Nothing is heard there that could be a word, nor right beside it where it is short.
    private func isSilent(_ range: SampleRange) -> Bool {
        if range.count > 2 * Self.inaccuracy { return heard(in: range) < Self.minimumWord }
        let near = SampleRange(range.start - Self.inaccuracy, max(range.end, range.start + 1) + Self.inaccuracy)
        return speech.overlapping(near).isEmpty
    }

    /// A quiet voice may be there, as far as the level tells.
    private mutating func isAudible(_ range: SampleRange) -> Bool {
        guard let audible else { return false }
        let range = SampleRange(range.start, max(range.end, range.start + Self.minimumWidth))
        return audible.samples(in: range) * Self.leastSound >= range.count
    }

    /// - Parameter isRun: two neighbours belong to a run of those that have no time.
    private func markRuns(in items: inout [Item], _ isRun: (Item, Item) -> Bool) {
        var from = 0
        while from < items.count {
            var to = from + 1
            while to < items.count, items[to].start != nil, items[from].start != nil, isRun(items[to - 1], items[to]) {
                to += 1
            }
            if to - from >= Self.minimumRun { for at in from..<to { items[at].isDegenerate = true } }
            from = to
        }
    }

    /// The stretch of speech in a word's time that the word is said in, where that time reaches into silence: the first
    /// that a word fits into.
    private func heardPart(of range: SampleRange) -> SampleRange {
        guard range.count > Self.inaccuracy else { return range }
        var parts: [SampleRange] = []
        for part in speech.overlapping(range).map({ $0.clamped(to: range) }) {
            if let last = parts.last, part.start - last.end < Self.inaccuracy {
                parts[parts.count - 1].end = part.end
            } else {
                parts.append(part)
            }
        }
        guard let said = parts.first(where: { $0.count >= Self.minimumWord }) else { return range }
        return SampleRange(
            said.start - range.start > Self.inaccuracy ? said.start : range.start,
            range.end - said.end > Self.inaccuracy ? said.end : range.end)
    }

    // MARK: What is filled

    private func fill(_ items: inout [Item]) {
        var at = 0
        while at < items.count {
            guard items[at].isUnknown else {
                at += 1
                continue
            }
            var end = at + 1
            while end < items.count, items[end].isUnknown, isNext(items[end], after: items[end - 1]) { end += 1 }
            at = fill(&items, at..<end)
        }
    }

    /// No pause lies between them, as far as their times tell, nor a piece that is left as it is.
    private func isNext(_ next: Item, after item: Item) -> Bool {
        guard next.piece != item.piece else { return true }
        guard next.piece == item.piece + 1 else { return false }
        guard let start = next.start, let before = item.start.map({ max($0, item.end ?? $0) }) else { return true }
        return start - before < 2 * SampleClock.rate
    }

    /// - Returns: the first item behind those that were looked at.
    private func fill(_ items: inout [Item], _ run: Range<Int>) -> Int {
        var reach = Reach(items, run, sampleCount: sampleCount)
        let isDegenerate = items[run].contains(where: \.isDegenerate)
        // Where even the fastest could not say it, the next words are not where they seem to be either.
        let farthest = reach.window.end + 2 * reach.needed
        while isDegenerate || run.count >= Self.minimumRun, isTooLittle(reach),
            reach.takeNext(of: items, before: farthest, sampleCount: sampleCount)
        {}
        reach.window.start = start(of: reach, earliest: reach.earliest(in: items))
        let taken = reach.begin..<reach.end
        guard isDegenerate || !isTooLittle(reach) && hasRoom(in: reach.window, for: items[taken]) else {
            return reach.end
        }
        let placed = WordTiming.words(
            items[taken].map(\.text), in: stretches(in: reach.window, letters: reach.letters), within: reach.window)
        guard placed.count == taken.count else { return reach.end }
        for (at, word) in zip(taken, placed) {
            (items[at].start, items[at].end, items[at].isMoved) = (word.range.start, word.range.end, true)
        }
        return reach.end
    }

    private func isTooLittle(_ reach: Reach) -> Bool { heard(in: reach.window) < reach.needed }

    /// Beside those of `items` that are where they are said, as much is heard in `window` as the others take at least.
    private func hasRoom(in window: SampleRange, for items: ArraySlice<Item>) -> Bool {
        var letters: Int64 = 0
        var free: Int64 = 0
        var from = window.start
        func add(until end: Int64) {
            if end - from >= Self.minimumWord { free += heard(in: SampleRange(from, end)) }
        }
        for item in items {
            guard !item.isUnknown, !item.isTooLong, let start = item.start else {
                letters += item.letters
                continue
            }
            add(until: min(start, window.end))
            from = max(from, item.end ?? start)
        }
        add(until: window.end)
        return free >= letters * SampleClock.rate / Self.fastest
    }

    /// The words that are placed anew, and where that may be.
    private struct Reach {
        let begin: Int
        private(set) var end: Int
        private(set) var letters: Int64
        var window: SampleRange
        /// Samples that the words take at least.
        var needed: Int64 { letters * SampleClock.rate / WordPlacement.fastest }

        init(_ items: [Item], _ run: Range<Int>, sampleCount: Int64) {
            (begin, end) = (run.lowerBound, run.upperBound)
            letters = items[run].reduce(0) { $0 + $1.letters }
            var after = end < items.count ? items[end].start ?? sampleCount : sampleCount
            // A word that lasts too long began somewhere in its time.
            if end < items.count, items[end].word != nil, items[end].isTooLong, let long = items[end].end {
                letters += items[end].letters
                (after, end) = (long, end + 1)
            }
            let hint = items[run].compactMap(\.start).filter { $0 < sampleCount }.min() ?? 0
            if end == run.upperBound {
                // Who is only early is not heard later than that.
                let told =
                    items[run].contains(where: \.isDegenerate)
                    ? items[end - 1].pieceEnd : items[run].compactMap { $0.end ?? $0.start }.max()
                if let told, told > hint { after = min(after, told) }
            }
            window = SampleRange(0, after)
            window.start = min(max(earliest(in: items), hint), after)
        }

        /// Where what stands before has ended.
        func earliest(in items: [Item]) -> Int64 { begin > 0 ? items[begin - 1].end ?? items[begin - 1].start ?? 0 : 0 }

        /// - Returns: false where the next one begins later.
        mutating func takeNext(of items: [Item], before farthest: Int64, sampleCount: Int64) -> Bool {
            guard end < items.count, items[end].word != nil, (items[end].start ?? .max) < farthest else { return false }
            letters += items[end].letters
            end += 1
            let next = end < items.count ? items[end].start ?? window.end : sampleCount
            window.end = max(window.end, next)
            return true
        }
    }

    /// Where the window must begin for so much to be heard in it.
    private func start(of reach: Reach, earliest: Int64) -> Int64 {
        let window = reach.window
        var missing = reach.needed - heard(in: window)
        guard missing > 0, earliest < window.start else { return window.start }
        let more = SampleRange(earliest, window.start)
        for range in (speech.isEmpty ? [more] : speech.overlapping(more).map { $0.clamped(to: more) }).reversed() {
            if range.count >= missing { return range.end - missing }
            missing -= range.count
        }
        return earliest
    }

    private func heard(in window: SampleRange) -> Int64 {
        speech.isEmpty ? window.count : sound.samples(in: window)
    }

    /// Where something is to be heard in `window`, no longer than the slowest would take.
    private func stretches(in window: SampleRange, letters: Int64) -> [SampleRange] {
        var left = letters * SampleClock.rate / Self.slowest
        var out: [SampleRange] = []
        let all = speech.isEmpty ? [window] : speech.overlapping(window).map { $0.clamped(to: window) }
        let room = all.filter { $0.count >= Self.minimumWord }
        for range in room.isEmpty ? all : room {
            guard left > 0 else { break }
            out.append(SampleRange(range.start, min(range.end, range.start + left)))
            left -= range.count
        }
        return out
    }

    // MARK: What comes of it

    private func write(_ items: [Item], to pieces: inout [RawTranscript.Piece]) {
        for item in items {
            let (start, end) = (item.start.map(SampleClock.seconds), item.end.map(SampleClock.seconds))
            if let word = item.word {
                (pieces[item.piece].words[word].start, pieces[item.piece].words[word].end) = (start, end)
            } else if item.isMoved {
                (pieces[item.piece].start, pieces[item.piece].end) = (start, end)
            }
        }
        for item in items where item.isMoved {
            guard let word = item.word else { continue }
            if word == 0 { pieces[item.piece].start = item.start.map(SampleClock.seconds) }
            if word == pieces[item.piece].words.count - 1 {
                pieces[item.piece].end = item.end.map(SampleClock.seconds)
            }
        }
    }

    /// A piece ends where the last of it is heard and begins where the first is, but for a breath.
    private mutating func cutSilence(of piece: inout RawTranscript.Piece) {
        guard let start = piece.start.map(SampleClock.samples(seconds:)),
            let end = piece.end.map(SampleClock.samples(seconds:)), end > start
        else { return }
        let parts = speech.overlapping(SampleRange(start, end))
        guard let first = parts.first, let last = parts.last else { return }
        let words = piece.words.compactMap { $0.end.map(SampleClock.samples(seconds:)) }
        if first.start - start > Self.farOff {
            piece.start = SampleClock.seconds(quietStart(of: piece, before: first.start) ?? first.start)
        }
        let heard = max(last.end, words.last ?? 0)
        if end - heard > Self.farOff { piece.end = SampleClock.seconds(heard) }
    }

    /// Where its first word begins, if that is said in a quiet voice, `before` anything is clearly heard.
    private mutating func quietStart(of piece: RawTranscript.Piece, before: Int64) -> Int64? {
        guard let word = piece.words.first, let start = word.start.map(SampleClock.samples(seconds:)), start < before,
            isAudible(SampleRange(start, word.end.map(SampleClock.samples(seconds:)) ?? start))
        else { return nil }
        return start
    }
}
