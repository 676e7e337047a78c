import Engines
import TestSupport
import Testing
import Transcription

/// Words and times as whisper.cpp's server gives them: tokens of its model, in silence, reversed, all at one moment.
@Suite(.timeLimit(.minutes(20))) struct ServerWordTests: AnswerParsing {
    private struct Token {
        var text: String
        var start: Double
        var end: Double
    }

    /// An answer in its shape.
    private static func body(_ segments: [(text: String, start: Double, end: Double, tokens: [Token])]) -> String {
        let lists = segments.enumerated().map { id, segment in
            let words = segment.tokens.map {
                #"{"word":"\#($0.text)","start":\#($0.start),"end":\#($0.end),"t_dtw":-1,"probability":0.5}"#
            }
            return
                #"{"id":\#(id),"text":"\#(segment.text)","start":\#(segment.start),"end":\#(segment.end),"tokens":[1],"#
                + #""words":[\#(words.joined(separator: ","))],"temperature":0.0,"avg_logprob":-0.2,"no_speech_prob":0.01}"#
        }
        return #"{"task":"transcribe","language":"english","text":"","segments":[\#(lists.joined(separator: ","))]}"#
    }

    /// Tokens one behind the other.
    private static func tokens(_ texts: [String], from start: Double, each length: Double) -> [Token] {
        texts.enumerated().map {
            Token(
                text: $0.element, start: start + Double($0.offset) * length, end: start + Double($0.offset + 1) * length
            )
        }
    }

    private func words(_ transcript: ChunkTranscript) -> [String] { transcript.segments.flatMap(\.words).map(\.text) }

    private func seconds(_ range: SampleRange) -> (start: Double, end: Double) {
        (SampleClock.seconds(range.start), SampleClock.seconds(range.end))
    }

    static let assemblies: [(text: String, tokens: [String], words: [String])] = [
        (" Margaret, harshly.", [" Mar", "gar", "et", ",", " harsh", "ly", "."], ["Margaret,", "harshly."]),
        // Without white space only the text tells.
        ("Margaret said", ["Mar", "gar", "et", "said"], ["Margaret", "said"]),
        ("Hello there. Next", ["Hello", "there", "Next"], ["Hello", "there", "Next"]),
        ("twenty-one men", ["twenty", "one", "men"], ["twenty-one", "men"]),
        (
            " Mr. O'Kayse \\\"so\\\"", [" Mr", ".", " O", "'", "K", "ayse", " \\\"", "so", "\\\""],
            ["Mr.", "O'Kayse", "\"so\""]
        ),
        ("你好，世界。", ["你", "好", "，", "世界", "。"], ["你", "好，", "世界。"]),
        ("สวัสดี", ["ส", "ว", "ั", "ส", "ดี"], ["ส", "วั", "ส", "ดี"]),
        ("한국어를 말해요", ["한국", "어를", " 말", "해요"], ["한국어를", "말해요"]),
    ]

    @Test(arguments: assemblies.indices) func tokensBecomeWords(_ row: Int) throws {
        let (text, tokens, expected) = Self.assemblies[row]
        let answer = Self.body([(text, 1, 9, Self.tokens(tokens, from: 1, each: 0.4))])
        let heard = try parse(answer)
        #expect(words(heard) == expected)
        let spans = heard.segments.flatMap(\.words).map(\.range)
        #expect(zip(spans, spans.dropFirst()).allSatisfy { $0.start <= $1.start })
    }

    /// The time of a full stop is the pause behind it.
    @Test func aWordEndsWithItsLastSound() throws {
        let answer = Self.body([
            (" Good.", 1, 9, [Token(text: " Good", start: 1, end: 1.6), Token(text: ".", start: 1.7, end: 9)])
        ])
        let word = try #require(try parse(answer).segments.first?.words.first)
        #expect(word.text == "Good." && abs(seconds(word.range).end - 1.6) < 0.01)
    }

    /// Speech at 1–10 s and 15–29 s, and text that is said to begin in the silence between.
    @Test func textInSilenceMovesToTheSpeechBehindIt() throws {
        let early = Self.tokens(
            [" Margaret", " said", " Mr", ".", " Hale", " as", " he", " returned"], from: 10.8, each: 0.5)
        let late = [Token(text: " guests", start: 14.9, end: 15.4), Token(text: " downstairs", start: 17.2, end: 18.4)]
        let answer = Self.body([
            (" Margaret said Mr. Hale as he returned", 10.8, 14.9, early), (" guests downstairs", 14.9, 18.4, late),
        ])
        let heard = try parse(answer)
        let all = heard.segments.flatMap(\.words)
        #expect(words(heard).joined(separator: " ") == "Margaret said Mr. Hale as he returned guests downstairs")
        #expect(all.allSatisfy { seconds($0.range).start >= 14.8 && seconds($0.range).end <= 29 }, "\(all)")
        #expect(heard.segments.allSatisfy { seconds($0.range).start >= 14.8 })
    }

    /// All at 16.0 s, their ends before their starts, or without width: placed over what is heard, none of them in a moment.
    @Test(arguments: [(0.0, -5.0), (0.0, 0.0)]) func timesThatAreNoneAreFilledIn(_ way: (Double, Double)) throws {
        let texts = [" If", " called", " to", " a", " case", " of", " poisoning", ","]
        let answer = Self.body([
            (" If called to a case of poisoning,", 16, 16, texts.map { Token(text: $0, start: 16, end: 16 + way.1) }),
            (
                " the medical man has two duties.", 16, 24,
                Self.tokens(
                    [" the", " medical", " man", " has", " two", " duties", "."], from: 20, each: 0.5)
            ),
        ])
        let heard = try parse(answer)
        let first = try #require(heard.segments.first)
        #expect(first.words.count == 7)
        #expect(first.range.seconds > 1.5 && seconds(first.range).start >= 15 && seconds(first.range).end <= 20.1)
        #expect(first.words.allSatisfy { !$0.range.isEmpty })
        #expect(abs(seconds(heard.segments[1].words[0].range).start - 20) < 0.01, "the known stay")
    }

    /// Whether it was said at all is for others to decide: it is not put over speech.
    @Test func whatLiesFarFromSpeechStays() throws {
        let answer = Self.body([
            (
                " Thank you for watching.", 11.5, 13.5,
                Self.tokens([" Thank", " you", " for", " watching", "."], from: 11.5, each: 0.4)
            ),
            (" [BLANK_AUDIO]", 10, 15, Self.tokens([" [", "BLANK", "_", "AUDIO", "]"], from: 10, each: 1)),
        ])
        let heard = try parse(answer, speech: [SampleRange(16_000, 160_000), SampleRange(240_000, 464_000)])
        let thanks = try #require(heard.segments.first { $0.text.hasPrefix("Thank") })
        #expect(seconds(thanks.range).start > 11 && seconds(thanks.range).end < 14)
    }

    @Test func aSegmentWithoutWordsBeginsWhereSomethingIsHeard() throws {
        let heard = try parse(#"{"segments":[{"start":11,"end":29.9,"text":"Late."}]}"#)
        #expect(times(heard) == [[15, 29.9]])
    }

    /// The whole way: a talk in the tokens of whisper.cpp, with pauses, becomes cues that begin with their words.
    @Test func cuesBeginAndEndWithTheirWords() async throws {
        let sentence = [
            " Mar", "gar", "et", ",", " he", " said", ",", " speaks", " harsh", "ly", ",", " of", " it", ".",
        ]
        let text = " Margaret, he said, speaks harshly, of it."
        let segments = (0..<4).map { at -> (text: String, start: Double, end: Double, tokens: [Token]) in
            let start = Double(at) * 6
            return (text, start, start + 6, Self.tokens(sentence, from: start, each: 0.35))
        }
        let body = Self.body(segments)
        let server = try FakeTranscriptionServer { _ in .init(text: body) }
        defer { server.stop() }
        let samples = MarkedAudio.samples(seconds: 0..<30)
        let talk = SampleRange(0, Int64(samples.count))
        let speech = (0..<4).map { at -> SampleRange in SampleRange(Int64(at) * 96_000, Int64(at) * 96_000 + 80_000) }
        let way = ServerWay(chunks: [placed(samples, at: 0, index: 0, speech: speech)])
        let transcript = try await way.run(try engine(server) { $0.profile = .whisperCpp })
        #expect(transcript.segments.flatMap(\.words).count == 4 * 7 && transcript.sampleCount == talk.end)
        let cues = CueBuilder().cues(for: transcript)
        let words = transcript.segments.flatMap(\.words)
        #expect(
            cues.map { $0.lines.joined(separator: " ") }.joined(separator: " ")
                == transcript.segments.map(\.text).joined(separator: " "))
        for word in words {
            let middle = SampleClock.milliseconds(word.range.middle)
            #expect(cues.contains { $0.start <= middle && middle <= $0.end }, "\(word.text) at \(middle) ms is shown")
        }
        for cue in cues {
            let distance = words.map { abs(SampleClock.milliseconds($0.range.start) - cue.start) }.min() ?? .max
            #expect(distance < 10, "\(cue) begins with a word")
        }
    }
}
