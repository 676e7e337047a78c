import SystemPackage
import SystemSupport

/// Where an inbox lies: another folder that is mounted over it or takes its name gives no event.
package struct InboxPlace: Sendable, Equatable {
    private let device: UInt64
    private let inode: UInt64
    /// It is the top of a file system of its own.
    private let isMount: Bool

    /// Nil: nothing lies there that can be opened. Blocks.
    init?(_ root: FilePath) {
        guard let folder = try? OpenFolder(root: root), let here = try? FileStatus(of: folder.descriptor),
            let above = try? folder.status(of: RawName(bytes: "..".utf8))
        else { return nil }
        (device, inode) = (here.identity.device, here.identity.inode)
        isMount = here.identity.device != above.identity.device
    }

    /// Whether the inbox is meant to lie here rather than where it lay before. A file system that is mounted on the bare
    /// folder comes late; one that is lost is a fault, whatever is accepted.
    /// - Parameter isAccepted: somebody has seen where it lies now.
    func follows(_ before: InboxPlace, isAccepted: Bool) -> Bool {
        isMount ? isAccepted || !before.isMount : isAccepted && !before.isMount
    }

    /// What is wrong with it, as against where the inbox lay before; nil: nothing. A file system that is mounted again may
    /// have another number.
    func fault(since before: InboxPlace) -> FolderFault.Kind? {
        if before.isMount, !isMount { return .unmounted }
        return before.isMount != isMount || before.inode != inode ? .replaced : nil
    }
}
