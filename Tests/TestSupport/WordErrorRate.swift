/// Word error rate: substitutions, deletions and insertions by the words of the reference, pooled over everything added,
/// so that a long text counts for more than a short one.
package struct WordErrorRate: Sendable {
    /// Words to substitute, delete or insert.
    package private(set) var errors = 0
    /// Words of the references.
    package private(set) var words = 0

    package init() {}

    /// 0 is perfect; above 1 when much was inserted. 0 when nothing was added.
    package var rate: Double { words == 0 ? 0 : Double(errors) / Double(words) }

    /// Compares after lower-casing and without punctuation; `don't` and `dont` are the same word.
    package mutating func add(reference: String, hypothesis: String) {
        let (reference, hypothesis) = (Self.words(of: reference), Self.words(of: hypothesis))
        words += reference.count
        errors += Self.distance(reference, hypothesis)
    }

    static func words(of text: String) -> [String] {
        text.lowercased().filter { $0 != "'" && $0 != "’" }
            .split { !$0.isLetter && !$0.isNumber }.map(String.init)
    }

    /// Levenshtein distance, two rows at a time.
    private static func distance(_ one: [String], _ two: [String]) -> Int {
        var previous = Array(0...two.count)
        for (row, word) in one.enumerated() {
            var current = [row + 1]
            for (column, other) in two.enumerated() {
                current.append(
                    min(previous[column] + (word == other ? 0 : 1), previous[column + 1] + 1, current[column] + 1))
            }
            previous = current
        }
        return previous[two.count]
    }
}
