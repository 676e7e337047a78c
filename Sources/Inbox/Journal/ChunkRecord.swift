package import SystemSupport
package import Transcription

/// A chunk of a recording as the journal has it: how far it is, or was when work on the recording ended.
package struct ChunkRecord: Sendable, Hashable {
    /// The raw values are those of the journal and of `jobs --json`.
    package enum State: String, Sendable {
        /// Cut; it waits for its turn.
        case waiting
        /// A request for it is under way.
        case asked
        /// A request failed and is repeated after a pause.
        case retrying
        case done
        /// It failed for good: a gap in the transcript.
        case failed
    }

    /// From 0, in the order of the recording.
    package var index: Int
    package var state: State
    /// The part that the chunk answers for, in samples at 16 kHz.
    package var range: SampleRange
    /// As in the sidecar: SHA-256 of its audio.
    package var hash: Digest
    /// Requests so far; 0 where the cache answered or the chunk is silent.
    package var attempts: Int
    /// Why the last request failed; nil for a chunk that is done.
    package var errorCode: TranscriptionError.Code?
    /// Which engine was asked last or has answered, by its name; nil before that, and for silence.
    package var engine: String?
    package var isFromCache: Bool
    /// When it came into this state, in seconds since 1970.
    package var changedAt: Int64

    package init(
        index: Int, state: State, range: SampleRange, hash: Digest, attempts: Int = 0,
        errorCode: TranscriptionError.Code? = nil, engine: String? = nil, isFromCache: Bool = false, changedAt: Int64
    ) {
        self.index = index
        self.state = state
        self.range = range
        self.hash = hash
        self.attempts = attempts
        self.errorCode = errorCode
        self.engine = engine
        self.isFromCache = isFromCache
        self.changedAt = changedAt
    }
}
