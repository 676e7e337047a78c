package import SystemSupport

/// What became of one chunk, without its audio: what the `ResultMerger` puts together.
package struct ChunkOutcome: Sendable, Hashable, Codable {
    package enum Result: Sendable, Hashable, Codable {
        /// Times count from the chunk's first sample (`range.start`).
        case transcript(ChunkTranscript)
        /// Failed for good; a sentence for people that goes into the gap.
        case failed(reason: String)
    }

    /// `Chunk.index`. The parts of a chunk that was split again share its index and stand in their order.
    package var index: Int
    /// `Chunk.range`: what the engine heard.
    package var range: SampleRange
    /// `Chunk.owned`: what this outcome answers for.
    package var owned: SampleRange
    package var hash: Digest
    package var result: Result
    package var fromCache: Bool
    /// Requests to the engine; 0 when the cache answered or the chunk is silent.
    package var attempts: Int
    /// How much is heard in the chunk, in samples.
    package var heard: Int64
    /// What of it has no text.
    package var missed: [MissedSpeech] = []
    /// What the engine said that is no speech.
    package var suppressed: [SuppressedText] = []
    /// False where the same request may bring more another time.
    package var isSettled = true

    package init(
        index: Int, range: SampleRange, owned: SampleRange, hash: Digest, result: Result, fromCache: Bool,
        attempts: Int, heard: Int64 = 0
    ) {
        self.index = index
        self.range = range
        self.owned = owned
        self.hash = hash
        self.result = result
        self.fromCache = fromCache
        self.attempts = attempts
        self.heard = heard
    }

    /// The outcome of `chunk`, which may be let go afterwards.
    package init(of chunk: Chunk, result: Result, fromCache: Bool, attempts: Int) {
        self.init(
            index: chunk.index, range: chunk.range, owned: chunk.owned, hash: chunk.hash, result: result,
            fromCache: fromCache, attempts: attempts, heard: chunk.speech.reduce(0) { $0 + $1.count })
    }

    /// The outcome of `chunk` with an answer that was held against what is heard in it.
    init(of chunk: Chunk, _ checked: AnswerCheck.Checked, fromCache: Bool, attempts: Int) {
        self.init(of: chunk, result: .transcript(checked.transcript), fromCache: fromCache, attempts: attempts)
        missed = checked.missed
        suppressed = checked.suppressed
        isSettled = checked.isSettled
    }
}
