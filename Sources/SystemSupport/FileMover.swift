import CLinux
import Glibc
package import SystemPackage

/// Moves files without ever replacing another one, across file systems too. All functions block.
package enum FileMover {
    /// Makes `folder` below `root` and what is missing on the way; new folders get the mode of the folder they are made
    /// in, set-group-id included, so that a share's group rights go on.
    /// - Returns: the folder's path.
    /// - Throws: `SystemError`.
    @discardableResult
    package static func makeFolders(_ folder: RawName, below root: FilePath) throws -> FilePath {
        var path = root
        for part in folder.bytes.split(separator: 0x2F) {
            let parent = try FileStatus(at: path)
            path = path.pushing(RawName(bytes: part).path)
            // The set-group-id bit comes from the parent; asking for it is refused under RestrictSUIDSGID=.
            let status = path.withPlatformString { mkdir($0, mode_t(parent.mode & 0o777)) }
            guard status == 0 || errno == EEXIST else {
                throw SystemError("mkdir", path.printable, errno: Errno(rawValue: errno))
            }
            let made = try FileStatus(at: path, followingLinks: false)
            guard made.kind == .directory else {
                throw SystemError("mkdir", path.printable, errno: .notDirectory)
            }
            if status == 0, made.mode != parent.mode {
                // The umask took bits away that the share's other folders have.
                _ = path.withPlatformString { chmod($0, mode_t(parent.mode)) }
            }
        }
        return path
    }

    /// The file is not the one that was to be moved, or was written to meanwhile; it is still in its place.
    package struct SourceChanged: Error, CustomStringConvertible {
        package let path: FilePath
        package var description: String { "\(path.printable) was written to or replaced while it was moved." }
    }

    /// Moves `source` into `folder` under `name`, or `name (2)`, `name (3)` … where that is taken.
    /// - Parameters:
    ///   - identity: what `source` must still be when a copy of it on another file system is complete; nil: as it was
    ///     when the copy began.
    ///   - isCancelled: is asked before each piece of a copy.
    /// - Returns: the name it got.
    /// - Throws: `SystemError`, `SourceChanged`, `CancellationError`; the source is still in its place then.
    package static func move(
        _ source: FilePath, to folder: FilePath, named name: RawName, identity: FileIdentity? = nil,
        isCancelled: () -> Bool = { false }
    ) throws -> RawName {
        for number in 1...10_000 {
            let candidate = name.numbered(number)
            let target = folder.pushing(candidate.path)
            let status = source.withPlatformString { old in
                target.withPlatformString { clinux_rename_noreplace(AT_FDCWD, old, AT_FDCWD, $0) }
            }
            switch -status {
            case 0: return candidate
            case EEXIST: continue
            case EXDEV:
                if try copy(source, to: target, identity: identity, isCancelled) { return candidate }
            default: throw SystemError("rename", target.printable, negative: status)
            }
        }
        throw SystemError("rename", folder.pushing(name.path).printable, errno: .fileExists)
    }

    private static let copies = SharedCounter()

    /// How much is copied between two questions of `isCancelled`, at most.
    package static let pieceBytes = 1 << 20

    /// Copies to a hidden name, fsyncs, keeps the times, renames, then removes the source if it is still what was copied:
    /// a crash on the way leaves the source, and no half file under a name that counts.
    /// - Returns: false when something else lies at `target`.
    private static func copy(
        _ source: FilePath, to target: FilePath, identity: FileIdentity?, _ isCancelled: () -> Bool
    ) throws -> Bool {
        let input = try OwnedDescriptor(opening: source, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        let begun = try FileStatus(of: input.descriptor)
        guard begun.identity == identity ?? begun.identity else { throw SourceChanged(path: source) }
        if let other = try? FileStatus(at: target, followingLinks: false) {
            // A crash came between the copy's new name and the removal of its source.
            guard other.kind == .regular, other.identity.byteCount == begun.identity.byteCount,
                other.identity.modified == begun.identity.modified,
                try haveSameContents(input.descriptor, target, isCancelled)
            else { return false }
            try remove(source, if: begun.identity, input.descriptor)
            return true
        }
        let folder = try OwnedDescriptor(opening: target.removingLastComponent(), flags: O_RDONLY | O_DIRECTORY)
        let temporary = target.removingLastComponent().pushing(FilePath(".parlograph-\(getpid())-\(copies.add(1)).tmp"))
        do {
            try copyContents(of: input.descriptor, begun, to: temporary, isCancelled)
            guard try FileStatus(of: input.descriptor).identity == begun.identity else {
                throw SourceChanged(path: source)
            }
            let status = temporary.withPlatformString { old in
                target.withPlatformString { clinux_rename_noreplace(AT_FDCWD, old, AT_FDCWD, $0) }
            }
            if status == -EEXIST {
                _ = temporary.withPlatformString { unlink($0) }
                return false
            }
            guard status == 0 else { throw SystemError("rename", target.printable, negative: status) }
        } catch {
            _ = temporary.withPlatformString { unlink($0) }
            throw error
        }
        do {
            try AtomicFile.syncFolder(folder.descriptor)
            try remove(source, if: begun.identity, input.descriptor)
        } catch {
            _ = target.withPlatformString { unlink($0) }
            throw error
        }
        return true
    }

    /// - Parameter opened: the file that was copied.
    private static func remove(_ source: FilePath, if identity: FileIdentity, _ opened: FileDescriptor) throws {
        guard try FileStatus(at: source, followingLinks: false).identity == identity,
            FileLease.probe(opened) != .refused
        else { throw SourceChanged(path: source) }
        guard source.withPlatformString({ unlink($0) }) == 0 else {
            throw SystemError("unlink", source.printable, errno: Errno(rawValue: errno))
        }
    }

    private static func copyContents(
        of input: FileDescriptor, _ status: FileStatus, to target: FilePath, _ isCancelled: () -> Bool
    ) throws {
        let output = try OwnedDescriptor(
            opening: target, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        var copied: Int64 = 0
        while true {
            guard !isCancelled() else { throw CancellationError() }
            let count = sendfile(output.descriptor.rawValue, input.rawValue, nil, pieceBytes)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("sendfile", target.printable, errno: Errno(rawValue: errno)) }
            if count == 0 { break }
            copied += Int64(count)
        }
        guard copied == status.identity.byteCount else { throw SourceChanged(path: target) }
        let seconds = status.identity.modified / 1_000_000_000
        let time = timespec(tv_sec: Int(seconds), tv_nsec: Int(status.identity.modified % 1_000_000_000))
        guard fchmod(output.descriptor.rawValue, mode_t(status.mode)) == 0,
            futimens(output.descriptor.rawValue, [time, time]) == 0, fsync(output.descriptor.rawValue) == 0
        else { throw SystemError("fsync", target.printable, errno: Errno(rawValue: errno)) }
    }

    private static func haveSameContents(
        _ one: FileDescriptor, _ path: FilePath, _ isCancelled: () -> Bool
    ) throws -> Bool {
        let other = try OwnedDescriptor(opening: path, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        let blockBytes = pieceBytes
        let blocks = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * blockBytes, alignment: 16)
        defer { blocks.deallocate() }
        let (first, second) = (
            UnsafeMutableRawBufferPointer(rebasing: blocks[..<blockBytes]),
            UnsafeMutableRawBufferPointer(rebasing: blocks[blockBytes...])
        )
        var offset: Int64 = 0
        while true {
            guard !isCancelled() else { throw CancellationError() }
            let count = try one.read(fromAbsoluteOffset: offset, into: first)
            guard count > 0 else { return true }
            var done = 0
            while done < count {
                let more = try other.descriptor.read(
                    fromAbsoluteOffset: offset + Int64(done),
                    into: UnsafeMutableRawBufferPointer(rebasing: second[done..<count]))
                guard more > 0 else { return false }
                done += more
            }
            guard first[..<count].elementsEqual(second[..<count]) else { return false }
            offset += Int64(count)
        }
    }
}

extension RawName {
    /// `talk.mp3`, `talk (2).mp3`, `talk (3).mp3` …; cut at a character's border so that 255 bytes are not exceeded.
    package func numbered(_ number: Int) -> RawName {
        guard number > 1 else { return self }
        let mark = Array(" (\(number))".utf8)
        let dot = bytes.lastIndex(of: 0x2E).flatMap { $0 > 0 && bytes.count - $0 <= 16 ? $0 : nil } ?? bytes.count
        var stem = bytes[..<dot]
        let ending = bytes[dot...]
        var excess = stem.count + mark.count + ending.count - 255
        while excess > 0, let last = stem.last {
            stem.removeLast()
            excess -= 1
            // A character's continuation bytes go with it.
            if excess <= 0, last & 0xC0 == 0x80 { excess = 1 }
        }
        return RawName(bytes: stem + mark + ending)
    }
}
