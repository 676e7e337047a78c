import Glibc
import Synchronization
import SystemPackage
import SystemSupport

/// Tells whether an outbox can be written to. An outbox is never made by the running service: a folder that is missing
/// is mostly a share that is not mounted, and what was written below its mount point would be hidden later.
final class OutboxProbe: Sendable {
    /// Outboxes that were seen to be a file system of their own.
    private let mounts = Mutex<Set<FilePath>>([])

    /// An outbox that was a mount point and is none now has lost its file system. Blocks, for two stat(2).
    /// - Throws: `SystemError`.
    func checkMount(_ outbox: FilePath) throws {
        let here = try FileStatus(at: outbox).identity.device
        let above = try FileStatus(at: outbox.appending("..")).identity.device
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
        try checkMount(outbox)
        let folder = try OwnedDescriptor(opening: outbox, flags: O_RDONLY | O_DIRECTORY)
        let bytes = [UInt8](repeating: 0x20, count: 4096)
        let name = try AtomicFile.stage(
            bytes, for: "parlograph-probe", in: folder.descriptor, rights: .init(mode: 0o600))
        _ = name.withPlatformString { unlinkat(folder.descriptor.rawValue, $0, 0) }
    }
}
