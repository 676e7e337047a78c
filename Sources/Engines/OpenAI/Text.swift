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
}
