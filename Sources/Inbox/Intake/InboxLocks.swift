package import Logging
import Synchronization
package import SystemPackage
package import SystemSupport

/// The inboxes that this service has said to be its own: two services on one would do everything twice.
package final class InboxLocks: Sendable {
    private let claims = Mutex<[FilePath: FolderLock]>([:])
    /// Named once each.
    private let squatters = Mutex<Set<FolderLock.Squatter>>([])
    private let logger: Logger?

    /// - Parameter logger: names those who take claims without a right; nil: nobody is told.
    package init(logger: Logger? = nil) { self.logger = logger }

    /// Claims an inbox, or what has taken its place since. One that is not there is nobody's. Blocks.
    /// - Throws: `FolderLock.Held`.
    package func take(_ inbox: FilePath) throws(FolderLock.Held) {
        let known = claims.withLock { $0[inbox] }
        if let known, known.covers(inbox) { return }
        do {
            let made = try FolderLock.take(inbox) { warn(of: $0, inbox) }
            claims.withLock { $0[inbox] = made }
        } catch let held as FolderLock.Held {
            claims.withLock { $0[inbox] = nil }
            throw held
        } catch {}
    }

    private static let maximumSquatters = 1000

    private func warn(of squatter: FolderLock.Squatter, _ inbox: FilePath) {
        let isNew = squatters.withLock { $0.count < Self.maximumSquatters && $0.insert(squatter).inserted }
        guard isNew else { return }
        logger?.warning(
            "a user whom neither the service nor the inbox belongs to holds the name of its claim; the inbox is served",
            metadata: [
                "inbox": "\(inbox.printable)", "name": "\(squatter.name)",
                "process": "\(squatter.processID.map { "\($0)" } ?? "unknown")",
                "user": "\(squatter.userID.map { "\($0)" } ?? "unknown")",
            ])
    }

    private static let pause = Duration.seconds(5)

    /// Takes an inbox; while another process serves it, recordings are left to that.
    /// - Parameters:
    ///   - wake: is waited on between two looks.
    ///   - turned: is called at each look.
    func wait(
        for inbox: FilePath, waking wake: AsyncSignal, turned: @Sendable () -> Void, logger: Logger
    ) async {
        var isTold = false
        while !Task.isCancelled {
            let other = await BlockingPool.files.run(on: .folder(inbox)) { () -> FolderLock.Held? in
                do throws(FolderLock.Held) { try self.take(inbox) } catch { return error }
                return nil
            }
            guard let other else { break }
            if !isTold {
                let process = other.processID.map { "\($0)" } ?? "unknown"
                logger.warning(
                    "another process serves this inbox, leaving it to that",
                    metadata: ["inbox": "\(inbox.printable)", "process": "\(process)"])
            }
            isTold = true
            turned()
            await wake.wait(atMost: Self.pause)
        }
        guard isTold, !Task.isCancelled else { return }
        logger.notice(
            "inbox is served by no other process any more, taking it", metadata: ["inbox": "\(inbox.printable)"])
    }

    /// Lets go of those that are served no longer.
    func keep(only inboxes: [FilePath]) {
        claims.withLock { claims in claims = claims.filter { inboxes.contains($0.key) } }
    }
}
