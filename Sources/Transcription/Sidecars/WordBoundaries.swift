import CICU

/// Where words begin in text of scripts without spaces between them: by ICU, which has dictionaries of Thai, Lao, Khmer,
/// Burmese, Chinese and Japanese.
enum WordBoundaries {
    /// For each character of the text whether a word may begin there; nil where ICU is of no help.
    static func wordStarts(in text: [Character]) -> [Bool]? {
        var units: [UInt16] = []
        var offsets: [Int] = []
        for character in text {
            offsets.append(units.count)
            units.append(contentsOf: character.utf16)
        }
        guard let found = boundaries(in: units) else { return nil }
        return offsets.map { found[$0] }
    }

    /// For each code unit whether a boundary stands before it.
    private static func boundaries(in units: [UInt16]) -> [Bool]? {
        guard let count = Int32(exactly: units.count) else { return nil }
        return units.withUnsafeBufferPointer { buffer in
            guard let iterator = BreakIterator(buffer.baseAddress, count: count) else { return nil }
            var found = [Bool](repeating: false, count: units.count)
            while let boundary = iterator.next() {
                if boundary < units.count { found[boundary] = true }
            }
            if !found.isEmpty { found[0] = true }
            return found
        }
    }

    /// Owns ICU's iterator.
    private struct BreakIterator: ~Copyable {
        private let handle: OpaquePointer

        /// `text` must live as long as this.
        init?(_ text: UnsafePointer<UInt16>?, count: Int32) {
            guard let handle = cicu_words_open(text, count) else { return nil }
            self.handle = handle
        }

        deinit { cicu_words_close(handle) }

        borrowing func next() -> Int? {
            let boundary = cicu_words_next(handle)
            return boundary < 0 ? nil : Int(boundary)
        }
    }
}
