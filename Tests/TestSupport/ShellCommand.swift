package import Glibc
import SystemSupport

/// A shell's command that runs beside a test, and the lines that it prints. Its pipe is waited on by a thread of its own.
///
/// @unchecked: the stream is used on that thread only.
package final class ShellCommand: @unchecked Sendable {
    private let thread = BlockingPool(name: "shell", limit: 1)
    private let stream: UnsafeMutablePointer<FILE>
    /// Of the shell, and of the program that it becomes with `exec`.
    package let process: pid_t

    /// Runs `body` beside the command, which is told to end then (SIGTERM) and waited for.
    /// - Parameter command: for sh(1).
    /// - Throws: `Late` when it cannot be started; what `body` throws.
    package static func run<Value: Sendable>(
        _ command: String, _ body: (ShellCommand) async throws -> Value
    ) async throws -> Value {
        let made = await BlockingPool.files.run { ShellCommand(command) }
        guard let shell = made else { throw Late(description: "\(command): cannot be started") }
        do {
            let value = try await body(shell)
            await shell.end()
            return value
        } catch {
            await shell.end()
            throw error
        }
    }

    /// Waits for the first line.
    private init?(_ command: String) {
        // The threads of a pool block all signals, and the command is told to end by one.
        var (none, before) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        guard let stream = popen("echo $$; \(command)", "re") else { return nil }
        guard let process = Self.line(of: stream).flatMap({ pid_t($0) }) else {
            pclose(stream)
            return nil
        }
        (self.stream, self.process) = (stream, process)
    }

    /// The next line that it prints; nil at its end.
    package func line() async -> String? { await thread.run { Self.line(of: self.stream) } }

    private func end() async {
        kill(process, SIGTERM)
        await thread.run { _ = pclose(self.stream) }
    }

    private static func line(of stream: UnsafeMutablePointer<FILE>) -> String? {
        var bytes = [CChar](repeating: 0, count: 1024)
        guard fgets(&bytes, CInt(bytes.count), stream) != nil else { return nil }
        return String(decoding: bytes.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
