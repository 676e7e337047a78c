package import SystemPackage

/// Finds what `AtomicFile` and `FileMover` left behind in a process that was killed: `.NAME.PID-N.tmp`,
/// `.parlograph-PID-N.tmp`.
package enum TemporaryFiles {
    /// Deeper folders are not looked into; nobody files recordings deeper.
    private static let deepest = 64

    /// Removes regular files with such a name and the id of one of `processes`, in `folder` and below; links are not followed.
    /// Blocks.
    /// - Parameter processes: have ended.
    /// - Returns: how many.
    package static func remove(of processes: Set<Int32>, below folder: FilePath) -> Int {
        guard let root = try? OpenFolder(root: folder) else { return 0 }
        return remove(of: processes, in: root, depth: 0)
    }

    private static func remove(of processes: Set<Int32>, in folder: borrowing OpenFolder, depth: Int) -> Int {
        var folders: [RawName] = []
        var found: [RawName] = []
        try? DirectoryLister.forEach(of: folder.descriptor, folder.path.printable) { entry in
            switch entry.kind {
            case .directory: folders.append(entry.name)
            case .regular: if isTemporary(entry.name, of: processes) { found.append(entry.name) }
            default: break
            }
            return true
        }
        var removed = 0
        for name in found where (try? folder.unlink(name)) != nil { removed += 1 }
        guard depth < deepest else { return removed }
        for name in folders {
            guard let inner = try? folder.opening(name) else { continue }
            removed += remove(of: processes, in: inner, depth: depth + 1)
        }
        return removed
    }

    private static func isTemporary(_ name: RawName, of processes: Set<Int32>) -> Bool {
        let ending = Array(".tmp".utf8)
        guard name.bytes.first == 0x2E, name.bytes.suffix(ending.count).elementsEqual(ending) else { return false }
        let parts = name.bytes.dropLast(ending.count).split(separator: 0x2D, omittingEmptySubsequences: false)
        guard parts.count >= 2, let number = parts.last, !number.isEmpty, number.allSatisfy(isDigit) else {
            return false
        }
        let before = parts[parts.count - 2]
        let digits = before.suffix(before.reversed().prefix { isDigit($0) }.count)
        let isOurs =
            digits.count == before.count
            ? parts.count == 3 && parts[0].elementsEqual(".parlograph".utf8)
            : before.dropLast(digits.count).last == 0x2E
        return isOurs && Int32(String(decoding: digits, as: UTF8.self)).map(processes.contains) ?? false
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
