package import Engines
import SystemPackage
package import Transcription

/// `kind = "offline"`: a model on this machine.
package struct OfflineEngine: EngineKind {
    package static let name = OfflineTranscriber.kind

    package let settings: OfflineEngineSettings

    package static func read(_ section: EngineSection) throws -> Settings.EngineEntry {
        let reader = section.reader
        let model = try reader.string(
            "model", default: OfflineEngineSettings.defaultModel,
            .text("the name of a model, or the path of its folder"))
        let folder = try reader.optionalPath("models_directory", otherwise: .words("the usual places alone"))
        let maximum = OfflineEngineSettings.maximumThreadsByDefault
        let threads = try reader.optionalInteger(
            "threads", in: 1...256, otherwise: .words("one for each processor, \(maximum) at most"))
        let target = try reader.seconds(
            "chunk_target_seconds", default: OfflineEngineSettings.defaultTargetSeconds, in: 5...30)
        let longest = try reader.seconds(
            "chunk_max_seconds", default: OfflineEngineSettings.defaultMaximumSeconds, in: 5...30)
        let settings = OfflineEngineSettings(
            name: section.name, model: model, modelsDirectory: folder, threads: threads,
            chunkTargetSeconds: target, chunkMaxSeconds: longest)
        return Settings.EngineEntry(engine: OfflineEngine(settings: settings))
    }

    package func makeTranscriber(key: EngineKey?, with resources: EngineResources) -> any Transcriber {
        OfflineTranscriber(settings)
    }

    private struct Setup: Hashable, Sendable {
        let model: InstalledModel?
        let libraries: FilePath?
    }

    package func setup() -> EngineSetup {
        EngineSetup(Setup(model: try? InstalledModel.find(settings), libraries: EngineFiles.libraries))
    }

    /// A model that is not installed yet is not judged.
    package func fault(ofLanguage language: String) -> String? {
        guard let model = try? InstalledModel.find(settings), !model.understands(language) else { return nil }
        return "language is \"\(language)\", but the model of its engine \"\(settings.name)\", \(model.name), knows "
            + "\(model.languagesText) only: every recording would fail. Choose another engine for this "
            + "inbox, or a model that knows it (parlograph models list)."
    }
}
