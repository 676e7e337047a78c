import Glibc
import SystemPackage

/// Whether a process can be started: swift-subprocess ends this program with a fatal error when descriptors run out while
/// it makes its pipes, so that has to be known before.
package enum DescriptorHeadroom {
    /// A start takes eight; others may start at the same time.
    private static let wanted = 32

    /// - Throws: `SystemError` with EMFILE or ENFILE when fewer are free.
    package static func check() throws {
        var taken: [CInt] = []
        defer { for descriptor in taken { close(descriptor) } }
        for _ in 0..<wanted {
            let descriptor = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)
            guard descriptor >= 0 else { throw SystemError("posix_spawn", errno: Errno(rawValue: errno)) }
            taken.append(descriptor)
        }
    }
}
