import Engines
import Testing
import Transcription

/// Times and speakers under the names that servers give them.
@Suite struct AnswerNamesTests: AnswerParsing {
    private static let speech = [SampleRange(0, 160_000)]

    /// An answer about 10 s of speech.
    private func heard(_ body: String) throws -> ChunkTranscript { try parse(body, seconds: 10, speech: Self.speech) }

    @Test(arguments: [
        #"{"segments":[{"start_time":1.5,"end_time":3,"text":"one"},{"start_time":7,"end_time":9,"text":"two"}]}"#,
        #"{"segments":[{"startTime":"1.5","endTime":"3","text":"one"},{"startTime":"7","endTime":"9","text":"two"}]}"#,
        #"{"segments":[{"begin":1.5,"end":3,"text":"one"},{"begin":7,"end":9,"text":"two"}]}"#,
        #"{"segments":[{"from":1.5,"to":3,"text":"one"},{"from":7,"to":9,"text":"two"}]}"#,
        #"{"segments":[{"from":"00:00:01.500","to":"00:00:03,000","text":"one"},{"from":"0:07","to":"0:09","text":"two"}]}"#,
        // Hundredths of a second, as whisper.cpp has them inside; seconds all the same; milliseconds, nanoseconds.
        #"{"segments":[{"t0":150,"t1":300,"text":"one"},{"t0":700,"t1":900,"text":"two"}]}"#,
        #"{"segments":[{"t0":1.5,"t1":3.0,"text":"one"},{"t0":7.0,"t1":9.0,"text":"two"}]}"#,
        #"{"segments":[{"t0":1500,"t1":3000,"text":"one"},{"t0":7000,"t1":9000,"text":"two"}]}"#,
        #"{"segments":[{"begin":1500,"end":3000,"text":"one"},{"begin":7000,"end":9000,"text":"two"}]}"#,
        #"{"segments":[{"start_time":1500000000,"end_time":3000000000,"text":"one"},"#
            + #"{"start_time":7000000000,"end_time":9000000000,"text":"two"}]}"#,
        #"{"segments":[{"start_ms":1500,"end_ms":3000,"text":"one"},{"start_ms":7000,"end_ms":9000,"text":"two"}]}"#,
        #"{"segments":[{"start":null,"end":null,"start_ms":1500,"end_ms":3000,"text":"one"},"#
            + #"{"start":null,"end":null,"start_ms":7000,"end_ms":9000,"text":"two"}]}"#,
        // FunASR: milliseconds; some of its servers have seconds in the same list.
        #"{"text":"one two","sentence_info":[{"text":"one","start":1500,"end":3000},{"text":"two","start":7000,"end":9000}]}"#,
        #"{"text":"one two","sentence_info":[{"text":"one","start":1.5,"end":3},{"text":"two","start":7,"end":9}]}"#,
        #"[{"key":"a","text":"one two","sentence_info":[{"sentence":"one","start":1500,"end":3000},"#
            + #"{"sentence":"two","start":7000,"end":9000}]}]"#,
        // whisper.cpp's command line.
        #"{"transcription":[{"timestamps":{"from":"00:00:01,500","to":"00:00:03,000"},"offsets":{"from":1500,"to":3000},"#
            + #""text":" one"},{"offsets":{"from":7000,"to":9000},"text":" two"}]}"#,
        // Hugging Face.
        #"{"text":"one two","chunks":[{"timestamp":[1.5,3],"text":"one"},{"timestamp":[7.0,9.0],"text":"two"}]}"#,
        #"{"text":"one two","utterances":[{"start":1500,"end":3000,"text":"one"},{"start":7000,"end":9000,"text":"two"}]}"#,
        // Only the words have times.
        #"{"segments":[{"text":"one","words":[{"word":"one","start":1.5,"end":3}]},"#
            + #"{"text":"two","words":[{"word":"two","t0":7,"t1":9}]}]}"#,
        // Only the segments have.
        #"{"segments":[{"start":1.5,"end":3,"text":"one","words":[{"word":"one"}]},{"start":7,"end":9,"text":"two"}]}"#,
        #"{"text":"one two","segments":[{"start":1.5,"end":3,"text":"one"},{"start":7,"end":9,"text":"two"}],"#
            + #""words":[{"word":"one"},{"word":"two"}]}"#,
    ]) func timesAreReadAndNotEstimated(_ body: String) throws {
        let heard = try heard(body)
        #expect(!heard.timesAreEstimated && heard.warnings.isEmpty, "\(heard.warnings)")
        #expect(heard.segments.map(\.text) == ["one", "two"])
        #expect(times(heard) == [[1.5, 3], [7, 9]])
    }

    /// In a long chunk few milliseconds are few seconds, not many.
    @Test func millisecondsAreBelievedWhereTheListHasThemAlways() throws {
        let body = #"{"text":"one","sentence_info":[{"text":"one","start":1080,"end":2500}]}"#
        let heard = try parse(body, seconds: 300, speech: [SampleRange(0, 4_800_000)])
        #expect(times(heard) == [[1.08, 2.5]])
    }

