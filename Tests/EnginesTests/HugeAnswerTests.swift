import Engines
import SystemSupport
import TestSupport
import Testing
import Transcription

/// An answer that is large, or made to be slow to read.
struct HugeAnswer: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var body: [UInt8]

    init(_ name: String, _ body: String) { (testDescription, self.body) = (name, Array(body.utf8)) }

    /// `piece` so many times between the two others.
    init(_ name: String, _ opening: String, _ piece: String, _ count: Int, _ closing: String) {
        self.init(name, opening + String(repeating: piece, count: count) + closing)
    }
}

/// Case 19: whatever a server sends, it is read or refused in a moment, and nobody else waits for that.
@Suite(.timeLimit(.minutes(20))) struct HugeAnswerTests {
    /// Of processor time, where a second at most is needed; what is quadratic takes minutes.
    private static let moment = Duration.seconds(10)

    private static let megabytes: [HugeAnswer] = [
        HugeAnswer(
            "60 000 words", #"{"text":"","segments":[],"words":["#, #"{"word":"a"},"#, 60_000, #"{"word":"b"}]}"#),
        HugeAnswer("300 000 words", #"{"text":"","segments":[],"words":["#, #"{"word":"a"},"#, 300_000, "{}]}"),
        HugeAnswer(
            "60 000 segments", #"{"segments":["#, #"{"text":"a","start":1,"end":2},"#, 60_000, #"{"text":"b"}]}"#),
        HugeAnswer("control strings without an end", #"{"text":""#, "\u{9D}", 30_000, #""}"#),
        HugeAnswer("escape sequences without an end", #"{"text":""#, #"\u001b]\u009d"#, 20_000, #""}"#),
        HugeAnswer("30 MiB of events", "", "data: {\"text\":\"a\"}\n", (30 << 20) / 19, ""),
        HugeAnswer("30 MiB of broken events", "", "data: {\n", (30 << 20) / 8, ""),
        HugeAnswer("30 MiB of lines", "data: {}\n", "\n", 30 << 20, ""),
        HugeAnswer("half a million cues", "WEBVTT\n\n", "00:00:01.000 --> 00:00:02.000\nhi\n\n", 500_000, ""),
        HugeAnswer("a long error", #"{"error":""#, "\u{9D} ", 5_000_000, #""}"#),
    ]

    @Test(arguments: megabytes) func case19_isReadOrRefusedInAMoment(_ answer: HugeAnswer) {
        let parser = TranscriptionResponseParser(
            sampleCount: 480_000, speech: [SampleRange(0, 480_000)], acceptsPlainText: true)
        let time = processorTime { _ = try? parser.parse(answer.body) }
        #expect(time < Self.moment)
    }

    private static let hours: [HugeAnswer] = [
        HugeAnswer("text only", #"{"text":""#, "a ", 1_800_000, #"z"}"#),
        HugeAnswer(
            "words only", #"{"words":["#, #"{"word":"a.","start":1,"end":3599},"#, 180_000, #"{"word":"b"}]}"#),
        HugeAnswer("marks only", #"{"words":["#, #"{"word":"\u0345"},"#, 300_000, #"{"word":"b"}]}"#),
        HugeAnswer(
            "remarks", #"{"segments":["#, #"{"text":" [silence]","start":3599.9,"end":3600},"#, 200_000,
            #"{"text":" end.","start":1,"end":3600}]}"#),
        HugeAnswer("tokens", #"{"segments":[{"start":0,"end":3600,"text":""#, "<|a|> b", 400_000, #""}]}"#),
    ]

    /// An hour is the longest chunk: what it may hold is the most that is ever read.
    @Test(arguments: hours) func case19_anHourIsReadInAMoment(_ answer: HugeAnswer) throws {
        let second = SampleClock.rate
        let speech = (0..<3600).map { SampleRange(Int64($0) * second, Int64($0) * second + second / 2) }
        let parser = TranscriptionResponseParser(
            sampleCount: 3600 * second, speech: speech, acceptsPlainText: false)
        var heard: ChunkTranscript?
        let time = try processorTime { heard = try parser.parse(answer.body) }
        #expect(time < Self.moment)
        #expect(heard?.segments.isEmpty == false)
    }

    @Test func case19_aPageFullOfScriptsIsReadInAMoment() {
        let page = Array(("<html>" + String(repeating: "<script><style>", count: 1000) + "<p>gone").utf8)
        let time = processorTime {
            #expect(ServerMessage(body: page).text == "gone")
        }
        #expect(time < Self.moment)
    }

    @Test func case19_anErrorOfControlStringsIsReadInAMoment() {
        let body = Array((#"{"error":{"message":"broken "# + String(repeating: "\u{9D}", count: 30_000) + #""}}"#).utf8)
        let time = processorTime {
            #expect(ServerMessage(body: body).text.hasPrefix("broken"))
        }
        #expect(time < Self.moment)
    }

    @Test func case19_moreWordsThanAnybodySaysAreRefused() {
        let parser = TranscriptionResponseParser(
            sampleCount: 480_000, speech: [SampleRange(0, 480_000)], acceptsPlainText: false)
        for list in ["words", "segments"] {
            let body = #"{"\#(list)":["# + String(repeating: #"{"text":"a"},"#, count: 20_000) + #"{"text":"b"}]}"#
            #expect(throws: ResponseFault.notUnderstood("holds more words than anybody could say in that time")) {
                try parser.parse(Array(body.utf8))
            }
        }
    }

    /// While the threads that read answers are busy with one, others go on: nothing of it is done where all tasks run.
    @Test func anAnswerIsReadOnThreadsOfItsOwn() async throws {
        let gate = FakeTranscriptionServer.Gate()
        let server = try FakeTranscriptionServer { request in
            .init(
                text: #"{"segments":[{"start":0,"end":1,"text":"ok"}]}"#, gate: request.number == 0 ? gate : nil)
        }
        defer { server.stop() }
        let (pool, isBusy, mayEnd) = (BlockingPool(name: "busy", limit: 1), ThreadSignal(), ThreadSignal())
        let (isRead, loop) = (Guarded(false), CurlLoop())
        let first = try engine(server, loop: loop, pool: pool)
        let other = try engine(server, loop: loop)
        try await withThrowingTaskGroup { group in
            group.addTask {
                let heard = try await first.transcribe(marked(0..<1), options: TranscriptionOptions())
                isRead.change { $0 = true }
                #expect(heard.segments.map(\.text) == ["ok"])
            }
            await server.arrived(1)
            group.addTask {
                await pool.run {
                    isBusy.signal()
                    _ = mayEnd.wait(seconds: 600)
                }
            }
            let begun = await testPool.run { isBusy.wait(seconds: 600) }
            #expect(begun)
            gate.open()
            for _ in 0..<5 { _ = try await other.transcribe(marked(1..<2), options: TranscriptionOptions()) }
            #expect(!isRead.value)
            mayEnd.signal()
            try await group.waitForAll()
        }
        #expect(isRead.value)
    }
}
