extension StringProtocol {
    /// Without white space at both ends.
    var trimmed: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }),
            let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }

    /// Without regard to ASCII case. Byte-wise, so quick on long bodies.
    func containsIgnoringCase(_ needle: String) -> Bool {
        let needle = Array(needle.lowercased().utf8)
        let text = Array(lowercased().utf8)
        return text.firstRange(of: needle) != nil
    }

    /// Without full stops and white space at its end, to be put into a sentence.
    var withoutEnd: String {
        var text = self[...]
        while let last = text.last, last == "." || last.isWhitespace { text = text.dropLast() }
        return String(text)
    }
}
