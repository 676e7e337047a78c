import Glibc
package import SystemPackage

/// Files that root makes where they belong to a service.
package enum FileOwner {
    /// A file of root in a folder of somebody else gets that folder's owner and group: a command that an administrator runs
    /// once must not leave the service a file that it cannot write to. For other users than root it does nothing. Blocks.
    package static func takeFromFolder(_ file: FilePath) {
        guard geteuid() == 0, let folder = try? FileStatus(at: file.removingLastComponent()), folder.owner != 0,
            let status = try? FileStatus(at: file, followingLinks: false), status.kind == .regular, status.owner == 0
        else { return }
        _ = file.withPlatformString { lchown($0, folder.owner, folder.group) }
    }
}
