import Glibc
import SystemPackage
import SystemSupport

/// What lies in an inbox, compared with what was decided about it before. A kept recording costs one lstat(2) a scan;
/// it is neither opened nor looked up in the journal again.
struct InboxScan: Sendable {
    /// What was decided about already: one number of 64 bits for each file, made of its path and identity with a key
    /// that differs in each process.
    struct Decided: Sendable {
        private var marks: Set<UInt64> = []
        /// Removed since the last scan began.
        private var removed: Set<UInt64> = []

        var count: Int { marks.count }

        func contains(_ mark: UInt64) -> Bool { marks.contains(mark) }
        mutating func insert(_ mark: UInt64) { marks.insert(mark) }
        mutating func remove(_ mark: UInt64) {
            marks.remove(mark)
            removed.insert(mark)
        }

        /// A scan begins.
        /// - Returns: what it is to compare with.
        mutating func beginScan() -> Decided {
            removed = []
            return self
        }

        /// Forgets what is not in the inbox any more.
        /// - Parameter isWhole: the scan saw the whole inbox.
        mutating func endScan(_ seen: Decided, isWhole: Bool) {
            marks = (isWhole ? seen.marks : marks.union(seen.marks)).subtracting(removed)
        }

        static func mark(_ path: RawName, _ identity: FileIdentity) -> UInt64 {
            mark(path.last, in: path.folder, identity)
        }

        static func mark(_ name: RawName, in folder: RawName, _ identity: FileIdentity) -> UInt64 {
            var hasher = Hasher()
            for part in [folder, name] {
                part.bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
                hasher.combine(part.bytes.count)
            }
            hasher.combine(identity)
            return UInt64(bitPattern: Int64(hasher.finalize()))
        }
    }

    struct Found: Sendable {
        let path: RawName
        let identity: FileIdentity
    }

    /// A folder that could not be read.
    struct Fault: Sendable, Hashable {
        let folder: RawName
        let errno: Errno
        let text: String

        init(_ folder: RawName, _ error: any Error) {
            self.folder = folder
            errno = (error as? SystemError)?.errno ?? .ioError
            text = "\(error)"
        }
    }

    /// Deeper folders are not gone into, and not watched: each costs an open descriptor.
    private static let maximumDepth = 64
    /// Special files, and folders left out, named in one scan; a folder full of them must not flood the log.
    private static let maximumSpecial = 20

    /// - Parameter folder: relative to the inbox.
    static func goesInto(_ folder: RawName) -> Bool { folder.components.count <= maximumDepth }

    private let before: Decided
    private let subtitled: Set<UInt64>
    private let ignored: IgnoredNames
    /// Files that nothing was decided about.
    private(set) var fresh: [Found] = []
    /// Links, pipes, sockets and devices that were not there before.
    private(set) var special: [RawName] = []
    /// Of what was decided before: what is still there, and the special files.
    private(set) var decided = Decided()
    /// Folders that could not be read, the first of them.
    private(set) var faults: [Fault] = []
    /// Folders that were not gone into for their name or their depth, the first of them.
    private(set) var leftOut: Set<RawName> = []

    /// Scans `folder`, relative to `root`, and what is below it; links are not followed.
    /// - Parameter subtitled: the marks of what was left for the subtitles beside it; where these are gone nothing is decided
    ///   about it any more.
    init(
        _ folder: RawName, beneath root: FilePath, ignored: IgnoredNames = IgnoredNames(), decided before: Decided,
        subtitled: Set<UInt64> = []
    ) {
        self.before = before
        self.subtitled = subtitled
        self.ignored = ignored
        do {
            let top = try OpenFolder(root: root).opening(folder)
            try collect(folder, top.descriptor)
        } catch let error as SystemError where error.errno == .noSuchFileOrDirectory && !folder.bytes.isEmpty {
            // Gone since an event told of it.
        } catch {
            note(error, at: folder)
        }
    }

    private mutating func note(_ error: any Error, at folder: RawName) {
        if faults.count < FolderFaults.maximum { faults.append(Fault(folder, error)) }
    }

    /// What of a folder was left for its subtitles, and those that are there now.
    private struct Subtitled {
        var names = SubtitledNames()
        var recordings: [(Found, mark: UInt64)] = []
    }

    private mutating func note(
        _ name: RawName, in folder: RawName, _ status: FileStatus, _ beside: inout Subtitled
    ) {
        let mark = Decided.mark(name, in: folder, status.identity)
        if !subtitled.isEmpty { beside.names.add(name) }
        if subtitled.contains(mark) {
            beside.recordings.append((Found(path: folder.appending(name), identity: status.identity), mark))
        } else if before.contains(mark) {
            decided.insert(mark)
        } else if !ignored.contains(name) {
            let path = folder.appending(name)
            if status.kind == .regular {
                fresh.append(Found(path: path, identity: status.identity))
            } else if status.kind != .directory {
                decided.insert(mark)
                if special.count < Self.maximumSpecial { special.append(path) }
            }
        }
    }

    private mutating func collect(_ folder: RawName, _ descriptor: FileDescriptor) throws {
        var folders: [RawName] = []
        var hindrance: (any Error)?
        var beside = Subtitled()
        try DirectoryLister.forEach(of: descriptor, folder.printable) { entry in
            if entry.kind == .directory {
                if !ignored.containsFolder(entry.name), Self.goesInto(folder.appending(entry.name)) {
                    folders.append(entry.name)
                } else if leftOut.count < Self.maximumSpecial, entry.name.bytes.first != 0x2E {
                    leftOut.insert(folder.appending(entry.name))
                }
                return true
            }
            let status: FileStatus
            do {
                status = try FileStatus(of: entry.name, in: descriptor)
            } catch {
                // Most are gone since they were listed. A folder may also be listed and not entered.
                if Self.isRefusal(error) { hindrance = hindrance ?? error }
                return true
            }
            note(entry.name, in: folder, status, &beside)
            return true
        }
        for (found, mark) in beside.recordings {
            if beside.names.contains(found.path.last) { decided.insert(mark) } else { fresh.append(found) }
        }
        if let hindrance { note(hindrance, at: folder) }
        for name in folders {
            let path = folder.appending(name)
            do {
                let inner = try OwnedDescriptor(
                    opening: name, beneath: descriptor, flags: O_RDONLY | O_DIRECTORY | O_NONBLOCK)
                try collect(path, inner.descriptor)
            } catch let error as SystemError where error.errno == .noSuchFileOrDirectory {
                continue
            } catch  where hindrance != nil && Self.isRefusal(error) && !Self.canSee(name, in: descriptor) {
                // The fault of the folder above, which is noted.
                continue
            } catch {
                note(error, at: path)
            }
        }
    }

    private static func isRefusal(_ error: any Error) -> Bool {
        (error as? SystemError)?.errno == .permissionDenied
    }

    private static func canSee(_ name: RawName, in folder: FileDescriptor) -> Bool {
        (try? FileStatus(of: name, in: folder)) != nil
    }
}
