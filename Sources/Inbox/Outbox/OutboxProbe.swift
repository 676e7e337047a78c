import Synchronization
import SystemPackage
import SystemSupport

/// Tells whether an outbox can be written to. An outbox is never made by the running service: a folder that is missing
/// is mostly a share that is not mounted, and what was written below its mount point would be hidden later.
final class OutboxProbe: Sendable {
    /// Outboxes that were seen to be a file system of their own.
    private let mounts = Mutex<Set<FilePath>>([])

    /// An outbox that was a mount point and is none now has lost its file system. Blocks.
    /// - Throws: `SystemError`.
    func checkMount(_ outbox: FilePath) throws { try checkMount(of: OpenFolder(root: outbox)) }

    private func checkMount(of folder: borrowing OpenFolder) throws {
        let outbox = folder.path
        let here = try FileStatus(of: folder.descriptor).identity.device
        let above = try folder.status(of: RawName(bytes: "..".utf8)).identity.device
        let wasMount = mounts.withLock { mounts in
            if here != above { mounts.insert(outbox) }
            return mounts.contains(outbox)
        }
        guard here != above || !wasMount else {
            throw SystemError("stat: it is no longer mounted", outbox.printable, errno: .noSuchFileOrDirectory)
        }
    }

    /// Writes and removes a hidden file, as delivery does. Blocks.
    /// - Throws: `SystemError`.
    func checkWriting(_ outbox: FilePath) throws {
        let folder = try OpenFolder(root: outbox)
        try checkMount(of: folder)
        let bytes = [UInt8](repeating: 0x20, count: 4096)
        let name = try AtomicFile.stage(
            bytes, for: "parlograph-probe", in: folder.descriptor, rights: .init(mode: 0o600))
        try? folder.unlink(RawName(name))
    }
}
