import CLinux
import Glibc
package import Logging
import Synchronization
package import SystemPackage
package import SystemSupport

/// inotify(7) on a folder and all folders below it, on a thread of its own.
///
/// Events are gathered as a set of paths, so that a file that is written in a thousand pieces is one entry; when the set
/// or the kernel's queue overflows, `Changes.isOverflow` asks for a scan instead.
package final class InboxWatcher: Sendable {
    /// What happened since the last `drain`.
    package struct Changes: Sendable {
        /// Files below the inbox, as paths relative to it.
        package var files: Set<RawName> = []
        /// Those of `files` whose last event but changes of rights and times was a writer's close, or that they got their
        /// name.
        package var closed: Set<RawName> = []
        /// Folders that appeared, or got other rights: they are watched now and must be scanned once, for what came before
        /// the watch.
        package var folders: Set<RawName> = []
        /// Something may have been missed: scan everything.
        package var isOverflow = false
        /// Folders that cannot be watched: their files are found by scans only.
        package var unwatched = 0
        /// The inbox folder itself went away or was replaced.
        package var isRootGone = false

        package init() {}

        /// Those of `folders` that lie below no other of them.
        package var topmostFolders: [RawName] {
            folders.filter { folder in
                var above = folder
                while !above.bytes.isEmpty {
                    above = above.folder
                    if folders.contains(above) { return false }
                }
                return true
            }.sorted()
        }

        /// - Parameter limit: of `folders`; more are one, the inbox itself.
        mutating func insert(folder: RawName, atMost limit: Int) {
            let root = RawName(bytes: [])
            guard !folders.contains(root) else { return }
            if folders.count < limit { folders.insert(folder) } else { folders = [root] }
        }
    }

    private struct State {
        var changes = Changes()
        var folders = WatchedFolders()
        var isStopped = false
    }

    private static let mask =
        UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO) | UInt32(IN_CREATE) | UInt32(IN_MODIFY) | UInt32(IN_ATTRIB)
        | UInt32(IN_MOVED_FROM) | UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF) | UInt32(IN_ONLYDIR)
        | UInt32(IN_EXCL_UNLINK)
    /// Paths gathered between two drains; more are found by a scan.
    private static let maximumPaths = 20_000
    /// The same for folders; of more the inbox as a whole is scanned.
    private static let maximumFolders = 300

    private let root: FilePath
    private let ignored: IgnoredNames
    private let inotify: OwnedDescriptor
    private let wakeUp: OwnedDescriptor
    private let state = Mutex(State())
    /// Is signalled after each batch of events.
    package let changed: AsyncSignal
    private let logger: Logger

    /// Begins to watch. Scan the inbox afterwards: what was there before gives no event.
    /// - Throws: `SystemError`, for instance when inotify instances or watches are used up.
    package init(
        root: FilePath, changed: AsyncSignal, logger: Logger, ignored: IgnoredNames = IgnoredNames()
    ) throws {
        self.root = root
        self.ignored = ignored
        self.changed = changed
        self.logger = logger
        let fd = inotify_init1(CInt(IN_CLOEXEC) | CInt(IN_NONBLOCK))
        guard fd >= 0 else { throw SystemError("inotify_init1", root.printable, errno: Errno(rawValue: errno)) }
        inotify = OwnedDescriptor(owning: FileDescriptor(rawValue: fd))
        let event = clinux_eventfd()
        guard event >= 0 else { throw SystemError("eventfd", root.printable, negative: event) }
        wakeUp = OwnedDescriptor(owning: FileDescriptor(rawValue: event))
        try watch(RawName(bytes: []))
        Thread.start(name: "inotify") { [self] in readEvents() }
    }

    /// Takes what happened since the last call.
    package func drain() -> Changes {
        state.withLock { state in
            defer { state.changes = Changes() }
            return state.changes
        }
    }

    /// Takes only the files that were closed or got their name since the last call.
    package func drainClosed() -> Set<RawName> {
        state.withLock { state in
            let closed = state.changes.closed
            state.changes.closed = []
            state.changes.files.subtract(closed)
            return closed
        }
    }

    /// Ends the thread. Safe to call more than once.
    package func stop() {
        state.withLock { $0.isStopped = true }
        var one: UInt64 = 1
        _ = write(wakeUp.descriptor.rawValue, &one, 8)
    }

    /// Watches `folder` and all folders below it that a scan goes into; those that vanish meanwhile are left out.
    /// - Throws: `SystemError` when `folder` itself cannot be watched.
    package func watch(_ folder: RawName) throws {
        guard InboxScan.goesInto(folder) else { return }
        // Not by recursion: who may write to an inbox decides how deep its folders are.
        var found = try watchAlone(folder)
        while let inner = found.popLast() {
            do {
                found += try watchAlone(inner)
            } catch let error as SystemError where error.errno == .noSuchFileOrDirectory {
                continue
            } catch {
                noteUnwatched(inner, error)
            }
        }
    }

    /// Of one that may not be read a scan tells, and a change of its rights gives an event.
    private func noteUnwatched(_ folder: RawName, _ error: any Error) {
        logger.debug("sub-folder cannot be watched", metadata: ["folder": "\(folder.printable)", "error": "\(error)"])
        guard InotifyLimits.isReason(for: error) else { return }
        state.withLock { $0.changes.unwatched += 1 }
    }

    /// - Returns: the folders in it that are to be watched as well.
    private func watchAlone(_ folder: RawName) throws -> [RawName] {
        let place = try OpenFolder(root: root).opening(folder)
        // By its path another folder might be watched: what lies on the way can be exchanged.
        let descriptor = inotify_add_watch(
            inotify.descriptor.rawValue, "/proc/self/fd/\(place.descriptor.rawValue)", Self.mask)
        guard descriptor >= 0 else {
            throw SystemError("inotify_add_watch", place.path.printable, errno: Errno(rawValue: errno))
        }
        state.withLock { $0.folders[descriptor] = folder }
        var inner: [RawName] = []
        try? DirectoryLister.forEach(of: place.descriptor, place.path.printable) { entry in
            if entry.kind == .directory, !ignored.containsFolder(entry.name) {
                let path = folder.appending(entry.name)
                if InboxScan.goesInto(path) { inner.append(path) }
            }
            return true
        }
        return inner
    }

    private func readEvents() {
        let size = 256 << 10
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
        defer { buffer.deallocate() }
        var polled = [
            pollfd(fd: inotify.descriptor.rawValue, events: Int16(POLLIN), revents: 0),
            pollfd(fd: wakeUp.descriptor.rawValue, events: Int16(POLLIN), revents: 0),
        ]
        while !state.withLock({ $0.isStopped }) {
            guard poll(&polled, 2, -1) > 0 else { continue }
            let count = read(inotify.descriptor.rawValue, buffer.baseAddress, size)
            guard count > 0 else { continue }
            for event in InotifyEvent.parse(UnsafeRawBufferPointer(rebasing: buffer[..<count])) { handle(event) }
            changed.signal()
        }
    }

    /// Takes an event into account, on the thread that reads them.
    package func handle(_ event: InotifyEvent) {
        if event.mask & UInt32(IN_Q_OVERFLOW) != 0 {
            state.withLock { $0.changes.isOverflow = true }
            return
        }
        guard let folder = state.withLock({ $0.folders[event.watch] }) else { return }
        if event.mask & UInt32(IN_IGNORED) != 0 {
            state.withLock { $0.folders[event.watch] = nil }
            return
        }
        if event.mask & (UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF) | UInt32(IN_UNMOUNT)) != 0 {
            if folder.bytes.isEmpty { state.withLock { $0.changes.isRootGone = true } }
            return
        }
        guard let name = event.name else {
            // Of other folders the event in the one above tells.
            if event.mask & UInt32(IN_ATTRIB) != 0, folder.bytes.isEmpty { watchAgain(folder, isNew: false) }
            return
        }
        let isFolder = event.mask & UInt32(IN_ISDIR) != 0
        guard !(isFolder ? ignored.containsFolder(name) : ignored.contains(name)) else { return }
        let path = folder.appending(name)
        if isFolder {
            if event.mask & UInt32(IN_MOVED_FROM) != 0 { forget(path) }
            // Other rights: it may be open now, or closed.
            guard event.mask & (UInt32(IN_CREATE) | UInt32(IN_MOVED_TO) | UInt32(IN_ATTRIB)) != 0 else { return }
            watchAgain(path, isNew: event.mask & UInt32(IN_ATTRIB) == 0)
            return
        }
        guard event.mask & UInt32(IN_MOVED_FROM) == 0 else { return }
        state.withLock { state in
            if state.changes.files.count < Self.maximumPaths {
                state.changes.files.insert(path)
                if event.mask & (UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO)) != 0 {
                    state.changes.closed.insert(path)
                } else if event.mask & UInt32(IN_ATTRIB) == 0 {
                    state.changes.closed.remove(path)
                }
            } else {
                state.changes.isOverflow = true
            }
        }
    }

    /// - Parameter isNew: else it has other rights, and may be open now, or closed. What is watched already below it is
    ///   not gone into then: rights of many folders are often changed at once.
    private func watchAgain(_ folder: RawName, isNew: Bool) {
        do {
            if !isNew, state.withLock({ $0.folders.contains(folder) }) {
                for inner in try watchAlone(folder) where !state.withLock({ $0.folders.contains(inner) }) {
                    do { try watch(inner) } catch { noteUnwatched(inner, error) }
                }
            } else {
                try watch(folder)
            }
        } catch let error as SystemError where error.errno == .noSuchFileOrDirectory {
            return
        } catch {
            noteUnwatched(folder, error)
        }
        state.withLock { $0.changes.insert(folder: folder, atMost: Self.maximumFolders) }
    }

    /// A folder was moved away: its watches would go on to report events under the old path.
    private func forget(_ folder: RawName) {
        let gone = state.withLock { state in
            let gone = state.folders.descriptors(of: folder)
            for descriptor in gone { state.folders[descriptor] = nil }
            return gone
        }
        for descriptor in gone { inotify_rm_watch(inotify.descriptor.rawValue, descriptor) }
    }
}

/// One record of an inotify queue.
package struct InotifyEvent {
    package let watch: Int32
    package let mask: UInt32
    /// nil when the event is about the watched folder itself.
    package let name: RawName?

    /// Splits what read(2) gave; a record that does not fit ends the list.
    package static func parse(_ bytes: UnsafeRawBufferPointer) -> [InotifyEvent] {
        var out: [InotifyEvent] = []
        var offset = 0
        while bytes.count - offset >= 16 {
            let watch = bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)
            let mask = bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
            let length = Int(bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
            guard length <= bytes.count - offset - 16 else { break }
            let name = bytes[(offset + 16)..<(offset + 16 + length)].prefix { $0 != 0 }
            out.append(InotifyEvent(watch: watch, mask: mask, name: name.isEmpty ? nil : RawName(bytes: name)))
            offset += 16 + length
        }
        return out
    }
}
