import Glibc
package import SystemPackage
package import SystemSupport

/// Knows the digest of one recording's contents from an earlier run, which would take minutes to make anew.
package struct DigestMemory: Sendable {
    /// The digest of the file as it was at its last change; nil when it is not known of that.
    let recall: @Sendable (_ changed: Int64) async -> Digest?
    let remember: @Sendable (_ digest: Digest, _ changed: Int64) async -> Void

    /// - Parameters:
    ///   - recall: gets the file's `FileStatus.changed`.
    ///   - remember: is called with a digest of contents that did not change while they were read.
    package init(
        recall: @escaping @Sendable (_ changed: Int64) async -> Digest?,
        remember: @escaping @Sendable (_ digest: Digest, _ changed: Int64) async -> Void
    ) {
        self.recall = recall
        self.remember = remember
    }
}

// Its contents as a whole.
extension Recording {
    /// Reads into a buffer from an offset, as pread(2); returns the count of bytes, zero at the end.
    package typealias Read = @Sendable (FileDescriptor, UnsafeMutableRawBufferPointer, Int64) throws -> Int

    /// What hangs when reading it does.
    var storage: Storage { .device(identity.device) }

    private static let pieceBytes = 1 << 20

    /// SHA-256 over the file's bytes: remembered, if it has not changed since, or read in turns with other whole files.
    /// - Parameters:
    ///   - pool: where it is read.
    ///   - read: replaced in tests.
    /// - Throws: `TranscriptionError` with code `recordingChanged` or, on a read error, `noSuchInput`; `SystemError`; `CancellationError`.
    package func digest(
        in pool: WholeFilePool = .shared, read: @escaping Read = { try $0.read(fromAbsoluteOffset: $2, into: $1) }
    ) async throws -> Digest {
        let before = try await unchangedStatus()
        if let known = await digestMemory?.recall(before.changed) { return known }
        let digest = try await pool.run(on: storage, bytes: byteCount) { try self.digest(read, in: $0) }
        let after = try await unchangedStatus()
        // A new name or other rights change it as well; the digest is right then, but it will not be known by this time.
        if after.changed == before.changed { await digestMemory?.remember(digest, after.changed) }
        return digest
    }

    private func unchangedStatus() async throws -> FileStatus {
        let status = try await BlockingPool.files.run(on: storage) { try FileStatus(of: self.descriptor) }
        guard status.identity == identity else { throw changedWhileRead }
        return status
    }

    private var changedWhileRead: TranscriptionError {
        TranscriptionError(.recordingChanged, "\(displayName) was written to while it was read.")
    }

    private func digest(_ read: Read, in turn: WholeFilePool.Turn) throws -> Digest {
        var hash = SHA256()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceBytes, alignment: 64)
        defer { buffer.deallocate() }
        var offset: Int64 = 0
        while true {
            let count: Int
            do {
                count = try read(descriptor, buffer, offset)
            } catch let errno as Errno {
                throw cannotBeRead(errno)
            }
            if count == 0 { return hash.finish() }
            hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset += Int64(count)
            // One that grows as fast as it is read would have no end.
            guard offset <= byteCount else { throw changedWhileRead }
            guard turn.goesOn(after: count) else { throw CancellationError() }
        }
    }
}
