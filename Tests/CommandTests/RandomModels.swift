import SystemPackage
import TestSupport

/// Tiny models of random weights, made by `Tests/RandomModels/random_models.py`.
enum RandomModels {
    /// Makes one folder for each family in `folder`.
    static func make(in folder: FilePath) async throws {
        var script = FilePath(#filePath)
        script.removeLastComponent()
        script.removeLastComponent()
        try await TestAudioFile.run(
            "python3", [script.appending("RandomModels/random_models.py").string, folder.string])
    }

    /// A model of two small files, for what is about files only; its archives have its name.
    static let small = "sherpa-onnx-nemo-ctc-random"
    /// What it is called when it is added.
    static let smallName = "nemo-ctc-random"
}
