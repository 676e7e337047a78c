import CLinux
import Glibc
package import SystemPackage

/// readdir(3) with names as bytes.
package enum DirectoryLister {
    /// An entry of a folder, without `.` and `..`.
    package struct Entry: Sendable {
        package let name: RawName
        /// d_type; `other` also where the file system does not tell (then lstat does).
        package let kind: FileStatus.Kind
    }

    /// Calls `body` for each entry, in the order of the file system, holding none in memory. Blocks.
    /// - Parameter body: returns false to stop.
    /// - Throws: `SystemError`; what `body` throws.
    package static func forEach(in path: FilePath, _ body: (Entry) throws -> Bool) throws {
        let folder = try OwnedDescriptor(opening: path, flags: O_RDONLY | O_DIRECTORY)
        try forEach(of: folder.descriptor, path.printable, body)
    }

    /// The same for a folder that is open already.
    /// - Parameter subject: the folder's name, for errors.
    package static func forEach(of folder: FileDescriptor, _ subject: String, _ body: (Entry) throws -> Bool) throws {
        // Opened once more: a stream owns its descriptor, and copies of one share its place.
        let fd = clinux_openat(folder.rawValue, ".", O_RDONLY | O_DIRECTORY, 0)
        guard fd >= 0 else { throw SystemError("opendir", subject, negative: fd) }
        guard let stream = fdopendir(fd) else {
            let error = errno
            close(fd)
            throw SystemError("fdopendir", subject, errno: Errno(rawValue: error))
        }
        defer { closedir(stream) }
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw SystemError("readdir", subject, errno: Errno(rawValue: errno)) }
                return
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { RawName(bytes: $0.prefix { $0 != 0 }) }
            if name.bytes == [0x2E] || name.bytes == [0x2E, 0x2E] { continue }
            var kind = kind(ofType: Int(entry.pointee.d_type))
            if kind == nil {
                kind = (try? FileStatus(of: name, in: folder))?.kind
            }
            guard try body(Entry(name: name, kind: kind ?? .other)) else { return }
        }
    }

    private static func kind(ofType type: Int) -> FileStatus.Kind? {
        switch type {
        case Int(DT_REG): .regular
        case Int(DT_DIR): .directory
        case Int(DT_LNK): .symbolicLink
        case Int(DT_UNKNOWN): nil
        default: .other
        }
    }
}
