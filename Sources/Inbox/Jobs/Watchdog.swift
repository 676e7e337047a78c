package import SystemSupport

/// Whether a loop still goes round: the watchdog asks by waking it, the loop answers when it comes to its top.
package final class Heartbeat: Sendable {
    /// What the loop waits for.
    package let wake: AsyncSignal
    private let answered = SharedCounter()
    private let hasEnded = CancellationFlag()
    fileprivate let pulse = AsyncSignal()

    package init(waking wake: AsyncSignal) { self.wake = wake }

    /// It was asked and has not answered.
    package var isAsked: Bool { pulse.isAwaited }

    /// The loop has answered.
    package func beat() {
        answered.add(1)
        pulse.signal()
    }

    /// The loop has done its work and answers no more.
    package func end() {
        hasEnded.set()
        pulse.signal()
    }

    /// Returns when the loop has come round after this was called, has ended, or the task is cancelled.
    fileprivate func answer() async {
        let before = answered.value
        wake.signal()
        while answered.value == before, !hasEnded.isSet, !Task.isCancelled { await pulse.wait() }
    }
}

/// Tells the service manager that the service is alive, but only while it really is: each feed follows an answer of the
/// queue's loop and of every inbox's. Those answers need the cooperative pool, the job journal (asked for the next job
/// on each turn) and, like the message itself, the threads for files.
///
/// An engine that answers late or a recording that takes hours is none of its business: these have limits of their own.
package struct Watchdog: Sendable {
    private let heartbeats: @Sendable () -> [Heartbeat]

    /// - Parameter heartbeats: is asked before each feed; inboxes come and go.
    package init(_ heartbeats: @escaping @Sendable () -> [Heartbeat]) { self.heartbeats = heartbeats }

    /// Feeds until the task is cancelled; returns at once where the manager does not look.
    package func feed(_ notifier: ServiceNotifier) async {
        guard let timeout = notifier.watchdogTimeout else { return }
        while !Task.isCancelled {
            for heartbeat in heartbeats() { await heartbeat.answer() }
            guard !Task.isCancelled else { return }
            await notifier.alive()
            // Answers may take up to two thirds of the time.
            try? await Task.sleep(for: timeout / 3)
        }
    }
}