    @Test(arguments: [
        #"{"segments":[{"t0":-5,"t1":-9,"text":"one"}]}"#, #"{"segments":[{"t0":null,"t1":null,"text":"one"}]}"#,
        #"{"segments":[{"t0":1e300,"t1":1e301,"text":"one"}]}"#,
        #"{"segments":[{"from":"a:b","to":"::","text":"one"}]}"#,
        #"{"text":"one","chunks":[{"timestamp":[null,null],"text":"one"}]}"#,
        #"{"text":"one","chunks":[{"timestamp":[[0,1],[1,2],[2,3]],"text":"one"}]}"#,
    ]) func whatIsNoTimeIsEstimated(_ body: String) throws {
        let heard = try heard(body)
        #expect(heard.timesAreEstimated && text(heard) == "one")
    }

    // MARK: Speakers

    private struct Labelled: Sendable {
        let body: String
        let speakers: [String?]
    }

    private static let labelled: [Labelled] = [
        // OpenAI's diarized_json.
        Labelled(
            body: #"""
                {"task":"transcribe","duration":10.0,"text":"Hi. Ho.","segments":[
                {"type":"transcript.text.segment","id":"seg_0","start":0.5,"end":2.0,"text":"Hi.","speaker":"A"},
                {"type":"transcript.text.segment","id":"seg_1","start":2.2,"end":4.0,"text":"Ho.","speaker":"B"}]}
                """#, speakers: ["A", "B"]),
        // FunASR.
        Labelled(
            body: #"""
                {"text":"Hi. Ho.","sentence_info":[{"text":"Hi.","start":500,"end":2000,"spk":0},
                {"text":"Ho.","start":2200,"end":4000,"spk":1}]}
                """#, speakers: ["0", "1"]),
        Labelled(
            body: #"""
                {"utterances":[{"start":500,"end":2000,"text":"Hi.","speaker_id":"s1"},
                {"start":2200,"end":4000,"text":"Ho.","speaker_label":"s2"}]}
                """#, speakers: ["s1", "s2"]),
        // Nobody: not known, below zero, empty, nothing to be seen, something else.
        Labelled(
            body: #"""
                {"segments":[{"start":0,"end":1,"text":"a","speaker":null},{"start":1,"end":2,"text":"b","speaker":-1},
                {"start":2,"end":3,"text":"c","speaker":""},{"start":3,"end":4,"text":"d","speaker":"\u200b\u202e"},
                {"start":4,"end":5,"text":"e","speaker":true},{"start":5,"end":6,"text":"f","speaker":[1]},
                {"start":6,"end":7,"text":"g","speaker":0.5},{"start":7,"end":8,"text":"h","speaker":1e300}]}
                """#, speakers: [nil, nil, nil, nil, nil, nil, nil, nil]),
        // Marks of direction, line breaks, escape sequences, HTML.
        Labelled(
            body: #"""
                {"segments":[{"start":0,"end":1,"text":"a","speaker":" \u202eAn\u2066na\n\tM.\u001b[31m "},
                {"start":1,"end":2,"text":"b","speaker":"<b>B</b>"}]}
                """#, speakers: ["Anna M.", "<b>B</b>"]),
        Labelled(
            body: "WEBVTT\n\n00:00.500 --> 00:02.000\n<v.loud Anna &amp; B>Hi.\n\n00:02.200 --> 00:04.000\nHo.",
            speakers: ["Anna & B", nil]),
    ]

    @Test(arguments: labelled.indices) func speakersOfSegmentsAreKept(_ at: Int) throws {
        #expect(try heard(Self.labelled[at].body).segments.map(\.speaker) == Self.labelled[at].speakers)
    }

    @Test func speakersOfWordsAreKept() throws {
        let heard = try heard(
            #"{"text":"Hello Anna.","segments":[{"start":0.5,"end":2.0,"text":"Hello Anna.","speaker":"SPEAKER_00","#
                + #""words":[{"word":"Hello","start":0.5,"end":1.0,"score":0.9,"speaker":"SPEAKER_00"},"#
                + #"{"word":"Anna.","speaker":"SPEAKER_01"}]}]}"#)
        #expect(heard.segments.map(\.speaker) == ["SPEAKER_00"])
        #expect(heard.segments[0].words.map(\.speaker) == ["SPEAKER_00", "SPEAKER_01"])
    }

    @Test func eventsHaveSpeakers() throws {
        let heard = try heard(
            """
            data: {"type":"transcript.text.segment","id":"seg_0","start":0.5,"end":2,"text":"Hi.","speaker":"A"}

            data: {"type":"transcript.text.done","text":"Hi."}

            """)
        #expect(heard.segments.map(\.speaker) == ["A"])
    }

    @Test func aLabelOfTenMegabytesIsCut() throws {
        let label = String(repeating: "Ä", count: 5 << 20)
        let heard = try heard(#"{"segments":[{"start":0,"end":1,"text":"a","speaker":"\#(label)"}]}"#)
        let speaker = try #require(heard.segments[0].speaker)
        #expect(speaker.unicodeScalars.count == SpeakerLabel.maximumLength && speaker.hasPrefix("ÄÄ"))
    }

    @Test func aKeyThatComesBackAsALabelIsHidden() throws {
        let redaction = Redaction(key: Secret("sk-test-0123456789abcdef"), urls: [])
        let word = Word(range: SampleRange(0, 1), text: "a", speaker: "sk-test-0123456789abcdef")
        let segment = Segment(range: SampleRange(0, 1), text: "a", words: [word], speaker: "x sk-test-0123456789abcdef")
        let out = redaction.transcript(ChunkTranscript(language: nil, segments: [segment])).segments[0]
        #expect(out.speaker?.contains("0123") == false && out.words[0].speaker?.contains("0123") == false)
    }
}
