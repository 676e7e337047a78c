import Glibc
import SystemPackage
import SystemSupport

/// A port of this machine on which nobody listens, and that no other test is given as long as this object lives.
package final class ClosedPort: Sendable {
    private let descriptor: CInt
    /// `http://127.0.0.1:PORT`.
    package let url: String

    package init() throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 ? getsockname(descriptor, generic, &length) : -1
            }
        }
        url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        guard status == 0 else { throw SystemError("bind", errno: Errno(rawValue: errno)) }
    }

    deinit { close(descriptor) }
}
