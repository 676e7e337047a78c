import CLinux
import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// The decoder process without the service around it.
enum TestDecoder {
    private static let threads = BlockingPool(name: "decoders", limit: 4)

    /// Runs it to its end.
    /// - Parameter input: what it reads; nothing by default.
    /// - Returns: the exit status, or the negative number of the signal that ended it.
    static func run(
        _ program: FilePath, _ arguments: [String], input: FilePath = "/dev/null", output: FilePath
    ) async throws -> Int32 {
        try await threads.run {
            let input = input.withPlatformString { open($0, O_RDONLY | O_CLOEXEC) }
            let out = output.withPlatformString { open($0, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600) }
            defer {
                close(input)
                close(out)
            }
            return ended(try spawn(program, arguments, input: input, output: out))
        }
    }

    /// Starts it on a recording, reads its first message and then no more, and gives `body` its id and that of its child.
    /// Ends both.
    static func hanging(
        _ program: FilePath, _ arguments: [String], on recording: FilePath,
        _ body: @escaping @Sendable (pid_t, pid_t) throws -> Void
    ) async throws {
        try await threads.run { try hang(program, arguments, on: recording, body) }
    }

    private static func hang(
        _ program: FilePath, _ arguments: [String], on recording: FilePath, _ body: (pid_t, pid_t) throws -> Void
    ) throws {
        var ends: [CInt] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let input = recording.withPlatformString { open($0, O_RDONLY | O_CLOEXEC) }
        _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
        let process = try spawn(program, arguments, input: input, output: ends[1])
        close(ends[1])
        close(input)
        defer {
            kill(process, SIGKILL)
            close(ends[0])
            _ = ended(process)
        }
        // What comes first is sent by a decoder that is confined.
        var byte: UInt8 = 0
        try #require(read(ends[0], &byte, 1) == 1)
        let child = try #require(try ProcFile.children(of: process).first)
        try body(process, child)
    }

    /// A descriptor that can be read when the process has ended; nil where there is no such process.
    static func watch(_ process: pid_t) -> CInt? {
        let watched = clinux_system_call(clinux_system_call_number("pidfd_open"), [Int(process), 0, 0, 0, 0, 0])
        return watched < 0 ? nil : CInt(watched)
    }

    private static func spawn(_ program: FilePath, _ arguments: [String], input: CInt, output: CInt) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        let words = [program.string, "__decode"] + arguments
        let list: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        let environment: [UnsafeMutablePointer<CChar>?] = [strdup("SWIFT_BACKTRACE=enable=no"), nil]
        defer { for text in list + environment { free(text) } }
        var process = pid_t()
        try #require(posix_spawn(&process, program.string, &actions, nil, list, environment) == 0)
        return process
    }

    private static func ended(_ process: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 { if errno != EINTR { return 255 } }
        let signal = status & 0x7F
        return signal == 0 ? status >> 8 & 0xFF : -signal
    }
}

/// What /proc tells of a process.
enum ProcFile {
    static func children(of process: pid_t) throws -> [pid_t] {
        try text("\(process)/task/\(process)/children").split(separator: " ").compactMap { pid_t($0) }
    }

    /// The fields of /proc/PID/task/TID/status of each thread.
    static func threads(of process: pid_t) throws -> [[String: String]] {
        let names = try FilePath("/proc/\(process)/task").withPlatformString { path -> [String] in
            let folder = try #require(opendir(path))
            defer { closedir(folder) }
            var names: [String] = []
            while let entry = readdir(folder) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if !name.hasPrefix(".") { names.append(name) }
            }
            return names
        }
        return try names.map { name in
            var fields: [String: String] = [:]
            for line in try text("\(process)/task/\(name)/status").split(separator: "\n") {
                let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
                if parts.count == 2 { fields[parts[0]] = parts[1].split(separator: "\t").joined() }
            }
            return fields
        }
    }

    private static func text(_ name: String) throws -> String {
        let file = try FileDescriptor.open(FilePath("/proc/\(name)"), .readOnly)
        return try file.closeAfter {
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0) }
                if count == 0 { break }
                bytes += buffer[..<count]
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}
