/// Remarks about sounds that speech engines write into the text: `[MUSIC]`, `(applause)`, `*Musik*`, `♪`.
///
/// Only what stands in brackets of its own, and of which every word is known to belong to such a remark; what a person may have
/// said, or what stands for speech (`[inaudible]`, `(speaking French)`), stays.
enum SoundRemarks {
    /// What a segment is without its remarks.
    struct Result {
        /// Nil where there was nothing else.
        var segment: Segment?
        var remarks: [Remark] = []
    }

    struct Remark: Hashable {
        var range: SampleRange
        var text: String
        /// It says that nothing is to be heard (`[BLANK_AUDIO]`), which may be wrong.
        var isOfSilence: Bool
    }

    private static let brackets: [Character: Character] = [
        "[": "]", "(": ")", "{": "}", "<": ">", "*": "*", "［": "］", "（": "）", "【": "】", "〔": "〕",
    ]
    private static let notes = SoundVocabulary.notes
    /// Longer ones are no remark.
    private static let maximumCharacters = 60

    /// - Parameter language: of the text; nil: any.
    static func removed(from segment: Segment, language: String?) -> Result {
        guard segment.text.contains(where: { brackets[$0] != nil || notes.contains($0) }) else {
            return Result(segment: segment)
        }
        let text = Array(segment.text)
        if !text.contains(where: { $0.isLetter || $0.isNumber }), text.contains(where: notes.contains) {
            return Result(
                segment: nil, remarks: [Remark(range: segment.range, text: segment.text, isOfSilence: false)])
        }
        let vocabulary = SoundVocabulary.of(language)
        let found = remarks(in: text, vocabulary)
        guard !found.isEmpty else { return Result(segment: segment) }
        var kept = segment
        let rest = self.rest(of: text, without: found.map(\.place))
        kept.text = WrittenText.clean(String(rest))
        let (words, taken) = divided(segment.words, by: found.map(\.place), in: text)
        kept.words = words
        let isOnly = !rest.contains { $0.isLetter || $0.isNumber }
        let remarks = found.enumerated().map { at, remark in
            let range = isOnly ? segment.range : taken[at] ?? segment.range
            return Remark(range: range, text: String(text[remark.place]), isOfSilence: remark.isOfSilence)
        }
        if let first = words.first, let last = words.last, !isOnly {
            kept.range = SampleRange(first.range.start, max(first.range.start, last.range.end))
        }
        return Result(segment: isOnly ? nil : kept, remarks: remarks)
    }

    /// - Parameter places: in order and apart.
    private static func rest(of text: [Character], without places: [Range<Int>]) -> [Character] {
        var rest: [Character] = []
        var end = 0
        for place in places {
            rest += text[end..<place.lowerBound]
            end = place.upperBound
        }
        return rest + text[end...]
    }

    /// In order and apart.
    private static func remarks(
        in text: [Character], _ vocabulary: SoundVocabulary
    ) -> [(place: Range<Int>, isOfSilence: Bool)] {
        var found: [(place: Range<Int>, isOfSilence: Bool)] = []
        var at = 0
        while at < text.count {
            defer { at += 1 }
            guard let closer = brackets[text[at]] else { continue }
            let limit = min(text.count, at + 2 + maximumCharacters)
            guard let end = text[(at + 1)..<max(at + 1, limit)].firstIndex(of: closer) else { continue }
            guard let isOfSilence = vocabulary.isOfSilence(text[(at + 1)..<end]) else { continue }
            found.append((at..<end + 1, isOfSilence))
            at = end
        }
        return found
    }

    /// The words outside of the places, and for each place what the words within it take; all words are let go where they
    /// are not those of the text.
    private static func divided(
        _ words: [Word], by places: [Range<Int>], in text: [Character]
    ) -> (kept: [Word], taken: [Int: SampleRange]) {
        let letters = text.indices.filter { text[$0].isLetter || text[$0].isNumber }
        var (kept, taken): ([Word], [Int: SampleRange]) = ([], [:])
        var (next, place) = (0, 0)
        var isInside = false
        for word in words {
            let own = word.text.filter { $0.isLetter || $0.isNumber }
            // A mark by itself belongs to what stands before it; an opening bracket is let go with its remark anyway.
            guard !own.isEmpty else {
                if !isInside, !word.text.contains(where: { brackets[$0] != nil }) { kept.append(word) }
                continue
            }
            guard next + own.count <= letters.count,
                zip(letters[next...], own).allSatisfy({ text[$0].lowercased() == $1.lowercased() })
            else { return ([], [:]) }
            while place < places.count, places[place].upperBound <= letters[next] { place += 1 }
            isInside = place < places.count && places[place].contains(letters[next])
            next += own.count
            if isInside {
                let before = taken[place] ?? word.range
                taken[place] = SampleRange(before.start, max(before.end, word.range.end))
            } else {
                kept.append(word)
            }
        }
        return next == letters.count ? (kept, taken) : ([], [:])
    }
}
