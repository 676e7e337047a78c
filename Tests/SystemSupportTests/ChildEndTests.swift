import Glibc
import SystemSupport
import TestSupport
import Testing

/// Waiting for a child process, with a limit.
@Suite struct ChildEndTests {
    /// - Returns: the process, which leads a group of its own.
    private static func start(_ arguments: [String]) throws -> pid_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        let words = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        try #require(posix_spawn(&process, arguments[0], nil, &attributes, words, nil) == 0)
        return process
    }

    private static func status(of process: pid_t, within limit: Duration) async throws -> CInt? {
        try await BlockingPool.files.run { try ChildEnd.status(of: process, within: limit) }
    }

    @Test(.timeLimit(.minutes(20))) func tellsHowItEnded() async throws {
        let fine = try Self.start(["/bin/sh", "-c", "exit 3"])
        #expect(try await Self.status(of: fine, within: .seconds(600)) == 3 << 8)
        let killed = try Self.start(["/bin/sh", "-c", "kill -9 $$"])
        #expect(try await Self.status(of: killed, within: .seconds(600)) == SIGKILL)
        await #expect(throws: SystemError.self) { try await Self.status(of: killed, within: .seconds(600)) }
    }

    /// Somebody stopped it: no alarm of its own reaches it.
    @Test(.timeLimit(.minutes(20))) func oneThatIsStoppedHoldsUpNothing() async throws {
        let process = try Self.start(["/bin/sh", "-c", "kill -STOP $$; exec sleep 3600"])
        #expect(try await Self.status(of: process, within: .milliseconds(300)) == nil)
        #expect(kill(process, 0) != 0, "it is gone, and not a zombie")
    }
}
