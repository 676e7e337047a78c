import Glibc
import Inbox
import SystemPackage
import SystemSupport

/// The folders of the service: there, usable, and not one inside the other.
enum FolderCheck {
    /// Makes what is missing and can be made, refuses what would go round in circles.
    /// - Parameter inboxes: those whose folders are looked at; nil: all.
    /// - Throws: `ConfigurationFault` that names the folder and the remedy.
    static func prepare(_ settings: Settings, only inboxes: [InboxSettings]? = nil) async throws {
        try await BlockingPool.files.run {
            // Before anything is made, and again for what only shows when it is there: links and bind mounts.
            try refuseCircles(settings.inboxes)
            try make(settings.stateDirectory, as: "state_directory", .anybodys)
            for inbox in inboxes ?? settings.inboxes {
                for (path, name) in folders(of: inbox) { try make(path, as: name, .trusted) }
            }
            try refuseCircles(settings.inboxes)
        }
    }

    /// No folder of any inbox may lie in an inbox, but for an outbox that is its own inbox, where recordings are kept. Blocks.
    /// - Throws: `ConfigurationFault`.
    static func refuseCircles(_ inboxes: [InboxSettings]) throws {
        var roots: [(inbox: InboxSettings, place: CheckedFolder)] = []
        for inbox in inboxes {
            let root = CheckedFolder(inbox.path)
            for other in roots where root.isInside(other.place) || other.place.isInside(root) {
                throw ConfigurationFault(
                    """
                    The inboxes \(inbox.path.printable) and \(other.inbox.path.printable) are the same or one lies in \
                    the other: recordings would be transcribed twice.
                    """)
            }
            roots.append((inbox, root))
        }
        for inbox in inboxes {
            for (path, name) in folders(of: inbox).dropFirst() {
                let place = CheckedFolder(path)
                // Nothing that is written there is taken for a recording, and the recordings stay.
                let isBeside = name == "outbox" && inbox.isItsOwnOutbox && inbox.after == .keep
                for root in roots where place.isInside(root.place) && !(isBeside && root.inbox.path == inbox.path) {
                    throw ConfigurationFault(
                        """
                        \(name) \(path.printable) lies inside the inbox \(root.inbox.path.printable) (or is the same \
                        folder): what is put there would be taken for new recordings. Choose a folder outside, or for \
                        transcripts beside their recordings the inbox's own path as outbox with after = "keep".
                        """)
                }
            }
        }
    }

    /// The folders of an inbox with the keys that name them, the inbox itself first.
    static func folders(of inbox: InboxSettings) -> [(FilePath, String)] {
        var out = [(inbox.path, "inbox"), (inbox.outbox, "outbox")]
        if inbox.after == .move { out.append((inbox.done, "done")) }
        if inbox.after != .keep { out.append((inbox.failed, "failed")) }
        return out
    }

    /// Whose links may lead to the folders when a command looks at them: root's, the caller's, and those of the service's
    /// user, to whom the state directory belongs.
    static func rootLinks(_ settings: Settings) -> RootLinks {
        guard let owner = try? FileStatus(at: settings.stateDirectory).owner else { return .trusted }
        return .of([0, geteuid(), owner])
    }

    private static func make(_ path: FilePath, as name: String, _ links: RootLinks) throws {
        var missing: [FilePath] = []
        var at = path
        while (try? FileStatus(at: at)) == nil, !at.components.isEmpty {
            missing.append(at)
            at = at.removingLastComponent()
        }
        if !missing.isEmpty, let fault = linkFault(at: at, links) { throw ConfigurationFault("\(name): \(fault)") }
        for folder in missing.reversed() {
            guard folder.withPlatformString({ mkdir($0, 0o775) }) == 0 || errno == EEXIST else {
                throw ConfigurationFault(
                    """
                    \(name) \(path.printable) does not exist and cannot be made: \(Errno(rawValue: errno)). Make it for \
                    the service: install -d -o parlograph -g parlograph -m 2775 \(path.printable)
                    """)
            }
        }
        if let fault = linkFault(at: path, links) { throw ConfigurationFault("\(name): \(fault)") }
        guard try FileStatus(at: path).kind == .directory else {
            throw ConfigurationFault("\(name) \(path.printable) is not a folder.")
        }
        guard FolderRights.canWrite(path) else {
            throw ConfigurationFault("\(name) \(path.printable) \(FolderRights.obstacle(at: path)).")
        }
    }

    /// What is to be said of a link on the way to a folder; nil when it may be gone. Blocks.
    static func linkFault(at path: FilePath, _ links: RootLinks) -> String? {
        do {
            _ = try OpenFolder(root: path, links: links)
            return nil
        } catch {
            return (error as? SystemError)?.sentence
        }
    }

    /// Where a folder is, whatever links and bind mounts lead there.
    private struct CheckedFolder {
        private struct Node: Hashable {
            let device: UInt64
            let inode: UInt64
        }

        /// Without symbolic links; what does not exist yet stays as it is written.
        private let path: [UInt8]
        /// Nil where it does not exist.
        private let node: Node?
        /// Of the folder and of those that it lies in: a bind mount has another path, but the same folder.
        private let way: Set<Node>

        init(_ folder: FilePath) {
            path = Self.resolved(folder)
            var at = RawName(bytes: path).path
            var way: Set<Node> = []
            node = Self.node(at)
            while true {
                if let node = Self.node(at) { way.insert(node) }
                guard !at.components.isEmpty else { break }
                at.removeLastComponent()
            }
            self.way = way
        }

        func isInside(_ folder: CheckedFolder) -> Bool {
            path == folder.path || path.starts(with: folder.path + [0x2F])
                || folder.node.map(way.contains) ?? false
        }

        private static func node(_ path: FilePath) -> Node? {
            (try? FileStatus(at: path)).map { Node(device: $0.identity.device, inode: $0.identity.inode) }
        }

        private static func resolved(_ path: FilePath) -> [UInt8] {
            var at = path
            var missing: [[UInt8]] = []
            while true {
                let end = missing.reversed().flatMap { [UInt8(ascii: "/")] + $0 }
                if let real = at.withPlatformString({ realpath($0, nil) }) {
                    defer { free(real) }
                    return RawName(FilePath(platformString: real)).bytes + end
                }
                guard let name = at.lastComponent else { return RawName(at).bytes + end }
                missing.append(RawName(FilePath(root: nil, [name])).bytes)
                at.removeLastComponent()
            }
        }
    }
}
