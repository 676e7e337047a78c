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
