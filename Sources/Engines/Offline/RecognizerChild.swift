import CLinux
import Glibc
import SystemPackage
import SystemSupport

/// A recognizer process, seen from the thread that started it: the one owner of its pipes, and the one who reaps it.
struct RecognizerChild: ~Copyable {
    let process: pid_t
    private let input: CInt
    private let output: CInt
    private let errors: CInt
    private var isInputOpen = true

    /// In a session of its own: signals for the service's process group do not reach it.
    private static let ownSession: Int16 = 0x80  // POSIX_SPAWN_SETSID of spawn.h
    /// Between closing its input and killing it.
    private static let graceMilliseconds = 5000

    /// - Throws: `SystemError`.
    init(_ executable: FilePath, _ arguments: RecognizerProcess.Arguments) throws {
        var pipes: [[CInt]] = []
        func closeAll() { for end in pipes.joined() { close(end) } }
        for _ in 0..<3 {
            var ends: [CInt] = [-1, -1]
            let status = clinux_pipe(&ends)
            guard status == 0 else {
                closeAll()
                throw SystemError("pipe", negative: status)
            }
            pipes.append(ends)
        }
        var process = pid_t()
        let status = Self.spawn(executable, arguments, pipes, &process)
        guard status == 0 else {
            closeAll()
            throw SystemError("posix_spawn", executable.printable, errno: Errno(rawValue: status))
        }
        for end in [pipes[0][0], pipes[1][1], pipes[2][1]] { close(end) }
        (input, output, errors) = (pipes[0][1], pipes[1][0], pipes[2][0])
        self.process = process
        for end in [input, output, errors] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        clinux_widen_pipe(input, 1 << 20)
    }

    deinit {
        if isInputOpen { close(input) }
        close(output)
        close(errors)
    }

    private static let environment = [
        // A crash handler would take minutes and megabytes to say what the signal says.
        "SWIFT_BACKTRACE=enable=no",
        // Each arena reserves 128 MB of address space, and near the limit each allocation tries to make one.
        "MALLOC_ARENA_MAX=1", "MALLOC_MMAP_THRESHOLD_=1048576", "MALLOC_TRIM_THRESHOLD_=1048576",
    ]

    private static func spawn(
        _ executable: FilePath, _ arguments: RecognizerProcess.Arguments, _ pipes: [[CInt]], _ process: inout pid_t
    ) -> CInt {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (end, standard) in [
            (pipes[0][0], STDIN_FILENO), (pipes[1][1], STDOUT_FILENO), (pipes[2][1], STDERR_FILENO),
        ] {
            posix_spawn_file_actions_adddup2(&actions, end, standard)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) | ownSession)
        let words: [UnsafeMutablePointer<CChar>?] =
            (["parlograph", RecognizerProcess.subcommand] + arguments.encoded).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        let environment: [UnsafeMutablePointer<CChar>?] = Self.environment.map { strdup($0) } + [nil]
        defer { for variable in environment { free(variable) } }
        return executable.withPlatformString {
            posix_spawn(&process, $0, &actions, &attributes, words, environment)
        }
    }

    /// What became ready.
    struct Events {
        var answers: [UInt8] = []
        var errors: [UInt8] = []
        /// Nothing more comes.
        var hasEnded = false
    }

    /// Waits until there is something to read, room to write, or `wake` is signalled.
    /// - Parameters:
    ///   - pending: what is to be written; what was written is taken off.
    ///   - milliseconds: at most; negative: without end.
    mutating func wait(wake: CInt, pending: inout ArraySlice<UInt8>, milliseconds: CInt) -> Events {
        var polled = [
            pollfd(fd: output, events: Int16(POLLIN), revents: 0),
            pollfd(fd: errors, events: Int16(POLLIN), revents: 0),
            pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
            pollfd(fd: isInputOpen && !pending.isEmpty ? input : -1, events: Int16(POLLOUT), revents: 0),
        ]
        var events = Events()
        guard poll(&polled, nfds_t(polled.count), milliseconds) > 0 else { return events }
        if polled[2].revents != 0 {
            var count: UInt64 = 0
            _ = read(wake, &count, 8)
        }
        if polled[3].revents != 0 { write(&pending) }
        if polled[1].revents != 0 { _ = Self.take(errors, into: &events.errors) }
        if polled[0].revents != 0 { events.hasEnded = Self.take(output, into: &events.answers) }
        return events
    }

    private mutating func write(_ pending: inout ArraySlice<UInt8>) {
        let count = pending.withUnsafeBytes { Glibc.write(input, $0.baseAddress, $0.count) }
        if count > 0 {
            pending = pending.dropFirst(count)
        } else if count < 0, errno != EINTR, errno != EAGAIN {
            // It reads no more; the end of its output says the rest.
            pending = []
        }
    }

    /// - Returns: true at the end of the pipe.
    private static func take(_ descriptor: CInt, into bytes: inout [UInt8]) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = read(descriptor, &buffer, buffer.count)
        if count < 0 { return errno != EINTR && errno != EAGAIN }
        bytes.append(contentsOf: buffer[..<count])
        return count == 0
    }

    /// Lets it end by itself when it is idle.
    mutating func closeInput() {
        if isInputOpen { close(input) }
        isInputOpen = false
    }

    /// Waits for its end, which is hastened if it does not come.
    /// - Parameter isExpected: its input is closed, or its output has ended.
    /// - Returns: the exit status, or the negative number of the signal that ended it.
    mutating func reap(isExpected: Bool) -> Int32 {
        closeInput()
        var status: Int32 = 0
        for pause in 0..<(isExpected ? Self.graceMilliseconds / 10 : 0) {
            let ended = waitpid(process, &status, WNOHANG)
            if ended == process { return Self.meaning(status) }
            if ended < 0, errno != EINTR { return 255 }
            usleep(pause < 20 ? 1000 : 10_000)
        }
        kill(process, SIGKILL)
        while waitpid(process, &status, 0) < 0 { if errno != EINTR { return 255 } }
        return Self.meaning(status)
    }

    private static func meaning(_ status: Int32) -> Int32 {
        let signal = status & 0x7F
        return signal == 0 ? status >> 8 & 0xFF : -signal
    }
}
