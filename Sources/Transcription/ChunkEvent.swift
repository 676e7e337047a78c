/// What happens to a recording's chunks, for progress and logs.
package enum ChunkEvent: Sendable, Hashable {
    /// Before the first chunk; nil where header and bit rate tell nothing.
    case planned(expectedChunks: Int?, expectedSamples: Int64?)
    /// A chunk was cut; `samples` is the length of its own part.
    case cut(index: Int, samples: Int64)
    /// A request for it is under way; attempts count from 1.
    case sent(index: Int, attempt: Int)
    /// A request failed and is repeated after a pause.
    case retrying(index: Int, attempt: Int, after: Duration, error: TranscriptionError.Code)
    case finished(index: Int, fromCache: Bool)
    /// It failed for good and becomes a gap.
    case failed(index: Int)
    /// The whole recording is decoded; its true length.
    case decoded(samples: Int64)
    /// The whole recording was answered from the cache.
    case answeredFromCache(samples: Int64, chunks: Int)
}
