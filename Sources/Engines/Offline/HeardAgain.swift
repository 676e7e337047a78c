import Transcription

/// Compares what a model hears in a stretch by itself with the text of the whole piece.
///
/// A model hears the same words again in speech of its language. In another language it invents: with Moonshine tiny 3 in 4
/// words are others then, and hardly 1 in 10 in English (140 pieces of 7 languages).
enum HeardAgain {
    /// Lower case, without punctuation.
    static func comparable(_ text: String) -> [String] {
        comparable(text.split(whereSeparator: \.isWhitespace).map(String.init)).filter { !$0.isEmpty }
    }

    /// The same, word by word.
    static func comparable(_ words: [String]) -> [String] {
        words.map { $0.lowercased().filter { $0.isLetter || $0.isNumber } }
    }

    /// Words to change, add or leave out to make a part of a text of `heard`.
    /// - Parameter anywhere: the part need not be the text's beginning.
    static func distance(_ heard: [String], _ text: some Sequence<String>, anywhere: Bool = false) -> Int {
        var row = Array(0...heard.count)
        var least = heard.count
        for word in text {
            var before = row[0]
            if !anywhere { row[0] += 1 }
            for (at, other) in heard.enumerated() {
                let changed = before + (word == other ? 0 : 1)
                before = row[at + 1]
                row[at + 1] = min(changed, before + 1, row[at] + 1)
            }
            least = min(least, row[heard.count])
        }
        return least
    }

    /// Fewer words are too few to judge by.
    private static let fewest = 4
    /// More of the words are others than in speech that the model understands, however badly.
    private static let differing = 0.5

    static func isAnotherText(_ heard: String, than whole: String) -> Bool {
        let (heard, whole) = (comparable(heard), comparable(whole))
        guard heard.count >= fewest else { return false }
        return Double(distance(heard, whole, anywhere: true)) > differing * Double(heard.count)
    }
}
