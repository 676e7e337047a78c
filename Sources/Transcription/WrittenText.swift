/// Rules of written language that several outputs share: joining, cleaning and measuring text.
enum WrittenText {
    /// Written without spaces between words: Han, kana, CJK punctuation and full-width forms. Hangul is not.
    static func isUnspaced(_ character: Character) -> Bool {
        guard let scalar = character.unicodeScalars.first?.value else { return false }
        switch scalar {
        case 0x2E80...0x30FF, 0x31F0...0x31FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0xFF00...0xFFEF,
            0x20000...0x3FFFD:
            return true
        default: return false
        }
    }

    /// Full-width punctuation brings its own white space.
    private static func isWidePunctuation(_ character: Character) -> Bool {
        isUnspaced(character) && (character.isPunctuation || character.isSymbol)
    }

    /// Appends with one space, or with none between characters of a script that has none.
    static func append(_ next: some StringProtocol, to text: inout String) {
        if let last = text.last, let first = next.first, isSpaced(last, first) { text += " " }
        text += next
    }

    private static func isSpaced(_ last: Character, _ first: Character) -> Bool {
        !(isUnspaced(last) && isUnspaced(first) || isWidePunctuation(last) || isWidePunctuation(first))
    }

    /// All `texts` as one, joined as by `append`. What stands last is not looked for in the whole: marks that join on to it
    /// would make that longer and longer.
    static func join(_ texts: some Sequence<String>) -> String {
        var text = ""
        var last: Character?
        for next in texts {
            if let last, let first = next.first, isSpaced(last, first) { text += " " }
            text += next
            last = next.last ?? last
        }
        return text
    }

    /// One line without white space at its ends: each run of white space, controls and line separators becomes a space.
    static func clean(_ text: String) -> String {
        var out = ""
        var pending = false
        for scalar in text.unicodeScalars {
            if isBlank(scalar) {
                pending = !out.isEmpty
            } else {
                if pending { out += " " }
                pending = false
                out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value <= 0x20 || scalar.value == 0x7F }
        switch scalar.value {
        case 0x80...0x9F, 0x200B, 0xFEFF: return true
        case 0xA0, 0x202F, 0x2007: return false  // no-break spaces hold numbers and units together
        default: return scalar.properties.isWhitespace
        }
    }

    /// Something can be seen: joiners, marks of direction and the like alone cannot.
    static func isVisible(_ text: some StringProtocol) -> Bool {
        text.unicodeScalars.contains { !$0.properties.isDefaultIgnorableCodePoint && !$0.properties.isWhitespace }
    }

    /// Lower case without punctuation, for comparing what two chunks heard; the text itself where only that is left.
    static func comparable(_ text: some StringProtocol) -> String {
        let bare = text.lowercased().filter { !$0.isPunctuation && !$0.isSymbol && !$0.isWhitespace }
        return bare.isEmpty ? text.lowercased() : bare
    }

    /// Columns that a character takes: 2 for wide ones (East Asian Width), and never less than its count of code points,
    /// so that a limit in columns is one in characters as well, however a reader counts them.
    static func columns(_ character: Character) -> Int {
        let scalars = character.unicodeScalars
        guard let first = scalars.first else { return 0 }
        if first.isASCII { return scalars.count }
        switch first.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
            0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF,
            0x1F900...0x1FAFF, 0x20000...0x3FFFD:
            return max(2, scalars.count)
        default: return scalars.count
        }
    }

    static func columns(_ text: some StringProtocol) -> Int { text.reduce(0) { $0 + columns($1) } }

    private static let closers: Set<Character> = ["\"", "'", "”", "’", "»", "›", ")", "]", "}", "」", "』", "）", "】"]
    private static let sentenceEnds: Set<Character> = [".", "!", "?", "…", "。", "！", "？", "।", "؟", "።"]
    private static let clauseEnds: Set<Character> = [",", ";", ":", "—", "–", "、", "，", "；", "：", "،", "؛"]

    /// What a reader takes after `text`: a long breath, a short one or none.
    enum Ending: Sendable { case sentence, clause, none }

    static func ending(of text: some StringProtocol) -> Ending {
        guard let last = text.reversed().first(where: { !closers.contains($0) }) else { return .none }
        if sentenceEnds.contains(last) { return .sentence }
        return clauseEnds.contains(last) ? .clause : .none
    }
}
