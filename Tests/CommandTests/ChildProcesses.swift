import Glibc
import SystemPackage
import SystemSupport
import TestSupport

/// The helper processes of the program, as /proc tells of them.
enum ChildProcesses {
    /// The child of `parent` that runs the hidden `subcommand`, whichever thread started it.
    static func running(_ subcommand: String, of parent: pid_t) -> pid_t? {
        var found: pid_t?
        try? DirectoryLister.forEach(in: FilePath("/proc/\(parent)/task")) { task in
            let file = "/proc/\(parent)/task/\(task.name.printable)/children"
            let text = String(decoding: (try? SmallFile.read(FilePath(file), limit: 1 << 16)) ?? [], as: UTF8.self)
            for child in text.split(separator: " ").compactMap({ pid_t($0) }) {
                let line = (try? SmallFile.read(FilePath("/proc/\(child)/cmdline"), limit: 1 << 16)) ?? []
                if line.split(separator: 0).contains(where: { $0.elementsEqual(subcommand.utf8) }) { found = child }
            }
            return true
        }
        return found
    }

    /// Also while nobody has taken notice of its end.
    static func exists(_ process: pid_t) -> Bool { kill(process, 0) == 0 }
}
