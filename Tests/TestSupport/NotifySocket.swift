import Glibc
import SystemPackage
import SystemSupport

/// Plays the service manager: the socket that NOTIFY_SOCKET names.
package final class NotifySocket: Sendable {
    private let socket: FileDescriptor
    /// The value for NOTIFY_SOCKET.
    package let name: String

    /// - Parameter name: a path, or an abstract name that begins with `@`.
    /// - Throws: `SystemError`.
    package init(_ name: String) throws {
        self.name = name
        let fd = Glibc.socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard fd >= 0 else { throw SystemError("socket", errno: Errno(rawValue: errno)) }
        socket = FileDescriptor(rawValue: fd)
        var path = Array(name.utf8)
        if path.first == UInt8(ascii: "@") { path[0] = 0 } else { path.append(0) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(fd, $0, length) }
        }
        guard status == 0 else { throw SystemError("bind", name, errno: Errno(rawValue: errno)) }
    }

    deinit { close(socket.rawValue) }

    /// The next message, as its lines; nil when none has come.
    package func next() -> [String]? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(socket.rawValue, &buffer, buffer.count, CInt(MSG_DONTWAIT))
        guard count >= 0 else { return nil }
        return String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Waits for a message whose first line begins with `start`; those before it are given up.
    /// - Throws: `Late`.
    @discardableResult
    package func message(_ start: String) async throws -> [String] {
        var found: [String] = []
        try await eventually("the message \(start)") {
            while let message = next() {
                guard message.first?.hasPrefix(start) == true else { continue }
                found = message
                return true
            }
            return false
        }
        return found
    }
}
