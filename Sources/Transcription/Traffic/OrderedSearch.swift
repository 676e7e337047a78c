extension RandomAccessCollection where Index == Int {
    /// The first place from which on `belongs` is true, the end where it never is. All for which it is false must stand
    /// before all others: the place is found by halving.
    package func firstPlace(where belongs: (Element) -> Bool) -> Index {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if belongs(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

extension [SampleRange] {
    /// Those that have samples in common with `range`. They must be in order and apart, as those of `Chunk.speech` are.
    package func overlapping(_ range: SampleRange) -> ArraySlice<SampleRange> {
        guard !range.isEmpty else { return [] }
        let first = firstPlace { $0.end > range.start }
        return self[first..<Swift.max(first, firstPlace { $0.start >= range.end })]
    }
}
