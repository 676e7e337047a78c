import CLinux
import Glibc
import SystemPackage
import SystemSupport

/// The folder in which a model is made ready, beside the models. Who has it is the only one to add a model of its name; what
/// a process leaves behind that was killed in it is removed by the next one.
final class ModelWorkFolder: Sendable {
    let path: FilePath
    private let lock: OwnedDescriptor

    private static let prefix = ".adding-"
    private static let removed = ".removed-"
    private static let lockName = ".lock"

    /// Somebody else has it.
    struct Held: Error {}

    /// An empty folder. Blocks.
    /// - Throws: `Held`, `SystemError`.
    init(for name: String, in target: FilePath) throws {
        path = target.appending(Self.prefix + name)
        while true {
            guard path.withPlatformString({ mkdir($0, 0o755) }) == 0 || errno == EEXIST else {
                throw SystemError("mkdir", path.printable, errno: Errno(rawValue: errno))
            }
            let place = path.appending(Self.lockName)
            let lock: OwnedDescriptor
            do {
                lock = try OwnedDescriptor(opening: place, flags: O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o644)
            } catch let error as SystemError where error.errno == .noSuchFileOrDirectory {
                // Another one has just removed it.
                continue
            }
            guard clinux_lock_file(lock.descriptor.rawValue) == 0 else { throw Held() }
            let mine = try FileStatus(of: lock.descriptor).identity
            guard (try? FileStatus(at: place, followingLinks: false))?.identity.inode == mine.inode else { continue }
            self.lock = lock
            break
        }
        Self.empty(path, but: Self.lockName)
    }

    /// Removes it with all that is in it. Blocks.
    func remove() { Self.removeTree(path) }

    /// Removes what killed processes left in a folder of models. Blocks.
    static func sweep(_ target: FilePath) {
        var names: [String] = []
        try? DirectoryLister.forEach(in: target) { entry in
            if entry.kind == .directory, let name = String(validating: entry.name.path) { names.append(name) }
            return true
        }
        for name in names {
            if name.hasPrefix(removed) { removeTree(target.appending(name)) }
            if name.hasPrefix(prefix) {
                try? ModelWorkFolder(for: String(name.dropFirst(prefix.count)), in: target).remove()
            }
        }
    }

    /// Takes a folder away at once, and then what is in it. Blocks.
    /// - Throws: `SystemError`.
    static func removeModel(_ folder: FilePath, from target: FilePath) throws {
        let gone = target.appending(removed + String(getpid()))
        guard folder.withPlatformString({ from in gone.withPlatformString { rename(from, $0) } }) == 0 else {
            throw SystemError("rename", folder.printable, errno: Errno(rawValue: errno))
        }
        removeTree(gone)
    }

    private static func removeTree(_ folder: FilePath) {
        empty(folder, but: nil)
        _ = folder.withPlatformString { rmdir($0) }
    }

    private static func empty(_ folder: FilePath, but kept: String?) {
        var entries: [DirectoryLister.Entry] = []
        try? DirectoryLister.forEach(in: folder) { entry in
            entries.append(entry)
            return true
        }
        for entry in entries where entry.name.bytes != kept.map({ Array($0.utf8) }) {
            let path = folder.pushing(entry.name.path)
            if entry.kind == .directory {
                removeTree(path)
            } else {
                _ = path.withPlatformString { unlink($0) }
            }
        }
    }
}
