import Glibc
import ParlographCommands
import Subprocess
import Synchronization
import SystemPackage
import SystemSupport
import TestSupport

/// The built program, run as a process of its own with an environment of its own.
enum Program {
    /// What a process left behind.
    struct Ended: Sendable {
        /// The exit status, or the negative number of the signal that ended it.
        let status: Int32
        let output: [UInt8]
        let errors: String
        let duration: Duration

        /// Lines of standard output.
        var lines: [String] { String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init) }
    }

    /// The one that PARLOGRAPH_PROGRAM names (`make check` tests the program that is installed), else the one built beside
    /// the tests.
    static let path: FilePath = {
        if let named = ProcessEnvironment.all["PARLOGRAPH_PROGRAM"] { return FilePath(named) }
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let path = FilePath(String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self))
        return path.removingLastComponent().appending("parlograph")
    }()

    /// Runs it to its end.
    /// - Parameter limit: it is killed then, and `status` is -9.
    static func run(
        _ arguments: [[UInt8]], environment: [String: String] = [:], folder: FilePath,
        limit: Duration = .seconds(900)
    ) async throws -> Ended {
        try await start(arguments, environment: environment, folder: folder, limit: limit) { process in
            try await process.end(within: limit + .seconds(5))
        }
    }

    /// Runs it beside `body`; whatever happens, it is gone when this returns.
    /// - Parameters:
    ///   - folder: its working and home folder.
    ///   - limit: it is killed then.
    /// - Throws: what `body` throws; an error when it cannot be started.
    static func start<Value: Sendable>(
        _ arguments: [[UInt8]], environment: [String: String] = [:], folder: FilePath, limit: Duration = .seconds(900),
        _ body: @Sendable (RunningProgram) async throws -> Value
    ) async throws -> Value {
        let process = try RunningProgram(in: folder)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                let variables = ["PATH": "/usr/bin:/bin", "HOME": folder.string, "SWIFT_BACKTRACE": "enable=no"]
                    .merging(environment) { $1 }
                let result = try await Subprocess.run(
                    .path(path), arguments: Arguments(arguments.map { $0 + [0] }),
                    environment: .custom(variables.map { Array("\($0.key)=\($0.value)\0".utf8) }),
                    workingDirectory: folder, input: .none,
                    output: .fileDescriptor(try process.open(process.outputFile), closeAfterSpawningProcess: true),
                    error: .fileDescriptor(try process.open(process.errorFile), closeAfterSpawningProcess: true)
                ) { process.started($0.processIdentifier.value) }
                switch result.terminationStatus {
                case .exited(let code): process.ended(code)
                case .signaled(let signal): process.ended(-signal)
                }
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                process.send(SIGKILL)
            }
            let value = try await body(process)
            process.send(SIGKILL)
            group.cancelAll()
            return value
        }
    }
}

/// A process that runs beside a test.
final class RunningProgram: Sendable {
    private enum State {
        /// Signals that it is to get once its number is known.
        case starting([CInt])
        case running(pid_t)
        case ended(Int32, after: Duration)
    }

    private static let counter = SharedCounter()

    let outputFile: FilePath
    let errorFile: FilePath
    private let state = Mutex(State.starting([]))
    private let started = ContinuousClock.now

    fileprivate init(in folder: FilePath) throws {
        let number = Self.counter.add(1)
        outputFile = folder.appending(".run-\(number).output")
        errorFile = folder.appending(".run-\(number).errors")
    }

    fileprivate func open(_ path: FilePath) throws -> FileDescriptor {
        try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
    }

    fileprivate func started(_ id: pid_t) {
        state.withLock { state in
            if case .starting(let signals) = state { for signal in signals { kill(id, signal) } }
            state = .running(id)
        }
    }

    fileprivate func ended(_ status: Int32) {
        let duration = started.duration(to: .now)
        state.withLock { $0 = .ended(status, after: duration) }
    }

    /// Nil before it began and after it ended.
    var id: pid_t? {
        state.withLock { state in
            guard case .running(let id) = state else { return nil }
            return id
        }
    }

    func send(_ signal: CInt) {
        state.withLock { state in
            switch state {
            case .starting(let signals): state = .starting(signals + [signal])
            case .running(let id): kill(id, signal)
            case .ended: break
            }
        }
    }

    /// Lines of standard output so far.
    var lines: [String] {
        let text = String(decoding: (try? TestAudioFile.read(outputFile)) ?? [], as: UTF8.self)
        return text.split(separator: "\n").map(String.init)
    }

    /// Standard error so far.
    var errors: String { String(decoding: (try? TestAudioFile.read(errorFile)) ?? [], as: UTF8.self) }

    private var isStarting: Bool {
        state.withLock { state in
            if case .starting = state { true } else { false }
        }
    }

    /// Returns when `words` stand on standard error and its number is known, so that signals reach it.
    func says(_ words: String) async throws {
        try await eventually("\"\(words)\" on standard error") {
            if isStarting { return false }
            if errors.contains(words) { return true }
            if id == nil, case .ended(let status, _) = state.withLock({ $0 }) {
                throw Late(description: "ended with \(status) without saying \"\(words)\":\n\(errors)")
            }
            return false
        }
    }

    /// Waits for its end.
    func end(within limit: Duration = .seconds(600)) async throws -> Program.Ended {
        var found: (status: Int32, duration: Duration)?
        try await eventually("the end of the process", within: limit) {
            guard case .ended(let status, let duration) = state.withLock({ $0 }) else { return false }
            found = (status, duration)
            return true
        }
        guard let found else { throw Late(description: "no end") }
        return Program.Ended(
            status: found.status, output: try TestAudioFile.read(outputFile), errors: errors, duration: found.duration)
    }
}
