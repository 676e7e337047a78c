import Glibc
import SystemPackage
import SystemSupport

/// What somebody does who may not see or change what belongs to the service.
enum AccessAdvice {
    /// Whether the state of a service is closed to this user.
    static func isClosed(_ directory: FilePath) -> Bool {
        do {
            _ = try OwnedDescriptor(opening: directory.appending("lock"), flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            return false
        } catch {
            return (error as? SystemError)?.errno == .permissionDenied
        }
    }

    /// Whether this user may change a file and what lies beside it, as SQLite does.
    static func mayChange(_ file: FilePath) -> Bool {
        FolderRights.canWrite(file.removingLastComponent())
            && file.withPlatformString { faccessat(AT_FDCWD, $0, W_OK | R_OK, AT_EACCESS) } == 0
    }

    /// How to run a command with the rights that it needs, as a sentence.
    /// - Parameters:
    ///   - command: behind `parlograph`.
    ///   - path: belongs to the service.
    static func sentence(_ command: String, for path: FilePath) -> String {
        let owner = (try? FileStatus(at: path)).flatMap { AccountName(id: $0.owner) }
        guard let owner, owner.id != 0 else { return "Run it as root: sudo parlograph \(command)" }
        return "Run it as root, sudo parlograph \(command), or as the service's user: runuser -u \(owner.name) -- "
            + "parlograph \(command)"
    }
}
