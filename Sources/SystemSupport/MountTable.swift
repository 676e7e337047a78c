import Glibc
package import SystemPackage

/// What fstab(5) says should be mounted, and what is.
package struct MountTable: Sendable {
    /// Those that are mounted when the machine starts.
    private let points: [FilePath]
    private let mounted: Set<FilePath>

    /// - Parameters:
    ///   - text: lines as in `/etc/fstab`.
    ///   - mounted: lines as in `/proc/self/mountinfo`.
    package init(_ text: String, mounted: String) {
        points = text.split(whereSeparator: \.isNewline).compactMap { line in
            let fields = line.split(whereSeparator: \.isWhitespace)
            guard fields.count >= 4, fields[0].first != "#", fields[1].first == "/", fields[1] != "/" else {
                return nil
            }
            guard !fields[3].split(separator: ",").contains("noauto") else { return nil }
            return Self.path(fields[1])
        }
        self.mounted = Set(
            mounted.split(separator: "\n").compactMap { line in
                let fields = line.split(separator: " ", maxSplits: 5)
                return fields.count == 6 ? Self.path(fields[4]) : nil
            })
    }

    /// That of this machine; empty where there is none. Blocks.
    package static func ofMachine() -> MountTable {
        func text(_ path: FilePath) -> String {
            String(decoding: (try? SmallFile.read(path, limit: 16 << 20)) ?? [], as: UTF8.self)
        }
        return MountTable(text("/etc/fstab"), mounted: text("/proc/self/mountinfo"))
    }

    /// - Parameter field: with what would part fields or lines as a backslash and three octal digits.
    private static func path(_ field: Substring) -> FilePath {
        var bytes: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let first = rest.popFirst() {
            let digits = rest.prefix(3)
            if first == UInt8(ascii: "\\"), digits.count == 3,
                let byte = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                bytes.append(byte)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(first)
            }
        }
        return RawName(bytes: bytes).path
    }

    /// The mount point that a path lies below, or is, and that nothing is mounted on; nil: there is none. Blocks.
    package func missingMount(above path: FilePath) -> FilePath? {
        points.filter { path.starts(with: $0) }.max { $0.components.count < $1.components.count }.flatMap { point in
            isBare(point) ? point : nil
        }
    }

    /// False where it is not there.
    private func isBare(_ point: FilePath) -> Bool {
        guard let here = try? FileStatus(at: point), let above = try? FileStatus(at: point.appending(".."))
        else { return false }
        guard here.identity.device == above.identity.device, !mounted.contains(point) else { return false }
        // A folder that is bound to another place of its own file system keeps the number of that, and the table names
        // mount points without links.
        guard let resolved = realpath(point.string, nil) else { return true }
        defer { free(resolved) }
        return !mounted.contains(FilePath(platformString: resolved))
    }
}
