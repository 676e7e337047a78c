import FoundationEssentials
import SystemSupport
import Testing
import Transcription

private let run = RunFacts(processingTime: .milliseconds(1234))

private func render(_ transcript: Transcript, _ format: SidecarFormat, run: RunFacts = run) -> String {
    String(decoding: Sidecar.render(transcript, format, run: run), as: UTF8.self)
}

/// OpenAI's object as a reader with strict types declares it.
private struct VerboseJSON: Decodable {
    struct Segment: Decodable {
        var id: Int
        var seek: Int
        var start: Double
        var end: Double
        var text: String
        var tokens: [Int]
        var temperature: Double
        var avg_logprob: Double
        var compression_ratio: Double
        var no_speech_prob: Double
    }
    struct Word: Decodable {
        var word: String
        var start: Double
        var end: Double
    }
    var task: String
    var language: String
    var duration: Double
    var text: String
    var segments: [Segment]
    var words: [Word]?
}

/// What is ours.
private struct Ours: Decodable {
    struct Source: Decodable {
        var name: String
        var bytes: Int64
        var sha256: String
        var format: String
        var sample_rate: Int
        var channels: Int
    }
    struct Chunk: Decodable {
        var index: Int
        var start: Double
        var end: Double
        var hash: String
        var from_cache: Bool
        var attempts: Int
        var language: String?
    }
    struct Gap: Decodable {
        var start: Double
        var end: Double
        var reason: String
    }
    var timing: String?
    var processing_time: Double
    var chunks_processed: Int
    var cache_hits: Int
    var source: Source
    var engine: String
    var model: String
    var chunks: [Chunk]
    var gaps: [Gap]
    var warnings: [String]
}

@Suite struct SidecarTests {
    private let gap = Transcript.Gap(range: SampleRange(seconds(600), seconds(900)), reason: "It \"failed\".\n")

    @Test func jsonHasAllThatReadersOfVerboseJSONRequire() throws {
        let words = [Word(range: SampleRange(seconds(0.1 + 0.2), seconds(0.7)), text: "Hi", confidence: 0.5)]
        let source = transcript(
            [segment(0.1 + 0.2, 1, "Hi \"you\" \\ \u{1}\u{2028}", words: words), segment(2, 3, "there")],
            length: 1000.0004, gaps: [gap], warnings: ["Truncated."])
        let text = render(source, .json)
        let data = Data(text.utf8)
        let openAI = try JSONDecoder().decode(VerboseJSON.self, from: data)
        #expect(openAI.task == "transcribe" && openAI.language == "en" && openAI.duration == 1000)
        #expect(openAI.text == "Hi \"you\" \\ there")
        #expect(openAI.segments.map(\.id) == [0, 1])
        #expect(openAI.words?.first?.word == "Hi")
        #expect(abs((openAI.segments.first?.avg_logprob ?? 0) + 0.693147) < 1e-9)
        let ours = try JSONDecoder().decode(Ours.self, from: data)
        #expect(ours.processing_time == 1.234 && ours.chunks_processed == 1 && ours.cache_hits == 1)
        #expect(ours.source.name == "talk.mp3" && ours.source.bytes == 4711 && ours.source.sample_rate == 44100)
        #expect(ours.gaps.first?.start == 600 && ours.gaps.first?.reason == gap.reason)
        #expect(ours.warnings == ["Truncated."] && ours.timing == nil)
        #expect(text.contains("\"start\": 0.3,") && !text.contains("0.30000"))
        #expect(text.hasSuffix("}\n"))
    }

