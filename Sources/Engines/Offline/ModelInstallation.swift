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

    /// No model is larger.
    static let maximumBytes: Int64 = 16 << 30

    /// What was added.
    package struct Added: Sendable {
        package let model: InstalledModel
        /// Its files have been compared with hashes that were known beforehand.
        package let wasKnown: Bool
    }

    /// The folder of models.
    private let target: FilePath
    private let progress: @Sendable (_ fetched: Int64, _ total: Int64?) -> Void
    /// Tries a model that lies in a folder, before it is said to be there; throws where it does not work.
    private let attempt: @Sendable (FilePath) async throws -> Void

    package init(
        target: FilePath, progress: @escaping @Sendable (Int64, Int64?) -> Void = { _, _ in },
        attempt: @escaping @Sendable (FilePath) async throws -> Void
    ) {
        self.target = target
        self.progress = progress
        self.attempt = attempt
    }

    /// Adds a model: gets it, looks what it is, writes down its hashes, tries it, and gives it its name.
    /// - Parameters:
    ///   - name: of its folder.
    ///   - archiveHash: SHA-256 that the archive must have; nil: that of the list, or any where it is not there.
    /// - Throws: `Failure`, `MissingProgram`, `FileDownload.Failure`, `SystemError`, what the attempt throws;
    ///   `CancellationError`.
    package func add(_ source: ModelSource, as name: String, archiveHash: String? = nil) async throws -> Added {
        guard Self.isName(name) else { throw Failure(description: "“\(name)” cannot be the name of a model.") }
        let work = try await BlockingPool.files.run { [target] in
            try Self.makeFolders(target)
            _ = try OpenFolder(root: target)
            ModelWorkFolder.sweep(target)
            try Self.requireAbsence(of: name, in: target)
            do {
                return try ModelWorkFolder(for: name, in: target)
            } catch is ModelWorkFolder.Held {
                throw Failure(description: "Another process is adding the model \(name) to \(target.printable).")
            }
        }
        do {
            let staging = work.path.appending(name)
            try await BlockingPool.files.run { try Self.makeFolder(staging) }
            let expected = archiveHash?.lowercased() ?? source.knownArchive?.archiveHash
            let added = try await add(source, as: name, by: staging, expected)
            await BlockingPool.files.run { work.remove() }
            return added
        } catch {
            await BlockingPool.files.run { work.remove() }
            throw error
        }
    }

    private static func isName(_ name: String) -> Bool {
        !name.isEmpty && !name.hasPrefix(".") && !name.contains("/") && name.utf8.count < 200
            && !name.unicodeScalars.contains { $0.isUnprintable || $0 == "\u{FFFD}" }
    }

    private static func requireAbsence(of name: String, in target: FilePath) throws {
        let final = target.appending(name)
        guard (try? FileStatus(at: final, followingLinks: false)) == nil else {
            throw Failure(description: "\(final.printable) is there already: parlograph models remove \(name) first.")
        }
    }

    /// - Parameter staging: an empty folder beside the models.
    private func add(
        _ source: ModelSource, as name: String, by staging: FilePath, _ archiveHash: String?
    ) async throws -> Added {
        try await fill(staging, from: source, name: name, archiveHash)
        let wasKnown = try await BlockingPool.files.run {
            try ModelDescription.write(into: staging, source.known(as: name), from: source.origin)
        }
        try Task.checkCancellation()
        try await attempt(staging)
        return try await BlockingPool.files.run { [target] in
            let final = target.appending(name)
            guard staging.withPlatformString({ from in final.withPlatformString { rename(from, $0) } }) == 0 else {
                throw SystemError("rename", final.printable, errno: Errno(rawValue: errno))
            }
            try AtomicFile.syncFolder(OwnedDescriptor(opening: target, flags: O_RDONLY | O_DIRECTORY).descriptor)
            FileDownload.remove(Self.download(of: name, in: target))
            return Added(model: try InstalledModel(in: final), wasKnown: wasKnown || archiveHash != nil)
        }
    }

    /// Removes a model of this folder, and what was fetched of it in vain. Blocks.
    /// - Parameter others: folders of models from which nothing is removed.
    /// - Throws: `Failure`, `SystemError`.
    package func remove(_ name: String, unlessIn others: [FilePath] = []) throws {
        guard Self.isName(name) else { throw Failure(description: "“\(name)” cannot be the name of a model.") }
        let folder = target.appending(name)
        let part = Self.download(of: name, in: target)
        let hasPart = (try? FileStatus(at: part, followingLinks: false)) != nil
        guard (try? FileStatus(at: folder, followingLinks: false))?.kind == .directory else {
            if hasPart { return FileDownload.remove(part) }
            guard let elsewhere = others.first(where: { (try? InstalledModel(in: $0.appending(name))) != nil }) else {
                throw Failure(description: "There is no model “\(name)” in \(target.printable).")
            }
            throw Failure(
                description:
                    "\(name) lies in \(elsewhere.printable), not in \(target.printable), where models are added "
                    + "and removed. What a package has put there goes with the package.")
        }
        _ = try OpenFolder(root: target)
        try ModelWorkFolder.removeModel(folder, from: target)
        if hasPart { FileDownload.remove(part) }
    }

    // MARK: Getting it

    /// Where the archive of a model lies until the model is there.
    package static func download(of name: String, in target: FilePath) -> FilePath {
        target.appending(".\(name).partial")
    }

    /// What was fetched in vain so far. Blocks.
    package static func parts(in target: FilePath) -> [(name: String, byteCount: Int64)] {
        var found: [(name: String, byteCount: Int64)] = []
        try? DirectoryLister.forEach(in: target) { entry in
            let name = entry.name.printable
            if name.hasPrefix("."), name.hasSuffix(".partial"),
                let status = try? FileStatus(at: target.pushing(entry.name.path), followingLinks: false)
            {
                found.append((String(name.dropFirst().dropLast(".partial".count)), status.identity.byteCount))
            }
            return true
        }
        return found.sorted { $0.name < $1.name }
    }

    private func fill(
        _ staging: FilePath, from source: ModelSource, name: String, _ archiveHash: String?
    ) async throws {
        switch source {
        case .folder(let folder):
            guard archiveHash == nil else { throw Failure(description: "Only an archive has one SHA-256.") }
            try await blocking { try Self.copy(folder, to: staging, $0) }
        case .archive(let path):
            try await Self.compare(path, named: path.printable, with: archiveHash)
            try await ModelArchive(path, named: path.printable, followingLinks: true).unpack(to: staging)
        case .known, .url: try await fetch(source, to: staging, name: name, archiveHash)
        }
    }

    private static func compare(_ path: FilePath, named name: String, with hash: String?) async throws {
        guard let hash else { return }
        let found = try await BlockingPool.files.run { try InstalledModel.hash(of: path) }
        guard found == hash else {
            throw Failure(description: "\(name) is not what it should be: its SHA-256 is \(found), not \(hash).")
        }
    }

    private func fetch(
        _ source: ModelSource, to staging: FilePath, name: String, _ archiveHash: String?
    ) async throws {
        let partial = Self.download(of: name, in: target)
        let url = source.url ?? ""
        let known = source.knownArchive.flatMap { $0.archiveHash == archiveHash ? $0.byteCount : nil }
        try await blocking { [progress] flag in
            try FileDownload(
                url, to: partial, limit: Self.maximumBytes, byteCount: known, cancellation: flag, progress: progress
            ).fetch()
        }
        do {
            try await Self.compare(partial, named: source.origin, with: archiveHash)
            try await ModelArchive(partial, named: source.origin, followingLinks: false).unpack(to: staging)
        } catch let error as Failure {
            // Whatever it is, going on behind it would not make it better.
            await BlockingPool.files.run { FileDownload.remove(partial) }
            throw error
        }
    }

    /// Blocks a thread of the pool; the flag is set when the task is cancelled.
    private func blocking(_ body: @escaping @Sendable (CancellationFlag) throws -> Void) async throws {
        let flag = CancellationFlag()
        try await withTaskCancellationHandler {
            try await BlockingPool.files.run { try body(flag) }
        } onCancel: {
            flag.set()
        }
    }

    private static func copy(_ folder: FilePath, to staging: FilePath, _ flag: CancellationFlag) throws {
        let root = try OwnedDescriptor(opening: folder, flags: O_RDONLY | O_DIRECTORY)
        let inside = InstalledModel.all(in: folder).filter { (try? $0.model.get()) != nil }.map(\.name)
        guard inside.isEmpty else {
            throw Failure(
                description:
                    "\(folder.printable) has folders of models in it: \(inside.joined(separator: ", ")). Add one of "
                    + "them.")
        }
        for name in InstalledModel.names(inFolder: folder.string).sorted() {
            guard
                let file = try? OwnedDescriptor(
                    opening: RawName(bytes: Array(name.utf8)), beneath: root.descriptor, flags: O_RDONLY | O_NONBLOCK),
                try FileStatus(of: file.descriptor).kind == .regular
            else { continue }
            let out = try create(name, in: staging)
            var buffer = [UInt8](repeating: 0, count: 1 << 20)
            while true {
                guard !flag.isSet else { throw CancellationError() }
                let count = read(file.descriptor.rawValue, &buffer, buffer.count)
                guard count >= 0 else { throw SystemError("read", name, errno: Errno(rawValue: errno)) }
                if count == 0 { break }
                try buffer.withUnsafeBytes {
                    try write(UnsafeRawBufferPointer(rebasing: $0[..<count]), to: out, in: staging)
                }
            }
        }
    }

    /// A new file; blocks.
    static func create(_ name: String, in staging: FilePath) throws -> OwnedDescriptor {
        let file = try OwnedDescriptor(
            opening: staging.appending(name), flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644)
        // Whatever the umask: the service's user reads what root adds.
        fchmod(file.descriptor.rawValue, 0o644)
        return file
    }

    /// Blocks.
    /// - Parameter staging: for the error.
    /// - Throws: `SystemError`.
    static func write(
        _ bytes: UnsafeRawBufferPointer, to file: borrowing OwnedDescriptor, in staging: FilePath
    ) throws {
        do { _ = try file.descriptor.writeAll(bytes) } catch let errno as Errno {
            throw SystemError("write", staging.printable, errno: errno)
        }
    }

    // MARK: Folders

    private static func makeFolders(_ path: FilePath) throws {
        guard (try? FileStatus(at: path)) == nil else { return }
        var at = FilePath(root: path.root)
        for part in path.components.dropLast() {
            at.append(part)
            let isNew = at.withPlatformString { mkdir($0, 0o755) } == 0
            guard isNew || errno == EEXIST else { throw unmade(path) }
            // What root adds is for the service's user, too.
            if isNew, geteuid() == 0 { _ = at.withPlatformString { chmod($0, 0o755) } }
        }
        do { try makeFolder(path) } catch { throw unmade(path) }
    }

    private static func unmade(_ path: FilePath) -> SystemError {
        let errno = Errno(rawValue: errno)
        return SystemError(
            "mkdir", path.printable, errno: errno,
            saying: "Models go to \(path.printable), which cannot be made: \(errno). Run this as root, or set "
                + "models_directory of the engine to a folder of yours.")
    }

    /// Whatever the umask: as the files in it.
    private static func makeFolder(_ path: FilePath) throws {
        guard path.withPlatformString({ mkdir($0, 0o755) }) == 0 else {
            throw SystemError("mkdir", path.printable, errno: Errno(rawValue: errno))
        }
        _ = path.withPlatformString { chmod($0, 0o755) }
    }
}
