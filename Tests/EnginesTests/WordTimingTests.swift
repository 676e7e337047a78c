import Engines
import Testing
import Transcription

@Suite struct WordTimingTests {
    private static func range(_ start: Double, _ end: Double) -> SampleRange {
        SampleRange(SampleClock.samples(seconds: start), SampleClock.samples(seconds: end))
    }

    private static func starts(_ text: String, _ speech: [(Double, Double)], length: Double) -> [String: Double] {
        let words = WordTiming.words(
            text.split(separator: " ").map(String.init), in: speech.map { range($0.0, $0.1) }, within: range(0, length))
        #expect(words.map(\.text).joined(separator: " ") == text)
        #expect(zip(words, words.dropFirst()).allSatisfy { $0.range.end <= $1.range.start })
        #expect(words.allSatisfy { $0.range.start >= 0 && $0.range.end <= range(0, length).end })
        return Dictionary(words.map { ($0.text, SampleClock.seconds($0.range.start)) }) { first, _ in first }
    }

    @Test func aSentenceBeginsWhereSpeechBeginsAgain() {
        let starts = Self.starts(
            "We met on Monday. Nobody came, so we left.", [(1, 2.4), (5, 5.9), (6.3, 7.2)], length: 10)
        #expect(abs((starts["We"] ?? 0) - 1) < 0.15)
        #expect(abs((starts["Nobody"] ?? 0) - 5) < 0.15)
        #expect(abs((starts["so"] ?? 0) - 6.3) < 0.15)
    }

    /// The lengths alone would put “was” into the second stretch.
    @Test func aBreakIsMadeAtPunctuationRatherThanInAPhrase() {
        let starts = Self.starts("It was late, he said, and dark outside", [(0, 1.2), (2, 3.2)], length: 4)
        #expect((starts["he"] ?? 0) > 1.8 || (starts["and"] ?? 0) > 1.8)
        #expect((starts["late,"] ?? 9) < 1.2)
    }

    @Test func aTitleIsNotTakenForTheEndOfASentence() {
        let starts = Self.starts(
            "Press start for help or pound to exit. Mr. Quilter is the apostle of the middle classes, and we are glad.",
            [(0.8, 3.4), (5, 9.1)], length: 10)
        #expect((starts["Mr."] ?? 0) > 4.8)
    }

    @Test func aStretchWithoutAWordStaysEmpty() {
        let starts = Self.starts("One long sentence with many words in it.", [(0, 3), (3.5, 3.6)], length: 5)
        #expect(starts.values.allSatisfy { $0 < 3 })
    }

    @Test func manyWordsAndStretchesTakeNoLongTime() {
        let speech = (0..<400).map { (Double($0) * 0.05, Double($0) * 0.05 + 0.04) }
        let text = (0..<900).map { "w\($0)" }.joined(separator: " ")
        #expect(Self.starts(text, speech, length: 20).count == 900)
    }

    @Test func withoutSpeechTheWholePieceIsUsed() {
        let starts = Self.starts("a b c d", [], length: 4)
        #expect((starts["d"] ?? 0) > 2)
        #expect(WordTiming.words([], in: [], within: Self.range(0, 1)).isEmpty)
    }
}
