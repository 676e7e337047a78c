package import Logging
import Synchronization
package import SystemPackage
package import SystemSupport
import Transcription

/// The notes `NAME.error.txt` about what lies in an inbox and cannot be used as it is, on their way to an outbox. Whoever
/// has one goes on at once: an outbox that hangs stops neither the loop of an intake nor another outbox.
package final class NoteQueue: Sendable {
    private struct Line {
        /// By the sidecars' base; nil: the note is to be taken away. The last one that was given counts.
        var notes: [RawName: String?] = [:]
        var order: [RawName] = []
        /// A thread writes them, or is about to.
        var isBusy = false
    }

    /// Notes that wait for one outbox; what comes while it has hung for so long is left out.
    private static let maximumCount = 10_000

    private let pool: BlockingPool
    private let logger: Logger
    private let lines = Mutex<[FilePath: Line]>([:])
    private let written = AsyncSignal()

    /// - Parameter pool: where outboxes are written to.
    package init(pool: BlockingPool = .files, logger: Logger) {
        self.pool = pool
        self.logger = logger
    }

    /// Writes or replaces a note soon, or takes it away.
    /// - Parameters:
    ///   - text: nil: there is nothing to be said any more.
    ///   - base: as for `OutboxNotices.write`.
    package func put(_ text: String?, base: RawName, outbox: FilePath) {
        let (begins, isLeftOut) = lines.withLock { lines in
            var line = lines[outbox] ?? Line()
            defer { lines[outbox] = line }
            let isNew = line.notes[base] == nil
            guard !isNew || line.order.count < Self.maximumCount else { return (false, text != nil) }
            line.notes.updateValue(text, forKey: base)
            if isNew { line.order.append(base) }
            defer { line.isBusy = true }
            return (!line.isBusy, false)
        }
        if begins { pool.submit(on: .folder(outbox)) { self.write(to: outbox) } }
        if isLeftOut {
            logger.warning(
                "note is left out, its outbox does not answer",
                metadata: ["note": "\(base.printable)", "outbox": "\(outbox.printable)"])
        }
    }

    /// Returns when all that was given is written, and at `limit` at the latest. One task waits at a time.
    package func finish(within limit: Duration) async {
        let end = ContinuousClock.now + limit
        while !lines.withLock({ $0.isEmpty }) {
            let left = ContinuousClock.now.duration(to: end)
            guard left > .zero, !Task.isCancelled else { return }
            await written.wait(atMost: left)
        }
    }

    /// Blocks.
    private func write(to outbox: FilePath) {
        while let (base, text) = next(of: outbox) {
            guard let text else {
                OutboxNotices.remove(.error, base: base, outbox: outbox)
                continue
            }
            do {
                try OutboxNotices.write(text, .error, base: base, outbox: outbox)
            } catch {
                logger.warning("note cannot be written", metadata: ["error": "\(error)"])
            }
        }
        written.signal()
    }

    private func next(of outbox: FilePath) -> (base: RawName, text: String?)? {
        lines.withLock { lines in
            guard let base = lines[outbox]?.order.first, let text = lines[outbox]?.notes.removeValue(forKey: base)
            else {
                lines[outbox] = nil
                return nil
            }
            lines[outbox]?.order.removeFirst()
            return (base, text)
        }
    }
}
