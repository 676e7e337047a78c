import Glibc
import SystemPackage
import SystemSupport

/// A temporary file that only this user can read and that is gone when its owner is: for a program that must be given a
/// path.
struct PrivateFile: ~Copyable, Sendable {
    let path: FilePath

    /// Writes a new file with mode 0600 and a name nobody can guess; an existing file or link is never opened. Blocks.
    /// - Parameter suffix: with its dot.
    /// - Throws: `SystemError`.
    init(holding bytes: [UInt8], suffix: String, in directory: FilePath) throws {
        let name = Self.prefix + "\(getpid())-" + String(UInt64.random(in: .min ... .max), radix: 36) + suffix
        path = directory.appending(name)
        let file = try OwnedDescriptor(opening: path, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        try bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count, let base = buffer.baseAddress {
                let count = write(file.descriptor.rawValue, base + offset, buffer.count - offset)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw SystemError("write", path.printable, errno: Errno(rawValue: errno)) }
                offset += count
            }
        }
    }

    private static let prefix = "parlograph-chunk-"

    /// Removes what processes of this user left behind that were killed. Blocks, for one look at the folder.
    static func removeLeftovers(in directory: FilePath) {
        try? DirectoryLister.forEach(in: directory) { entry in
            let name = entry.name.printable
            guard entry.kind == .regular, name.hasPrefix(prefix), name.hasSuffix(".wav"),
                let process = Int32(name.dropFirst(prefix.count).prefix { $0 != "-" }),
                kill(process, 0) != 0, errno == ESRCH
            else { return true }
            _ = directory.pushing(entry.name.path).withPlatformString { unlink($0) }
            return true
        }
    }

    deinit { path.withPlatformString { _ = unlink($0) } }
}
