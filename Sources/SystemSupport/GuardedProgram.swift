import Glibc
import Subprocess
package import SystemPackage

/// A program with all that it starts, in a session of its own: signals to this process do not reach it, and it is gone
/// when its time is over, when the task that runs it is cancelled, and when this process is, whatever way that went.
package struct GuardedProgram: Sendable {
    package enum Ending: Sendable, Hashable {
        case exited(Int32)
        /// By a signal of this number.
        case killed(Int32)
    }

    /// It did not end within its time.
    package struct TimedOut: Error {}

    /// The program, by its path or by a name that is looked for in PATH, and its arguments. Never through a shell.
    package var command: [String]
    /// One line for its standard input, at most 32 KiB; nil: it has none.
    package var input: [UInt8]?
    /// Is removed when the program has ended.
    package var file: FilePath?
    /// In addition to this process's own environment; values are bytes. Our settings are not in it: they may hold keys.
    package var variables: [(name: String, value: [UInt8])] = []
    /// Between SIGTERM and SIGKILL for all that it started.
    package var grace = Duration.milliseconds(300)

    /// - Parameter command: the program and its arguments; not empty.
    package init(_ command: [String]) { self.command = command }

    /// Runs it to its end, and to the end of everybody who can still write to its standard output or error.
    /// - Parameters:
    ///   - limit: for all of it.
    ///   - output: takes what it prints, piece by piece; may throw, which ends it.
    ///   - errors: the same for standard error, at the same time.
    /// - Throws: `TimedOut`; `SystemError` or an error of Subprocess where it cannot be started; what the closures throw.
    package func run(
        within limit: Duration, output: @escaping @Sendable ([UInt8]) throws -> Void,
        errors: @escaping @Sendable ([UInt8]) throws -> Void
    ) async throws -> Ending {
        try await withThrowingTaskGroup(of: Ending.self) { group in
            group.addTask { try await execute(output: output, errors: errors) }
            group.addTask {
                try await Task.sleep(for: limit)
                throw TimedOut()
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }

    private func execute(
        output: @escaping @Sendable ([UInt8]) throws -> Void, errors: @escaping @Sendable ([UInt8]) throws -> Void
    ) async throws -> Ending {
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [.gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: grace)]
        try DescriptorHeadroom.check()
        let program = try await programPath()
        let processGroup = try ProcessGroupGuard(input: input)
        let result = try await Subprocess.run(
            .path(ProcessGroupGuard.shell),
            arguments: Arguments(processGroup.arguments(for: program, file: file) + command.dropFirst()),
            environment: environment, platformOptions: options,
            input: .fileDescriptor(processGroup.end, closeAfterSpawningProcess: false), output: .sequence,
            error: .sequence
        ) { execution in
            let ofErrors = execution.standardError
            async let rest: Void = Self.hand(ofErrors, to: errors)
            try await Self.hand(execution.standardOutput, to: output)
            try await rest
        }
        processGroup.letGo()
        return switch result.terminationStatus {
        case .exited(let code): .exited(code)
        case .signaled(let signal): .killed(signal)
        }
    }

    private static func hand(
        _ stream: SubprocessOutputSequence, to consumer: @Sendable ([UInt8]) throws -> Void
    ) async throws {
        for try await piece in stream { try consumer(piece.withUnsafeBytes { Array($0) }) }
    }

    /// This process's own, without our settings.
    private static let inherited: [[UInt8]] = {
        let bytes = (try? SmallFile.read("/proc/self/environ", limit: 4 << 20)) ?? []
        return bytes.split(separator: 0).filter { !$0.starts(with: "PARLOGRAPH_".utf8) }.map { $0 + [0] }
    }()

    private var environment: Environment {
        .custom(Self.inherited + variables.map { Array("\($0.name)=".utf8) + $0.value + [0] })
    }

    /// Where the program is: the shell that guards the process group would tell of a missing one in its own words.
    /// - Throws: `SystemError` or an error of Subprocess: there is none that may be run.
    package func programPath() async throws -> FilePath {
        let program = command[0]
        let executable: Executable = program.contains("/") ? .path(FilePath(program)) : .name(program)
        let path = try await executable.resolveExecutablePath(in: .inherit)
        return try await BlockingPool.files.run {
            try Self.requireRunnable(path)
            return path
        }
    }

    /// Whether whoever this process acts as at the moment (`AssumedUser`) may run a file. Blocks.
    /// - Throws: `SystemError`: it may not.
    package static func requireRunnable(_ path: FilePath) throws {
        guard try FileStatus(at: path).kind == .regular else {
            throw SystemError("execve", path.printable, errno: .permissionDenied)
        }
        guard path.withPlatformString({ faccessat(AT_FDCWD, $0, X_OK, AT_EACCESS) }) == 0 else {
            throw SystemError("execve", path.printable, errno: Errno(rawValue: errno))
        }
    }
}
