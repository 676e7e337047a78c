import Glibc
import SystemPackage
import SystemSupport

/// Makes the folders of the service as its package makes them: group-writable, the group of new files that of the folder.
enum FolderRepair {
    private static let sharedMode: mode_t = 0o2775
    private static let stateMode: mode_t = 0o750
    /// The user that the package makes.
    private static let packageUser = "parlograph"

    /// What was done, in sentences for people. Blocks. Touches no folder that has files of somebody in it but to make it
    /// writable for the service where root owns it.
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
        let before = try? FileStatus(at: path)
        if before == nil { try make(path) }
        let folder = try OpenFolder(root: path)
        let status = try FileStatus(of: folder.descriptor)
        // A folder that is another's on purpose keeps its owner and mode.
        guard before == nil || (owner != nil && status.owner == 0) else { return [] }
        let shown = "\(name) \(path.printable)"
        var changes = before == nil ? ["made"] : []
        if let owner, status.owner != owner.user {
            guard fchown(folder.descriptor.rawValue, owner.user, owner.group) == 0 else {
                throw SystemError("chown", path.printable, errno: Errno(rawValue: errno))
            }
            changes.append("owner \(owner.name)")
        }
        if before == nil || status.mode & 0o700 != 0o700 || !changes.isEmpty {
            guard fchmod(folder.descriptor.rawValue, mode) == 0 else {
                throw SystemError("chmod", path.printable, errno: Errno(rawValue: errno))
            }
            changes.append("mode \(String(mode, radix: 8))")
        }
        return changes.isEmpty ? [] : ["\(shown): \(changes.joined(separator: ", "))"]
    }

    /// With the folders that it lies in, which stay this process's own.
    private static func make(_ path: FilePath) throws {
        let parent = path.removingLastComponent()
        if !parent.components.isEmpty, (try? FileStatus(at: parent)) == nil { try make(parent) }
        guard path.withPlatformString({ mkdir($0, 0o755) }) == 0 || errno == EEXIST else {
            let error = Errno(rawValue: errno)
            throw ConfigurationFault("\(path.printable) cannot be made: \(error).")
        }
    }
}
