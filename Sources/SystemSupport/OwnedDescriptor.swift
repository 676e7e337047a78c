import CLinux
import Glibc
package import SystemPackage

/// The one owner of an open file descriptor; closes it when it goes out of scope.
package struct OwnedDescriptor: ~Copyable, Sendable {
    /// Valid as long as its owner lives; not to be closed.
    package let descriptor: FileDescriptor

    /// Takes over `descriptor`, which nothing else may close.
    package init(owning descriptor: FileDescriptor) { self.descriptor = descriptor }

    /// openat(2) with O_CLOEXEC.
    /// - Parameters:
    ///   - directory: the descriptor that a relative `path` is seen from; nil for the working directory.
    ///   - flags: O_* values, O_CLOEXEC is added.
    /// - Throws: `SystemError`.
    package init(opening path: FilePath, from directory: FileDescriptor? = nil, flags: CInt, mode: UInt32 = 0o666)
        throws
    {
        let fd = path.withPlatformString { clinux_openat(directory?.rawValue ?? AT_FDCWD, $0, flags, mode) }
        guard fd >= 0 else { throw SystemError("open", path.printable, negative: fd) }
        self.descriptor = FileDescriptor(rawValue: fd)
    }

    /// Opens what lies at `path` below the folder `root`, never following a symbolic link and never leaving `root`.
    /// - Throws: `SystemError`: ELOOP for a link, EAGAIN while a writer's lease is being broken (kernel oplocks).
    package init(
        opening path: RawName, beneath root: FileDescriptor, flags: CInt, resolution: PathResolution = .kernel
    ) throws {
        let fd = resolution.open(path, beneath: root, flags: flags)
        guard fd >= 0 else { throw SystemError("openat2", path.printable, negative: fd) }
        self.descriptor = FileDescriptor(rawValue: fd)
    }

    /// A hold on an entry of an open folder, whatever it is: its status can be asked for, nothing else.
    /// - Throws: `SystemError`.
    package init(holding name: RawName, in folder: FileDescriptor) throws {
        let fd = name.withCString { clinux_open_place(folder.rawValue, $0, 0) }
        guard fd >= 0 else { throw SystemError("open", name.printable, negative: fd) }
        self.descriptor = FileDescriptor(rawValue: fd)
    }

    deinit { Glibc.close(descriptor.rawValue) }
}

/// What tells one file from another and a changed file from an unchanged one.
package struct FileIdentity: Hashable, Sendable, Codable {
    /// Does not count when two are compared: a share that is mounted again, or a machine that starts again, gives the
    /// same file system another number.
    package let device: UInt64
    package let inode: UInt64
    /// The length of the content, not what it takes on disk.
    package let byteCount: Int64
    /// Nanoseconds since 1970. Compare only with another of these, never with the clock: copies keep old times.
    package let modified: Int64

    package init(device: UInt64, inode: UInt64, byteCount: Int64, modified: Int64) {
        self.device = device
        self.inode = inode
        self.byteCount = byteCount
        self.modified = modified
    }

    package static func == (a: FileIdentity, b: FileIdentity) -> Bool {
        a.inode == b.inode && a.byteCount == b.byteCount && a.modified == b.modified
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(inode)
        hasher.combine(byteCount)
        hasher.combine(modified)
    }
}

/// The part of stat(2) that intake and delivery need.
package struct FileStatus: Sendable {
    package enum Kind: Sendable { case regular, directory, symbolicLink, other }
    package let kind: Kind
    package let identity: FileIdentity
    /// When contents, name or rights changed last (`st_ctime`), in nanoseconds since 1970: nobody can set it back. Compare
    /// only with another of these.
    package let changed: Int64
    /// Permission bits, with set-id and sticky bits.
    package let mode: UInt32
    /// User id.
    package let owner: UInt32
    /// Group id.
    package let group: UInt32
    /// Hard links.
    package let linkCount: UInt64

    private init(_ st: stat) {
        kind =
            switch st.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            default: .other
            }
        identity = FileIdentity(
            device: UInt64(st.st_dev), inode: UInt64(st.st_ino), byteCount: Int64(st.st_size),
            modified: Int64(st.st_mtim.tv_sec) * 1_000_000_000 + Int64(st.st_mtim.tv_nsec))
        changed = Int64(st.st_ctim.tv_sec) * 1_000_000_000 + Int64(st.st_ctim.tv_nsec)
        mode = UInt32(st.st_mode & 0o7777)
        owner = st.st_uid
        group = st.st_gid
        linkCount = UInt64(st.st_nlink)
    }

    /// lstat(2) of an entry of an open folder.
    /// - Throws: `SystemError`.
    package init(of name: RawName, in folder: FileDescriptor) throws {
        var st = stat()
        let status = name.withCString { fstatat(folder.rawValue, $0, &st, AT_SYMLINK_NOFOLLOW) }
        guard status == 0 else {
            throw SystemError("stat", name.printable, errno: Errno(rawValue: Glibc.errno))
        }
        self.init(st)
    }

    /// fstat(2).
    /// - Throws: `SystemError`.
    package init(of descriptor: FileDescriptor) throws {
        var st = stat()
        guard fstat(descriptor.rawValue, &st) == 0 else {
            throw SystemError("fstat", errno: Errno(rawValue: Glibc.errno))
        }
        self.init(st)
    }

    /// stat(2), or lstat(2) when links are not followed.
    /// - Throws: `SystemError`.
    package init(at path: FilePath, followingLinks: Bool = true) throws {
        var st = stat()
        let status = path.withPlatformString { followingLinks ? stat($0, &st) : lstat($0, &st) }
        guard status == 0 else {
            throw SystemError("stat", path.printable, errno: Errno(rawValue: Glibc.errno))
        }
        self.init(st)
    }
}
