import Engines
import Transcription

/// What suites that read answers have in common.
protocol AnswerParsing {}

extension AnswerParsing {
    /// 30 s with two stretches of speech.
    var speech: [SampleRange] { [SampleRange(16_000, 160_000), SampleRange(240_000, 464_000)] }

    /// What is read in an answer with this body.
    /// - Parameters:
    ///   - seconds: the chunk's length.
    ///   - audio: its samples; nil: digital silence beside `speech`.
    func parse(
        _ body: String, seconds: Double = 30, speech: [SampleRange]? = nil, audio: ChunkAudio? = nil,
        plainText: Bool = false
    ) throws -> ChunkTranscript {
        try TranscriptionResponseParser(
            sampleCount: SampleClock.samples(seconds: seconds), speech: speech ?? self.speech, audio: audio,
            acceptsPlainText: plainText
        ).parse(Array(body.utf8))
    }

    /// All that was heard.
    func text(_ transcript: ChunkTranscript) -> String {
        transcript.segments.map(\.text).joined(separator: " ")
    }

    /// Start and end of each segment, in seconds.
    func times(_ transcript: ChunkTranscript) -> [[Double]] {
        transcript.segments.map { [SampleClock.seconds($0.range.start), SampleClock.seconds($0.range.end)] }
    }
}
