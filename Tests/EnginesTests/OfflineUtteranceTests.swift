import Engines
import Testing
import Transcription

@Suite struct OfflineUtteranceTests {
    /// Loud and soft stretches by turns, in seconds, beginning loud.
    private func samples(_ seconds: [Double]) -> [Int16] {
        seconds.enumerated().flatMap { index, length in
            OfflineSpeech.noise(seconds: length, amplitude: index.isMultiple(of: 2) ? 3000 : 6)
        }
    }

    private func seconds(_ range: Range<Int>) -> (Double, Double) {
        (Double(range.lowerBound) / 16_000, Double(range.upperBound) / 16_000)
    }

    @Test func aPauseOfHalfASecondEndsAnUtterance() {
        let utterances = UtteranceCutter(samples([3, 0.3, 2, 1, 4])).utterances
        #expect(utterances.count == 2)
        let (first, second) = (seconds(utterances[0]), seconds(utterances[1]))
        #expect(first.0 == 0)
        #expect(abs(first.1 - 5.5) < 0.05)
        #expect(abs(second.0 - 6.1) < 0.05)
        #expect(second.1 == 10.3)
    }

    @Test func noUtteranceIsLongerThanThirtySeconds() {
        for pattern in [[70.0], [28, 0.3, 28, 0.2, 28], Array(repeating: 1.0, count: 61).map { $0 * 0.4 }] {
            let samples = samples(pattern)
            let utterances = UtteranceCutter(samples).utterances
            #expect(utterances.allSatisfy { $0.count <= 30 * 16_000 })
            #expect(zip(utterances, utterances.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound })
            #expect(utterances.first?.lowerBound == 0)
            #expect(utterances.last?.upperBound == samples.count)
        }
    }

    @Test func aForcedCutPrefersALullOfAnyLength() {
        let utterances = UtteranceCutter(samples([28, 0.3, 28])).utterances
        #expect(utterances.count == 2)
        #expect((28...28.3).contains(seconds(utterances[0]).1))
    }

    @Test func aClickIsNoUtterance() {
        let utterances = UtteranceCutter(samples([2, 2, 0.03, 2, 2])).utterances
        #expect(utterances.count == 2)
    }

    @Test func softSpeechBesideLoudSpeechIsKept() {
        let soft = OfflineSpeech.noise(seconds: 12, amplitude: 100)
        let samples = samples([12, 1]) + soft
        let utterances = UtteranceCutter(samples).utterances
        #expect(utterances.last?.upperBound == samples.count)
        #expect(utterances.reduce(0) { $0 + $1.count } > 23 * 16_000)
    }

    /// The middle of a long recording is cut in the same places wherever its chunk begins.
    @Test func cutsDependOnTheAudioNearThemOnly() {
        let all = samples([3, 0.8, 2, 0.6, 5, 0.7, 3, 0.4, 2, 1, 6, 0.55, 4, 0.9, 3, 0.6, 7])
        let whole = UtteranceCutter(all).utterances
        let offset = 16_000 * 8 / 160 * 160 + 480
        let part = UtteranceCutter(Array(all[offset...])).utterances.map {
            $0.lowerBound + offset..<$0.upperBound + offset
        }
        #expect(part.dropFirst().allSatisfy(whole.contains))
        #expect(part.count >= 4)
    }
}

@Suite struct OfflinePhrasesTests {
    private let bounds = SampleRange(0, 1_000_000)

    private func word(_ text: String, _ start: Double, _ end: Double, _ probability: Double = 0.5) -> DecodedWord {
        DecodedWord(
            text: text, range: SampleRange(SampleClock.samples(seconds: start), SampleClock.samples(seconds: end)),
            probability: probability)
    }

    @Test func fillersAndVariantsAreRemoved() {
        let words = ["<s>", "<sil>", "read(2)", "[NOISE]", "it", "++UM++", "i'm", "[SPEECH]", "</s>"]
        #expect(words.compactMap(OfflinePhrases.spoken) == ["read", "it", "i'm"])
    }

    @Test func aPauseEndsAPhrase() {
        let segments = OfflinePhrases.segments(
            of: [
                word("one", 0, 0.5, 0.2), word("two", 0.6, 1, 0.4), word("<sil>", 1, 1.6), word("three", 1.6, 2, 1),
            ], within: bounds)
        #expect(segments.map(\.text) == ["one two", "three"])
        #expect(segments.map(\.confidence) == [0.3, 1])
        #expect(segments.map(\.range) == [SampleRange(0, 16_000), SampleRange(25_600, 32_000)])
    }

    @Test func aLongPhraseEndsAtAShorterPause() {
        let words = (0..<20).map { word("word", Double($0), Double($0) + 0.8) }
        let segments = OfflinePhrases.segments(of: words, within: bounds)
        #expect(segments.count == 3)
        #expect(segments.flatMap(\.words).count == 20)
    }

    @Test func noTimeLiesOutsideTheChunk() {
        let segments = OfflinePhrases.segments(of: [word("end", 1, 2.4)], within: SampleRange(0, 32_000))
        #expect(segments.first?.range == SampleRange(16_000, 32_000))
    }
}
