import Glibc
package import SystemPackage
import SystemSupport
import Transcription

/// Brings models into a folder of models, and takes them out again.
package struct ModelInstallation: Sendable {
    /// Why it did not work, for people.
    package struct Failure: Error, CustomStringConvertible { package let description: String }

    /// What takes archives apart is not installed; what was fetched stays.
    package struct MissingProgram: Error, CustomStringConvertible { package let description: String }

    /// Where a model comes from.
    package enum Source: Sendable, Hashable {
        case known(KnownModel)
        case url(String)
        case folder(FilePath)
        case archive(FilePath)
    }

    /// The folder of models.
    private let target: FilePath
    private let progress: @Sendable (_ fetched: Int64) -> Void
    /// Tries a model that lies in a folder, before it is said to be there; throws where it does not work.
    private let attempt: @Sendable (FilePath) async throws -> Void

    /// What is kept besides the model's own files.
    private static let papers = ["LICENSE", "LICENCE", "README.md", "NOTICE"]

    package init(
        target: FilePath, progress: @escaping @Sendable (Int64) -> Void = { _ in },
        attempt: @escaping @Sendable (FilePath) async throws -> Void
    ) {
        self.target = target
        self.progress = progress
        self.attempt = attempt
    }

    /// What a word of the command line means. Blocks.
    /// - Throws: `Failure` where it means nothing.
    package static func source(_ word: String) throws -> Source {
        if let known = KnownModel.named(word) { return .known(known) }
        if word.lowercased().hasPrefix("https://") || word.lowercased().hasPrefix("http://") { return .url(word) }
        let path = FilePath(word)
        switch (try? FileStatus(at: path))?.kind {
        case .directory: return .folder(path)
        case .regular: return .archive(path)
        default:
            let names = KnownModel.all.map(\.name).joined(separator: ", ")
            throw Failure(
                description: "“\(word)” is no file, no folder, no address and none of the known models (\(names)).")
        }
    }

    /// The model's name, where none is given: the archive's without what upstream puts before and behind.
    package static func name(of source: Source) -> String {
        switch source {
        case .known(let model): return model.name
        case .folder(let path): return path.lexicallyNormalized().lastComponent?.string ?? "model"
        case .url(let text): return stem(text.split(separator: "/").last.map(String.init) ?? text)
        case .archive(let path): return stem(path.lastComponent?.string ?? "model")
        }
    }

    private static func stem(_ file: String) -> String {
        var name = file.prefix { $0 != "?" && $0 != "#" }
        for ending in [".tar.bz2", ".tbz2", ".tar.gz", ".tgz", ".tar"] where name.hasSuffix(ending) {
            name = name.dropLast(ending.count)
        }
        return String(name.hasPrefix("sherpa-onnx-") ? name.dropFirst("sherpa-onnx-".count) : name)
    }

    /// Adds a model: gets it, looks what it is, writes down its hashes, tries it, and gives it its name.
    /// - Parameter name: of its folder.
    /// - Returns: the model, and whether its hashes were known beforehand.
    /// - Throws: `Failure`, `MissingProgram`, `FileDownload.Failure`, `SystemError`, what the attempt throws.
    package func add(_ source: Source, as name: String) async throws -> (model: InstalledModel, wasKnown: Bool) {
        guard !name.isEmpty, !name.hasPrefix("."), !name.contains("/"), name.utf8.count < 200 else {
            throw Failure(description: "“\(name)” cannot be the name of a model.")
        }
        let work = target.appending(".adding-\(getpid())")
        let staging = work.appending(name)
        try await BlockingPool.files.run { [target] in
            try Self.requireAbsence(of: name, in: target)
            try Self.makeFolders(staging)
        }
        do {
            let added = try await add(source, as: name, by: staging)
            await BlockingPool.files.run { Self.removeTree(work) }
            return added
        } catch {
            await BlockingPool.files.run { Self.removeTree(work) }
            throw error
        }
    }

    private static func requireAbsence(of name: String, in target: FilePath) throws {
        let final = target.appending(name)
        guard (try? FileStatus(at: final, followingLinks: false)) == nil else {
            throw Failure(description: "\(final.printable) is there already: parlograph models remove \(name) first.")
        }
    }

    /// - Parameter staging: an empty folder beside the models.
    private func add(
        _ source: Source, as name: String, by staging: FilePath
    ) async throws -> (model: InstalledModel, wasKnown: Bool) {
        try await fill(staging, from: source, name: name)
        let known = if case .known(let model) = source { Optional(model) } else { KnownModel.named(name) }
        let wasKnown = try await BlockingPool.files.run { try Self.describe(staging, known, source) }
        try await attempt(staging)
        return try await BlockingPool.files.run { [target] in
            let final = target.appending(name)
            guard staging.withPlatformString({ from in final.withPlatformString { rename(from, $0) } }) == 0 else {
                throw SystemError("rename", final.printable, errno: Errno(rawValue: errno))
            }
            if case .known = source { _ = Self.download(of: name, in: target).withPlatformString { unlink($0) } }
            if case .url = source { _ = Self.download(of: name, in: target).withPlatformString { unlink($0) } }
            return (try InstalledModel(in: final), wasKnown)
        }
    }

    /// Removes a model of this folder. Blocks.
    /// - Throws: `Failure`, `SystemError`.
    package func remove(_ name: String) throws {
        let folder = target.appending(name)
        guard !name.isEmpty, !name.hasPrefix("."), !name.contains("/"),
            (try? FileStatus(at: folder, followingLinks: false))?.kind == .directory
        else { throw Failure(description: "There is no model “\(name)” in \(target.printable).") }
        let gone = target.appending(".removed-\(getpid())")
        guard folder.withPlatformString({ from in gone.withPlatformString { rename(from, $0) } }) == 0 else {
            throw SystemError("rename", folder.printable, errno: Errno(rawValue: errno))
        }
        Self.removeTree(gone)
    }

    // MARK: Getting it

    private static func download(of name: String, in target: FilePath) -> FilePath {
        target.appending(".\(name).partial")
    }

    private func fill(_ staging: FilePath, from source: Source, name: String) async throws {
        switch source {
        case .folder(let folder): try await BlockingPool.files.run { try Self.copy(folder, to: staging) }
        case .archive(let path):
            try await ModelArchive(path, named: path.printable, followingLinks: true).unpack(to: staging)
        case .known(let model): try await fetch(model.url, to: staging, name: name)
        case .url(let url): try await fetch(url, to: staging, name: name)
        }
    }

    private func fetch(_ url: String, to staging: FilePath, name: String) async throws {
        let partial = Self.download(of: name, in: target)
        try await BlockingPool.files.run { [progress] in try FileDownload.fetch(url, to: partial, progress: progress) }
        do {
            try await ModelArchive(partial, named: url, followingLinks: false).unpack(to: staging)
        } catch let error as MissingProgram {
            throw error
        } catch {
            // Whatever it is, going on behind it would not make it better.
            await BlockingPool.files.run { _ = partial.withPlatformString { unlink($0) } }
            throw error
        }
    }

    private static func copy(_ folder: FilePath, to staging: FilePath) throws {
        let root = try OwnedDescriptor(opening: folder, flags: O_RDONLY | O_DIRECTORY)
        for name in InstalledModel.names(inFolder: folder.string).sorted() {
            guard
                let file = try? OwnedDescriptor(
                    opening: RawName(bytes: Array(name.utf8)), beneath: root.descriptor, flags: O_RDONLY | O_NONBLOCK),
                try FileStatus(of: file.descriptor).kind == .regular
            else { continue }
            let out = try create(name, in: staging)
            var buffer = [UInt8](repeating: 0, count: 1 << 20)
            while true {
                let count = read(file.descriptor.rawValue, &buffer, buffer.count)
                guard count >= 0 else { throw SystemError("read", name, errno: Errno(rawValue: errno)) }
                if count == 0 { break }
                _ = try out.descriptor.writeAll(buffer[..<count])
            }
        }
    }

    /// A new file; blocks.
    static func create(_ name: String, in staging: FilePath) throws -> OwnedDescriptor {
        try OwnedDescriptor(
            opening: staging.appending(name), flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644)
    }

    // MARK: What it is

    /// Leaves the model's files alone in the folder and writes `model.toml`.
    /// - Returns: whether the hashes were known.
    private static func describe(_ staging: FilePath, _ known: KnownModel?, _ source: Source) throws -> Bool {
        let model: InstalledModel
        do { model = try InstalledModel(in: staging) } catch let error as TranscriptionError {
            throw Failure(description: error.message)
        }
        let old = model.manifest ?? ModelManifest()
        var manifest = old
        manifest.family = model.layout.family
        manifest.languages = model.languages.isEmpty ? known?.languages ?? [] : model.languages
        manifest.licence = old.licence ?? known?.licence
        manifest.source = old.source ?? origin(source)
        manifest.files = [:]
        for name in model.layout.files {
            let hash = try InstalledModel.hash(of: staging.appending(name))
            if let expected = old.files[name] ?? known?.files[name], expected != hash {
                throw Failure(description: "\(name) is not what it should be: its SHA-256 is \(hash), not \(expected).")
            }
            manifest.files[name] = hash
        }
        let kept = Set(model.layout.files + papers)
        for name in InstalledModel.names(inFolder: staging.string) where !kept.contains(name) {
            _ = staging.appending(name).withPlatformString { unlink($0) }
        }
        _ = staging.appending(ModelManifest.fileName).withPlatformString { unlink($0) }
        let file = try create(ModelManifest.fileName, in: staging)
        _ = try file.descriptor.writeAll(Array(manifest.text.utf8))
        sync()
        return !old.files.isEmpty || known.map { !$0.files.isEmpty } == true
    }

    private static func origin(_ source: Source) -> String {
        switch source {
        case .known(let model): model.url
        case .url(let url): url
        case .folder(let path), .archive(let path): path.lastComponent?.string ?? path.printable
        }
    }

    // MARK: Folders

    private static func makeFolders(_ path: FilePath) throws {
        var at = FilePath(root: path.root)
        for part in path.components {
            at.append(part)
            guard at.withPlatformString({ mkdir($0, 0o755) }) == 0 || errno == EEXIST else {
                throw SystemError("mkdir", at.printable, errno: Errno(rawValue: errno))
            }
        }
    }

    /// A folder of files, and folders of such.
    private static func removeTree(_ folder: FilePath) {
        for name in InstalledModel.names(inFolder: folder.string) {
            let path = folder.appending(name)
            if (try? FileStatus(at: path, followingLinks: false))?.kind == .directory {
                removeTree(path)
            } else {
                _ = path.withPlatformString { unlink($0) }
            }
        }
        _ = folder.withPlatformString { rmdir($0) }
    }
}
