import CLinux
import Glibc
package import SystemPackage

/// Files that appear whole or not at all: temporary name in the same folder, fsync, rename, fsync of the folder.
package enum AtomicFile {
    /// Who may read and write a file.
    package struct Rights: Sendable, Hashable {
        /// Permission bits; the umask does not apply.
        package let mode: UInt32
        /// Given where this process may; nil: that of the folder if it is set-group-id, else the process's own.
        package let group: UInt32?

        package init(mode: UInt32, group: UInt32? = nil) {
            self.mode = mode
            self.group = group
        }

        /// What the people have who share a folder: its group, and reading and writing as in the folder itself, but that
        /// nobody outside of the group may write.
        package init(as folder: FileStatus) { self.init(mode: 0o600 | folder.mode & 0o664, group: folder.group) }
    }

    /// Makes the contents of an open file or folder last over a power failure: 0, or a negative errno.
    package typealias Sync = @Sendable (FileDescriptor) -> CInt

    /// fsync(2).
    package static let kernelSync: Sync = { fsync($0.rawValue) == 0 ? 0 : -errno }

    /// Writes `bytes` to `name` in the folder `directory`, replacing what is there.
    /// - Parameter rights: nil: as the folder's.
    /// - Throws: `SystemError`; the temporary file is gone then.
    package static func write(
        _ bytes: some Collection<UInt8>, named name: FilePath.Component, in directory: FilePath, rights: Rights?
    ) throws {
        let folder = try OwnedDescriptor(opening: directory, flags: O_RDONLY | O_DIRECTORY)
        try write(bytes, named: name, in: folder.descriptor, rights: rights)
    }

    /// The same in a folder that is open.
    /// - Parameter sync: replaced in tests of the order of calls, and of disks that fail.
    /// - Throws: `SystemError`; the temporary file is gone then.
    package static func write(
        _ bytes: some Collection<UInt8>, named name: FilePath.Component, in folder: FileDescriptor, rights: Rights?,
        sync: Sync = AtomicFile.kernelSync
    ) throws {
        let rights = try rights ?? Rights(as: FileStatus(of: folder))
        let temporary = try stage(bytes, for: name, in: folder, rights: rights, sync: sync)
        let final = FilePath(root: nil, [name])
        let status = temporary.withPlatformString { old in
            final.withPlatformString { new in
                renameat(folder.rawValue, old, folder.rawValue, new)
            }
        }
        guard status == 0 else {
            let error = SystemError("rename", final.printable, errno: Errno(rawValue: errno))
            temporary.withPlatformString { _ = unlinkat(folder.rawValue, $0, 0) }
            throw error
        }
        _ = sync(folder)
    }

    /// Writes and fsyncs a hidden temporary file beside its later place; the caller renames or unlinks it.
    /// - Parameter sync: as for `write`.
    /// - Returns: the temporary name, relative to `directory`.
    package static func stage(
        _ bytes: some Collection<UInt8>, for name: FilePath.Component, in directory: FileDescriptor, rights: Rights,
        sync: Sync = AtomicFile.kernelSync
    ) throws -> FilePath {
        let temporary = temporaryName(for: name)
        temporary.withPlatformString { _ = unlinkat(directory.rawValue, $0, 0) }
        do {
            let file = try OwnedDescriptor(
                opening: temporary, from: directory, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            do {
                try file.descriptor.writeAll(bytes)
            } catch let error as Errno {
                throw SystemError("write", temporary.printable, errno: error)
            }
            // An ordinary process may give only groups that it is a member of.
            if let group = rights.group { _ = fchown(file.descriptor.rawValue, uid_t.max, group) }
            guard fchmod(file.descriptor.rawValue, rights.mode) == 0 else {
                throw SystemError("fchmod", temporary.printable, errno: Errno(rawValue: errno))
            }
            let synced = sync(file.descriptor)
            guard synced == 0 else { throw SystemError("fsync", temporary.printable, negative: synced) }
            return temporary
        } catch {
            temporary.withPlatformString { _ = unlinkat(directory.rawValue, $0, 0) }
            throw error
        }
    }

    /// Makes what was renamed in a folder last over a power failure, where its file system can do that for folders.
    /// - Parameter sync: as for `write`.
    /// - Throws: `SystemError` when it could not be written.
    package static func syncFolder(_ folder: FileDescriptor, sync: Sync = AtomicFile.kernelSync) throws {
        let error = Errno(rawValue: -sync(folder))
        guard [.ioError, .noSpace, Errno(rawValue: EDQUOT)].contains(error) else { return }
        throw SystemError("fsync", errno: error)
    }

    /// `.NAME.PID-N.tmp`: hidden from share users, ignored by inboxes, another one for each call, so that two threads that
    /// write one name do not take each other's file; a long name is cut.
    private static func temporaryName(for name: FilePath.Component) -> FilePath {
        let bytes = RawName(FilePath(root: nil, [name])).bytes
        let suffix = Array(".\(getpid())-\(calls.add(1)).tmp".utf8)
        return RawName(bytes: [0x2E] + bytes.prefix(254 - suffix.count) + suffix).path
    }

    private static let calls = SharedCounter()
}