    @Test func jsonKeepsTheOrderOfKeysAndTheBytes() {
        let source = transcript([segment(0, 1.005, "a")], length: 12.345, language: nil, timesAreEstimated: true)
        let text = render(source, .json)
        #expect(text == render(source, .json))
        #expect(
            text.hasPrefix(
                """
                {
                  "task": "transcribe",
                  "language": "und",
                  "duration": 12.345,
                  "text": "a",
                  "segments": [
                    {"id": 0, "seek": 0, "start": 0.0, "end": 1.005, "text": "a", "tokens": [], "temperature": 0.0, \
                "avg_logprob": 0.0, "compression_ratio": 1.0, "no_speech_prob": 0.0}
                  ],
                  "timing": "estimated",
                  "processing_time": 1.234,

                """))
        #expect(!text.contains("\"words\""))
    }

    @Test func numbersThatJSONCannotHaveBecomeNeutral() throws {
        var odd = segment(0, 1, "a")
        odd.averageLogProbability = .nan
        odd.noSpeechProbability = .infinity
        odd.compressionRatio = -.infinity
        let data = Data(Sidecar.render(transcript([odd], length: 1), .json, run: run))
        let read = try JSONDecoder().decode(VerboseJSON.self, from: data)
        #expect(read.segments.first?.avg_logprob == 0)
        #expect(read.segments.first?.compression_ratio == 1)
    }

    @Test func aRecordingFromTheCacheCountsEveryChunk() throws {
        let facts = RunFacts(processingTime: .zero, wholeRecordingFromCache: true)
        let data = Data(render(transcript([], length: 5), .json, run: facts).utf8)
        let ours = try JSONDecoder().decode(Ours.self, from: data)
        #expect(
            ours.cache_hits == ours.chunks_processed && ours.chunks.allSatisfy { $0.from_cache && $0.attempts == 0 })
    }

    @Test func chineseIsJoinedWithoutSpaces() throws {
        let source = transcript([segment(0, 1, "你好。"), segment(1, 2, "世界"), segment(2, 3, "and more")], length: 3)
        let data = Data(Sidecar.render(source, .json, run: run))
        #expect(try JSONDecoder().decode(VerboseJSON.self, from: data).text == "你好。世界 and more")
        #expect(render(source, .txt) == "你好。世界 and more\n")
    }

    @Test func textFlowsAndBreaksAtPausesAndGaps() {
        let source = transcript(
            [
                segment(0, 2, "One."), segment(2.5, 4, "Two\nlines."), segment(7, 8, "New thought."),
                segment(900, 901, "After."),
            ], length: 910, gaps: [gap])
        #expect(
            render(source, .txt) == """
                One. Two lines.

                New thought.

                [untranscribed 00:10:00–00:15:00]

                After.

                """)
        #expect(render(transcript([], length: 3), .txt) == "[no speech recognized]\n")
    }

    @Test func touchingGapsAreOneMark() {
        let gaps = (0..<5).map {
            Transcript.Gap(range: SampleRange(seconds(Double($0) * 60), seconds(Double($0) * 60 + 60)), reason: "x")
        }
        #expect(
            render(transcript([], length: 300, gaps: gaps), .txt) == "[untranscribed 00:00:00–00:05:00]\n")
    }

    @Test func longSpeechWithoutPausesStillGetsParagraphs() {
        let sentence = "This is a sentence of about fifty characters, more. "
        let whole = transcript([segment(0, 600, String(repeating: sentence, count: 60))], length: 600)
        let paragraphs = render(whole, .txt).split(separator: "\n\n")
        #expect(paragraphs.count > 3)
        #expect(paragraphs.allSatisfy { $0.count < 800 && $0.trimmingSuffix { $0.isWhitespace }.last == "." })
        #expect(render(whole, .txt).split(whereSeparator: \.isWhitespace).count == 60 * 9)
    }

    @Test func tableIsTheOneOfWhisper() {
        let source = transcript([segment(0.5, 2, "tab\there"), segment(900, 901, "x")], length: 910, gaps: [gap])
        #expect(
            render(source, .tsv)
                == "start\tend\ttext\n500\t2000\ttab here\n600000\t900000\t[untranscribed 00:10:00–00:15:00]\n"
                + "900000\t901000\tx\n")
    }
}

extension Substring {
    fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> Substring {
        var text = self
        while let last = text.last, predicate(last) { text.removeLast() }
        return text
    }
}
