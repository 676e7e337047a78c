import SystemSupport
import Transcription

/// A small generator with a seed: the same run every time.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}

func seconds(_ value: Double) -> Int64 { SampleClock.samples(seconds: value) }

func digest(_ text: String) -> Digest {
    var hash = SHA256()
    hash.update(text)
    return hash.finish()
}

func segment(_ start: Double, _ end: Double, _ text: String, words: [Word] = []) -> Segment {
    Segment(range: SampleRange(seconds(start), seconds(end)), text: text, words: words)
}

func transcript(
    _ segments: [Segment], length: Double, gaps: [Transcript.Gap] = [], warnings: [String] = [],
    language: String? = "en", timesAreEstimated: Bool = false
) -> Transcript {
    Transcript(
        language: language, sampleCount: seconds(length), segments: segments, gaps: gaps, warnings: warnings,
        chunks: [
            Transcript.ChunkReport(
                index: 0, range: SampleRange(0, seconds(length)), hash: digest("chunk"), fromCache: true, attempts: 0,
                language: language)
        ],
        source: facts(length: length).source, engine: "offline", model: "en-us",
        timesAreEstimated: timesAreEstimated)
}

func facts(length: Double, warnings: [String] = []) -> ResultMerger.Facts {
    ResultMerger.Facts(
        decoded: DecodeSummary(sampleCount: seconds(length), warnings: warnings),
        source: Transcript.Source(
            name: "talk.mp3", byteCount: 4711, sha256: digest("talk"), format: "mp3", sampleRate: 44100, channels: 2),
        engine: "offline", model: "en-us")
}

func outcome(
    _ index: Int, _ range: (Double, Double), owned: (Double, Double)? = nil, _ segments: [Segment],
    language: String? = nil, warnings: [String] = []
) -> ChunkOutcome {
    let owned = owned ?? range
    return ChunkOutcome(
        index: index, range: SampleRange(seconds(range.0), seconds(range.1)),
        owned: SampleRange(seconds(owned.0), seconds(owned.1)), hash: digest("\(index)"),
        result: .transcript(ChunkTranscript(language: language, segments: segments, warnings: warnings)),
        fromCache: false, attempts: 1)
}

func failure(_ index: Int, _ range: (Double, Double), owned: (Double, Double)? = nil, reason: String) -> ChunkOutcome {
    var outcome = outcome(index, range, owned: owned, [])
    outcome.result = .failed(reason: reason)
    return outcome
}
