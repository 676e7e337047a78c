import SystemSupport

/// Holds threads back until a test opens it, and tells how many have come; stays open then. Its twin for tasks is `Gate`.
package final class Turnstile: Sendable {
    private let arrived = ThreadSignal()
    private let opened = ThreadSignal()

    package init() {}

    /// Blocks the thread.
    package func pass() {
        arrived.signal()
        opened.wait()
        opened.signal()
    }

    package func open() { opened.signal() }

    /// Runs a test's body; at its time limit nobody is held back any longer, so that it ends.
    package func holding<Value>(_ body: () async throws -> Value) async rethrows -> Value {
        try await withTaskCancellationHandler(operation: body) {
            open()
            for _ in 0..<Self.maximumThreads { arrived.signal() }
        }
    }

    private static let maximumThreads = 100

    /// Returns when so many threads have come since the last call, whether they still wait or not.
    package func haveArrived(_ count: Int) async {
        await BlockingPool(name: "turnstile", limit: 1).run { for _ in 0..<count { self.arrived.wait() } }
    }
}
