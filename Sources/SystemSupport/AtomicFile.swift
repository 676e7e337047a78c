import CLinux
import Glibc
package import SystemPackage

/// Files that appear whole or not at all: temporary name in the same folder, fsync, rename, fsync of the folder.
package enum AtomicFile {
    /// Writes `bytes` to `name` in the folder `directory`, replacing what is there.
    /// - Parameter mode: permission bits; the umask does not apply. The group is the folder's own (setgid folders).
    /// - Throws: `SystemError`; the temporary file is gone then.
    package static func write(
        _ bytes: some Collection<UInt8>, named name: FilePath.Component, in directory: FilePath, mode: UInt32 = 0o644
    ) throws {
        let folder = try OwnedDescriptor(opening: directory, flags: O_RDONLY | O_DIRECTORY)
        let temporary = try stage(bytes, for: name, in: folder.descriptor, mode: mode)
        let final = FilePath(root: nil, [name])
        let status = temporary.withPlatformString { old in
            final.withPlatformString { new in
                renameat(folder.descriptor.rawValue, old, folder.descriptor.rawValue, new)
            }
        }
        guard status == 0 else {
            let error = SystemError("rename", directory.appending(name).printable, errno: Errno(rawValue: errno))
            temporary.withPlatformString { _ = unlinkat(folder.descriptor.rawValue, $0, 0) }
            throw error
        }
        fsync(folder.descriptor.rawValue)
    }

    /// Writes and fsyncs a hidden temporary file beside its later place; the caller renames or unlinks it.
    /// - Returns: the temporary name, relative to `directory`.
    package static func stage(
        _ bytes: some Collection<UInt8>, for name: FilePath.Component, in directory: FileDescriptor, mode: UInt32
    ) throws -> FilePath {
        let temporary = temporaryName(for: name)
        temporary.withPlatformString { _ = unlinkat(directory.rawValue, $0, 0) }
        do {
            let file = try OwnedDescriptor(
                opening: temporary, from: directory, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            let contents = Array(bytes)
            try contents.withUnsafeBytes { buffer in
                var offset = 0
                while offset < buffer.count {
                    let written = Glibc.write(
                        file.descriptor.rawValue, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
                    if written < 0, errno == EINTR { continue }
                    guard written > 0 else {
                        throw SystemError("write", temporary.printable, errno: Errno(rawValue: errno))
                    }
                    offset += written
                }
            }
            guard fchmod(file.descriptor.rawValue, mode) == 0, fsync(file.descriptor.rawValue) == 0 else {
                throw SystemError("fsync", temporary.printable, errno: Errno(rawValue: errno))
            }
            return temporary
        } catch {
            temporary.withPlatformString { _ = unlinkat(directory.rawValue, $0, 0) }
            throw error
        }
    }

    /// Makes what was renamed in a folder last over a power failure, where its file system can do that for folders.
    /// - Throws: `SystemError` when it could not be written.
    package static func syncFolder(_ folder: FileDescriptor) throws {
        guard fsync(folder.rawValue) != 0 else { return }
        let error = Errno(rawValue: errno)
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
