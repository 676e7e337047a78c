import Synchronization
package import SystemPackage
import SystemSupport

/// One note in an outbox, `parlograph.status.txt`, for all recordings that wait for an engine which none of them is begun
/// with: those who put recordings there see that nothing is lost.
package final class OutageNotes: Sendable {
    private static let base = RawName(bytes: "parlograph".utf8)

    private let checkMount: @Sendable (FilePath) throws -> Void
    /// An outbox that hangs holds up no other's note.
    let calls = TimedCalls()
    private let written = Mutex<[FilePath: String]>([:])

    /// - Parameter checkMount: throws where an outbox is not the folder that it should be; blocks.
    package init(checkMount: @escaping @Sendable (FilePath) throws -> Void) { self.checkMount = checkMount }

    /// The outboxes that have a note of ours.
    package var outboxes: Set<FilePath> { written.withLock { Set($0.keys) } }

    /// Writes the note of an outbox if it is not there already, or takes ours away, also that of an earlier run. Blocks.
    /// - Parameter text: nil: none is needed.
    /// - Returns: false when it could not be written and is to be tried again.
    package func update(_ text: String?, in outbox: FilePath) -> Bool {
        guard let text else {
            OutboxNotices.remove(.status, base: Self.base, outbox: outbox)
            written.withLock { $0[outbox] = nil }
            return true
        }
        guard written.withLock({ $0[outbox] }) != text else { return true }
        do {
            // A bare mount point is not the outbox.
            try checkMount(outbox)
            let isWritten = try OutboxNotices.write(text, .status, base: Self.base, outbox: outbox)
            if isWritten { written.withLock { $0[outbox] = text } }
            return isWritten
        } catch {
            return false
        }
    }
}
