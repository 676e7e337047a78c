import Engines
import TestSupport
import Testing
import Transcription

/// Times of words that are said too quietly to be heard as speech: they are as good as others.
@Suite struct QuietVoiceTests: AnswerParsing {
    private typealias Spoken = (text: String, start: Double, end: Double)

    /// One segment, with times for each word.
    private static func body(_ words: [Spoken], from start: Double, to end: Double) -> String {
        let text = words.map { " " + $0.text }.joined()
        let list = words.map { #"{"word":" \#($0.text)","start":\#($0.start),"end":\#($0.end)}"# }
        return #"{"segments":[{"start":\#(start),"end":\#(end),"text":"\#(text)","words":["#
            + #"\#(list.joined(separator: ","))]}]}"#
    }

    private static func words(_ name: String, _ count: Int, from start: Double, each length: Double) -> [Spoken] {
        (0..<count).map { ("\(name)\($0)", start + Double($0) * length, start + Double($0 + 1) * length) }
    }

    /// A thousandth of full scale all through, but for `silence` (in seconds).
    private static func audio(seconds: Int, silence: Range<Double> = 0..<0) -> ChunkAudio {
        let samples = (0..<seconds * Int(SampleClock.rate)).map { at -> Int16 in
            silence.contains(Double(at) / Double(SampleClock.rate)) ? 0 : (at / 20).isMultiple(of: 2) ? 32 : -32
        }
        return ChunkAudio(samples)
    }

    private func expect(_ heard: ChunkTranscript, _ expected: [Spoken]) {
        let words = heard.segments.flatMap(\.words)
        #expect(words.map(\.text) == expected.map(\.text))
        for (word, sent) in zip(words, expected) {
            let (start, end) = (SampleClock.seconds(word.range.start), SampleClock.seconds(word.range.end))
            #expect(abs(start - sent.start) < 0.011 && abs(end - sent.end) < 0.011, "\(word)")
        }
    }

    /// A loud question and a quiet answer in one segment: neither is moved for the other.
    @Test func aQuietAnswerStaysWhereItIsSaid() throws {
        let said = Self.words("loud", 16, from: 0, each: 0.5) + Self.words("quiet", 4, from: 9.6, each: 0.85)
        let heard = try parse(
            Self.body(said, from: 0, to: 13), seconds: 14, speech: [SampleRange(0, 128_000)],
            audio: Self.audio(seconds: 14))
        expect(heard, said)
    }

    /// Who lowers the voice without a pause, after a noise that has no text.
    @Test func aVoiceThatTrailsOffStaysWhereItIs() throws {
        let said = Self.words("loud", 8, from: 4, each: 0.5) + Self.words("quiet", 5, from: 8, each: 0.5)
        let heard = try parse(
            Self.body(said, from: 4, to: 10.5), seconds: 14, speech: [SampleRange(0, 128_000)],
            audio: Self.audio(seconds: 14))
        expect(heard, said)
    }

    /// A quiet question before a loud answer, and a door that slams between.
    @Test func aQuietBeginningStaysWhereItIs() throws {
        let said = Self.words("quiet", 4, from: 0.5, each: 0.6) + Self.words("loud", 8, from: 8, each: 0.5)
        let heard = try parse(
            Self.body(said, from: 0.5, to: 12), seconds: 14,
            speech: [SampleRange(64_000, 96_000), SampleRange(128_000, 192_000)], audio: Self.audio(seconds: 14))
        expect(heard, said)
    }

    /// In digital silence nothing is said, however quietly: the text belongs to the speech behind it that has none.
    @Test func textInDigitalSilenceMoves() throws {
        let said = Self.words("early", 6, from: 3.6, each: 0.5) + Self.words("late", 4, from: 10, each: 0.5)
        let heard = try parse(
            Self.body(said, from: 3.6, to: 14), seconds: 14, speech: [SampleRange(112_000, 224_000)],
            audio: Self.audio(seconds: 14, silence: 0..<6.98))
        let starts = heard.segments.flatMap(\.words).map { SampleClock.seconds($0.range.start) }
        #expect(starts.count == 10 && starts.allSatisfy { $0 > 6.8 }, "\(starts)")
        #expect(starts.suffix(3).elementsEqual([10.5, 11, 11.5]) { abs($0 - $1) < 0.011 }, "those stay")
    }

    /// There all speech has its text: it is not pressed together for words that were not heard.
    @Test func speechWithTextMakesNoRoom() throws {
        let said = Self.words("early", 4, from: 4.6, each: 0.5) + Self.words("late", 7, from: 7, each: 1)
        let heard = try parse(
            Self.body(said, from: 4.6, to: 14), seconds: 14, speech: [SampleRange(112_000, 224_000)],
            audio: Self.audio(seconds: 14, silence: 0..<6.98))
        let late = heard.segments.flatMap(\.words).suffix(7).map { SampleClock.seconds($0.range.start) }
        #expect(late.elementsEqual(said.suffix(7)) { abs($0 - $1.start) < 0.011 }, "\(late)")
    }
}
