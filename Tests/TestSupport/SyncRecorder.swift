import Glibc
package import SystemPackage
import SystemSupport

/// Stands in for fsync(2): remembers what a folder holds each time something is made to last, and fails where a test wants.
package final class SyncRecorder: Sendable {
    /// One call.
    package struct Call: Sendable, Hashable {
        /// It is the folder itself that is made to last; else a file.
        package let isFolder: Bool
        /// What the folder shows at that moment, without what is hidden.
        package let names: [String]
        /// Hidden files in it.
        package let hiddenCount: Int

        package init(isFolder: Bool, names: [String], hiddenCount: Int) {
            (self.isFolder, self.names, self.hiddenCount) = (isFolder, names, hiddenCount)
        }
    }

    private let folder: FilePath
    private let failsAtFolder: Bool?
    private let list = Guarded<[Call]>([])

    package var calls: [Call] { list.value }

    /// - Parameter failsAtFolder: true: each call for a folder fails as a bad disk does; false: each for a file; nil: none.
    package init(_ folder: FilePath, failsAtFolder: Bool? = nil) {
        self.folder = folder
        self.failsAtFolder = failsAtFolder
    }

    /// As `AtomicFile.Sync`.
    package func sync(_ descriptor: FileDescriptor) -> CInt {
        let isFolder = (try? FileStatus(of: descriptor))?.kind == .directory
        var names: [String] = []
        try? DirectoryLister.forEach(in: folder) {
            names.append($0.name.printable)
            return true
        }
        let shown = names.filter { !$0.hasPrefix(".") }.sorted()
        list.change { $0.append(Call(isFolder: isFolder, names: shown, hiddenCount: names.count - shown.count)) }
        return isFolder == failsAtFolder ? -EIO : 0
    }
}
