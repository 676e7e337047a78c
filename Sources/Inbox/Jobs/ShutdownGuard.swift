package import SystemSupport

/// Ends a stop that does not come to its end: a process that hangs in the kernel cannot be killed, a call to a file system
/// that hangs cannot be called off, and structured tasks wait for both.
///
/// On a thread of its own, so that it depends on nothing that may hang.
package final class ShutdownGuard: Sendable {
    /// Waits for a signal, at most so many seconds; false: it did not come.
    package typealias Wait = @Sendable (_ signal: ThreadSignal, _ seconds: Int) -> Bool

    private let isOver = ThreadSignal()
    private let wait: Wait
    private let expired: @Sendable () -> Void

    /// - Parameters:
    ///   - wait: replaced in tests, in which no time passes.
    ///   - expired: is called on that thread when the time has passed.
    package init(
        wait: @escaping Wait = ShutdownGuard.wait, expired: @escaping @Sendable () -> Void
    ) {
        (self.wait, self.expired) = (wait, expired)
    }

    /// Blocks the thread.
    package static let wait: Wait = { $0.wait(seconds: $1) }

    /// In seconds, behind `ServiceSettings.shutdown`: what is cancelled ends within a moment, unless the kernel holds it.
    private static let timeToCancel = 10

    /// How long a stop may take in all, in seconds.
    /// - Parameter shutdown: how long recordings in work may go on.
    package static func patience(shutdown: Duration) -> Int { Int(shutdown.components.seconds) + timeToCancel }

    /// A stop has begun, and may take so many seconds. Called once.
    package func begin(seconds: Int) {
        Thread.start(name: "shutdown") { [isOver, wait, expired] in
            if !wait(isOver, seconds) { expired() }
        }
    }

    /// The stop has come to its end.
    package func end() { isOver.signal() }
}
