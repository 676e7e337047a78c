package import SystemPackage

/// What an `[engines.NAME]` section of kind `offline` decides.
package struct OfflineEngineSettings: Sendable, Hashable {
    /// How thoroughly the decoder searches.
    package enum Speed: String, Sendable, Hashable, CaseIterable {
        /// About 20 CPU minutes for an hour of speech; the harder to understand, the more.
        case normal
        /// About 15, for one more wrong word in a hundred.
        case fast
    }

    /// The name in the configuration.
    package var name: String
    /// Holds the folder `en-us` (acoustic model), `en-us.lm.bin` and `cmudict-en-us.dict`.
    package var modelDirectory: FilePath
    package var speed: Speed
    /// Decoders that work in parallel, 93 MB each; nil for one per processor.
    package var threads: Int?
    /// Few sentences are torn and all decoders have work. Longer chunks give nearly the same text: a chunk is cut into
    /// utterances at its pauses in any case.
    package var chunkTargetSeconds: Double
    package var chunkMaxSeconds: Double

    /// Where Debian's package pocketsphinx-en-us installs the model.
    package static let installedModel: FilePath = "/usr/share/pocketsphinx/model/en-us"

    package init(
        name: String = "offline", modelDirectory: FilePath = Self.installedModel, speed: Speed = .normal,
        threads: Int? = nil, chunkTargetSeconds: Double = 20, chunkMaxSeconds: Double = 30
    ) {
        self.name = name
        self.modelDirectory = modelDirectory
        self.speed = speed
        self.threads = threads
        self.chunkTargetSeconds = min(chunkTargetSeconds, chunkMaxSeconds)
        self.chunkMaxSeconds = chunkMaxSeconds
    }
}
