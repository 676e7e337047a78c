import CLinux
import Glibc
import Synchronization
import SystemPackage

/// Tells the service manager how the service is: sd_notify(3)'s protocol, a datagram for each message to the socket that
/// NOTIFY_SOCKET names. There is none without a service manager that wants to know.
///
/// A message that cannot be sent is dropped: the service works without being watched.
package final class ServiceNotifier: Sendable {
    private let address: SocketAddress
    private let pool: BlockingPool
    private let isReady = Atomic<Bool>(false)
    /// The manager ends a service that has not sent a sign of life for so long; nil: it does not look.
    package let watchdogTimeout: Duration?

    /// Nil where NOTIFY_SOCKET is missing or is not a path or an abstract name (`@…`) of a socket.
    /// - Parameters:
    ///   - environment: also WATCHDOG_USEC, and WATCHDOG_PID, the process that is meant.
    ///   - pool: sends the messages: no sign of life comes from a process whose threads for files all hang.
    package init?(environment: [String: String], processID: Int32 = getpid(), pool: BlockingPool = .files) {
        guard let name = environment["NOTIFY_SOCKET"], let address = SocketAddress(name) else { return nil }
        self.address = address
        self.pool = pool
        let isMeant = environment["WATCHDOG_PID"].map { $0 == "\(processID)" } ?? true
        watchdogTimeout =
            isMeant
            ? environment["WATCHDOG_USEC"].flatMap(Int64.init).flatMap { $0 > 0 ? .microseconds($0) : nil } : nil
    }

    /// Tells systemd that the service does its work.
    package func ready() async {
        isReady.store(true, ordering: .releasing)
        await send(["READY=1"])
    }

    /// The configuration is about to be read again; `reloaded` must follow.
    package func reloading() async {
        guard isReady.load(ordering: .acquiring) else { return }
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        await send(["RELOADING=1", "MONOTONIC_USEC=\(Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000)"])
    }

    /// Before the service was ready for the first time this says nothing: it would be taken for that.
    package func reloaded() async {
        guard isReady.load(ordering: .acquiring) else { return }
        await send(["READY=1"])
    }

    /// - Parameter within: how long the end may take; the manager's own limit is set to that and some seconds.
    package func stopping(within limit: Duration) async {
        await send(["STOPPING=1", "EXTEND_TIMEOUT_USEC=\((limit.components.seconds + 15) * 1_000_000)"])
    }

    /// What keeps the service from being ready for the first time. The manager waits with it, whatever its own limit is.
    /// - Parameter limit: until when this is said again, or the service is ready.
    package func starting(_ status: String, within limit: Duration) async {
        guard !isReady.load(ordering: .acquiring) else { return }
        await send(["EXTEND_TIMEOUT_USEC=\(limit.components.seconds * 1_000_000)", Self.statusLine(status)])
    }

    /// - Parameter status: a line for `systemctl status`; what is longer than 500 bytes is left out.
    package func status(_ status: String) async { await send([Self.statusLine(status)]) }

    private static func statusLine(_ status: String) -> String {
        var line = status.printable
        while line.utf8.count > 500 { line.removeLast() }
        return "STATUS=\(line)"
    }

    /// Feeds the watchdog.
    package func alive() async { await send(["WATCHDOG=1"]) }

    private func send(_ assignments: [String]) async {
        let message = Array(assignments.joined(separator: "\n").utf8)
        let address = address
        await pool.run { address.send(message) }
    }
}

/// Where datagrams to a socket of this machine go.
private struct SocketAddress: Sendable {
    /// `sun_path`; an abstract name begins with a zero byte and has none at its end.
    private let path: [UInt8]

    init?(_ name: String) {
        var bytes = Array(name.utf8)
        guard bytes.count > 1, bytes.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path) else { return nil }
        switch bytes[0] {
        case UInt8(ascii: "@"): bytes[0] = 0
        case UInt8(ascii: "/"): bytes.append(0)
        default: return nil
        }
        path = bytes
    }

    /// Blocks until the receiver has room, a second at most.
    func send(_ message: [UInt8]) {
        let kind = CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        let opened = socket(AF_UNIX, kind, 0)
        guard opened >= 0 else { return }
        let socket = OwnedDescriptor(owning: FileDescriptor(rawValue: opened))
        var limit = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(
            socket.descriptor.rawValue, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                while sendto(
                    socket.descriptor.rawValue, message, message.count, CInt(MSG_NOSIGNAL), address, length)
                    < 0, errno == EINTR
                {}
            }
        }
    }
}
