import Glibc

/// A program run by the decoder process, with its standard output and standard error as pipes; standard input is ours.
struct PipedProgram: ~Copyable {
    private let process: pid_t
    private var output: CInt
    private var report: CInt

    /// Nil when it cannot be started.
    init?(_ path: String, _ commandLine: [String]) {
        var out: [CInt] = [-1, -1]
        var err: [CInt] = [-1, -1]
        guard pipe(&out) == 0 else { return nil }
        guard pipe(&err) == 0 else {
            for fd in out { close(fd) }
            return nil
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, out[1], 1)
        posix_spawn_file_actions_adddup2(&actions, err[1], 2)
        for fd in out + err { posix_spawn_file_actions_addclose(&actions, fd) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var defaults = sigset_t()
        sigemptyset(&defaults)
        sigaddset(&defaults, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
        let arguments: [UnsafeMutablePointer<CChar>?] = commandLine.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        // No environment: none of FFREPORT, LD_PRELOAD, AV_LOG_*.
        let environment: [UnsafeMutablePointer<CChar>?] = [nil]
        var process = pid_t()
        let status = posix_spawn(&process, path, &actions, &attributes, arguments, environment)
        close(out[1])
        close(err[1])
        guard status == 0 else {
            close(out[0])
            close(err[0])
            return nil
        }
        self.process = process
        output = out[0]
        report = err[0]
    }

    // Without its readers the program ends at its next write, or by the limits it has inherited.
    deinit {
        if output >= 0 { close(output) }
        if report >= 0 { close(report) }
    }

    /// Waits for bytes of either pipe, what is reported first; nil when both have ended.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> (isReport: Bool, count: Int)? {
        while output >= 0 || report >= 0 {
            var polled = [
                pollfd(fd: report, events: Int16(POLLIN), revents: 0),
                pollfd(fd: output, events: Int16(POLLIN), revents: 0),
            ]
            if poll(&polled, 2, -1) < 0 {
                if errno == EINTR { continue }
                return nil
            }
            let isReport = polled[0].revents != 0
            let fd = isReport ? report : output
            let count = Glibc.read(fd, buffer.baseAddress, buffer.count)
            if count > 0 { return (isReport, count) }
            if count < 0, errno == EINTR { continue }
            close(fd)
            if isReport { report = -1 } else { output = -1 }
        }
        return nil
    }

    /// The exit status, or the negative number of the signal that ended it.
    mutating func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 { if errno != EINTR { return 255 } }
        let signal = status & 0x7F
        return signal == 0 ? status >> 8 & 0xFF : -signal
    }
}
