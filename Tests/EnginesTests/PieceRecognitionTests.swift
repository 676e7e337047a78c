import Engines
import Testing
import Transcription

/// When the model is asked, with what, and when again.
@Suite struct PieceRecognitionTests {
    /// A model that answers one piece after the other, and remembers what it was given.
    private final class Model {
        var answers: [DecodedText]
        var given: [[Float]] = []

        init(_ answers: [DecodedText]) { self.answers = answers }

        func decode(_ samples: [Float]) -> DecodedText? {
            given.append(samples)
            return answers.isEmpty ? nil : answers.removeFirst()
        }
    }

    private static func seconds(_ ranges: [ClosedRange<Double>]) -> [SampleRange] {
        ranges.map {
            SampleRange(SampleClock.samples(seconds: $0.lowerBound), SampleClock.samples(seconds: $0.upperBound))
        }
    }

    private static func hear(
        _ model: Model, length: Double, speech: [ClosedRange<Double>], isGenerative: Bool = true, hasMemory: Bool = true
    ) -> PieceHearing {
        let samples = OfflineSpeech.noise(seconds: length, amplitude: 1000)
        return PieceRecognition(
            isGenerative: isGenerative, detect: { _ in seconds(speech) }, decode: { model.decode($0) },
            hasMemory: { _ in hasMemory }
        ).hear(samples)
    }

    @Test func withoutSpeechTheModelIsNotAsked() {
        let model = Model([])
        let hearing = Self.hear(model, length: 10, speech: [])
        #expect(model.given.isEmpty)
        #expect(hearing.parts.isEmpty && hearing.doubts.isEmpty)
        #expect(Self.hear(model, length: 0.05, speech: [0...0.05]).parts.isEmpty)
    }

    @Test func aPlainAnswerIsTakenAsItIs() {
        let model = Model([DecodedText(text: "Hello there.", tokenCount: 4)])
        let hearing = Self.hear(model, length: 3, speech: [0.5...1.5])
        #expect(hearing.parts == [PieceHearing.Part(range: SampleRange(0, 48_000), text: "Hello there.")])
        #expect(hearing.speech == Self.seconds([0.5...1.5]))
        #expect(model.given.map(\.count) == [48_000])
    }

    /// Half a second of silence behind it, and only behind it.
    @Test func speechThatIsCutOffGetsSilenceBehindIt() {
        let model = Model([DecodedText(text: "The end", tokenCount: 2)])
        _ = Self.hear(model, length: 3, speech: [0...2.9])
        #expect(model.given.map(\.count) == [56_000])
        #expect(model.given[0].suffix(8000).allSatisfy { $0 == 0 })
        #expect(model.given[0].first != 0)
    }

    @Test func aRunawayIsAskedAgainInTwoPartsCutInThePauseNearestToTheMiddle() {
        let model = Model([
            DecodedText(text: "no no no", tokenCount: 200), DecodedText(text: "First half.", tokenCount: 4),
            DecodedText(text: "Second half.", tokenCount: 4),
        ])
        let hearing = Self.hear(model, length: 10, speech: [0...1, 1.2...5.8, 6.2...9])
        #expect(hearing.parts.map(\.text) == ["First half.", "Second half."])
        #expect(hearing.parts.map(\.range) == Self.seconds([0...6, 6...10]))
        #expect(hearing.doubts.isEmpty)
        #expect(model.given.map(\.count) == [160_000, 96_000 + 16_000, 64_000 + 16_000])
    }

    @Test func aRunawayThatStaysOneIsLeftOutAndSaid() {
        let loop = DecodedText(text: "no no no", tokenCount: 200)
        let model = Model([loop, DecodedText(text: "Fine.", tokenCount: 2), loop])
        let hearing = Self.hear(model, length: 10, speech: [0...4, 6...9])
        #expect(hearing.parts.map(\.text) == ["Fine."])
        #expect(hearing.doubts == [.runaway])
        // Families that give a token for each sound cannot run away.
        let other = Self.hear(Model([loop]), length: 10, speech: [0...4], isGenerative: false)
        #expect(other.parts.map(\.text) == ["no no no"])
    }

    @Test(arguments: [(true, PieceHearing.Doubt.nothing), (false, .memory)])
    func nothingWhereSpeechIsHeardIsAskedAgainAndSaid(_ hasMemory: Bool, _ doubt: PieceHearing.Doubt) {
        let nothing = DecodedText(text: " ", tokenCount: 0)
        let model = Model([nothing, nothing])
        let hearing = Self.hear(model, length: 3, speech: [0.5...2], hasMemory: hasMemory)
        #expect(hearing.doubts == [doubt])
        #expect(model.given.map(\.count) == [48_000, 64_000])
        // A cough is no speech that is missed.
        #expect(Self.hear(Model([nothing]), length: 3, speech: [0.5...1]).doubts.isEmpty)
    }

