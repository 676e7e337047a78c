import Glibc
package import SystemSupport

/// What a cached result is found by.
package struct CacheKey: Hashable, Sendable, CustomStringConvertible {
    package let digest: Digest
    package var description: String { digest.description }

    /// For one chunk: its samples and everything that changes what the engine says to them. The engine's configured name
    /// is not part of it.
    package init(chunk hash: Digest, engine: EngineIdentity, options: TranscriptionOptions) {
        self.init(version: 1, kind: "chunk", hash: hash, engine: engine, options: options, more: [])
    }

    /// For what an engine says to the two parts of a chunk, where its answer to the whole was doubtful.
    /// - Parameter cut: in samples from the chunk's start.
    package init(secondLook hash: Digest, cutAt cut: Int64, engine: EngineIdentity, options: TranscriptionOptions) {
        self.init(version: 1, kind: "second look", hash: hash, engine: engine, options: options, more: ["\(cut)"])
    }

    /// For a whole recording: its file bytes, the same, and `plan`, what decides how it is cut.
    package init(recording hash: Digest, engine: EngineIdentity, options: TranscriptionOptions, plan: [String]) {
        // 2: version 1 took a decoder that was stopped for one that was done, and remembered the beginning as the whole.
        // 3: version 2 did not look for speech without text.
        self.init(version: 3, kind: "recording", hash: hash, engine: engine, options: options, more: plan)
    }

    /// For the cuts of recordings that begin with the same sound, `hash` (`RecordingCuts.openingSamples`): of one engine,
    /// since they are of use where its answers are remembered, and by `plan`, what decides how it is cut.
    package init(cuts hash: Digest, engine: EngineIdentity, options: TranscriptionOptions, plan: [String]) {
        self.init(version: 1, kind: "cuts", hash: hash, engine: engine, options: options, more: plan)
    }

    private init(
        version: Int, kind: String, hash: Digest, engine: EngineIdentity, options: TranscriptionOptions, more: [String]
    ) {
        // Each field with its length in front: no two lists of fields give the same bytes. The version is that of what is
        // stored; raising it makes old entries invisible.
        var sha = SHA256()
        let fields =
            [
                "parlograph \(version)", kind, hash.description, engine.kind, engine.model, options.language ?? "",
                options.prompt ?? "",
            ] + engine.settings + ["--"] + more
        for field in fields { sha.update("\(field.utf8.count):\(field)\n") }
        digest = sha.finish()
    }
}

/// The multi-level cache as the pipeline sees it. It may cost time, never a transcript: no operation throws for a fault
/// of the cache itself.
package protocol TranscriptStore: Sendable {
    /// The stored result, or the one that `make` gives, which is stored then. Two calls with the same key at the same
    /// time run `make` once; when that one fails or is cancelled, a waiting call runs its own.
    /// - Throws: what `make` throws, `CancellationError`.
    func chunkTranscript(
        for key: CacheKey, orMake make: @Sendable () async throws -> ChunkTranscript
    ) async throws -> (transcript: ChunkTranscript, fromCache: Bool)

    /// A whole recording seen before.
    func transcript(for key: CacheKey) async -> Transcript?
    /// Remembers a complete (not partial) transcript.
    func store(_ transcript: Transcript, for key: CacheKey) async

    /// How recordings were cut that began with the same sound, the last one first; they may be anything that was stored.
    func cuts(for key: CacheKey) async -> [RecordingCuts]
    /// Remembers how recordings were cut, in place of what was remembered.
    func store(_ cuts: [RecordingCuts], for key: CacheKey) async
}
