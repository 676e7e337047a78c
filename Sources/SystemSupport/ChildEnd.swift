package import Glibc
import SystemPackage

/// The end of a child process that leads a process group of its own. Blocks.
package enum ChildEnd {
    private static let pauseMicroseconds: UInt32 = 2000

    /// Waits for it; one that has not ended by `limit`, as one that somebody stopped, is killed together with its group.
    /// - Returns: what `waitpid` says of it; nil when it was killed for that reason.
    /// - Throws: `SystemError` when it is no child of this process.
    package static func status(of process: pid_t, within limit: Duration) throws -> CInt? {
        let deadline = ContinuousClock.now + limit
        var status: CInt = 0
        while true {
            let ended = waitpid(process, &status, WNOHANG)
            if ended == process { return status }
            guard ended == 0 || errno == EINTR else { throw fault() }
            guard ContinuousClock.now < deadline else { break }
            usleep(pauseMicroseconds)
        }
        kill(-process, SIGKILL)
        // A process that the kernel holds does not end even now, and must not hold this thread as well.
        let lastMoment = ContinuousClock.now + .seconds(1)
        while ContinuousClock.now < lastMoment, waitpid(process, &status, WNOHANG) == 0 { usleep(pauseMicroseconds) }
        return nil
    }

    private static func fault() -> SystemError {
        SystemError("waitpid", "a child process", errno: Errno(rawValue: errno))
    }
}
