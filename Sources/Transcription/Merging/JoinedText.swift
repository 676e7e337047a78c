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
    /// Of a script that is written without spaces between words: Han, kana, Bopomofo, Thai, Lao, Khmer, Myanmar; also CJK punctuation
    /// and full-width forms. Hangul is not.
    package var isUnspaced: Bool {
        guard let scalar = unicodeScalars.first?.value else { return false }
        return switch scalar {
        case 0x0E00...0x0EFF, 0x1000...0x109F, 0x1780...0x17FF, 0x2E80...0x312F, 0x31A0...0x31BF, 0x31F0...0x31FF,
            0x3400...0x4DBF,
            0x4E00...0x9FFF, 0xF900...0xFAFF, 0xFF00...0xFFEF, 0x20000...0x3FFFD:
            true
        default: false
        }
    }

    /// Brings its own white space. That of Thai, Lao, Khmer and Myanmar does not.
    fileprivate var isWidePunctuation: Bool {
        guard let scalar = unicodeScalars.first?.value, scalar >= 0x2E80 else { return false }
        return isUnspaced && (isPunctuation || isSymbol)
    }
}
