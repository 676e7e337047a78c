import Glibc
import Synchronization
import SystemSupport
import UnixSignals

/// Ctrl-C and SIGTERM as cancellation, for commands that run until they are done.
enum SignalCancellation {
    /// Runs `body`; the first signal cancels it. `body` ends by itself then, within about a second.
    static func run<Result: Sendable>(_ body: @escaping @Sendable () async -> Result) async -> Result {
        // Before anything shows that it runs: a signal that comes then must find somebody.
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        return await withTaskGroup(of: Result?.self) { group in
            group.addTask { await body() }
            group.addTask {
                for await _ in signals { break }
                return nil
            }
            var result: Result?
            while let finished = await group.next() {
                if let finished { result = finished }
                group.cancelAll()
            }
            guard let result else { preconditionFailure("a task group gives what its tasks return") }
            return result
        }
    }
}
