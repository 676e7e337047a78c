/// Texts put one behind the other, with a space where neither side has one and their scripts use spaces between words. In
/// all as long as they are, however many there are.
package struct JoinedText: Sendable {
    package private(set) var text = ""
    /// Of the piece before, not of `text`: marks that join on to what stands before them would make that longer and longer.
    private var last: Character?

    package init() {}

    package mutating func append(_ next: some StringProtocol) {
        if let last, let first = next.first, Self.areSpaced(last, first) { text += " " }
        appendAsIs(next)
    }

    package mutating func appendAsIs(_ next: some StringProtocol) {
        text += next
        last = next.last ?? last
    }

    /// Whether a space belongs between two pieces, the first of which ends with `last`.
    static func areSpaced(_ last: Character, _ first: Character) -> Bool {
        !last.isWhitespace && !first.isWhitespace && !(last.isUnspaced && first.isUnspaced)
            && !last.isWidePunctuation && !first.isWidePunctuation
            && !(last.isSharedPunctuation && first.isWideLetter) && !(last.isWideLetter && first.isSharedPunctuation)
    }
}

extension Sequence where Element: StringProtocol {
    /// All of them as `JoinedText` puts them together.
    package func joinedAsText() -> String {
        var out = JoinedText()
        for text in self { out.append(text) }
        return out.text
    }
}

extension Character {
    /// Of a script that is written without spaces between words; see `WrittenText.isUnspaced`.
    package var isUnspaced: Bool { unicodeScalars.first.map(WrittenText.isUnspaced) ?? false }

    /// Brings its own white space. That of Thai, Lao, Khmer and Myanmar does not.
    fileprivate var isWidePunctuation: Bool {
        guard let scalar = unicodeScalars.first?.value, scalar >= 0x2E80 else { return false }
        return isUnspaced && (isPunctuation || isSymbol)
    }

    /// Han, kana and the like.
    fileprivate var isWideLetter: Bool {
        guard let scalar = unicodeScalars.first?.value, scalar >= 0x2E80 else { return false }
        return isUnspaced
    }

    /// Punctuation that Chinese shares with European scripts, and that brings its own white space only there.
    fileprivate var isSharedPunctuation: Bool { "—…“”‘’·".contains(self) }
}
