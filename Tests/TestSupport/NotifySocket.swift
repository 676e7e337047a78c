import Glibc
import Synchronization
import SystemPackage
import SystemSupport

/// Plays the service manager: the socket that NOTIFY_SOCKET names.
///
/// A thread takes the messages as they come: the kernel keeps ten, and a service gives up one that finds no room for a
/// second, which is soon over where a test waits for its turn on a busy machine.
package final class NotifySocket: Sendable {
    private let mailbox: Mailbox
    /// The value for NOTIFY_SOCKET.
    package let name: String

    /// - Parameter name: a path, or an abstract name that begins with `@`.
    /// - Throws: `SystemError`.
    package init(_ name: String) throws {
        self.name = name
        let fd = Glibc.socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard fd >= 0 else { throw SystemError("socket", errno: Errno(rawValue: errno)) }
        mailbox = Mailbox(OwnedDescriptor(owning: FileDescriptor(rawValue: fd)))
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
        let mailbox = mailbox
        Thread.start(name: "notify") { mailbox.keepTaking() }
    }

    deinit { mailbox.close() }

    /// The next message, as its lines; nil when none has come.
    package func next() -> [String]? { mailbox.next() }

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

/// What has come and was not asked for yet.
private final class Mailbox: Sendable {
    private struct State {
        var messages: [[String]] = []
        var isClosed = false
    }

    private let socket: OwnedDescriptor
    private let state = Mutex(State())

    init(_ socket: consuming OwnedDescriptor) { self.socket = socket }

    /// Takes messages until the mailbox is closed. Blocks.
    func keepTaking() {
        var polled = pollfd(fd: socket.descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        while true {
            guard poll(&polled, 1, -1) > 0 else { continue }
            let isClosed = state.withLock { state in
                take(&state)
                return state.isClosed
            }
            if isClosed { return }
        }
    }

    /// Ends `keepTaking`.
    func close() {
        state.withLock { $0.isClosed = true }
        shutdown(socket.descriptor.rawValue, CInt(SHUT_RDWR))
    }

    /// Also what the thread has not come to yet.
    func next() -> [String]? {
        state.withLock { state in
            take(&state)
            return state.messages.isEmpty ? nil : state.messages.removeFirst()
        }
    }

    private func take(_ state: inout State) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !state.isClosed {
            let count = recv(socket.descriptor.rawValue, &buffer, buffer.count, CInt(MSG_DONTWAIT))
            guard count >= 0 else { return }
            state.messages.append(
                String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n").map(String.init))
        }
    }
}
