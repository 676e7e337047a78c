import TestSupport
import Testing
import Transcription

@Suite struct PauseFinderTests {
    private func speech(_ samples: [Int16]) -> [SampleRange] {
        var energies: [Float] = []
        samples.withUnsafeBufferPointer { PauseFinder.appendEnergies(of: $0, to: &energies) }
        return PauseFinder.speech(in: energies[...], sampleCount: Int64(samples.count))
    }

    @Test func theMiddleOfThePauseNearThePlaceIsFound() {
        var samples = TestAudio.tone(seconds: 5)
        samples += TestAudio.noise(seconds: 0.4, amplitude: 5)
        samples += TestAudio.tone(seconds: 5)
        let cut = PauseFinder.quietestCut(in: samples, near: 90_000, window: 60_000..<110_000)
        #expect(cut.isPause)
        #expect(abs(cut.position - (80_000 + 3_200)) <= 160)
    }

    @Test func ofTwoPausesTheLongerOneWins() {
        var samples = TestAudio.tone(seconds: 4)
        samples += TestAudio.silence(seconds: 0.12)
        samples += TestAudio.tone(seconds: 1)
        samples += TestAudio.silence(seconds: 0.6)
        samples += TestAudio.tone(seconds: 4)
        let cut = PauseFinder.quietestCut(in: samples, near: 72_000, window: 40_000..<110_000)
        #expect(cut.isPause)
        #expect((81_920..<91_520).contains(cut.position))
    }

    @Test func aPauseInNoiseIsFound() {
        let noise = TestAudio.noise(seconds: 10, amplitude: 300)
        var samples = TestAudio.tone(seconds: 5, amplitude: 12_000)
        samples += TestAudio.silence(seconds: 0.5)
        samples += TestAudio.tone(seconds: 4.5, amplitude: 12_000)
        samples = zip(samples, noise).map { $0 &+ $1 }
        let cut = PauseFinder.quietestCut(in: samples, near: 70_000, window: 48_000..<112_000)
        #expect(cut.isPause)
        #expect((80_000..<88_000).contains(cut.position))
    }

    @Test func aToneHasNoPause() {
        let cut = PauseFinder.quietestCut(in: TestAudio.tone(seconds: 10), near: 80_000, window: 60_000..<100_000)
        #expect(!cut.isPause)
        #expect((60_000...100_000).contains(cut.position))
    }

    @Test func aConstantOffsetHidesNoPause() {
        var samples = TestAudio.tone(seconds: 5)
        samples += TestAudio.silence(seconds: 0.4)
        samples += TestAudio.tone(seconds: 5)
        let shifted = samples.map { $0 + 12_000 }
        let cut = PauseFinder.quietestCut(in: shifted, near: 83_000, window: 60_000..<110_000)
        #expect(cut.isPause)
        #expect((80_000..<86_400).contains(cut.position))
        #expect(speech(shifted) == speech(samples))
    }

    @Test func odditiesOfTheWindowDoNoHarm() {
        #expect(PauseFinder.quietestCut(in: [Int16](), near: 5, window: 0..<10).position == 0)
        let samples = TestAudio.tone(seconds: 0.5)
        for window in [0..<1, 7_999..<9_000, 100..<150, 0..<1_000_000] {
            let cut = PauseFinder.quietestCut(in: samples, near: 4_000, window: window)
            #expect((0...samples.count).contains(cut.position))
        }
    }

    @Test func speechIsFoundWhereItIs() {
        var samples = TestAudio.silence(seconds: 2)
        samples += TestAudio.tone(seconds: 3)
        samples += TestAudio.silence(seconds: 2)
        let found = speech(samples)
        #expect(found == [SampleRange(32_000, 80_000)])
    }

    @Test func clicksAreNoSpeechAndShortGapsNoEnd() {
        var samples = TestAudio.silence(seconds: 1)
        samples += TestAudio.tone(seconds: 0.05)
        samples += TestAudio.silence(seconds: 1)
        samples += TestAudio.tone(seconds: 0.5)
        samples += TestAudio.silence(seconds: 0.15)
        samples += TestAudio.tone(seconds: 0.5)
        samples += TestAudio.silence(seconds: 1)
        #expect(speech(samples).map { $0.count / 160 } == [115])
    }

    @Test func veryQuietSpeechIsSpeech() {
        // -60 dBFS: 33 steps.
        var samples = TestAudio.noise(seconds: 1, amplitude: 1)
        samples += TestAudio.speech(seconds: 3, phrase: 3, pause: 0, amplitude: 33)
        #expect(!speech(samples).isEmpty)
    }

    @Test func silenceAndTheLowestBitsAreNoSpeech() {
        #expect(speech(TestAudio.silence(seconds: 5)).isEmpty)
        #expect(speech(TestAudio.noise(seconds: 5, amplitude: 3)).isEmpty)
        #expect(speech([]).isEmpty)
    }

    @Test func aSteadySoundIsHeardThroughout() {
        let samples = TestAudio.tone(seconds: 2)
        #expect(speech(samples) == [SampleRange(0, 32_000)])
    }
}
