import Glibc
package import Logging
import Synchronization
import SystemPackage
package import SystemSupport
import Transcription

/// Finds the recordings of one inbox and says when each is complete.
///
/// A candidate comes from an event or a scan. It is complete when nothing happened to it for the settle time, its size
/// and times did not move, and no process has it open for writing (a read lease is granted; where leases cannot be had,
/// on network and FUSE mounts, a longer quiet has to do).
package final class Intake: Sendable {
    /// A recording that is complete.
    package struct Arrival: Sendable {
        package let path: RawName
        package let identity: FileIdentity
    }

    struct Candidate {
        var identity: FileIdentity?
        /// When something was last seen to happen to it, on the intake's clock.
        var changedAt: Duration
        var dueAt: Duration
        /// Looks that found a writer, in a row.
        var writerSeen = 0
        var foundAt: Duration
    }

    /// What one look at a candidate says.
    enum Look: Sendable {
        case gone
        case notARecording
        case unreadable(Errno)
        case present(FileIdentity, lease: Lease)
    }

    enum Lease: Sendable { case free, writer, unknown }

    /// Quiet asked for where leases tell nothing: CIFS defers the close by a second, NFS attribute caches lag by 2.5 s.
    private static let quietWithoutLease = Duration.seconds(10)
    /// An empty file may be the first half of a two-phase copy: it is left alone for so long.
    private static let patienceWithEmptyFile = Duration.seconds(60)
    private static let writerPauses: [Duration] = [
        .milliseconds(100), .milliseconds(500), .seconds(1), .seconds(2), .seconds(5),
    ]

    private let settings: InboxSettings
    private let logger: Logger
    private let wake: AsyncSignal
    private let candidates = Mutex<[RawName: Candidate]>([:])
    private let origin = ContinuousClock.now

    package init(_ settings: InboxSettings, wake: AsyncSignal, logger: Logger) {
        self.settings = settings
        self.wake = wake
        self.logger = logger
    }

    /// Recordings seen but not complete yet.
    package var settlingCount: Int { candidates.withLock { $0.count } }

    private var now: Duration { origin.duration(to: .now) }

    /// Watches and scans until the task is cancelled; with `once`, until one scan's candidates are all settled.
    /// - Parameters:
    ///   - once: look at what is there, wait until it is complete, then return; an empty file does not keep it waiting.
    ///   - scanned: is called after the first scan.
    ///   - arrived: takes a complete recording; its errors are logged and the recording is looked at again later.
    package func run(
        once: Bool, scanned: @Sendable () -> Void, arrived: @Sendable (Arrival) async throws -> Void
    ) async {
        var watcher = await startWatcher(once: once)
        defer { watcher?.stop() }
        var interval = watcher == nil ? pollInterval : settings.rescan
        var isRootLost = false
        await scan(RawName(bytes: []))
        scanned()
        var nextScan = now + interval
        while !Task.isCancelled {
            if let changes = watcher?.drain() {
                await apply(changes, nextScan: &nextScan)
                if changes.isRootGone {
                    watcher?.stop()
                    (watcher, interval, isRootLost) = (nil, pollInterval, true)
                }
            }
            if now >= nextScan, !once {
                if isRootLost, await isRootThere() {
                    // Watched again before it is scanned, so that nothing falls between.
                    watcher = await startWatcher(once: once)
                    (interval, isRootLost) = (watcher == nil ? pollInterval : settings.rescan, false)
                    logger.notice("inbox is there again", metadata: ["inbox": "\(settings.path.printable)"])
                }
                await scan(RawName(bytes: []))
                nextScan = now + interval
            }
            await lookAtDue(once: once, arrived: arrived)
            if once, settlingCount == 0 { return }
            let due = candidates.withLock { $0.values.map(\.dueAt).min() }
            let next = once ? due ?? now : min(due ?? nextScan, nextScan)
            await wake.wait(atMost: max(.milliseconds(10), next - now))
        }
    }

    /// A recording wants to be looked at again: it changed while it was worked on.
    package func look(at path: RawName) {
        let now = now
        candidates.withLock { Self.note(path, in: &$0, at: now, settle: settings.settle) }
        wake.signal()
    }

    private func isRootThere() async -> Bool {
        let root = settings.path
        return await BlockingPool.files.run { (try? FileStatus(at: root))?.kind == .directory }
    }

    /// Scans are this far apart where no events can be had.
    private var pollInterval: Duration { min(settings.rescan, .seconds(5)) }

    private func startWatcher(once: Bool) async -> InboxWatcher? {
        let (root, wake, logger) = (settings.path, wake, logger)
        guard !once, settings.watch != .poll else { return nil }
        if settings.watch == .auto {
            let isOnNetwork = await BlockingPool.files.run {
                guard let folder = try? OwnedDescriptor(opening: root, flags: O_RDONLY | O_DIRECTORY) else {
                    return false
                }
                return FileLease.isOnNetwork(folder.descriptor)
            }
            if isOnNetwork {
                logger.notice(
                    "inbox is on a network file system, which gives no events for what others do: it is scanned",
                    metadata: ["inbox": "\(root.printable)", "every": "\(pollInterval)"])
                return nil
            }
        }
        do {
            return try await BlockingPool.files.run { try InboxWatcher(root: root, changed: wake, logger: logger) }
        } catch {
            logger.warning(
                "inbox cannot be watched, it is scanned instead",
                metadata: [
                    "inbox": "\(root.printable)", "error": "\(error)", "every": "\(pollInterval)",
                ])
            return nil
        }
    }

    private func apply(_ changes: InboxWatcher.Changes, nextScan: inout Duration) async {
        let now = now
        candidates.withLock { candidates in
            for path in changes.files { Self.note(path, in: &candidates, at: now, settle: settings.settle) }
        }
        for folder in changes.folders { await scan(folder) }
        if changes.isOverflow || changes.isRootGone {
            logger.warning(
                changes.isRootGone
                    ? "inbox was moved or deleted, looking for it" : "events were lost, scanning the inbox",
                metadata: ["inbox": "\(settings.path.printable)"])
            nextScan = now
        }
    }

    private static func note(
        _ path: RawName, in candidates: inout [RawName: Candidate], at now: Duration, settle: Duration
    ) {
        if candidates[path] != nil {
            candidates[path]?.changedAt = now
            candidates[path]?.dueAt = now + settle
            candidates[path]?.writerSeen = 0
        } else {
            candidates[path] = Candidate(identity: nil, changedAt: now, dueAt: now + settle, foundAt: now)
        }
    }

    /// Adds what lies in `folder` and below it; links are not followed.
    private func scan(_ folder: RawName) async {
        let (root, logger, now, settle) = (settings.path, logger, now, settings.settle)
        let found = await BlockingPool.files.run {
            var found: [RawName] = []
            Self.collect(folder, root: root, depth: 0, into: &found, logger: logger)
            return found
        }
        candidates.withLock { candidates in
            for path in found where candidates[path] == nil {
                candidates[path] = Candidate(identity: nil, changedAt: now, dueAt: now + settle, foundAt: now)
            }
        }
    }

    private static func collect(
        _ folder: RawName, root: FilePath, depth: Int, into found: inout [RawName], logger: Logger
    ) {
        let path = folder.bytes.isEmpty ? root : root.pushing(folder.path)
        do {
            var folders: [RawName] = []
            try DirectoryLister.forEach(in: path) { entry in
                guard !IgnoredNames.contains(entry.name) else { return true }
                switch entry.kind {
                case .regular: found.append(folder.appending(entry.name))
                case .directory where depth < 64: folders.append(folder.appending(entry.name))
                default: break
                }
                return true
            }
            for folder in folders { collect(folder, root: root, depth: depth + 1, into: &found, logger: logger) }
        } catch {
            logger.warning(
                "folder cannot be read", metadata: ["folder": "\(path.printable)", "error": "\(error)"])
        }
    }

    private func lookAtDue(once: Bool, arrived: @Sendable (Arrival) async throws -> Void) async {
        let now = now
        let due = candidates.withLock { candidates in
            candidates.filter { $0.value.dueAt <= now }.map(\.key).sorted()
        }
        guard !due.isEmpty else { return }
        let root = settings.path
        let looks = await BlockingPool.files.run { Self.look(at: due, beneath: root) }
        for (path, look) in zip(due, looks) {
            guard let arrival = decide(path, look, once: once) else { continue }
            do {
                try await arrived(arrival)
            } catch {
                logger.error(
                    "recording cannot be taken, it is tried again",
                    metadata: ["file": "\(path.printable)", "error": "\(error)"])
                candidates.withLock {
                    $0[path] = Candidate(
                        identity: arrival.identity, changedAt: now, dueAt: now + .seconds(10), foundAt: now)
                }
            }
        }
    }

    private static func look(at paths: [RawName], beneath root: FilePath) -> [Look] {
        guard let folder = try? OwnedDescriptor(opening: root, flags: O_RDONLY | O_DIRECTORY) else {
            return paths.map { _ in .gone }
        }
        return paths.map { path in
            do {
                let file = try OwnedDescriptor(
                    opening: path, beneath: folder.descriptor, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY)
                let status = try FileStatus(of: file.descriptor)
                guard status.kind == .regular else { return .notARecording }
                return .present(status.identity, lease: Lease(probing: file.descriptor))
            } catch let error as SystemError {
                switch error.errno {
                case .noSuchFileOrDirectory, .notDirectory: return .gone
                case .tooManySymbolicLinkLevels, .isDirectory: return .notARecording
                case .resourceTemporarilyUnavailable: return .present(FileIdentity.unknown, lease: .writer)
                default: return .unreadable(error.errno)
                }
            } catch {
                return .gone
            }
        }
    }

    /// Updates the candidate after a look; returns it when it is complete.
    private func decide(_ path: RawName, _ look: Look, once: Bool) -> Arrival? {
        let now = now
        return candidates.withLock { candidates in
            guard var candidate = candidates[path] else { return nil }
            switch look {
            case .gone, .notARecording:
                candidates[path] = nil
                return nil
            case .unreadable(let errno):
                if candidate.identity == nil, candidate.writerSeen == 0 {
                    logger.warning(
                        "recording cannot be read",
                        metadata: ["file": "\(path.printable)", "error": "\(errno)"])
                }
                candidate.writerSeen += 1
                candidate.dueAt = now + (once ? .seconds(1) : .seconds(30))
                candidates[path] = once && candidate.writerSeen > 3 ? nil : candidate
                return nil
            case .present(let identity, let lease):
                if candidate.identity != identity {
                    if candidate.identity != nil { candidate.changedAt = now }
                    candidate.identity = identity
                }
                switch lease {
                case .writer:
                    candidate.dueAt =
                        now + Self.writerPauses[min(candidate.writerSeen, Self.writerPauses.count - 1)]
                    candidate.writerSeen += 1
                    candidate.changedAt = max(candidate.changedAt, now - settings.settle)
                    candidates[path] = candidate
                    return nil
                case .free, .unknown:
                    candidate.writerSeen = 0
                    let isEmpty = identity.byteCount == 0
                    let quiet =
                        lease == .unknown
                        ? max(settings.settle, Self.quietWithoutLease)
                        : isEmpty && !once ? Self.patienceWithEmptyFile : settings.settle
                    guard now - candidate.changedAt >= quiet else {
                        candidate.dueAt = candidate.changedAt + quiet
                        candidates[path] = candidate
                        return nil
                    }
                    candidates[path] = nil
                    return Arrival(path: path, identity: identity)
                }
            }
        }
    }
}

extension Intake.Lease {
    /// Asks the kernel whether a process has the file open for writing.
    init(probing descriptor: FileDescriptor) {
        self =
            switch FileLease.probe(descriptor) {
            case .granted: .free
            case .refused: .writer
            case .unavailable: .unknown
            }
    }
}

extension FileIdentity {
    /// Of a file that could not be looked at; equal to no real one.
    static let unknown = FileIdentity(device: 0, inode: 0, byteCount: -1, modified: 0)
}
