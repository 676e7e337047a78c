/// Rules of written language that engines' answers and sidecars share: cleaning and measuring text.
package enum WrittenText {
    /// One line without white space at its ends: each run of white space, controls and line separators becomes a space. A
    /// zero-width space between letters of a script without spaces shows nothing there and is left out.
    package static func clean(_ text: String) -> String {
        var out = ""
        var pending = false
        var showsBlank = false
        for scalar in text.unicodeScalars {
            if isBlank(scalar) {
                pending = !out.isEmpty
                showsBlank = showsBlank || scalar != "\u{200B}"
            } else {
                let isJoined = !showsBlank && isUnspaced(scalar) && out.unicodeScalars.last.map(isUnspaced) ?? false
                if pending, !isJoined { out += " " }
                (pending, showsBlank) = (false, false)
                out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    /// Of a script that is written without spaces between words: Han, kana, Bopomofo, Thai, Lao, Khmer, Myanmar; also CJK
    /// punctuation and full-width forms. Hangul is not.
    static func isUnspaced(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x0E00...0x0EFF, 0x1000...0x109F, 0x1780...0x17FF, 0x19E0...0x19FF, 0x2E80...0x312F, 0x31A0...0x31BF,
            0x31F0...0x31FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA9E0...0xA9FF, 0xAA60...0xAA7F, 0xF900...0xFAFF,
            0xFF00...0xFFEF, 0x20000...0x3FFFD:
            true
        default: false
        }
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

    /// Columns that a character takes on a terminal: 2 for wide ones, and never less than its count of code points, so that
    /// a limit in columns is one in characters as well, however the terminal counts them.
    static func columns(_ character: Character) -> Int {
        let scalars = character.unicodeScalars
        guard let first = scalars.first else { return 0 }
        if first.isASCII { return scalars.count }
        return isWide(first) ? max(2, scalars.count) : scalars.count
    }

    /// Takes the room of two Latin letters (East Asian Width), emoji among them.
    static func isWide(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
            0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F1E6...0x1F1FF, 0x1F300...0x1F64F, 0x1F680...0x1F6FF,
            0x1F900...0x1FAFF, 0x20000...0x3FFFD:
            true
        default: false
        }
    }

    private static let titles: Set<String> = [
        "mr.", "mrs.", "ms.", "messrs.", "dr.", "prof.", "st.", "gen.", "col.", "capt.", "lt.", "sgt.", "rev.",
    ]

    /// Ends with the short form of a title, behind which a name follows: its full stop ends no sentence.
    package static func isTitle(_ text: some StringProtocol) -> Bool {
        guard text.last == ".", let word = text.split(whereSeparator: \.isWhitespace).last else { return false }
        return titles.contains(word.drop { !$0.isLetter }.lowercased())
    }

    static func columns(_ text: some StringProtocol) -> Int { text.reduce(0) { $0 + columns($1) } }

    private static let closers: Set<Character> = [
        "\"", "'", "”", "’", "»", "›", ")", "]", "}", "」", "』", "）", "】", "》", "〉",
    ]
    private static let sentenceEnds: Set<Character> = [
        ".", "!", "?", "…", "。", "．", "｡", "！", "？", "।", "॥", "؟", "۔", "።", "។", "៕", "။", "։",
    ]
    private static let clauseEnds: Set<Character> = [
        ",", ";", ":", "—", "–", "、", "､", "，", "；", "：", "،", "؛", "၊",
    ]

    /// What a reader takes after `text`: a long breath, a short one or none.
    enum Ending: Sendable { case sentence, clause, none }

    static func ending(of text: some StringProtocol) -> Ending {
        guard let last = text.reversed().first(where: { !closers.contains($0) }) else { return .none }
        if sentenceEnds.contains(last) { return isTitle(text) ? .none : .sentence }
        return clauseEnds.contains(last) ? .clause : .none
    }
}

extension StringProtocol {
    /// Ends with a full stop, question or exclamation mark of any script, quotes and brackets behind it ignored.
    package var endsSentence: Bool { WrittenText.ending(of: self) == .sentence }
}
