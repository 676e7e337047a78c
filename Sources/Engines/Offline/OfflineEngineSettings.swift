package import SystemPackage

/// What an `[engines.NAME]` section of kind `offline` decides.
package struct OfflineEngineSettings: Sendable, Hashable {
    /// The name in the configuration.
    package var name: String
    /// The name of a model's folder in one of `ModelFolders`, or the path of one.
    package var model: String
    /// Looked into before the usual places; nil: only those.
    package var modelsDirectory: FilePath?
    /// Chunks decoded at the same time; nil for one per processor, up to `maximumThreadsByDefault`.
    package var threads: Int?
    /// What the sizer aims at.
    package var chunkTargetSeconds: Double
    /// No chunk is longer: where there is no pause until then it is cut in speech.
    package var chunkMaxSeconds: Double

    /// Each needs up to a hundred megabytes while it decodes.
    package static let maximumThreadsByDefault = 8
    /// The model of the package parlograph-model-moonshine-tiny-en.
    package static let defaultModel = "moonshine-tiny-en"
    /// 15 s gave the fewest errors with Moonshine: shorter ones lack context, longer ones run away.
    package static let defaultTargetSeconds = 15.0
    /// Room for a pause to cut in behind the target.
    package static let defaultMaximumSeconds = 20.0

    package init(
        name: String = "offline", model: String = Self.defaultModel, modelsDirectory: FilePath? = nil,
        threads: Int? = nil, chunkTargetSeconds: Double = Self.defaultTargetSeconds,
        chunkMaxSeconds: Double = Self.defaultMaximumSeconds
    ) {
        self.name = name
        self.model = model
        self.modelsDirectory = modelsDirectory
        self.threads = threads
        self.chunkTargetSeconds = min(chunkTargetSeconds, chunkMaxSeconds)
        self.chunkMaxSeconds = chunkMaxSeconds
    }
}
