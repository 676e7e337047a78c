import Glibc
package import SystemPackage
import SystemSupport
package import Transcription

/// A model as it lies on disk.
package struct InstalledModel: Sendable, Hashable {
    /// The name of its folder.
    package let name: String
    package let folder: FilePath
    package let layout: ModelLayout
    /// ISO 639-1; empty where that is not known.
    package let languages: [String]
    /// Of its files.
    package let byteCount: Int64
    /// Nil without a `model.toml`.
    package let manifest: ModelManifest?

    /// Looks for the model that the settings name. Blocks, for some small files.
    /// - Throws: `TranscriptionError` with code `engineUnavailable` that says how to get it.
    package static func find(_ settings: OfflineEngineSettings) throws -> InstalledModel {
        if settings.model.contains("/") { return try InstalledModel(in: FilePath(settings.model)) }
        let folders = EngineFiles.modelFolders(first: settings.modelsDirectory)
        let places = folders.map { $0.appending(settings.model) }
        guard let folder = places.first(where: isFolder) else {
            if let closed = places.first(where: isClosed) {
                throw TranscriptionError(
                    .engineUnavailable,
                    "The offline engine's model “\(settings.model)” may lie in \(closed.removingLastComponent().printable), "
                        + "which this user may not look into: chmod a+rx that folder, and those above it.")
            }
            let remedy =
                settings.model == OfflineEngineSettings.defaultModel
                ? "apt install ./parlograph-model-moonshine-tiny-en_*_all.deb, or parlograph models add \(settings.model)"
                : "parlograph models list shows what there is, parlograph models add \(settings.model) gets it"
            throw TranscriptionError(
                .engineUnavailable,
                "The offline engine's model “\(settings.model)” is not installed: \(remedy).")
        }
        return try InstalledModel(in: folder)
    }

    /// - Parameter subject: what it is called in an error; nil: by its folder.
    /// - Throws: `TranscriptionError` with code `engineUnavailable` where the folder holds no model that is known.
    package init(in folder: FilePath, called subject: String? = nil) throws {
        let folder = folder.lexicallyNormalized()
        let subject = subject ?? "The offline engine's model in \(folder.printable)"
        let name = folder.lastComponent.map { FilePath(root: nil, [$0]).printable } ?? folder.printable
        func fault(_ text: String) -> TranscriptionError {
            TranscriptionError(.engineUnavailable, "\(subject) \(text)")
        }
        guard Self.isFolder(folder) else { throw fault("is not there: models are folders.") }
        let manifest: ModelManifest?
        do { manifest = try Self.manifest(in: folder) } catch { throw fault("has a bad model.toml: \(error)") }
        let files = try Self.names(in: folder)
        if let missing = (manifest?.files ?? [:]).keys.sorted().first(where: { !files.contains($0) }) {
            throw fault("is not whole: \(missing) is missing or empty. Remove it and add it again.")
        }
        guard let layout = ModelLayout(files: files, folder: name, family: manifest?.family) else {
            throw fault(
                "is of no kind that is known: its files are none of "
                    + ModelFamily.allCases.map(\.title).joined(separator: "; ")
                    + ". Is one missing? Where the family cannot be told from the names, a model.toml beside them says it: "
                    + "family = \"…\"."
            )
        }
        var bytes: Int64 = 0
        for file in layout.files {
            guard let status = try? FileStatus(at: folder.appending(file)), status.kind == .regular,
                status.identity.byteCount > 0
            else { throw fault("is not whole: \(file) is missing or empty. Remove it and add it again.") }
            bytes += status.identity.byteCount
        }
        self.name = name
        self.folder = folder
        self.layout = layout
        self.manifest = manifest
        byteCount = bytes
        let told = manifest?.languages ?? []
        languages = told.isEmpty ? Self.languages(of: layout, in: folder) : told
    }

    /// Whether speech of the language becomes text; where nothing is known it is believed to.
    /// - Parameter language: a `LanguageTag`, whose region does not matter.
    package func understands(_ language: String) -> Bool { code(for: language) != nil }

    /// How the model writes the language; nil where it does not know it.
    func code(for language: String) -> String? {
        let codes = LanguageTag(language)?.codes ?? [language]
        guard !languages.isEmpty else { return codes.first }
        return codes.first(where: languages.contains)
    }

    /// The one language that it knows; nil for several.
    package var onlyLanguage: String? { languages.count == 1 ? languages.first : nil }

    /// For people; a long list is counted.
    package var languagesText: String {
        switch languages.count {
        case 0: "languages unknown"
        case 1...30: languages.joined(separator: ", ")
        default: "\(languages.count) languages"
        }
    }

    /// Files whose SHA-256 is not that of the manifest, or that are missing; nil where no hashes are known. Blocks, for as
    /// long as it takes to read the model.
    package func changedFiles() throws -> [String]? {
        guard let known = manifest?.files, !known.isEmpty else { return nil }
        return try known.keys.sorted().filter { name in
            guard (try? FileStatus(at: folder.appending(name))) != nil else { return true }
            return try Self.hash(of: folder.appending(name)) != known[name]
        }
    }

    /// Compares the files with the hashes that are known. Blocks, for as long as it takes to read the model.
    /// - Returns: false where no hashes are known.
    /// - Throws: `TranscriptionError` with code `engineUnavailable` where they are others.
    @discardableResult
    package func verify() throws -> Bool {
        let changed: [String]?
        do {
            changed = try changedFiles()
        } catch {
            throw TranscriptionError(
                .engineUnavailable, "The offline engine's model in \(folder.printable) cannot be read: \(error).")
        }
        guard let changed else { return false }
        guard changed.isEmpty else {
            throw TranscriptionError(
                .engineUnavailable,
                "The offline engine's model “\(name)” is damaged: \(changed.joined(separator: ", ")) in "
                    + "\(folder.printable) is not what it was. Remove the model and add it again.")
        }
        return true
    }

    /// SHA-256 of a file in hexadecimal. Blocks.
    /// - Throws: `SystemError`.
    package static func hash(of path: FilePath) throws -> String {
        let file = try OwnedDescriptor(opening: path, flags: O_RDONLY)
        var hash = SHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = Glibc.read(file.descriptor.rawValue, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("read", path.printable, errno: Errno(rawValue: errno)) }
            if count == 0 { break }
            buffer.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
        return hash.finish().description
    }

    /// What lies in a folder of models, by name: models, and why a folder there is none. Blocks.
    package static func all(
        in folder: FilePath
    ) -> [(name: String, model: Result<InstalledModel, TranscriptionError>)] {
        names(inFolder: folder.string).sorted().filter { isFolder(folder.appending($0)) }.map { name in
            do { return (name, .success(try InstalledModel(in: folder.appending(name)))) } catch {
                let fault = error as? TranscriptionError ?? TranscriptionError(.engineUnavailable, "\(error)")
                return (name, .failure(fault))
            }
        }
    }

    private static func isClosed(_ path: FilePath) -> Bool {
        do { _ = try FileStatus(at: path) } catch { return (error as? SystemError)?.errno == .permissionDenied }
        return false
    }

    private static func isFolder(_ path: FilePath) -> Bool { (try? FileStatus(at: path))?.kind == .directory }

    private static func manifest(in folder: FilePath) throws -> ModelManifest? {
        let path = folder.appending(ModelManifest.fileName)
        guard (try? FileStatus(at: path)) != nil else { return nil }
        let bytes = try SmallFile.read(path, limit: ModelManifest.maximumBytes)
        return try ModelManifest(parsing: String(decoding: bytes, as: UTF8.self))
    }

    /// What lies in a folder; empty where it cannot be read.
    static func names(inFolder folder: String) -> [String] { (try? names(in: FilePath(folder))) ?? [] }

    private static func names(in folder: FilePath) throws -> [String] {
        guard let stream = folder.withPlatformString({ opendir($0) }) else {
            throw SystemError("opendir", folder.printable, errno: Errno(rawValue: errno))
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream), names.count < 10_000 {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    /// What the library, the model's files and upstream's names tell; sorted.
    private static func languages(of layout: ModelLayout, in folder: FilePath) -> [String] {
        switch layout.family {
        case .whisper:
            let facts = layout.encoder.map { ONNXMetadata.read(folder.appending($0)) } ?? [:]
            if facts["is_multilingual"] == "0" { return ["en"] }
            // It ends the process when it is told another one.
            return (facts["all_language_codes"] ?? "").split(separator: ",").map(String.init).filter(isCode).sorted()
        case .senseVoice:
            let facts = layout.model.map { ONNXMetadata.read(folder.appending($0)) } ?? [:]
            return facts.keys.filter { $0.hasPrefix("lang_") }.map { String($0.dropFirst(5)) }.filter(isCode).sorted()
        case .canary:
            // sherpa-onnx takes any other one for English.
            return ["de", "en", "es", "fr"]
        case .moonshine, .moonshineV1:
            let name = folder.lastComponent?.string ?? ""
            return name.split(whereSeparator: { "-._".contains($0) }).contains("en") ? ["en"] : []
        case .nemoTransducer, .transducer, .nemoCTC, .zipformerCTC: return []
        }
    }

    private static func isCode(_ text: String) -> Bool {
        (2...3).contains(text.utf8.count) && text.utf8.allSatisfy { (0x61...0x7A).contains($0) }
    }
}
