import Synchronization
import SystemSupport

// Where the inbox lies, and how it is learnt what happens there.
extension Intake {
    /// - Returns: where the inbox lies now; nil: nowhere.
    @discardableResult package func lookAtPlace() async -> InboxPlace? {
        let root = settings.path
        let place = await BlockingPool.files.run(on: .folder(root)) { InboxPlace(root) }
        let now = now
        state.withLock { state in
            guard let place else { return }
            let isAccepted = state.isPlaceAccepted
            state.isPlaceAccepted = false
            guard let meant = state.meantPlace, !place.follows(meant, isAccepted: isAccepted) else {
                state.meantPlace = place
                state.folders.notePlace(nil, at: now)
                return
            }
            state.folders.notePlace(place.fault(since: meant), at: now)
        }
        return place
    }

    /// The inbox is meant to lie where it lies now, unless it has lost its file system.
    package func acceptPlace() {
        state.withLock { $0.isPlaceAccepted = true }
        wake.signal()
    }

    /// Takes the place of an intake of the same inbox with other settings.
    package func follow(_ other: Intake) {
        let meant = other.state.withLock { $0.meantPlace }
        state.withLock { ($0.meantPlace, $0.isPlaceAccepted) = (meant, true) }
    }

    /// - Parameter isWhole: nothing of the inbox goes unwatched.
    func noteWatch(isWhole: Bool) {
        let now = now
        state.withLock { $0.folders.noteWatch(isWhole: isWhole, at: now) }
    }

    /// - Returns: nil where the inbox is found out about by scans, as it is set or because it cannot be watched.
    func startWatcher() async -> InboxWatcher? {
        let (root, ignored, wake, logger) = (settings.path, settings.ignored, wake, log.logger)
        let makeWatcher = makeWatcher
        guard settings.watch != .poll else { return nil }
        if settings.watch == .auto {
            let isOnNetwork = await BlockingPool.files.run(on: .folder(root)) {
                guard let folder = try? OpenFolder(root: root) else { return false }
                return FileSystemKind.isOnNetwork(folder.descriptor)
            }
            if isOnNetwork {
                log.isOnNetwork(every: pollInterval)
                return nil
            }
        }
        do {
            let watcher = try await BlockingPool.files.run(on: .folder(root)) {
                try makeWatcher(root, wake, logger, ignored)
            }
            noteWatch(isWhole: true)
            return watcher
        } catch {
            // What the inbox itself has, a scan tells.
            guard InotifyLimits.isReason(for: error) else { return nil }
            noteWatch(isWhole: false)
            await log.cannotBeWatched(error, every: pollInterval)
            return nil
        }
    }
}
