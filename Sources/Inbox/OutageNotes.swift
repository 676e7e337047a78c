import Synchronization
import SystemPackage
import SystemSupport

/// One note in an outbox, `parlograph.status.txt`, for all recordings that wait for an engine which none of them is begun
/// with: those who put recordings there see that nothing is lost.
final class OutageNotes: Sendable {
    private static let base = RawName(bytes: "parlograph".utf8)

    private let written = Mutex<[FilePath: String]>([:])

    /// Writes these notes, and takes away ours from the other outboxes, also those of an earlier run. Blocks.
    /// - Parameter notes: the text for each outbox that needs one.
    func update(_ notes: [FilePath: String], outboxes: Set<FilePath>) {
        for (outbox, text) in notes where written.withLock({ $0[outbox] }) != text {
            // What cannot be written now is tried at the next change.
            guard (try? PersonalNotes.write(text, .status, base: Self.base, outbox: outbox)) != nil else { continue }
            written.withLock { $0[outbox] = text }
        }
        for outbox in outboxes.union(written.withLock { Set($0.keys) }).subtracting(notes.keys) {
            PersonalNotes.remove(.status, base: Self.base, outbox: outbox)
            written.withLock { $0[outbox] = nil }
        }
    }
}
