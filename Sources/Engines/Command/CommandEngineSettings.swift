package import SystemPackage

/// What the configuration says of an engine of kind `command`.
package struct CommandEngineSettings: Sendable, Hashable {
    /// `[engines.NAME]`.
    package var name: String
    /// The program and its arguments. `{file}` stands for the chunk's WAV file (put at the end where it does not occur),
    /// `{language}` for the language or `auto`.
    package var command: [String]
    /// Shown in transcripts and part of the cache's key: raise it when the program's results change.
    package var model: String
    /// For one chunk.
    package var timeout: Duration
    /// Where a chunk lies while the program reads it.
    package var temporaryDirectory: FilePath
    package var chunkTargetSeconds: Double?
    package var chunkMaxSeconds: Double?
    /// Programs that run at the same time; nil: the configured number of chunks.
    package var maximumConcurrency: Int?

    package init(
        name: String, command: [String], model: String, timeout: Duration, temporaryDirectory: FilePath,
        chunkTargetSeconds: Double?, chunkMaxSeconds: Double?, maximumConcurrency: Int?
    ) {
        self.name = name
        self.command = command
        self.model = model
        self.timeout = timeout
        self.temporaryDirectory = temporaryDirectory
        self.chunkTargetSeconds = chunkTargetSeconds
        self.chunkMaxSeconds = chunkMaxSeconds
        self.maximumConcurrency = maximumConcurrency
    }
}
