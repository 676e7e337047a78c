package import SystemSupport
package import Transcription

/// Gives chunks that are there already, one by one.
package struct FakeSource: AudioSource {
    package var chunks: [Chunk]
    /// What the decoder is to have left out.
    package var gaps: [Transcript.Gap] = []
    /// Is run before each chunk is handed out.
    package var beforeNext: @Sendable (Int) async throws -> Void

    package init(
        chunks: [Chunk], beforeNext: @escaping @Sendable (Int) async throws -> Void = { _ in }
    ) {
        self.chunks = chunks
        self.beforeNext = beforeNext
    }

    package func withChunks<Result: Sendable>(
        of recording: Recording, language: String?, plan: (AudioProperties) throws -> ChunkPlan,
        knownCuts: @escaping @Sendable (Digest) async -> [RecordingCuts],
        _ body: (AudioProperties, any ChunkReader) async throws -> Result
    ) async throws -> Result {
        let length = chunks.last?.owned.end ?? 0
        let properties = AudioProperties(format: "wav", sampleRate: 16000, channels: 1, estimatedSampleCount: length)
        _ = try plan(properties)
        return try await body(properties, Reader(source: self))
    }

    package func reading(of recording: Recording) -> String { "" }

    private final class Reader: ChunkReader {
        private let source: FakeSource
        private var next = 0

        init(source: FakeSource) { self.source = source }

        func next() async throws -> Chunk? {
            try await source.beforeNext(next)
            guard next < source.chunks.count else { return nil }
            defer { next += 1 }
            return source.chunks[next]
        }

        var summary: DecodeSummary {
            DecodeSummary(sampleCount: source.chunks.last?.owned.end ?? 0, warnings: [], gaps: source.gaps)
        }
    }
}
