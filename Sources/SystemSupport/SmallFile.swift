import CLinux
import Glibc
package import SystemPackage

/// Small files as a whole: certificates, keys, configurations, not recordings.
package enum SmallFile {
    /// Blocks.
    /// - Throws: `SystemError`, also when the file is larger than `limit`.
    package static func read(_ path: FilePath, limit: Int) throws -> [UInt8] {
        let file = try OwnedDescriptor(opening: path, flags: O_RDONLY)
        return try read(file.descriptor, named: path.printable, limit: limit)
    }

    /// From the descriptor's position on. Blocks.
    /// - Parameter name: printable, for the error.
    /// - Throws: `SystemError`, also when there is more than `limit`.
    package static func read(_ descriptor: FileDescriptor, named name: String, limit: Int) throws -> [UInt8] {
        var out: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor.rawValue, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("read", name, errno: Errno(rawValue: errno)) }
            if count == 0 { return out }
            out += buffer[..<count]
            guard out.count <= limit else { throw SystemError("read", name, errno: .fileTooLarge) }
        }
    }

    /// A file without a name, for the standard input of a child process; at its beginning. Blocks.
    /// - Throws: `SystemError`.
    package static func inMemory(_ bytes: [UInt8]) throws -> OwnedDescriptor {
        let made = clinux_memory_file()
        guard made >= 0 else { throw SystemError("memfd_create", negative: made) }
        let file = OwnedDescriptor(owning: FileDescriptor(rawValue: made))
        try file.descriptor.writeAll(bytes)
        lseek(made, 0, SEEK_SET)
        return file
    }
}
