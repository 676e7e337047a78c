/// What is wrong with the settings, in a sentence that names the place and the remedy (exit 78).
package struct ConfigurationFault: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// How far two words are apart in typing errors (Damerau-Levenshtein, optimal string alignment), to guess what key was
/// meant.
func typingDistance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a.utf8), Array(b.utf8))
    var rows = [[Int](repeating: 0, count: b.count + 1), Array(0...b.count)]
    guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
    for i in 1...a.count {
        var row = [i] + [Int](repeating: 0, count: b.count)
        for j in 1...b.count {
            let same = a[i - 1] == b[j - 1]
            row[j] = min(rows[1][j] + 1, row[j - 1] + 1, rows[1][j - 1] + (same ? 0 : 1))
            if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { row[j] = min(row[j], rows[0][j - 2] + 1) }
        }
        rows = [rows[1], row]
    }
    return rows[1][b.count]
}
