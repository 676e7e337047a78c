package import Transcription

/// Remembers everything, in memory.
package final class FakeStore: TranscriptStore {
    package let chunks = Guarded<[CacheKey: ChunkTranscript]>([:])
    package let recordings = Guarded<[CacheKey: Transcript]>([:])

    package let cutsOfRecordings = Guarded<[CacheKey: [RecordingCuts]]>([:])

    package init() {}

    package func chunkTranscript(
        for key: CacheKey, orMake make: @Sendable () async throws -> ChunkTranscript
    ) async throws -> (transcript: ChunkTranscript, fromCache: Bool) {
        if let known = chunks.value[key] { return (known, true) }
        let made = try await make()
        chunks.change { $0[key] = made }
        return (made, false)
    }

    package func transcript(for key: CacheKey) async -> Transcript? { recordings.value[key] }
    package func store(_ transcript: Transcript, for key: CacheKey) async { recordings.change { $0[key] = transcript } }
    package func cuts(for key: CacheKey) async -> [RecordingCuts] { cutsOfRecordings.value[key] ?? [] }
    package func store(_ cuts: [RecordingCuts], for key: CacheKey) async { cutsOfRecordings.change { $0[key] = cuts } }
}
