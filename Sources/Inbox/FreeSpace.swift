import Glibc
package import Logging
import Synchronization
package import SystemPackage
import SystemSupport

/// Tells where too little space is left for new recordings to begin; says so once, and when it is over.
package final class FreeSpace: Sendable {
    private let free: @Sendable (FilePath) -> Int64?
    private let logger: Logger
    private let short = Mutex<Set<FilePath>>([])

    /// - Parameter free: bytes that may still be written at a folder; nil when that cannot be told. May block.
    package init(
        logger: Logger, free: @escaping @Sendable (FilePath) -> Int64? = FreeSpace.freeBytes
    ) {
        self.logger = logger
        self.free = free
    }

    /// Those that were short at the last look.
    package var shortFolders: Set<FilePath> { short.withLock { $0 } }

    /// Those of `folders` with less than `least` bytes free. Blocks.
    package func look(at folders: Set<FilePath>, least: Int64) -> Set<FilePath> {
        let found = least > 0 ? folders.compactMap { folder in free(folder).map { (folder, $0) } } : []
        let now = Dictionary(uniqueKeysWithValues: found.filter { $0.1 < least })
        let before = short.withLock { short in
            defer { short = Set(now.keys) }
            return short
        }
        for (folder, bytes) in now.sorted(by: { $0.key.string < $1.key.string }) where !before.contains(folder) {
            logger.warning(
                "too little space is left, new recordings wait",
                metadata: [
                    "folder": "\(folder.printable)", "free": "\(ByteCount.text(bytes))",
                    "min_free_space_mb": "\(least >> 20)",
                ])
        }
        for folder in before.subtracting(now.keys) {
            logger.notice("there is space again, recordings go on", metadata: ["folder": "\(folder.printable)"])
        }
        return Set(now.keys)
    }

    /// What the file system under a folder says.
    package static let freeBytes: @Sendable (FilePath) -> Int64? = { folder in
        guard let file = try? OwnedDescriptor(opening: folder, flags: O_RDONLY | O_DIRECTORY) else { return nil }
        return FileSystemKind.freeBytes(file.descriptor)
    }
}
