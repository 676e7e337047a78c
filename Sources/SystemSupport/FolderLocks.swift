import Synchronization

/// A lock for each folder that somebody works in: a slow one holds up nobody but those who want the same.
package final class FolderLocks: Sendable {
    private struct Folder: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    private final class Lock: Sendable {
        let mutex = Mutex(())
    }

    private let locks = Mutex<[Folder: (lock: Lock, users: Int)]>([:])

    package init() {}

    /// Runs `body` while nobody else runs one for the same folder. Blocks.
    /// - Parameter identity: the folder's.
    package func withLock<Value>(on identity: FileIdentity, _ body: () throws -> Value) rethrows -> Value {
        let folder = Folder(device: identity.device, inode: identity.inode)
        let lock = locks.withLock { locks in
            let lock = locks[folder]?.lock ?? Lock()
            locks[folder] = (lock, (locks[folder]?.users ?? 0) + 1)
            return lock
        }
        defer {
            locks.withLock { locks in
                let users = (locks[folder]?.users ?? 0) - 1
                locks[folder] = users > 0 ? (lock, users) : nil
            }
        }
        return try lock.mutex.withLock { _ in try body() }
    }
}
