import Logging
import SystemPackage
import SystemSupport

/// How many folders and inboxes a user's processes may watch, for messages.
enum InotifyLimits {
    /// Whether they are why a folder cannot be watched; else it is the folder.
    static func isReason(for error: any Error) -> Bool {
        guard let errno = (error as? SystemError)?.errno else { return false }
        return [.noSpace, .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory].contains(errno)
    }

    /// The limits of inotify(7), as they are now; those that cannot be read are left out.
    static func metadata() async -> Logger.Metadata {
        await BlockingPool.files.run {
            var out: Logger.Metadata = [:]
            for name in ["max_user_watches", "max_user_instances"] {
                let path = FilePath("/proc/sys/fs/inotify").appending(name)
                guard let text = try? SmallFile.read(path, limit: 64) else { continue }
                out[name] = "\(String(decoding: text.filter { $0 > 0x20 }, as: UTF8.self))"
            }
            return out
        }
    }
}
