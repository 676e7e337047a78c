import Glibc
import SystemPackage

/// The process that has an abstract Unix socket open, as far as /proc shows it: root sees all, others their own, and a
/// service that systemd keeps from seeing others (ProtectProc=) less.
enum UnixSocketHolder {
    /// Sockets of the machine that are looked through.
    private static let maximumList = 16 << 20

    /// - Parameter name: without the leading zero byte.
    static func find(_ name: String) -> (process: Int32, user: UInt32)? {
        guard let list = try? SmallFile.read("/proc/self/net/unix", limit: maximumList) else { return nil }
        let wanted = Array("@\(name)".utf8)
        for line in list.split(separator: 0x0A) {
            let fields = line.split(separator: 0x20)
            guard fields.count >= 8, fields[7].elementsEqual(wanted) else { continue }
            if let found = process(with: Array("socket:[".utf8) + fields[6] + Array("]".utf8)) { return found }
        }
        return nil
    }

    private static func process(with socket: [UInt8]) -> (process: Int32, user: UInt32)? {
        var found: (process: Int32, user: UInt32)?
        try? DirectoryLister.forEach(in: "/proc") { entry in
            guard let id = Int32(entry.name.printable), has(socket, entry.name) else { return true }
            if let status = try? FileStatus(at: FilePath("/proc/\(id)")) { found = (id, status.owner) }
            return found == nil
        }
        return found
    }

    private static func has(_ socket: [UInt8], _ process: RawName) -> Bool {
        var isFound = false
        var buffer = [CChar](repeating: 0, count: 64)
        guard
            let folder = try? OwnedDescriptor(
                opening: FilePath("/proc/\(process.printable)/fd"), flags: O_RDONLY | O_DIRECTORY)
        else { return false }
        try? DirectoryLister.forEach(of: folder.descriptor, "/proc") { entry in
            let count = entry.name.withCString { readlinkat(folder.descriptor.rawValue, $0, &buffer, buffer.count) }
            isFound = count > 0 && buffer.prefix(count).elementsEqual(socket.map { CChar(bitPattern: $0) })
            return !isFound
        }
        return isFound
    }
}
