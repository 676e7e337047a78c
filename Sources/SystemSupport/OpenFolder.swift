import Glibc
package import SystemPackage

/// A folder that is open. What is done in it and below it goes through its descriptor, so that who may rename the folders
/// on the way cannot lead it elsewhere. Every call blocks.
package struct OpenFolder: ~Copyable, Sendable {
    /// Where it was found: for messages and the journal, never for a system call.
    package let path: FilePath
    private let folder: OwnedDescriptor
    private let resolution: PathResolution

    /// Valid as long as the folder is open; not to be closed.
    package var descriptor: FileDescriptor { folder.descriptor }

    private init(_ folder: consuming OwnedDescriptor, _ path: FilePath, _ resolution: PathResolution) {
        self.folder = folder
        self.path = path
        self.resolution = resolution
    }

    /// Opens a folder that the configuration or a command line names.
    /// - Parameters:
    ///   - links: whose symbolic links may lead there.
    /// - Throws: `SystemError`; with ELOOP and a sentence when another one's link lies on the way.
    package init(root path: FilePath, links: RootLinks = .trusted, resolution: PathResolution = .kernel) throws {
        self.init(try links.open(path, resolution), path, resolution)
    }

    /// Opens a folder below this one; a link is never followed.
    /// - Parameter path: relative; empty for this folder itself.
    /// - Throws: `SystemError`.
    package func opening(_ path: RawName) throws -> OpenFolder {
        let whole = path.bytes.isEmpty ? self.path : self.path.pushing(path.path)
        let flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK
        do {
            let found =
                path.bytes.isEmpty
                ? try OwnedDescriptor(opening: ".", from: descriptor, flags: flags)
                : try OwnedDescriptor(opening: path, beneath: descriptor, flags: flags, resolution: resolution)
            return OpenFolder(found, whole, resolution)
        } catch let error as SystemError {
            throw SystemError(error.call, whole.printable, errno: error.errno)
        }
    }

    /// Opens a folder below this one and makes what is missing on the way; new folders get the mode of the folder they are
    /// made in, set-group-id included, so that a share's group rights go on.
    /// - Parameter path: relative; empty for this folder itself.
    /// - Throws: `SystemError`.
    package func making(_ path: RawName) throws -> OpenFolder {
        var at = try opening(RawName(bytes: []))
        for name in path.components { at = try at.makingOne(name) }
        return at
    }

    private func makingOne(_ name: RawName) throws -> OpenFolder {
        do {
            return try opening(name)
        } catch let error as SystemError where error.errno == .noSuchFileOrDirectory {
            let mode = try FileStatus(of: descriptor).mode
            // The set-group-id bit comes from the parent; asking for it is refused under RestrictSUIDSGID=.
            let status = name.withCString { mkdirat(descriptor.rawValue, $0, mode_t(mode & 0o777)) }
            guard status == 0 || errno == EEXIST else {
                let fault = Errno(rawValue: errno)
                throw SystemError("mkdir", path.pushing(name.path).printable, errno: fault)
            }
            let made = try opening(name)
            if status == 0 {
                // The umask took bits away that the share's other folders have.
                if try FileStatus(of: made.descriptor).mode != mode { fchmod(made.descriptor.rawValue, mode_t(mode)) }
                try AtomicFile.syncFolder(descriptor)
            }
            return made
        }
    }

    /// What lies under a name of this folder, without following a link.
    /// - Throws: `SystemError`.
    package func status(of name: RawName) throws -> FileStatus {
        do {
            return try FileStatus(of: name, in: descriptor)
        } catch let error as SystemError {
            throw SystemError(error.call, path.pushing(name.path).printable, errno: error.errno)
        }
    }

    /// A hold on an entry, whatever it is.
    /// - Throws: `SystemError`.
    func holding(_ name: RawName) throws -> OwnedDescriptor {
        do {
            return try OwnedDescriptor(holding: name, in: descriptor)
        } catch let error as SystemError {
            throw SystemError(error.call, path.pushing(name.path).printable, errno: error.errno)
        }
    }

    /// What lies at a path below this folder, without following a link.
    /// - Throws: `SystemError`.
    package func status(at path: RawName) throws -> FileStatus {
        guard !path.folder.bytes.isEmpty else { return try status(of: path.last) }
        return try opening(path.folder).status(of: path.last)
    }

    /// Removes a file or a link from this folder.
    /// - Throws: `SystemError` that says which folder cannot be written to, if it is that.
    package func unlink(_ name: RawName) throws {
        guard name.withCString({ unlinkat(descriptor.rawValue, $0, 0) }) != 0 else { return }
        throw fault(of: "unlink", name, Errno(rawValue: errno))
    }

    /// This process may make and remove entries, as far as can be told.
    var isWritable: Bool {
        faccessat(descriptor.rawValue, ".", W_OK | X_OK, AT_EACCESS) == 0 || (errno != EACCES && errno != EROFS)
    }

    /// - Returns: for rights, an error that names this folder, whom it belongs to, and the remedy.
    func fault(of call: String, _ name: RawName, _ errno: Errno) -> SystemError {
        let plain = SystemError(call, path.pushing(name.path).printable, errno: errno)
        guard errno == .permissionDenied || errno == .notPermitted, let status = try? FileStatus(of: descriptor) else {
            return plain
        }
        let mode = String(status.mode, radix: 8)
        return SystemError(
            call, plain.subject, errno: errno,
            saying: """
                The folder \(path.printable) does not let the service take files out or put them in: it belongs to user \
                \(status.owner) and group \(status.group) and has mode \(mode). Let the service write there, with chmod \
                g+w or setfacl.
                """)
    }
}
