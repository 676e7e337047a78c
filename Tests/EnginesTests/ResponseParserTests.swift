import Engines
import SystemSupport
import TestSupport
import Testing
import Transcription

/// One test per way in which known servers answer; a number in a name marks the kind of behaviour, the same in all suites.
@Suite struct ResponseParserTests: AnswerParsing {
    @Test func case01_classicVerboseJSON() throws {
        let heard = try parse(
            #"""
            {"task":"transcribe","language":"english","duration":30.0,"text":" Hello there. General.",
             "segments":[{"id":0,"seek":0,"start":0.0,"end":1.9199999570846558,"text":" Hello there.","tokens":[1,2],
             "temperature":0.0,"avg_logprob":-0.25,"compression_ratio":1.2,"no_speech_prob":0.01},
             {"id":1,"start":1.92,"end":3.5,"text":" General.","avg_logprob":-0.5}]}
            """#)
        #expect(heard.language == "en")
        #expect(heard.segments.map(\.text) == ["Hello there.", "General."])
        #expect(heard.segments[0].range == SampleRange(0, 30_720))
        #expect(heard.segments[0].averageLogProbability == -0.25)
        #expect(heard.segments[0].noSpeechProbability == 0.01)
        #expect(!heard.timesAreEstimated)
    }

    @Test func case02_textOnlyIsSpreadOverTheSpeech() throws {
        let heard = try parse(
            #"{"text":"The first sentence is spoken here. And the second one is spoken after the pause, at length."}"#)
        #expect(heard.timesAreEstimated)
        #expect(heard.segments.count >= 2)
        for segment in heard.segments {
            #expect(speech.contains { $0.overlap(with: segment.range) == segment.range.count }, "\(segment.range)")
            #expect(!segment.range.isEmpty)
        }
        #expect(heard.segments.first?.range.start == 16_000)
        #expect(heard.segments.last?.range.end == 464_000)
        #expect(
            heard.segments.map(\.text).joined(separator: " ")
                == "The first sentence is spoken here. And the second one is spoken after the pause, at length.")
    }

    @Test func case03_plainTextIsTakenOnlyWhereAsked() throws {
        #expect(text(try parse("Just words.\n", plainText: true)) == "Just words.")
        #expect(throws: ResponseFault.notUnderstood("is plain text where JSON was asked for")) {
            try parse("upstream connect error")
        }
    }

    @Test func case04_quotedText() throws {
        #expect(text(try parse(#"  "привет \"мир\"""#)) == "привет \"мир\"")
    }

    @Test func case05_whisperCppSplitsInsideAWord() throws {
        let heard = try parse(
            #"""
            {"task":"transcribe","language":"russian","text":" Это предл\nожение здесь.\n Конец.",
             "segments":[{"id":0,"text":" Это предл","start":0.0,"end":2.0,"avg_logprob":null,
             "words":[{"word":" Это","start":0.0,"end":0.5,"t_dtw":-1,"probability":0.9},
                      {"word":" предл","start":0.5,"end":2.0,"probability":0.7}]},
             {"id":1,"text":"ожение здесь.","start":2.0,"end":3.0,"words":[{"word":"ожение","start":2.0,"end":2.5,
             "probability":0.8}]},{"id":2,"text":" Конец.","start":3.0,"end":4.0},
             {"id":3,"text":" И всё.","start":4.0,"end":5.0}]}
            """#)
        #expect(heard.language == "ru")
        #expect(heard.segments.map(\.text) == ["Это предложение здесь.", "Конец.", "И всё."])
        #expect(heard.segments[0].range == SampleRange(0, 48_000))
        #expect(heard.segments[0].words.map(\.text) == ["Это", "предложение"])
        #expect(abs((heard.segments[0].confidence ?? 0) - 0.825) < 1e-9)
    }

    @Test func case06_vLLM() throws {
        let heard = try parse(
            #"""
            {"duration":"29.42","language":"en","text":"One two.","segments":[{"id":0,"start":0.0,"end":21.56,
            "text":"One two.","no_speech_prob":null,"avg_logprob":-0.1,"words":null}],"words":null,
            "usage":{"type":"duration","seconds":30}}
            """#)
        #expect(heard.segments.map(\.text) == ["One two."])
        #expect(heard.segments[0].noSpeechProbability == nil)
    }

    @Test func case08_xinferenceNullEndAndConstantMetrics() throws {
        let heard = try parse(
            #"""
            {"language":"english","duration":null,"text":"a b","segments":[{"id":0,"start":0,"end":4,"text":"a",
            "avg_logprob":0.0,"compression_ratio":0.0,"no_speech_prob":0.0,"tokens":[]},{"id":1,"start":4,"end":null,
            "text":"b","avg_logprob":0.0,"compression_ratio":0.0,"no_speech_prob":0.0}]}
            """#)
        #expect(times(heard) == [[0, 4], [4, 29]])  // to the end of the speech
        #expect(heard.segments.allSatisfy { $0.averageLogProbability == nil && $0.noSpeechProbability == nil })
    }

    @Test func case09_funASR() throws {
        let heard = try parse(#"{"language":"auto","duration":0.1,"text":"你好，世界。再见。","segments":[]}"#)
        #expect(heard.language == nil)
        #expect(heard.timesAreEstimated)
        #expect(heard.segments.map(\.text).joined() == "你好，世界。再见。")
    }

    @Test func case10_segmentsNull() throws {
        #expect(try parse(#"{"text":"Hello.","segments":null}"#).segments.map(\.text) == ["Hello."])
    }

    @Test func case11_wordsWithoutSegments() throws {
        let heard = try parse(
            #"""
            {"text":"Hello there. Next one.","words":[{"word":"Hello","start":1.0,"end":1.5},{"word":"there",
            "start":1.5,"end":2.0},{"word":"Next","start":2.1,"end":2.5},{"word":"one","end":3.0}]}
            """#)
        #expect(heard.segments.map(\.text) == ["Hello there.", "Next one."])
        #expect(times(heard) == [[1, 2], [2.1, 3]])
        #expect(heard.segments[1].words.count == 2)
    }

    @Test func case11_wordsBesideSegmentsGoToTheirSegment() throws {
        let heard = try parse(
            #"""
            {"text":"a b c","segments":[{"start":0,"end":2,"text":"a b"},{"start":2,"end":4,"text":"c"}],
            "words":[{"word":"a","start":0,"end":1},{"word":"b","start":1,"end":2},{"word":"c","start":2.2,"end":3}]}
            """#)
        #expect(heard.segments.map { $0.words.map(\.text) } == [["a", "b"], ["c"]])
    }

    @Test(arguments: [#"{"text":"a"#, #"{"segments":[{"start":0,"#, #"{"text":"#, "{", "["])
    func case17_truncatedJSONIsNotTaken(_ body: String) {
        #expect(throws: ResponseFault.notUnderstood("breaks off in the middle of its JSON")) { try parse(body) }
    }

    @Test func case18_brokenUnicode() throws {
        let parser = TranscriptionResponseParser(sampleCount: 16_000, speech: [], acceptsPlainText: false)
        let bad = Array("\u{FEFF}{\"text\":\"a".utf8) + [0xFF, 0xFE] + Array("b \\ud800 c\"}".utf8)
        let text = try parser.parse(bad).segments.map(\.text).joined(separator: " ")
        #expect(text.hasPrefix("a") && text.contains("b") && text.hasSuffix("c"))
        #expect(try parse(#"{"text":"\ud83d\ude00 ok"}"#).segments.map(\.text).joined(separator: " ").contains("ok"))
    }

    @Test func case19_hugeAndDeepBodiesAreRefusedQuickly() {
        let parser = TranscriptionResponseParser(sampleCount: 480_000, speech: speech, acceptsPlainText: true)
        let time = processorTime {
            for opening in ["[", #"{"a":"#, #"{"segments":["#] {
                let deep = Array(String(repeating: opening, count: 100_000).utf8)
                #expect(throws: ResponseFault.self) { try parser.parse(deep) }
            }
            let one = #"{"start":0,"end":1,"text":"a"},"#
            let many = Array((#"{"segments":["# + String(repeating: one, count: 1_000_000) + "{}]}").utf8)
            #expect(throws: ResponseFault.notUnderstood("holds too many values")) { try parser.parse(many) }
            #expect(throws: ResponseFault.self) { try parser.parse([UInt8](repeating: 0x61, count: 30 << 20)) }
        }
        #expect(time < .seconds(30))
    }

    @Test func case20_21_emptyText() throws {
        #expect(try parse(#"{"text":""}"#).segments.isEmpty)
        #expect(try parse(#"{"text":"","segments":[]}"#, speech: []).segments.isEmpty)
        #expect(
            try parse(#"{"text":" ","segments":[{"start":0,"end":3,"text":"From segments."}]}"#).segments.count == 1)
    }

    @Test(arguments: [
        #"{"error":{"message":"boom","type":"x"}}"#, #"{"error":"boom"}"#, #"{"detail":"boom"}"#,
        #"{"message":"boom"}"#,
        #"{"detail":[{"loc":["body"],"msg":"boom"}]}"#,
        #"{"text":"","error":"boom"}"#, #"{"segments":[],"detail":"boom"}"#, #"{"text":null,"message":"boom"}"#,
        #"{"text":"","segments":[{"start":0,"end":1,"text":" "}],"words":[],"error":"boom"}"#,
        #"[{"text":"","error":"boom"}]"#,
    ])
    func case22_errorIn200(_ body: String) {
        let error = #expect(throws: ResponseFault.self) { try parse(body) }
        guard case .message(let message)? = error else {
            Issue.record("no message found")
            return
        }
        #expect(message.text.hasSuffix("boom"))
    }

    /// Half an error, or something else that has such a key.
    @Test(arguments: [
        #"{"text":"heard","error":"boom"}"#, #"{"text":"heard","message":"ok"}"#,
        #"{"segments":[{"start":0,"end":1,"text":"heard"}],"detail":"low volume"}"#,
        #"{"text":"heard","error":{}}"#, #"{"words":[{"word":"heard"}],"message":"done"}"#,
        #"{"text":null,"segments":[{"start":0,"end":1,"text":"heard"}],"detail":"x"}"#,
    ])
    func case22_whereThereIsTextItIsNoError(_ body: String) throws {
        #expect(text(try parse(body)) == "heard")
    }

    @Test(arguments: [
        #"{"text":"","error":null,"detail":"","message":null}"#, #"{"text":"","error":false}"#,
        #"{"text":"","message":"success","code":0,"error":""}"#, #"{"text":"","title":"chunk-0"}"#,
        #"{"segments":[],"detail":[]}"#,
        #"{"text":null,"segments":[]}"#,
    ])
    func case21_nothingHeardIsNoError(_ body: String) throws {
        #expect(try parse(body).segments.isEmpty)
    }

    @Test(arguments: [
        #"{"text":null}"#, #"{"text":5}"#, "[]", #"{"text":{"a":1}}"#, #"{"segments":null}"#, #"[{"text":null}]"#,
        #"{"text":null,"segments":null,"words":null}"#, #"{"segments":[1,2]}"#, #"{"error":{}}"#,
        #"data: {"status":"working"}"#,
    ])
    func case22_whatHoldsNoTranscriptIsNotTakenForSilence(_ body: String) {
        let fault = #expect(throws: ResponseFault.self) { try parse(body) }
        guard case .notUnderstood? = fault else {
            Issue.record("\(String(describing: fault))")
            return
        }
    }

    /// Smaller than any thread that reads answers has, without optimisation.
    @Test func nestingIsBoundedForASmallStack() {
        let done = ThreadSignal()
        func nested(_ levels: Int) -> String {
            #"{"text":"ok","more":"# + String(repeating: "[", count: levels - 1)
                + String(repeating: "]", count: levels - 1) + "}"
        }
        let (most, tooMany) = (nested(64), [nested(66), nested(1_000_000)])
        Thread.start(name: "small", stackBytes: 256 << 10) {
            #expect(throws: Never.self) { try parse(most) }
            for body in tooMany {
                #expect(throws: ResponseFault.notUnderstood("is nested too deeply")) { try parse(body) }
            }
            done.signal()
        }
        #expect(done.wait(seconds: 600))
    }

    @Test func case23_loginPage() {
        #expect(throws: ResponseFault.self) { try parse("<!DOCTYPE html><html><body>Log in</body></html>") }
    }

    @Test func case24_eventStream() throws {
        let done = try parse(
            """
            data: {"type":"transcript.text.delta","delta":"Hel"}

            data: {"type":"transcript.text.delta","delta":"lo."}

            data: {"type":"transcript.text.done","text":"Hello."}

            data: [DONE]
            """)
        #expect(done.segments.map(\.text) == ["Hello."])
        #expect(throws: ResponseFault.self) {
            try parse(
                "data: {\"type\":\"transcript.text.delta\",\"delta\":\"x\"}\n\ndata: {\"error\":{\"message\":\"m\"}}\n")
        }
    }

    @Test func subtitlesAreRead() throws {
        let vtt = try parse(
            "WEBVTT\n\n00:01.000 --> 00:02.500 align:start\n<v Anna>Hello\nthere\n\n00:03.000 --> 00:04.000\nBye")
        #expect(vtt.segments.map(\.text) == ["Hello there", "Bye"])
        #expect(times(vtt) == [[1, 2.5], [3, 4]])
        let srt = try parse("1\n00:00:01,000 --> 00:00:02,500\nHello\n\n2\n00:00:03,000 --> 00:00:04,000\nBye\n")
        #expect(times(srt) == [[1, 2.5], [3, 4]])
    }

    @Test func bareListOfSegments() throws {
        #expect(
            times(try parse(#"[{"start":1,"end":2,"text":"a"},{"start":2,"end":3,"text":"b"}]"#)) == [[1, 2], [2, 3]])
        #expect(throws: ResponseFault.self) { try parse("[1,2,3]") }
        #expect(throws: ResponseFault.self) { try parse("{}") }
    }

    @Test func textThatTheSegmentsDoNotHoldIsTold() throws {
        let part = #""segments":[{"start":0,"end":2,"text":" one two"}]"#
        #expect(try parse(#"{"text":"one two three four five six",\#(part)}"#).warnings.count == 1)
        // A word more, other spelling, other spaces: nothing is missing.
        for whole in ["one two", "One, two!\\n", "one two three", "onetwo"] {
            #expect(try parse(#"{"text":"\#(whole)",\#(part)}"#).warnings.isEmpty, "\(whole)")
        }
        let long = String(repeating: "word ", count: 1000)
        let heard = try parse(
            #"{"text":"\#(long) twenty five","segments":[{"start":0,"end":2,"text":"\#(long) 25"}]}"#)
        #expect(heard.warnings.isEmpty)
    }

    @Test func tokensAndPunctuationAreLeftOut() throws {
        let heard = try parse(
            #"""
            {"segments":[{"start":0,"end":0.5,"text":" <|nospeech|>"},{"start":1,"end":2,"text":"<|0.00|> Hello<|2.00|>"},
            {"start":2,"end":3,"text":" ... "}]}
            """#)
        #expect(heard.segments.map(\.text) == ["Hello"])
    }

    @Test(arguments: [
        (#"a\u001b[31mred\u001b[0m b"#, "ared b"), (#"a\u001b]0;title\u0007b"#, "ab"),
        (#"a\u001b]8;;http://x\u001b\\link"#, "alink"), (#"a \u001b]2;no end"#, "a 2;no end"),
        (#"a\u009b2Jb"#, "ab"), (#"a\u0090q\u009cb"#, "ab"), (#"a\u0000b\u007fc\b"#, "a b c"),
        (#"x\u202etxt.exe\u202c y\u2066z\u2069"#, "xtxt.exe yz"), (#"a\u001bcb"#, "acb"),
        (#"\u05d0\u200f\u200eb \ud83d\udc68\u200d\ud83d\udc69"#, "\u{5d0}\u{200f}\u{200e}b 👨‍👩"),
    ])
    func whatATerminalWouldObeyIsLeftOut(_ sent: String, _ kept: String) throws {
        let heard = try parse(
            #"{"segments":[{"start":0,"end":1,"text":"\#(sent)","words":[{"word":"\#(sent)","start":0,"end":1}]}]}"#)
        #expect(heard.segments.map(\.text) == [kept])
        #expect(heard.segments.first?.words.map(\.text) == [kept])
        #expect(text(try parse(#"{"text":"\#(sent)"}"#)) == kept)
    }

    @Test func duplicateKeysTheLastCounts() throws {
        #expect(try parse(#"{"text":"a","text":"b"}"#).segments.map(\.text) == ["b"])
    }

    @Test(
        arguments: [
            ("english", "en"), ("Russian", "ru"), ("ru-RU", "ru"), ("zh", "zh"), ("yue", "yue"),
            ("haitian creole", "ht"),
            ("auto", nil), ("unknown", nil), ("", nil), ("und", nil),
        ] as [(String, String?)])
    func languages(_ name: String, _ code: String?) throws {
        #expect(try parse(#"{"text":"a","language":"\#(name)"}"#).language == code)
    }
}
