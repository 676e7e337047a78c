import Logging
import Synchronization
import SystemSupport

/// `on_delivered` or `on_failed`, run for one recording.
struct HookProgram: Sendable {
    let command: [String]
    let limit: Duration

    /// Returns when it has ended well.
    /// - Parameter logger: takes what it prints.
    /// - Throws: `HookFailure`, `CancellationError`.
    func run(_ call: HookCall, logger: Logger) async throws {
        let event = HookEvent(call)
        var program = GuardedProgram(command)
        program.input = event.json()
        program.variables = event.variables
        program.grace = .seconds(2)
        let lines = HookLines(logger: logger)
        let name = "\(call.event.key) (\(command[0]))"
        let ending: GuardedProgram.Ending
        do {
            ending = try await program.run(within: limit) {
                lines.take($0, isError: false)
            } errors: {
                lines.take($0, isError: true)
            }
        } catch is GuardedProgram.TimedOut {
            lines.finish()
            throw HookFailure("\(name) did not end within \(limit.components.seconds) s (hook_seconds), and was ended.")
        } catch {
            lines.finish()
            if Task.isCancelled || error is CancellationError { throw CancellationError() }
            throw HookFailure("\(name) cannot be run: \(error). Check that it is there and may be run by the service.")
        }
        lines.finish()
        try Task.checkCancellation()
        let last = lines.last.map { ": \($0)" } ?? "."
        switch ending {
        case .exited(0): return
        case .exited(let status): throw HookFailure("\(name) ended with status \(status)\(last)")
        case .killed(let signal): throw HookFailure("\(name) was killed by signal \(signal)\(last)")
        }
    }
}

/// What a program prints, line by line in the log.
final class HookLines: Sendable {
    private struct State {
        /// Begun lines, of standard output and of standard error.
        var begun: [[UInt8]] = [[], []]
        var count = 0
        var last: String?
        var isLeftOut = false
    }

    /// Of one run; more are left out.
    static let maximumLines = 100
    /// Of a line; the rest is left out.
    static let maximumBytes = 1024

    private let state = Mutex(State())
    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    /// The last line that is not empty, for a message.
    var last: String? { state.withLock { $0.last } }

    func take(_ bytes: [UInt8], isError: Bool) {
        let index = isError ? 1 : 0
        for (number, piece) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        {
            if number > 0 { endLine(index) }
            state.withLock { $0.begun[index] += piece.prefix(max(0, Self.maximumBytes - $0.begun[index].count)) }
        }
    }

    /// Nothing more comes.
    func finish() { for index in 0...1 { endLine(index) } }

    private func endLine(_ index: Int) {
        let (line, isOver) = state.withLock { state -> (String?, Bool) in
            let text = String(decoding: state.begun[index], as: UTF8.self).printable
            state.begun[index] = []
            guard !text.allSatisfy(\.isWhitespace) else { return (nil, false) }
            state.last = text
            state.count += 1
            guard state.count > Self.maximumLines else { return (text, false) }
            defer { state.isLeftOut = true }
            return (nil, !state.isLeftOut)
        }
        if let line { logger.info("hook says", metadata: ["line": "\(line)"]) }
        if isOver { logger.info("hook says more, which is left out") }
    }
}
