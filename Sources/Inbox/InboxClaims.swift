import Synchronization
package import SystemPackage
package import SystemSupport

/// The inboxes that this service has said to be its own: two services on one would do everything twice.
package final class InboxClaims: Sendable {
    private let claims = Mutex<[FilePath: FolderClaim]>([:])

    package init() {}

    /// Claims an inbox, or what has taken its place since. One that is not there is nobody's. Blocks.
    /// - Throws: `FolderClaim.Held`.
    package func take(_ inbox: FilePath) throws(FolderClaim.Held) {
        let known = claims.withLock { $0[inbox] }
        if let known, known.covers(inbox) { return }
        do {
            let made = try FolderClaim.take(inbox)
            claims.withLock { $0[inbox] = made }
        } catch let held as FolderClaim.Held {
            claims.withLock { $0[inbox] = nil }
            throw held
        } catch {}
    }

    /// Lets go of those that are served no longer.
    func keep(only inboxes: [FilePath]) {
        claims.withLock { claims in claims = claims.filter { inboxes.contains($0.key) } }
    }
}
