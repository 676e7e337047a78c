import Engines
import TestSupport
import Testing
import Transcription

/// What a server says with status 200, and what must come of it. The numbers are those of the list of known cases, the
/// same in all suites.
struct AnswerCase: Sendable, CustomTestStringConvertible {
    enum Outcome: Sendable {
        /// Text, start and end in seconds.
        case heard([(String, Double, Double)])
        /// The whole text, its times estimated.
        case estimated(String)
        /// Tried again; part of the sentence for people.
        case fault(String)
    }

    var number: Int
    var name: String
    var body: [UInt8]
    var outcome: Outcome
    var seconds = 30
    var headers: [(name: String, value: String)] = []

    init(
        _ number: Int, _ name: String, _ body: String, _ outcome: Outcome, seconds: Int = 30,
        contentType: String = "application/json"
    ) {
        (self.number, self.name, self.body) = (number, name, Array(body.utf8))
        (self.outcome, self.seconds) = (outcome, seconds)
        headers = [("Content-Type", contentType)]
    }

    init(_ number: Int, _ name: String, bytes: [UInt8], _ outcome: Outcome) {
        self.init(number, name, "", outcome)
        body = bytes
    }

    var testDescription: String { "case \(number): \(name)" }
}

@Suite(.timeLimit(.minutes(20))) struct ServerAnswerTests {
    static let cases: [AnswerCase] = [
        AnswerCase(
            1, "classic verbose_json, language in words, float noise",
            #"{"task":"transcribe","language":"english","duration":30.0,"text":" Hello. General.","segments":[{"id":0,"seek":0,"start":0.0,"end":1.9199999570846558,"text":" Hello.","tokens":[1],"temperature":0.0,"avg_logprob":-0.25,"compression_ratio":1.2,"no_speech_prob":0.01},{"id":1,"start":1.92,"end":3.5,"text":" General."}]}"#,
            .heard([("Hello.", 0, 1.92), ("General.", 1.92, 3.5)])),
        AnswerCase(2, "only text", #"{"text":"One sentence."}"#, .estimated("One sentence.")),
        AnswerCase(3, "plain text where JSON was asked for", "upstream said hi", .fault("plain text")),
        AnswerCase(4, "a quoted string", #""привет \"мир\"""#, .estimated("привет \"мир\"")),
        AnswerCase(
            5, "whisper.cpp: line breaks, words inside, null metrics, a word cut in two",
            #"{"text":" Это предл\nожение.\n Конец.\n И всё.","segments":[{"id":0,"text":" Это предл","start":0.0,"end":2.0,"avg_logprob":null,"words":[{"word":" Это","start":0.0,"end":0.5,"t_dtw":-1,"probability":0.9}]},{"id":1,"text":"ожение.","start":2.0,"end":3.0},{"id":2,"text":" Конец.","start":3.0,"end":4.0},{"id":3,"text":" И всё.","start":4.0,"end":5.0}]}"#,
            .heard([("Это предложение.", 0, 3), ("Конец.", 3, 4), ("И всё.", 4, 5)])),
        AnswerCase(
            6, "vLLM: duration as text, words null, no_speech_prob null",
            #"{"duration":"29.42","language":"en","text":"One two.","segments":[{"id":0,"start":0.0,"end":21.56,"text":"One two.","no_speech_prob":null,"words":null}],"words":null,"usage":{"type":"duration","seconds":30}}"#,
            .heard([("One two.", 0, 21.56)])),
        AnswerCase(
            7, "LocalAI: nanoseconds, words named text",
            #"{"text":"Hi.","segments":[{"id":0,"start":1000000000,"end":9640000000,"text":"Hi.","words":[{"start":1000000000,"end":2000000000,"text":"Hi"}]}]}"#,
            .heard([("Hi.", 1, 9.64)])),
        AnswerCase(
            8, "Xinference: end null, duration null, metrics 0",
            #"{"language":"english","duration":null,"text":"a b","segments":[{"start":0,"end":4,"text":"a","avg_logprob":0.0,"compression_ratio":0.0,"no_speech_prob":0.0},{"start":4,"end":null,"text":"b","avg_logprob":0.0,"compression_ratio":0.0,"no_speech_prob":0.0}]}"#,
            .heard([("a", 0, 4), ("b", 4, 30)])),
        AnswerCase(
            9, "FunASR: language auto, duration 0.1, no segments",
            #"{"language":"auto","duration":0.1,"text":"你好，世界。","segments":[]}"#, .estimated("你好，世界。")),
        AnswerCase(10, "segments null", #"{"text":"Hello.","segments":null}"#, .estimated("Hello.")),
        AnswerCase(
            11, "words without segments",
            #"{"text":"Hello there. Next.","words":[{"word":"Hello","start":1.0,"end":1.5},{"word":"there","start":1.5,"end":2.0},{"word":"Next","start":2.1,"end":2.5}]}"#,
            .heard([("Hello there.", 1, 2), ("Next.", 2.1, 2.5)])),
        AnswerCase(
            12, "times as text", #"{"segments":[{"start":"1.5","end":"2.25","text":"a"}]}"#, .heard([("a", 1.5, 2.25)])),
        AnswerCase(
            13, "starts after ends, overlapping, out of order",
            #"{"segments":[{"start":5,"end":4,"text":"b"},{"start":4.5,"end":6,"text":"a"},{"start":7,"end":9,"text":"c"}]}"#,
            .heard([("a", 4.5, 6), ("b", 5, 5), ("c", 7, 9)])),
        AnswerCase(
            14, "the end of the window, not of the audio", #"{"segments":[{"start":0,"end":29.98,"text":"Short."}]}"#,
            .heard([("Short.", 0, 4)]), seconds: 4),
        AnswerCase(
            15, "drift beyond the end",
            #"{"segments":[{"start":27,"end":31,"text":"a"},{"start":32,"end":33,"text":"b"}]}"#,
            .heard([("a", 27, 30), ("b", 30, 30)])),
        AnswerCase(
            16, "NaN and Infinity",
            #"{"segments":[{"start":NaN,"end":Infinity,"text":"a","avg_logprob":-Infinity},{"start":5,"end":6,"text":"b"}]}"#,
            .heard([("a", 0, 5), ("b", 5, 6)])),
        AnswerCase(17, "JSON that breaks off", #"{"text":"a","segm"#, .fault("breaks off")),
        AnswerCase(
            18, "bytes that are no UTF-8", bytes: Array(#"{"text":"a"#.utf8) + [0xFF] + Array(#" b"}"#.utf8),
            .estimated("a\u{FFFD} b")),
        AnswerCase(
            18, "byte order mark, lone surrogate", "\u{FEFF}{\"text\":\"a \\ud800 b\"}", .estimated("a \u{FFFD} b")),
        AnswerCase(19, "nested 100 000 deep", String(repeating: "[", count: 100_000), .fault("nested too deeply")),
        AnswerCase(
            19, "a million segments",
            #"{"segments":["# + String(repeating: #"{"start":0,"end":1,"text":"a"},"#, count: 1_000_000) + "{}]}",
            .fault("too many values")),
        AnswerCase(
            19, "60 000 words without times",
            #"{"text":"","segments":[],"words":["# + String(repeating: #"{"word":"a"},"#, count: 60_000) + "{}]}",
            .fault("more words")),
        AnswerCase(
            19, "30 MiB of events", String(repeating: "data: {\"text\":\"a\"}\n", count: (30 << 20) / 19),
            .fault("more events")),
        AnswerCase(22, "an error with status 200", #"{"error":{"message":"boom","type":"x"}}"#, .fault("boom")),
        AnswerCase(22, "a detail with status 200", #"{"detail":"boom"}"#, .fault("boom")),
        AnswerCase(22, "an error beside an empty text", #"{"text":"","error":"overloaded"}"#, .fault("overloaded")),
        AnswerCase(22, "a detail beside no segments", #"{"segments":[],"detail":"CUDA OOM"}"#, .fault("CUDA OOM")),
        AnswerCase(22, "a text that is null", #"{"text":null}"#, .fault("without a transcript")),
        AnswerCase(22, "a text that is a number", #"{"text":5}"#, .fault("without a transcript")),
        AnswerCase(22, "an empty list", "[]", .fault("without a transcript")),
        AnswerCase(
            23, "a login page", "<!DOCTYPE html><html><body>Log in</body></html>", .fault("web page"),
            contentType: "text/html"),
        AnswerCase(
            24, "events though nobody asked",
            "data: {\"type\":\"transcript.text.delta\",\"delta\":\"Hel\"}\n\ndata: {\"type\":\"transcript.text.done\",\"text\":\"Hello.\"}\n\ndata: [DONE]\n\n",
            .estimated("Hello."), contentType: "text/event-stream"),
        AnswerCase(
            24, "an error among the events",
            "data: {\"type\":\"transcript.text.delta\",\"delta\":\"x\"}\n\ndata: {\"error\":{\"message\":\"mid-way\"}}\n\n",
            .fault("mid-way"), contentType: "text/event-stream"),
    ]

    @Test(arguments: cases) func cases1To24(_ answer: AnswerCase) async throws {
        let server = try FakeTranscriptionServer { _ in .init(headers: answer.headers, body: answer.body) }
        defer { server.stop() }
        let piece = marked(0..<answer.seconds)
        let cloud = try engine(server)
        switch answer.outcome {
        case .heard(let expected):
            let heard = try await cloud.transcribe(piece, options: TranscriptionOptions())
            #expect(heard.segments.map(\.text) == expected.map(\.0))
            for (segment, (_, start, end)) in zip(heard.segments, expected) {
                // At the borders of the audio a segment is never empty: one sample.
                #expect(abs(SampleClock.seconds(segment.range.start) - start) < 0.001, "\(segment)")
                #expect(abs(SampleClock.seconds(segment.range.end) - end) < 0.001, "\(segment)")
            }
            #expect(!heard.timesAreEstimated)
        case .estimated(let text):
            let heard = try await cloud.transcribe(piece, options: TranscriptionOptions())
            #expect(heard.segments.map(\.text).joined(separator: " ") == text)
            #expect(heard.timesAreEstimated && heard.warnings.count == 1)
            #expect(heard.segments.allSatisfy { !$0.range.isEmpty && $0.range.end <= piece.range.end })
        case .fault(let words):
            let error = await transcriptionError { try await cloud.transcribe(piece, options: TranscriptionOptions()) }
            #expect(error?.remedy == .retry(after: nil))
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        }
    }

    @Test func case3_plainTextWhereTheServerGivesNothingElse() async throws {
        let server = try FakeTranscriptionServer { request in
            request.field("response_format") == "text"
                ? .init(headers: [("Content-Type", "text/plain")], text: "Just words.\n")
                : .init(400, text: #"{"error":{"message":"unsupported response_format","param":"response_format"}}"#)
        }
        defer { server.stop() }
        let cloud = try engine(server)
        for _ in 0..<2 {
            let heard = try await cloud.transcribe(marked(0..<2), options: TranscriptionOptions())
            #expect(heard.segments.map(\.text) == ["Just words."] && heard.timesAreEstimated)
        }
        #expect(
            server.requests.map { $0.field("response_format") } == ["verbose_json", "json", "text", "text"],
            "the ladder is gone down once")
    }

    @Test func case20_nothingOverSpeechIsAskedForAgainAndTold() async throws {
        let server = try FakeTranscriptionServer { request in
            request.fileName == "chunk-1.flac" || request.field("prompt") != nil
                ? .init(text: #"{"text":"","segments":[]}"#) : FakeTranscriptionServer.heard(in: request)
        }
        defer { server.stop() }
        let way = ServerWay(chunks: markedChunks(2, seconds: 4), concurrency: 1)
        let transcript = try await way.run(try engine(server) { $0.prompt = "Names" })
        #expect(transcript.texts == (0..<4).map { "m\($0)" }, "the first was heard at the second look")
        // The whole, and its two parts without the prompt.
        #expect(transcript.chunks.map(\.attempts) == [3, 3])
        #expect(server.requests.count { $0.field("prompt") == nil } == 4)
        #expect(transcript.warnings.contains { $0.contains("gave no text though something is to be heard") })
        #expect(!transcript.isPartial)
    }

    @Test func case21_nothingOverSilenceIsRight() async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: #"{"text":"","segments":[]}"#) }
        defer { server.stop() }
        let faint = placed(
            [Int16](repeating: 40, count: 16_000 * 5), at: 0, index: 0, speech: [SampleRange(0, 8000)])
        let transcript = try await ServerWay(chunks: [faint]).run(try engine(server))
        #expect(transcript.segments.isEmpty && transcript.warnings.isEmpty && !transcript.isPartial)
        #expect(server.requests.count == 1)
    }
}
