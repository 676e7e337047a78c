import Glibc
import SystemPackage
import SystemSupport
import Transcription

/// What is written down of a model when it is added.
enum ModelDescription {
    /// What is kept besides the model's own files.
    private static let papers = ["LICENSE", "LICENCE", "README.md", "NOTICE"]

    /// Leaves the model's files alone in the folder and writes `model.toml`. Blocks.
    /// - Parameter origin: where it comes from, for people.
    /// - Returns: whether the hashes were known.
    /// - Throws: `ModelInstallation.Failure`, `SystemError`.
    static func write(into staging: FilePath, _ known: KnownModel?, from origin: String) throws -> Bool {
        let model = try look(at: staging, origin)
        let old = model.manifest ?? ModelManifest()
        var manifest = old
        manifest.family = model.layout.family
        manifest.languages = model.languages.isEmpty ? known?.languages ?? [] : model.languages
        manifest.licence = old.licence ?? known?.licence
        manifest.source = old.source ?? origin
        manifest.files = [:]
        for name in model.layout.files {
            let path = staging.appending(name)
            try sync(path)
            let hash = try InstalledModel.hash(of: path)
            if let expected = old.files[name] ?? known?.files[name], expected != hash {
                throw ModelInstallation.Failure(
                    description: "\(name) is not what it should be: its SHA-256 is \(hash), not \(expected).")
            }
            manifest.files[name] = hash
        }
        let kept = Set(model.layout.files + papers)
        for name in InstalledModel.names(inFolder: staging.string) where !kept.contains(name) {
            _ = staging.appending(name).withPlatformString { unlink($0) }
        }
        let file = try ModelInstallation.create(ModelManifest.fileName, in: staging)
        _ = try file.descriptor.writeAll(Array(manifest.text.utf8))
        try sync(staging.appending(ModelManifest.fileName))
        return !old.files.isEmpty || known.map { !$0.files.isEmpty } == true
    }

    private static func look(at staging: FilePath, _ origin: String) throws -> InstalledModel {
        let model: InstalledModel
        do { model = try InstalledModel(in: staging, called: origin) } catch let error as TranscriptionError {
            throw ModelInstallation.Failure(description: error.message)
        }
        let names = InstalledModel.names(inFolder: staging.string)
        let others = ModelLayout.all(files: names, folder: model.name, family: model.manifest?.family)
            .filter { Set($0.networks).isDisjoint(with: model.layout.networks) }
        guard let other = others.first else { return model }
        throw ModelInstallation.Failure(
            description:
                "\(origin) has more than one model in it: \(model.layout.networks.joined(separator: ", ")) and "
                + "\(other.networks.joined(separator: ", ")). Put each into a folder of its own and add that.")
    }

    private static func sync(_ path: FilePath) throws {
        let file = try OwnedDescriptor(opening: path, flags: O_RDONLY | O_NOFOLLOW)
        guard fsync(file.descriptor.rawValue) == 0 else {
            throw SystemError("fsync", path.printable, errno: Errno(rawValue: errno))
        }
    }
}
