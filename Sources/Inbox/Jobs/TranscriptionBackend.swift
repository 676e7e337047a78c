package import Transcription

/// What transcribes, made for certain settings and replaced together with them.
package struct TranscriptionBackend: Sendable {
    /// Transcribes one recording of an inbox.
    package typealias Pipeline =
        @Sendable (
            _ recording: Recording, _ id: RecordingID, _ inbox: InboxSettings,
            _ observe: @escaping @Sendable (ChunkEvent) -> Void
        ) async throws -> Transcript

    let tracker: @Sendable (_ name: String, _ inbox: InboxSettings) -> ProgressTracker
    let pipeline: Pipeline
    let isSound: InboxLook.SoundProbe
    let figures: @Sendable () async -> (ServiceStatus.CacheFigures?, [String: ConcurrencyController.Figures])

    /// - Parameters:
    ///   - tracker: makes the progress tracker of a recording.
    ///   - pipeline: transcribes one recording.
    ///   - isSound: whether a file can be taken for a recording by its content.
    ///   - figures: asked for `status.json`.
    package init(
        tracker: @escaping @Sendable (_ name: String, _ inbox: InboxSettings) -> ProgressTracker,
        pipeline: @escaping Pipeline,
        isSound: @escaping InboxLook.SoundProbe = { _ in true },
        figures:
            @escaping @Sendable () async -> (
                ServiceStatus.CacheFigures?, [String: ConcurrencyController.Figures]
            ) = { (nil, [:]) }
    ) {
        self.tracker = tracker
        self.pipeline = pipeline
        self.isSound = isSound
        self.figures = figures
    }
}
