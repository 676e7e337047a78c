import Inbox
import Logging
import SystemPackage
import SystemSupport

/// After a crash: removes the temporary files that the crashed service left where people may see them.
enum LeftoverSweep {
    /// Looks at nothing after a clean end. Before the service writes: its process id may be that of the crashed one.
    static func run(_ settings: Settings, lock: InstanceLock, logger: Logger) async {
        let crashed = lock.crashed
        guard !crashed.isEmpty else { return }
        let folders = Set(settings.inboxes.flatMap { [$0.outbox, $0.done, $0.failed] } + [settings.stateDirectory])
        let removed = await BlockingPool.files.run {
            folders.reduce(0) { $0 + TemporaryFiles.remove(of: crashed, below: $1) }
        }
        lock.forgetCrashed()
        logger.notice(
            "the service did not end cleanly before",
            metadata: [
                "processes": "\(crashed.sorted().map(String.init).joined(separator: " "))",
                "temporary_files_removed": "\(removed)",
            ])
    }
}
