import CLinux
import Glibc
package import SystemPackage

/// Says that this process serves a folder, to other processes of the machine, for as long as the value lives and however
/// the process ends.
///
/// A name among the abstract Unix sockets, made of the folder's device and inode: it leaves nothing in the folder, and
/// unlike a lock on it does not keep its file system from being unmounted. It reaches as far as the network namespace.
package final class FolderClaim: Sendable {
    /// Another process serves the folder.
    package struct Held: Error, Hashable {
        /// Nil where it cannot be seen, for instance from a container.
        package let processID: Int32?
    }

    private let socket: OwnedDescriptor
    private let place: Place

    private struct Place: Equatable {
        let device: UInt64
        let inode: UInt64

        init(_ folder: FilePath) throws {
            let status = try FileStatus(at: folder)
            (device, inode) = (status.identity.device, status.identity.inode)
        }

        var name: String { "parlograph-folder-\(device)-\(inode)" }
    }

    /// Blocks for some system calls.
    /// - Returns: nil where there are no such names, or where a user whom the folder does not belong to took this one: that
    ///   is no service, and must not keep ours away.
    /// - Throws: `Held`, also when this process has another claim; `SystemError` when the folder is not there.
    package static func take(_ folder: FilePath) throws -> FolderClaim? {
        let place = try Place(folder)
        let made = clinux_hold_name(place.name)
        if made >= 0 {
            return FolderClaim(OwnedDescriptor(owning: FileDescriptor(rawValue: made)), place)
        }
        guard made == -EADDRINUSE else { return nil }
        var (process, user) = (pid_t(0), uid_t(0))
        guard clinux_name_holder(place.name, &process, &user) == 0 else { throw Held(processID: nil) }
        let trusted = [0, geteuid(), try FileStatus(at: folder).owner]
        guard geteuid() == 0 || trusted.contains(user) else { return nil }
        throw Held(processID: process > 0 ? process : nil)
    }

    private init(_ socket: consuming OwnedDescriptor, _ place: Place) {
        self.socket = socket
        self.place = place
    }

    /// Whether `folder` is what was claimed; false where another folder has its name by now, or none. Blocks.
    package func covers(_ folder: FilePath) -> Bool { (try? Place(folder)) == place }
}
