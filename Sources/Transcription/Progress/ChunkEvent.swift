package import SystemSupport

/// What happens to a recording's chunks, for progress, the job journal and logs.
package enum ChunkEvent: Sendable, Hashable {
    /// Before the first chunk; nil where header and bit rate tell nothing.
    case planned(expectedChunks: Int?, expectedSamples: Int64?)
    /// A chunk was cut; `owned` and `hash` as in `Chunk`.
    case cut(index: Int, owned: SampleRange, hash: Digest)
    /// A request for it is under way; attempts count from 1, over all engines and the parts of a chunk that was cut again.
    /// - Parameter engine: its name in the configuration.
    case sent(index: Int, attempt: Int, engine: String)
    /// A request failed and is repeated after a pause.
    /// - Parameters:
    ///   - cause: for an administrator, in a sentence.
    ///   - isBusy: the engine is there, and asked to be left alone for that time.
    case retrying(
        index: Int, attempt: Int, after: Duration, error: TranscriptionError.Code, cause: String? = nil,
        isBusy: Bool = false)
    /// - Parameter engine: whose answer it is, by its name in the configuration; nil: it is silent, nobody was asked.
    case finished(index: Int, fromCache: Bool, engine: String?)
    /// It failed for good and becomes a gap.
    case failed(index: Int, error: TranscriptionError.Code)
    /// The whole recording is decoded; its true length.
    case decoded(samples: Int64)
    /// The whole recording was answered from the cache.
    case answeredFromCache(samples: Int64, chunks: Int)
}
