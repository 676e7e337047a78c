import Glibc
import SystemSupport

/// Shows on a terminal what is waited for, and how long already.
enum WaitingLine {
    private static let interval = Duration.seconds(1)

    /// - Parameter what: a sentence without its full stop.
    static func shown<Result: Sendable>(
        _ what: String, while body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        guard isatty(STDERR_FILENO) == 1 else { return try await body() }
        return try await drawn(by: { await draw(what) }, while: body)
    }

    /// - Parameter draw: goes on until its task is cancelled.
    static func drawn<Result: Sendable>(
        by draw: @escaping @Sendable () async -> Void, while body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                await draw()
                return nil
            }
            defer { group.cancelAll() }
            while let finished = try await group.next() {
                if let result = finished { return result }
            }
            throw CancellationError()
        }
    }

    /// Until the task is cancelled; then the line is wiped.
    private static func draw(_ what: String) async {
        let began = ContinuousClock.now
        while (try? await Task.sleep(for: interval)) != nil {
            let seconds = began.duration(to: .now).components.seconds
            StandardError.draw(["\(what.printable) … \(seconds) s"])
        }
        StandardError.eraseDrawn()
    }
}
