import Glibc
package import SystemPackage

/// Small files as a whole: certificates, keys, configurations, not recordings.
package enum SmallFile {
    /// Blocks.
    /// - Throws: `SystemError`, also when the file is larger than `limit`.
    package static func read(_ path: FilePath, limit: Int) throws -> [UInt8] {
        let file = try OwnedDescriptor(opening: path, flags: O_RDONLY)
        var out: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(file.descriptor.rawValue, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("read", path.printable, errno: Errno(rawValue: errno)) }
            if count == 0 { return out }
            out += buffer[..<count]
            guard out.count <= limit else { throw SystemError("read", path.printable, errno: .fileTooLarge) }
        }
    }
}