    /// Each word is as likely in the one stretch as in the other.
    @Test(arguments: [
        ("Mama, dada.", "Papa,"), ("Dada.", "Papa, mama,"), ("Quite another thing.", "Papa, mama, dada."),
    ])
    func whereALengthTellsNothingWhatIsBehindThePauseIsHeard(_ heard: String, _ first: String) {
        let model = Model([
            DecodedText(text: "Papa, mama, dada.", tokenCount: 9), DecodedText(text: heard, tokenCount: 4),
        ])
        let hearing = Self.hear(model, length: 7, speech: [0.5...2.5, 3.5...5.5])
        #expect(hearing.parts.first?.text == first)
        #expect(hearing.parts.map(\.text).joined(separator: " ") == "Papa, mama, dada.")
        if hearing.parts.count > 1 { #expect(hearing.parts.map(\.range) == Self.seconds([0...3, 3...7])) }
        #expect(model.given.count == 2)
        #expect(hearing.doubts.isEmpty)
    }

    /// Lengths that fit leave nothing to ask for.
    @Test func whereLengthsTellTheBreakNothingIsHeardTwice() {
        let model = Model([DecodedText(text: "We met on Monday in the office. Nobody came.", tokenCount: 12)])
        let hearing = Self.hear(model, length: 7, speech: [0.5...3, 4.5...5.3])
        #expect(hearing.parts.count == 1)
        #expect(model.given.count == 1)
    }

    private static let nonsense = "water which is a small part of the water"

    @Test(arguments: [
        (["for the next financial year"], false), (["for the necks financial year"], false),
        ([nonsense, nonsense], true), ([nonsense, "the committee will discuss"], false), (["No."], false),
    ]) func aTextThatComesOutOtherwiseInTwoPlacesIsTold(_ again: [String], _ isAnother: Bool) {
        let text = "The committee will discuss the budget for the next financial year."
        let model = Model(([text] + again).map { DecodedText(text: $0, tokenCount: 12) })
        let samples = OfflineSpeech.noise(seconds: 8, amplitude: 1000)
        let hearing = PieceRecognition(
            isGenerative: true, detect: { _ in Self.seconds([0.2...7.8]) }, decode: { model.decode($0) }
        ).hear(samples, checksLanguage: true)
        #expect(hearing.doubts == (isAnother ? [.disagreement] : []))
        #expect(hearing.parts.map(\.text) == [text])
        #expect(model.given.count == 1 + again.count)
    }

    @Test func signsForUnknownAreLeftOutAndSaid() {
        let unknown = DecodedText(text: "a <unk> b", tokenCount: 3)
        let hearing = Self.hear(Model([unknown, unknown]), length: 3, speech: [0.5...2])
        #expect(hearing.parts.map(\.text) == ["a  b"])
        #expect(hearing.doubts == [.unknown])
    }

    @Test func softAudioIsMadeLoudForTheDetectorOnly() {
        let samples = OfflineSpeech.noise(seconds: 1, amplitude: 20)
        var shown: [Float] = []
        let model = Model([DecodedText(text: "Soft.", tokenCount: 2)])
        _ = PieceRecognition(
            isGenerative: true,
            detect: {
                shown = $0
                return [SampleRange(0, 8000)]
            }, decode: { model.decode($0) }
        ).hear(samples)
        #expect(shown.map(abs).max().map { (0.4...1).contains($0) } == true)
        #expect(model.given[0].map(abs).max().map { $0 < 0.001 } == true)
    }
}

@Suite struct PieceHearingTests {
    private static let whole: PieceHearing = {
        var hearing = PieceHearing()
        hearing.speech = [SampleRange(10, 20), SampleRange(30, 40)]
        hearing.parts = [
            PieceHearing.Part(
                range: SampleRange(0, 50), text: "Good morning",
                tokens: [.init(text: " Good", start: 10), .init(text: " morning", start: 31)])
        ]
        hearing.language = "en"
        hearing.doubts = [.unknown]
        hearing.memoryBytes = 5
        return hearing
    }()

    @Test func whatGoesThroughThePipeComesOut() {
        #expect(PieceHearing(Self.whole.encoded, sampleCount: 50) == Self.whole)
        #expect(PieceHearing(PieceHearing().encoded, sampleCount: 0) == PieceHearing())
    }

    @Test func aTextCannotBreakALine() {
        var hearing = PieceHearing()
        hearing.parts = [PieceHearing.Part(range: SampleRange(0, 5), text: "a\nd\tmemory\r\n.")]
        let read = PieceHearing(hearing.encoded, sampleCount: 5)
        #expect(read?.parts.map(\.text) == ["a d memory ."])
        #expect(read?.doubts == [])
    }

    @Test func whatIsNotWholeOrLiesOutsideIsRefused() {
        let bytes = Self.whole.encoded
        for count in 0..<bytes.count { #expect(PieceHearing(Array(bytes[..<count]), sampleCount: 50) == nil) }
        #expect(PieceHearing(bytes, sampleCount: 45) == nil)
        for text in ["s\t-1\t2\n.", "s\t3\t2\n.", "t\t1\tx\n.", "d\tother\n.", "z\n.", "s\t1\n."] {
            #expect(PieceHearing(Array(text.utf8), sampleCount: 50) == nil, "\(text)")
        }
    }
}
