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
        let name = "parlograph-" + String(UInt64.random(in: .min ... .max), radix: 36) + suffix
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

    deinit { path.withPlatformString { _ = unlink($0) } }
}
