import CLinux
import Glibc
package import SystemPackage

/// Moves files without ever replacing another one, across file systems too. All functions block.
///
/// Names are taken from folders that are open, so that who may rename the folders on the way cannot have a file of
/// another tree moved, or one put there. What can change until the last moment is what lies under the last name: so
/// what has arrived is looked at, and put back if it is another one.
package enum FileMover {
    /// The file is not the one that was to be moved, or was written to meanwhile; it is still in its place.
    package struct SourceChanged: Error, CustomStringConvertible {
        /// Of the source.
        package let path: FilePath
        package var description: String { "\(path.printable) was written to or replaced while it was moved." }
    }

    private struct Source: ~Copyable {
        let folder: FileDescriptor
        let name: RawName
        let path: FilePath
        /// As it was looked at before.
        let status: FileStatus
        /// To know it again under its new name.
        let held: OwnedDescriptor

        init(_ name: RawName, in folder: borrowing OpenFolder) throws {
            self.folder = folder.descriptor
            self.name = name
            path = folder.path.pushing(name.path)
            let held = try folder.holding(name)
            status = try FileStatus(of: held.descriptor)
            self.held = held
        }
    }

    /// Moves the file `name` of one folder into another under `wanted`, or `wanted (2)`, `wanted (3)` … where that is taken.
    /// - Parameters:
    ///   - identity: what the file must still be; nil: as it is now.
    ///   - isCancelled: is asked before the move and before each piece of a copy to another file system.
    ///   - sync: as for `AtomicFile.write`.
    /// - Returns: the name it got.
    /// - Throws: `SystemError`, `SourceChanged`, `CancellationError`; the source is still in its place then.
    package static func move(
        _ name: RawName, in folder: borrowing OpenFolder, to target: borrowing OpenFolder, named wanted: RawName,
        identity: FileIdentity? = nil, isCancelled: () -> Bool = { false },
        sync: AtomicFile.Sync = AtomicFile.kernelSync
    ) throws -> RawName {
        let source = try Source(name, in: folder)
        guard source.status.kind == .regular, source.status.identity == identity ?? source.status.identity else {
            throw SourceChanged(path: source.path)
        }
        guard !isCancelled() else { throw CancellationError() }
        for number in 1...10_000 {
            let candidate = wanted.numbered(number)
            let status = rename(name, in: folder.descriptor, to: candidate, in: target.descriptor)
            switch -status {
            case 0:
                try putBackIfAnother(candidate, in: target, source)
                return candidate
            case EEXIST: continue
            case EXDEV:
                // Before a long copy that would be in vain.
                guard folder.isWritable else { throw folder.fault(of: "unlink", name, .permissionDenied) }
                if try copy(source, to: candidate, in: target, sync, isCancelled) { return candidate }
            case EACCES, EPERM:
                let errno = Errno(rawValue: -status)
                throw target.isWritable
                    ? folder.fault(of: "rename", name, errno) : target.fault(of: "rename", candidate, errno)
            default: throw SystemError("rename", target.path.pushing(candidate.path).printable, negative: status)
            }
        }
        throw SystemError("rename", target.path.pushing(wanted.path).printable, errno: .fileExists)
    }

    private static func rename(
        _ old: RawName, in folder: FileDescriptor, to new: RawName, in target: FileDescriptor
    ) -> CInt {
        old.withCString { old in
            new.withCString { clinux_rename_noreplace(folder.rawValue, old, target.rawValue, $0) }
        }
    }

    /// Something else may have got the source's name in the moment of its move.
    /// - Throws: `SourceChanged` when it did.
    private static func putBackIfAnother(
        _ name: RawName, in target: borrowing OpenFolder, _ source: borrowing Source
    ) throws {
        let held = try FileStatus(of: source.held.descriptor).identity
        // What is gone from there again was taken by somebody who may.
        guard let arrived = try? target.status(of: name),
            arrived.kind != .regular
                || arrived.identity.inode != held.inode || arrived.identity.device != held.device
        else { return }
        for number in 1...10_000 {
            let status = rename(name, in: target.descriptor, to: source.name.numbered(number), in: source.folder)
            switch -status {
            case 0: throw SourceChanged(path: source.path)
            case EEXIST: continue
            default: throw SystemError("rename", source.path.printable, negative: status)
            }
        }
    }

    private static let copies = SharedCounter()

    /// How much is copied between two questions of `isCancelled`, at most.
    package static let pieceBytes = 1 << 20

    /// Copies to a hidden name, fsyncs, keeps the times, renames, then removes the source if it is still what was copied:
    /// a crash on the way leaves the source, and no half file under a name that counts.
    /// - Returns: false when something else lies under the name.
    private static func copy(
        _ source: borrowing Source, to name: RawName, in target: borrowing OpenFolder, _ sync: AtomicFile.Sync,
        _ isCancelled: () -> Bool
    ) throws -> Bool {
        let input = try OwnedDescriptor(
            opening: source.name.path, from: source.folder, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        let begun = try FileStatus(of: input.descriptor)
        guard begun.identity == source.status.identity else { throw SourceChanged(path: source.path) }
        if let other = try? target.status(of: name) {
            // A crash came between the copy's new name and the removal of its source.
            guard other.kind == .regular, other.identity.byteCount == begun.identity.byteCount,
                other.identity.modified == begun.identity.modified,
                try haveSameContents(input.descriptor, name, in: target.descriptor, isCancelled)
            else { return false }
            try remove(source, if: begun.identity, input.descriptor)
            return true
        }
        let temporary = RawName(bytes: ".parlograph-\(getpid())-\(copies.add(1)).tmp".utf8)
        do {
            try copyContents(of: input.descriptor, begun, to: temporary, in: target, sync, isCancelled)
            guard try FileStatus(of: input.descriptor).identity == begun.identity else {
                throw SourceChanged(path: source.path)
            }
            let status = rename(temporary, in: target.descriptor, to: name, in: target.descriptor)
            if status == -EEXIST {
                try target.unlink(temporary)
                return false
            }
            guard status == 0 else {
                throw SystemError("rename", target.path.pushing(name.path).printable, negative: status)
            }
        } catch {
            try? target.unlink(temporary)
            throw error
        }
        do {
            try AtomicFile.syncFolder(target.descriptor, sync: sync)
            try remove(source, if: begun.identity, input.descriptor)
        } catch {
            try? target.unlink(name)
            throw error
        }
        return true
    }

    /// - Parameter opened: the file that was copied.
    private static func remove(
        _ source: borrowing Source, if identity: FileIdentity, _ opened: FileDescriptor
    ) throws {
        guard try FileStatus(of: source.name, in: source.folder).identity == identity,
            FileLease.probe(opened) != .refused
        else { throw SourceChanged(path: source.path) }
        guard source.name.withCString({ unlinkat(source.folder.rawValue, $0, 0) }) == 0 else {
            throw SystemError("unlink", source.path.printable, errno: Errno(rawValue: errno))
        }
    }

    private static func copyContents(
        of input: FileDescriptor, _ status: FileStatus, to name: RawName, in folder: borrowing OpenFolder,
        _ sync: AtomicFile.Sync, _ isCancelled: () -> Bool
    ) throws {
        let target = folder.path.pushing(name.path)
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
        let made = name.withCString { clinux_openat(folder.descriptor.rawValue, $0, flags, 0o600) }
        guard made >= 0 else { throw folder.fault(of: "open", name, Errno(rawValue: -made)) }
        let output = OwnedDescriptor(owning: FileDescriptor(rawValue: made))
        var copied: Int64 = 0
        // One that grows as fast as it is copied has no end.
        while copied <= status.identity.byteCount {
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
            futimens(output.descriptor.rawValue, [time, time]) == 0
        else { throw SystemError("futimens", target.printable, errno: Errno(rawValue: errno)) }
        let synced = sync(output.descriptor)
        guard synced == 0 else { throw SystemError("fsync", target.printable, negative: synced) }
    }

    private static func haveSameContents(
        _ one: FileDescriptor, _ name: RawName, in folder: FileDescriptor, _ isCancelled: () -> Bool
    ) throws -> Bool {
        let other = try OwnedDescriptor(
            opening: name.path, from: folder, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
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
