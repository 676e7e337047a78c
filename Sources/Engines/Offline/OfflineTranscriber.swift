import Glibc
import SystemPackage
import SystemSupport
package import Transcription

/// The engine that needs nothing but this machine: PocketSphinx with its English model.
///
/// A chunk is cut into utterances at its pauses; each is decoded for itself, so that a chunk's words depend on its
/// samples alone. Decoders work in parallel on threads of their own and are let go when there is no work.
package final class OfflineTranscriber: Transcriber {
    package let identity: EngineIdentity
    package let limits: EngineLimits
    private let settings: OfflineEngineSettings
    private let threads: DecoderThreads

    /// Loads nothing: the first chunk does.
    /// - Parameter idleSeconds: after that time without work a decoder's memory is given back.
    package init(_ settings: OfflineEngineSettings = OfflineEngineSettings(), idleSeconds: Int = 30) {
        self.settings = settings
        let count = settings.threads ?? max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN)))
        var details = ["cut=1", "speed=\(settings.speed.rawValue)"]
        if settings.modelDirectory != OfflineEngineSettings.installedModel {
            details.append("model_directory=\(settings.modelDirectory.printable)")
        }
        identity = EngineIdentity(
            name: settings.name, kind: "offline", model: "pocketsphinx-en-us", settings: details)
        limits = EngineLimits(
            targetChunkSamples: SampleClock.samples(seconds: settings.chunkTargetSeconds),
            maximumChunkSamples: SampleClock.samples(seconds: settings.chunkMaxSeconds), maximumConcurrency: count)
        threads = DecoderThreads(settings: settings, limit: count, idleSeconds: idleSeconds)
    }

    package func transcribe(
        _ chunk: Chunk, options: TranscriptionOptions, turn: RequestTurn
    ) async throws -> ChunkTranscript {
        if let language = options.language, !Self.understands(language) {
            throw TranscriptionError(
                .languageNotSupported,
                "The offline engine understands English only, not “\(language)”. Choose another engine for this "
                    + "language, or set language = \"en\".")
        }
        let words = try await threads.words(in: chunk.audio)
        return ChunkTranscript(
            language: "en",
            segments: OfflinePhrases.segments(of: words, within: SampleRange(0, chunk.audio.sampleCount)))
    }

    package func check() async throws -> EngineReport {
        _ = try await threads.words(in: ChunkAudio([]))
        return EngineReport(
            works: "The offline engine (PocketSphinx, English, speed \(settings.speed.rawValue)) loaded its model from "
                + "\(settings.modelDirectory.printable).")
    }

    /// Decoders in memory; for tests.
    package var decoderCount: Int { threads.count }

    /// English only: `en`, with or without a region.
    package static func understands(_ language: String) -> Bool {
        let language = language.lowercased()
        return language == "en" || language.hasPrefix("en-") || language.hasPrefix("en_")
    }
}
