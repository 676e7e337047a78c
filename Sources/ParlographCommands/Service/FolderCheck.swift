import Glibc
import Inbox
import Logging
import SystemPackage
import SystemSupport

/// The folders of the service: there, usable, and not one inside the other.
enum FolderCheck {
    /// Makes what is missing and can be made, refuses what would go round in circles.
    /// - Throws: `ConfigurationFault` that names the folder and the remedy.
    static func prepare(_ settings: Settings, logger: Logger) async throws {
        try await BlockingPool.files.run {
            try make(settings.stateDirectory, as: "state_directory")
            var real: [(inbox: InboxSettings, path: [UInt8])] = []
            for inbox in settings.inboxes {
                for (path, name) in folders(of: inbox) { try make(path, as: name) }
                let root = try resolved(inbox.path)
                for (path, name) in folders(of: inbox).dropFirst() where try isInside(resolved(path), root) {
                    throw ConfigurationFault(
                        """
                        \(name) \(path.printable) lies inside the inbox \(inbox.path.printable) (or is the same folder): \
                        what is put there would be taken for new recordings. Choose a folder outside.
                        """)
                }
                for other in real where isInside(root, other.path) || isInside(other.path, root) {
                    throw ConfigurationFault(
                        """
                        The inboxes \(inbox.path.printable) and \(other.inbox.path.printable) are the same or one lies in \
                        the other: recordings would be transcribed twice.
                        """)
                }
                real.append((inbox, root))
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

    private static func make(_ path: FilePath, as name: String) throws {
        var missing: [FilePath] = []
        var at = path
        while (try? FileStatus(at: at)) == nil, !at.components.isEmpty {
            missing.append(at)
            at = at.removingLastComponent()
        }
        for folder in missing.reversed() {
            guard folder.withPlatformString({ mkdir($0, 0o775) }) == 0 || errno == EEXIST else {
                throw ConfigurationFault(
                    "\(name) \(path.printable) does not exist and cannot be made: \(Errno(rawValue: errno)).")
            }
        }
        guard try FileStatus(at: path).kind == .directory else {
            throw ConfigurationFault("\(name) \(path.printable) is not a folder.")
        }
        guard FolderRights.canWrite(path) else {
            throw ConfigurationFault("\(name) \(path.printable) cannot be written to by this user.")
        }
    }

    private static func resolved(_ path: FilePath) throws -> [UInt8] {
        let real = path.withPlatformString { realpath($0, nil) }
        guard let real else { throw SystemError("realpath", path.printable, errno: Errno(rawValue: errno)) }
        defer { free(real) }
        return RawName(FilePath(platformString: real)).bytes
    }

    private static func isInside(_ path: [UInt8], _ folder: [UInt8]) -> Bool {
        path == folder || path.starts(with: folder + [0x2F])
    }
}
