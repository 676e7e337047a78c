/// Tells voices from music and noise: a second opinion where text is missing.
package protocol SpeechDetector: Sendable {
    /// What its results depend on, for the cache: another detector may come to another result.
    var identity: String { get }

    /// Where somebody speaks, in order and apart, in samples from the chunk's start; nil where it cannot be told now.
    /// - Throws: `CancellationError`.
    func speech(in audio: ChunkAudio) async throws -> [SampleRange]?
}
