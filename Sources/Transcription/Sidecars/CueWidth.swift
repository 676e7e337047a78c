/// Columns of text as a reader of subtitles sees them: marks above and below letters, joiners and marks of direction take
/// none, a full-width character takes two, or one where the limit is in full-width characters.
struct CueWidth {
    private let wide: Int
    private let lineColumns: Int

    init(_ rules: CueRules) {
        wide = rules.countsFullWidthAsOne ? 1 : 2
        lineColumns = rules.lineColumns
    }

    func columns(_ text: some StringProtocol) -> Int { text.reduce(0) { $0 + columns($1) } }

    /// At least 1: what is counted is shown.
    func columns(_ character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        let scalars = character.unicodeScalars
        if first.isASCII, scalars.count == 1 { return 1 }
        if WrittenText.isWide(first) || scalars.contains("\u{FE0F}") { return wide }
        return max(1, scalars.count { !Self.isZeroWidth($0) })
    }

    /// Of a word. Where full-width characters count, letters are half as wide: one that is longer than a line, but not in
    /// its letters' true width, fills a line instead of being broken.
    func columns(ofWord word: String) -> Int {
        let counted = columns(word)
        guard wide == 1, counted > lineColumns else { return counted }
        let halves = word.reduce(0) { halves, character in
            let isFull = character.unicodeScalars.first.map(WrittenText.isWide) ?? false
            return halves + (isFull ? 2 : columns(character))
        }
        return halves <= 2 * lineColumns ? lineColumns : counted
    }

    private static func isZeroWidth(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: true
        default: false
        }
    }
}
