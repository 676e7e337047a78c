import Glibc
package import SystemPackage
import SystemSupport

/// Somebody who holds a name among the abstract Unix sockets, for as long as the value lives.
package final class NameSquatter: Sendable {
    private let socket: OwnedDescriptor

    /// The name of the claim of a folder.
    package static func claim(of folder: FilePath, number: Int = 1) throws -> String {
        let identity = try FileStatus(at: folder).identity
        return "parlograph-folder-\(identity.device)-\(identity.inode)" + (number > 1 ? "-\(number)" : "")
    }

    private init(_ socket: consuming OwnedDescriptor) { self.socket = socket }

    /// - Parameter backlog: of listen(2); nil: it does not listen.
    package static func hold(_ name: String, backlog: CInt? = nil) async throws -> NameSquatter {
        let squatter = NameSquatter(try socket())
        let descriptor = squatter.socket.descriptor.rawValue
        // A claim of a folder that had the same inode may still be on its way out.
        try await eventually("the name \(name)") {
            if call(name, { bind(descriptor, $0, $1) }) == 0 { return true }
            guard errno == EADDRINUSE else { throw SystemError("bind", name, errno: Errno(rawValue: errno)) }
            return false
        }
        guard backlog.map({ listen(descriptor, $0) }) ?? 0 == 0
        else { throw SystemError("listen", name, errno: Errno(rawValue: errno)) }
        return squatter
    }

    /// Connects once, and closes the connection.
    package static func knock(at name: String) throws {
        let socket = try socket()
        _ = call(name) { connect(socket.descriptor.rawValue, $0, $1) }
    }

    private static func socket() throws -> OwnedDescriptor {
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let fd = Glibc.socket(AF_UNIX, type, 0)
        guard fd >= 0 else { throw SystemError("socket", errno: Errno(rawValue: errno)) }
        return OwnedDescriptor(owning: FileDescriptor(rawValue: fd))
    }

    private static func call(
        _ name: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = [0] + Array(name.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}
