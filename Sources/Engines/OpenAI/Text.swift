extension StringProtocol {
    /// Without white space at both ends.
    var trimmed: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }),
            let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }

    /// Without full stops and white space at its end, to be put into a sentence.
    var withoutEnd: String {
        var text = self[...]
        while let last = text.last, last == "." || last.isWhitespace { text = text.dropLast() }
        return String(text)
    }
}

extension Double {
    /// A number in decimal digits, white space around it ignored. `Double.init` reads hexadecimal and words, too.
    init?(decimal text: some StringProtocol) {
        let text = text.trimmed
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }) else { return nil }
        self.init(text)
    }
}

/// Texts put one behind the other, with a space where neither side has one and the script uses spaces. In all as long as
/// they are, however many there are.
struct JoinedText {
    private(set) var text = ""
    /// Of the piece before, not of `text`: marks that join on to what stands before them would make that longer and longer.
    private var last: Character?

    mutating func append(_ next: some StringProtocol) {
        if let last, let first = next.first, !last.isWhitespace, !first.isWhitespace, !last.isUnspaced,
            !first.isUnspaced
        {
            text += " "
        }
        appendAsIs(next)
    }

    mutating func appendAsIs(_ next: some StringProtocol) {
        text += next
        last = next.last ?? last
    }
}

extension Collection where Element: StringProtocol {
    /// All of them as `JoinedText` puts them together.
    func joinedAsText() -> String {
        var out = JoinedText()
        for text in self { out.append(text) }
        return out.text
    }
}
