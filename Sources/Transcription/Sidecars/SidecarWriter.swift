import Glibc
package import SystemPackage
package import SystemSupport

/// Puts a set of sidecars into a folder so that who sees the `.json` sees all of them. Every call blocks: run it on a
/// `BlockingPool`.
package struct SidecarWriter: Sendable {
    /// What may be replaced.
    package enum Overwrite: Sendable {
        /// Whatever regular file or link has the name (the command line, where the user named the folder).
        case always
        /// Files whose contents are among those delivered before, or those that are about to be written. Any other file
        /// was edited or made by a person and stays; the new set gets a number.
        case ifUnedited(Set<Digest>)
    }

    /// A file that stands in the outbox now.
    package struct Written: Sendable, Hashable {
        package let format: SidecarFormat
        package let name: RawName
        package let path: FilePath
        /// Of its contents; to be remembered for `Overwrite.ifUnedited`.
        package let digest: Digest
    }

    private struct Draft {
        let format: SidecarFormat
        let name: RawName
        let bytes: [UInt8]
        let digest: Digest
        var component: FilePath.Component? { name.path.lastComponent }
    }

    static let maximumNumbers = 1000
    /// A sidecar that is larger is not compared but taken as edited.
    private static let maximumCompared: Int64 = 1 << 30

    /// Looking whether names are free and taking them is one step: two recordings of this process that want the same
    /// names must not mix their sets.
    private static let appearing = FolderLocks()

    private let root: FilePath
    private let subfolder: [RawName]
    private let links: RootLinks
    private let stage: Stage
    private let sync: AtomicFile.Sync

    /// Writes a hidden temporary file and returns its name, as `AtomicFile.stage` does.
    package typealias Stage =
        @Sendable (_ bytes: [UInt8], _ name: FilePath.Component, _ folder: FileDescriptor, _ rights: AtomicFile.Rights)
        throws -> FilePath

    /// - Parameters:
    ///   - root: an existing folder.
    ///   - links: whose links may lead to it.
    ///   - subfolder: folders below it, made where missing; a link among them is refused.
    ///   - stage: replaced in tests of what a full disk leaves behind; nil: as `AtomicFile` does it.
    ///   - sync: as for `AtomicFile.write`.
    package init(
        root: FilePath, subfolder: [RawName] = [], links: RootLinks = .trusted,
        stage: Stage? = nil, sync: @escaping AtomicFile.Sync = AtomicFile.kernelSync
    ) {
        self.stage = stage ?? { try AtomicFile.stage($0, for: $1, in: $2, rights: $3, sync: sync) }
        self.sync = sync
        self.root = root
        self.subfolder = subfolder
        self.links = links
    }

    /// Writes one file for each entry of `contents`, all or none, `.json` last.
    /// - Parameters:
    ///   - recording: the recording's name without folders.
    ///   - keepingExtension: as for `SidecarNames`.
    ///   - language: that the names of subtitles tell, as for `SidecarNames.name`.
    /// - Returns: what was written, in the order of appearance.
    /// - Throws: `TranscriptionError` with code `cannotWrite`; no temporary file is left then.
    package func write(
        _ contents: [SidecarFormat: [UInt8]], for recording: RawName, keepingExtension: Bool = false,
        language: String? = nil, overwrite: Overwrite
    ) throws -> [Written] {
        do {
            let folder = try openFolder()
            for number in 1...Self.maximumNumbers {
                let names = SidecarNames(for: recording, keepingExtension: keepingExtension, number: number)
                let drafts = Self.drafts(contents, names, language)
                guard try isFree(drafts, in: folder.descriptor, overwrite) else { continue }
                if try publish(drafts, in: folder.descriptor, overwrite) {
                    if case .ifUnedited(let delivered) = overwrite, !delivered.isSubset(of: drafts.map(\.digest)) {
                        Self.removeEarlierSubtitles(
                            names, besides: Dictionary(uniqueKeysWithValues: drafts.map { ($0.format, $0.name) }),
                            delivered: delivered, in: folder)
                    }
                    return drafts.map {
                        Written(format: $0.format, name: $0.name, path: path($0.name), digest: $0.digest)
                    }
                }
            }
        } catch let error as SystemError {
            throw TranscriptionError(
                .cannotWrite,
                "The transcript of \(recording.printable) cannot be written to \(path(nil).printable): "
                    + (error.sentence ?? "\(error.errno). Check that the folder exists, is writable and has room."),
                cause: error)
        }
        throw TranscriptionError(
            .cannotWrite,
            "The transcript of \(recording.printable) cannot be written to \(path(nil).printable): all names up to "
                + "number \(Self.maximumNumbers) are taken. Move some of these files away.")
    }

    private func path(_ name: RawName?) -> FilePath {
        var path = root
        for folder in subfolder { path.push(folder.path) }
        if let name { path.push(name.path) }
        return path
    }

    /// In the order in which they appear.
    private static func drafts(
        _ contents: [SidecarFormat: [UInt8]], _ names: SidecarNames, _ language: String?
    ) -> [Draft] {
        let order = SidecarFormat.allCases.filter { $0 != .json } + [.json]
        return order.compactMap { format in
            contents[format].map { bytes in
                Draft(
                    format: format, name: names.name(format, language: language), bytes: bytes,
                    digest: bytes.withUnsafeBytes { SHA256.digest(of: $0) })
            }
        }
    }

    // MARK: The folder

    func openFolder() throws -> OpenFolder {
        var folder = try OpenFolder(root: root, links: links)
        for name in subfolder {
            guard !name.bytes.isEmpty, !name.bytes.contains(0x2F) else {
                throw SystemError("open", name.printable, errno: .invalidArgument)
            }
            folder = try folder.making(name)
        }
        return folder
    }

    // MARK: What is there already

    /// True when none of the names belongs to somebody else's file.
    private func isFree(_ drafts: [Draft], in folder: FileDescriptor, _ overwrite: Overwrite) throws -> Bool {
        for draft in drafts {
            var st = stat()
            let status = draft.name.path.withPlatformString {
                fstatat(folder.rawValue, $0, &st, AT_SYMLINK_NOFOLLOW)
            }
            if status != 0 {
                guard errno == ENOENT else {
                    throw SystemError("stat", draft.name.printable, errno: Errno(rawValue: errno))
                }
                continue
            }
            let kind = st.st_mode & S_IFMT
            switch overwrite {
            case .always:
                // rename(2) replaces a link, it does not follow it.
                guard kind == S_IFREG || kind == S_IFLNK else { return false }
            case .ifUnedited(let delivered):
                guard kind == S_IFREG, let digest = try? Self.digest(of: draft.name, in: folder) else { return false }
                guard digest == draft.digest || delivered.contains(digest) else { return false }
            }
        }
        return true
    }

    static func digest(of name: RawName, in folder: FileDescriptor) throws -> Digest? {
        let file = try OwnedDescriptor(opening: name.path, from: folder, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        let status = try FileStatus(of: file.descriptor)
        guard status.kind == .regular, status.identity.byteCount <= maximumCompared else { return nil }
        var hash = SHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(file.descriptor.rawValue, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("read", name.printable, errno: Errno(rawValue: errno)) }
            if count == 0 { return hash.finish() }
            buffer.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }

    // MARK: Writing

    /// Stages all, then renames them. A failure removes what is staged and what has appeared under a name that was free.
    /// - Returns: false when a file appeared under one of the names meanwhile.
    private func publish(_ drafts: [Draft], in folder: FileDescriptor, _ overwrite: Overwrite) throws -> Bool {
        let status = try FileStatus(of: folder)
        let rights = AtomicFile.Rights(as: status)
        var staged: [(temporary: FilePath, final: FilePath)] = []
        var appeared: [FilePath] = []
        do {
            for draft in drafts {
                guard let name = draft.component else {
                    throw SystemError("open", draft.name.printable, errno: .invalidArgument)
                }
                let temporary = try stage(draft.bytes, name, folder, rights)
                staged.append((temporary, draft.name.path))
            }
            let appears = try Self.appearing.withLock(on: status.identity) {
                guard try isFree(drafts, in: folder, overwrite) else { return false }
                for file in staged {
                    let wasFree = !Self.exists(file.final, in: folder)
                    try Self.rename(file.temporary, file.final, in: folder)
                    if wasFree { appeared.append(file.final) }
                }
                try AtomicFile.syncFolder(folder, sync: sync)
                return true
            }
            guard appears else {
                Self.remove(staged.map(\.temporary), in: folder)
                return false
            }
        } catch {
            Self.remove(staged.map(\.temporary) + appeared, in: folder)
            throw error
        }
        return true
    }

    private static func exists(_ name: FilePath, in folder: FileDescriptor) -> Bool {
        name.withPlatformString { faccessat(folder.rawValue, $0, F_OK, AT_SYMLINK_NOFOLLOW) } == 0
    }

    private static func rename(_ old: FilePath, _ new: FilePath, in folder: FileDescriptor) throws {
        let status = old.withPlatformString { old in
            new.withPlatformString { renameat(folder.rawValue, old, folder.rawValue, $0) }
        }
        guard status == 0 else { throw SystemError("rename", new.printable, errno: Errno(rawValue: errno)) }
    }

    private static func remove(_ names: [FilePath], in folder: FileDescriptor) {
        for name in names { name.withPlatformString { _ = unlinkat(folder.rawValue, $0, 0) } }
    }
}
