/// What the alignment has to know of a word.
protocol AlignableToken {
    /// Lower case, without punctuation.
    var text: String { get }
    /// In samples.
    var middle: Int64 { get }
    /// How far `middle` may be wrong, in samples.
    var uncertainty: Int64 { get }
}

/// Finds where the end of one text and the beginning of the next say the same.
enum TokenAlignment {
    struct Run: Equatable {
        /// First token of the run on each side.
        var left: Int
        var right: Int
        /// Tokens, a substituted one included.
        var count: Int
    }

    /// The longest stretch that both sides have in a row, at least two words or four characters of a script without
    /// spaces; one token in it may differ when there is at least one word more. Of equals the one that agrees best in time.
    static func maximumCommonRun<Token: AlignableToken>(_ left: [Token], _ right: [Token]) -> Run? {
        var best: (run: Run, weight: Int, distance: Int64)?
        for l in left.indices {
            for r in right.indices where matches(left[l], right[r]) {
                // A run begins where the tokens before do not match.
                if l > 0, r > 0, matches(left[l - 1], right[r - 1]) { continue }
                let (count, weight) = extend(left, right, l, r)
                guard weight > 0 else { continue }
                let distance = abs(left[l].middle - right[r].middle)
                if let best, (best.weight, -best.distance) >= (weight, -distance) { continue }
                best = (Run(left: l, right: r, count: count), weight, distance)
            }
        }
        return best?.run
    }

    private static func matches<Token: AlignableToken>(_ a: Token, _ b: Token) -> Bool {
        a.text == b.text && abs(a.middle - b.middle) <= 2 * SampleClock.rate + max(a.uncertainty, b.uncertainty)
    }

    /// In halves of a word: a character of a script without spaces counts one, a word two.
    private static func weight(_ token: some AlignableToken) -> Int {
        token.text.count == 1 && token.text.first?.isUnspaced == true ? 1 : 2
    }

    /// How far the run from `l`, `r` goes; weight 0 when it is too short to be believed.
    private static func extend<Token: AlignableToken>(
        _ left: [Token], _ right: [Token], _ l: Int, _ r: Int
    ) -> (count: Int, weight: Int) {
        var at = 0
        var total = 0
        var plain = (count: 0, weight: 0)
        var substituted = false
        while l + at < left.count, r + at < right.count {
            if matches(left[l + at], right[r + at]) {
                total += weight(left[l + at])
            } else {
                let next = at + 1
                guard !substituted, l + next < left.count, r + next < right.count,
                    matches(left[l + next], right[r + next])
                else { break }
                substituted = true
                plain = (at, total)
            }
            at += 1
        }
        if substituted {
            if total >= 6 { return (at, total) }
            return plain.weight >= 4 ? plain : (0, 0)
        }
        return total >= 4 ? (at, total) : (0, 0)
    }
}
