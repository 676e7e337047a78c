import SystemSupport
import TestSupport
import Testing
import Transcription

@Suite struct ScaleTests {
    /// An hour of speech with word times: a step that is quadratic in its length would not end in time.
    @Test(.timeLimit(.minutes(20)), arguments: SidecarFormat.allCases)
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
        #expect(bytes.count > (format.isPacked ? 2_000 : 40_000))
    }

    /// As many pieces as an engine may send for an hour.
    @Test(.timeLimit(.minutes(20)), arguments: SidecarFormat.allCases)
    func aHundredThousandSegmentsRenderInSeconds(format: SidecarFormat) {
        let segments = (0..<100_000).map { segment(Double($0) * 0.036, Double($0) * 0.036 + 0.03, "a.") }
        let bytes = Sidecar.render(
            transcript(segments, length: 3_600), format, run: RunFacts(processingTime: .seconds(1)))
        #expect(bytes.count > (format.isPacked ? 1_000 : 200_000))
    }

    enum Answer: CaseIterable, Sendable { case loop, inventions }

    /// What an engine may answer to one chunk is looked through in all its segments.
    @Test(.timeLimit(.minutes(20)), arguments: Answer.allCases)
    func aHundredThousandSegmentsAreLookedThroughInSeconds(answer: Answer) async throws {
        var random = SeededGenerator(seed: 1)
        let inventions = [
            "You.", "Bye.", "Okay.", "Thank you.", "Vielen Dank.", "Please subscribe.", "Thank you so much.",
        ]
        let segments = (0..<100_000).map { at in
            let start = seconds(21) + Int64(at)
            let text = answer == .loop ? "a" : inventions.randomElement(using: &random) ?? ""
            return Segment(range: SampleRange(start, start + 1), text: text)
        }
        let range = SampleRange(0, seconds(30))
        let chunk = Chunk(
            index: 0, range: range, owned: range, hash: digest("a"),
            speech: (0..<20).map { SampleRange(seconds(Double($0)), seconds(Double($0) + 0.5)) },
            audio: ChunkAudio([Int16](repeating: 7, count: Int(range.count))))
        let way = FakeWay(
            source: FakeSource(chunks: [chunk]),
            engine: FakeTranscriber { _, _, _ in ChunkTranscript(language: "en", segments: segments) })
        let heard = try await way.run()
        #expect(heard.segments.count < 100)
        #expect(!heard.warnings.isEmpty)
    }

    /// As many pieces of speech without text as a long recording may have.
    @Test func thousandsOfGapsPartTheirSegmentsInAMoment() {
        let outcomes = (0..<20_000).map { index in
            let start = Double(index) * 10
            var outcome = outcome(
                index, (start, start + 10),
                [(0, 2), (2, 4), (4, 8), (8, 9), (9, 10)].map { segment($0.0, $0.1, "Well.") })
            outcome.missed = [
                MissedSpeech(range: SampleRange(seconds(5), seconds(7)), heard: seconds(2), reason: "", hasPlace: true)
            ]
            return outcome
        }
        var merged: Transcript?
        let time = processorTime { merged = ResultMerger(facts(length: 200_000)).merge(outcomes) }
        #expect(time < .seconds(60))
        #expect(merged?.gaps.count == 20_000 && merged?.segments.count == 100_000)
        #expect(merged?.segments.last { $0.range.end == seconds(199_995) }?.range.start == seconds(199_994))
    }

    enum Style: CaseIterable, Sendable { case words, sentences }

    /// A forced cut where both sides heard far more than can be said in the seconds around it.
    @Test(arguments: Style.allCases) func aCutThroughNonsenseIsJoinedInAMoment(style: Style) {
        func nonsense(from start: Double) -> [Segment] {
            (0..<20_000).map { at in
                let range = SampleRange(seconds(start) + Int64(at) * 3, seconds(start) + Int64(at) * 3 + 3)
                let words = style == .words ? [Word(range: range, text: "no")] : []
                return Segment(range: range, text: "no", words: words)
            }
        }
        var merged: Transcript?
        let time = processorTime {
            merged = ResultMerger(facts(length: 20)).merge([
                outcome(0, (0, 12), owned: (0, 10), nonsense(from: 8)),
                outcome(1, (8, 20), owned: (10, 20), nonsense(from: 0)),
            ])
        }
        #expect(time < .seconds(10))
        #expect(merged?.segments.isEmpty == false)
    }
}

extension SidecarFormat {
    /// The same words again and again take next to no room.
    fileprivate var isPacked: Bool { self == .docx || self == .odt }
}
