import SystemSupport

/// Ends a stop that does not come to its end: a process that hangs in the kernel cannot be killed, a call to a file system
/// that hangs cannot be called off, and structured tasks wait for both.
///
/// On a thread of its own, so that it depends on nothing that may hang.
package final class ShutdownGuard: Sendable {
    private let isOver = ThreadSignal()
    private let expired: @Sendable () -> Void

    /// - Parameter expired: is called on that thread when the time has passed.
    package init(expired: @escaping @Sendable () -> Void) { self.expired = expired }

    /// A stop has begun, and may take so many seconds. Called once.
    package func begin(seconds: Int) {
        Thread.start(name: "shutdown") { [isOver, expired] in
            if !isOver.wait(seconds: seconds) { expired() }
        }
    }

    /// The stop has come to its end.
    package func end() { isOver.signal() }
}
