import Glibc
package import SystemPackage

/// What fstab(5) says should be mounted.
package struct MountTable: Sendable {
    /// Those that are mounted when the machine starts.
    private let points: [FilePath]

    /// - Parameter text: lines as in `/etc/fstab`.
    package init(_ text: String) {
        points = text.split(whereSeparator: \.isNewline).compactMap { line in
            let fields = line.split(whereSeparator: \.isWhitespace)
            guard fields.count >= 4, fields[0].first != "#", fields[1].first == "/", fields[1] != "/" else {
                return nil
            }
            guard !fields[3].split(separator: ",").contains("noauto") else { return nil }
            return FilePath(String(fields[1]).replacing("\\040", with: " "))
        }
    }

    /// That of this machine; empty where there is none. Blocks.
    package static func ofMachine() -> MountTable {
        let bytes = (try? SmallFile.read("/etc/fstab", limit: 1 << 20)) ?? []
        return MountTable(String(decoding: bytes, as: UTF8.self))
    }

    /// The mount point that a path lies below, or is, and that nothing is mounted on; nil: there is none. Blocks.
    package func missingMount(above path: FilePath) -> FilePath? {
        points.filter { path.starts(with: $0) }.max { $0.components.count < $1.components.count }.flatMap { point in
            guard let here = try? FileStatus(at: point), let above = try? FileStatus(at: point.appending("..")) else {
                return nil
            }
            return here.identity.device == above.identity.device ? point : nil
        }
    }
}
