/// Finds the words of a list in the text that they belong to, whatever the list has of punctuation, case and spelling.
///
/// The letters and digits of all words together are aligned with those of the whole text (longest common subsequence, in
/// blocks), so that a word that is spelt otherwise, or a mark on its own, never shifts the words behind it.
package enum WordAlignment {
    /// Letters on each side that are compared with each other at once where they differ.
    private static let block = 192
    /// Of a block that does not reach the end, so much is believed: what lies behind may find better partners.
    private static let believed = block * 3 / 4

    /// A letter, a digit or a sign that is spoken, in lower case, and what it belongs to.
    private struct Letter {
        var scalar: UInt32
        /// A word's index, or that of a character of the text.
        var owner: Int
    }

    /// Where each word stands, in characters of `text`, in order and without overlap; nil where less than half of a word
    /// is found, or nothing in it is spoken. Takes time in proportion to what is compared.
    package static func places(of words: [String], in text: [Character]) -> [Range<Int>?] {
        let said = words.enumerated().flatMap { letters(of: $0.element, owner: $0.offset) }
        let written = text.enumerated().flatMap { letters(of: String($0.element), owner: $0.offset) }
        let partners = partners(of: said, in: written)
        var places = [Range<Int>?](repeating: nil, count: words.count)
        var from = 0
        var used = 0
        while from < said.count {
            var to = from
            while to < said.count, said[to].owner == said[from].owner { to += 1 }
            let found = partners[from..<to].compactMap { $0 }
            if let first = found.first, let last = found.last, found.count * 2 >= to - from,
                last - first < 2 * (to - from) + 2
            {
                let place = max(used, written[first].owner)..<max(used, written[last].owner + 1)
                if !place.isEmpty { places[said[from].owner] = place }
                used = place.upperBound
            }
            from = to
        }
        return places
    }

    /// Something in it is spoken: a letter, a digit, a sign like % or +.
    package static func isSpoken(_ text: some StringProtocol) -> Bool { text.unicodeScalars.contains(where: isSpoken) }

    private static func isSpoken(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        if properties.isAlphabetic || properties.numericType != nil { return true }
        switch properties.generalCategory {
        // What stands for bytes that were no text is in one of the two only.
        case .mathSymbol, .currencySymbol, .otherSymbol: return scalar != "\u{FFFD}"
        default: return "%&@#§".unicodeScalars.contains(scalar)
        }
    }

    private static func letters(of text: String, owner: Int) -> [Letter] {
        text.lowercased().unicodeScalars.filter(isSpoken).map { Letter(scalar: $0.value, owner: owner) }
    }

    /// For each of the letters of the words its partner in the text.
    private static func partners(of said: [Letter], in written: [Letter]) -> [Int?] {
        var partners = [Int?](repeating: nil, count: said.count)
        var (at, place) = (0, 0)
        while at < said.count, place < written.count {
            if said[at].scalar == written[place].scalar {
                partners[at] = place
                (at, place) = (at + 1, place + 1)
                continue
            }
            let left = at..<min(said.count, at + block)
            let right = place..<min(written.count, place + block)
            let isLast = left.upperBound == said.count && right.upperBound == written.count
            let pairs = commonSubsequence(said[left], written[right]).filter {
                isLast || $0.left - at < believed && $0.right - place < believed
            }
            for pair in pairs { partners[pair.left] = pair.right }
            guard !isLast else { break }
            if let last = pairs.last {
                (at, place) = (last.left + 1, last.right + 1)
            } else {
                (at, place) = (min(at + believed, said.count), min(place + believed, written.count))
            }
        }
        return partners
    }

    /// The longest one, and of several the one that begins first.
    private static func commonSubsequence(
        _ left: ArraySlice<Letter>, _ right: ArraySlice<Letter>
    ) -> [(left: Int, right: Int)] {
        let (rows, columns) = (left.count, right.count)
        let width = columns + 1
        // lengths[r * width + c]: of what the rest of both sides, from r and c on, have in common.
        var lengths = [UInt16](repeating: 0, count: (rows + 1) * width)
        for row in stride(from: rows - 1, through: 0, by: -1) {
            let scalar = left[left.startIndex + row].scalar
            for column in stride(from: columns - 1, through: 0, by: -1) {
                let here = row * width + column
                lengths[here] =
                    scalar == right[right.startIndex + column].scalar
                    ? lengths[here + width + 1] + 1 : max(lengths[here + 1], lengths[here + width])
            }
        }
        var pairs: [(left: Int, right: Int)] = []
        var (row, column) = (0, 0)
        while row < rows, column < columns {
            let here = row * width + column
            if left[left.startIndex + row].scalar == right[right.startIndex + column].scalar {
                pairs.append((left.startIndex + row, right.startIndex + column))
                (row, column) = (row + 1, column + 1)
            } else if lengths[here + width] >= lengths[here + 1] {
                row += 1
            } else {
                column += 1
            }
        }
        return pairs
    }
}
