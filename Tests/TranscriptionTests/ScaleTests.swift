import SystemSupport
import Testing
import Transcription

@Suite struct ScaleTests {
    /// An hour of speech with word times: a step that is quadratic in its length would not end in time.
    @Test(.timeLimit(.minutes(1)), arguments: SidecarFormat.allCases)
    func anHourRendersInSeconds(format: SidecarFormat) {
        let sentence = ["The", "committee", "will", "meet", "on", "Monday", "to", "discuss", "the", "budget."]
        let segments = (0..<900).map { index -> Segment in
            let start = Double(index) * 4
            let words = sentence.enumerated().map { at, word in
                let from = seconds(start + Double(at) * 0.35)
                return Word(range: SampleRange(from, from + seconds(0.3)), text: word)
            }
            return segment(start, start + 3.6, sentence.joined(separator: " "), words: words)
        }
        let bytes = Sidecar.render(
            transcript(segments, length: 3_600), format, run: RunFacts(processingTime: .seconds(1)))
        #expect(bytes.count > 40_000)
    }
}
