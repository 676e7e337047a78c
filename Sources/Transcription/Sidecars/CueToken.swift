/// A word on its way into a cue, or several that no line parts. Times in milliseconds.
struct CueToken {
    var text: String
    var columns: Int
    var start: Int64
    var end: Int64
    var spaceBefore: Bool
    var startsSegment: Bool
    var endsSegment: Bool

    init(_ token: TimedToken, startsSegment: Bool, width: CueWidth) {
        text = token.text
        columns = width.columns(ofWord: token.text)
        start = SampleClock.milliseconds(token.range.start)
        end = SampleClock.milliseconds(token.range.end)
        spaceBefore = token.spaceBefore
        self.startsSegment = startsSegment
        endsSegment = token.endsSegment
    }

    /// What stands before the first space in it.
    var firstWord: Substring { text.prefix { $0 != " " } }
    /// What stands behind the last space in it.
    var lastWord: Substring { text.lastIndex(of: " ").map { text[text.index(after: $0)...] } ?? text[...] }

    /// With `next` behind it.
    mutating func append(_ next: CueToken) {
        text += (next.spaceBefore ? " " : "") + next.text
        columns += (next.spaceBefore ? 1 : 0) + next.columns
        end = next.end
        endsSegment = next.endsSegment
    }
}

extension CueToken {
    /// Behind these a word wider than a line is broken rather than elsewhere: in addresses, paths and compounds.
    private static let seams: Set<Character> = ["/", "-", "_", ".", "?", "&", "=", "\u{AD}"]

    /// A word wider than a line in pieces that fit, its time shared among them.
    func broken(_ width: CueWidth, lineColumns: Int) -> [CueToken] {
        let isSane = text.utf8.count <= lineColumns || !text.contains { $0.unicodeScalars.count > lineColumns }
        guard columns > lineColumns || !isSane else { return [self] }
        let visible = Self.pieces(of: text, width, lineColumns: lineColumns).filter { WrittenText.isVisible($0) }
        let step = (end - start) / Int64(max(1, visible.count))
        return visible.enumerated().map { at, text in
            var piece = self
            piece.text = text
            piece.columns = width.columns(ofWord: text)
            piece.start = start + Int64(at) * step
            piece.end = at == visible.count - 1 ? end : piece.start + step
            piece.spaceBefore = at == 0 && spaceBefore
            piece.startsSegment = at == 0 && startsSegment
            piece.endsSegment = at == visible.count - 1 && endsSegment
            return piece
        }
    }

    private static func pieces(of word: String, _ width: CueWidth, lineColumns: Int) -> [String] {
        var texts: [String] = []
        var current: [Character] = []
        var used = 0
        /// Characters up to the last good place, and the columns that they take.
        var seam = (count: 0, columns: 0)
        for character in word {
            // A letter with more marks on it than a line has columns is an attack: the marks are left out.
            let isSane = character.unicodeScalars.count <= lineColumns
            let shown = isSane ? character : Character(character.unicodeScalars.first ?? " ")
            let columns = width.columns(shown)
            if used + columns > lineColumns, !current.isEmpty {
                let cut = seam.columns * 2 > lineColumns ? seam : (current.count, used)
                texts.append(String(current[..<cut.count]))
                current.removeFirst(cut.count)
                used -= cut.columns
                seam = (0, 0)
            }
            current.append(shown)
            used += columns
            if seams.contains(shown) { seam = (current.count, used) }
        }
        return texts + [String(current)]
    }
}
