import Glibc
package import Logging
import Synchronization
package import SystemPackage
package import SystemSupport

/// Tells where too little space is left for new recordings to begin, or nobody answers; says so once, and when it is
/// over.
package final class FreeSpace: Sendable {
    private let free: @Sendable (FilePath) -> Int64?
    private let logger: Logger
    private let short = Mutex<Set<FilePath>>([])
    /// Those that did not answer at the last look.
    private let silent = Mutex<Set<FilePath>>([])
    private let calls: TimedCalls
    private let patience: Duration

    /// - Parameters:
    ///   - pool: where folders are asked.
    ///   - patience: how long a folder may take to answer.
    ///   - free: bytes that may still be written at a folder; nil when that cannot be told. May block.
    package init(
        logger: Logger, pool: BlockingPool = .files, patience: Duration = .seconds(5),
        free: @escaping @Sendable (FilePath) -> Int64? = FreeSpace.freeBytes
    ) {
        calls = TimedCalls(pool: pool)
        self.patience = patience
        self.logger = logger
        self.free = free
    }

    /// Those that were short at the last look.
    package var shortFolders: Set<FilePath> { short.withLock { $0 } }

    /// Those of `folders` with less than `least` bytes free, and those that do not answer, as a share that hangs: what
    /// needs them would hang with them.
    package func look(at folders: Set<FilePath>, minimum: Int64) async -> Set<FilePath> {
        let found = await ask(folders)
        let now = found.compactMapValues { answer -> Int64? in
            if case .bytes(let bytes?) = answer, bytes < minimum { bytes } else { nil }
        }
        let hanging = Set(found.filter { $0.value == .none }.keys)
        tell(of: now, minimum: minimum)
        tell(of: hanging)
        return hanging.union(now.keys)
    }

    private enum Answer: Equatable {
        case none
        /// Nil: it cannot be told.
        case bytes(Int64?)
    }

    private func ask(_ folders: Set<FilePath>) async -> [FilePath: Answer] {
        await withTaskGroup(of: (FilePath, Answer).self) { group in
            for folder in folders {
                group.addTask { [free, calls, patience] in
                    let bytes = await calls.run(on: .folder(folder), within: patience) { free(folder) }
                    // A service that stops does not wait for an answer.
                    guard let bytes else { return (folder, Task.isCancelled ? .bytes(nil) : .none) }
                    return (folder, .bytes(bytes))
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    private func tell(of hanging: Set<FilePath>) {
        let before = silent.withLock { silent in
            defer { silent = hanging }
            return silent
        }
        for folder in hanging.subtracting(before) {
            logger.warning(
                "folder does not answer, recordings that need it wait", metadata: ["folder": "\(folder.printable)"])
        }
        for folder in before.subtracting(hanging) {
            logger.notice("folder answers again, recordings go on", metadata: ["folder": "\(folder.printable)"])
        }
    }

    private func tell(of now: [FilePath: Int64], minimum: Int64) {
        let before = short.withLock { short in
            defer { short = Set(now.keys) }
            return short
        }
        for (folder, bytes) in now.sorted(by: { $0.key.string < $1.key.string }) where !before.contains(folder) {
            logger.warning(
                "too little space is left, new recordings wait",
                metadata: [
                    "folder": "\(folder.printable)", "free": "\(ByteCount.text(bytes))",
                    "min_free_space_mb": "\(minimum >> 20)",
                ])
        }
        for folder in before.subtracting(now.keys) {
            logger.notice("there is space again, recordings go on", metadata: ["folder": "\(folder.printable)"])
        }
    }

    /// What the file system under a folder says.
    package static let freeBytes: @Sendable (FilePath) -> Int64? = { folder in
        guard let file = try? OwnedDescriptor(opening: folder, flags: O_RDONLY | O_DIRECTORY) else { return nil }
        return FileSystemKind.freeBytes(file.descriptor)
    }
}
