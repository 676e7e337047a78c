import Glibc
import SystemPackage
import SystemSupport

/// Makes missing folders of the service as its package makes them: group-writable, the group of new files that of the folder.
enum FolderRepair {
    private static let sharedMode: mode_t = 0o2775
    private static let stateMode: mode_t = 0o750
    /// The user that the package makes.
    private static let packageUser = "parlograph"

    /// Makes what is missing, and touches no folder that is there: its rights are somebody's choice, and what they keep the
    /// service from, the rest of the check tells. Blocks.
    /// - Returns: what was done, in sentences for people.
    /// - Throws: `ConfigurationFault`, `SystemError`.
    static func run(_ settings: Settings) throws -> [String] {
        try FolderCheck.refuseCircles(settings.inboxes)
        let owner = serviceOwner(settings)
        var done = try repair(settings.stateDirectory, as: "state_directory", mode: stateMode, owner)
        for inbox in settings.inboxes {
            for (path, name) in FolderCheck.folders(of: inbox) {
                done += try repair(path, as: name, mode: sharedMode, owner)
            }
        }
        return done
    }

    private struct Owner {
        let user: uid_t
        let group: gid_t
        let name: String
    }

    /// Nil where this process is not root: what it makes is its own.
    private static func serviceOwner(_ settings: Settings) -> Owner? {
        guard geteuid() == 0 else { return nil }
        let name = ServiceView(stateDirectory: settings.stateDirectory).user?.name ?? packageUser
        guard let entry = getpwnam(name)?.pointee else { return nil }
        return Owner(user: entry.pw_uid, group: entry.pw_gid, name: name)
    }

    private static func repair(_ path: FilePath, as name: String, mode: mode_t, _ owner: Owner?) throws -> [String] {
        guard (try? FileStatus(at: path)) == nil else { return [] }
        try make(path)
        let folder = try OpenFolder(root: path)
        var changes = ["made"]
        if let owner {
            guard fchown(folder.descriptor.rawValue, owner.user, owner.group) == 0 else {
                throw SystemError("chown", path.printable, errno: Errno(rawValue: errno))
            }
            changes.append("owner \(owner.name)")
        }
        guard fchmod(folder.descriptor.rawValue, mode) == 0 else {
            throw SystemError("chmod", path.printable, errno: Errno(rawValue: errno))
        }
        changes.append("mode \(String(mode, radix: 8))")
        return ["\(name) \(path.printable): \(changes.joined(separator: ", "))"]
    }

    /// With the folders that it lies in, which stay this process's own and are passable for all, whatever its umask says.
    private static func make(_ path: FilePath) throws {
        let parent = path.removingLastComponent()
        if !parent.components.isEmpty, (try? FileStatus(at: parent)) == nil { try make(parent) }
        let status = path.withPlatformString { mkdir($0, 0o755) == 0 ? chmod($0, 0o755) : -1 }
        guard status == 0 || errno == EEXIST else {
            let error = Errno(rawValue: errno)
            throw ConfigurationFault("\(path.printable) cannot be made: \(error).")
        }
    }
}
