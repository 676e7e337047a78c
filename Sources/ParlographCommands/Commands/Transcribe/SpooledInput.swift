import Glibc
import SystemPackage
import SystemSupport
import Transcription

/// Standard input as a recording. What comes through a pipe is copied into a file without a name first: the formats are told
/// apart, measured and cut by jumping about in them.
enum SpooledInput {
    /// In `source.name` and in the names of sidecars.
    static let name = FilePath("stdin")
    private static let bytesAtATime = 1 << 20
    /// How long a cancelled run waits for a pipe in which nothing comes, in milliseconds.
    private static let wait: Int32 = 250

    /// - Throws: `TranscriptionError`: `noSuchInput` for a terminal or what cannot be read, `cannotWrite` where there is no room
    ///   for the copy; `CancellationError`.
    static func recording(
        from input: FileDescriptor = .standardInput, environment: [String: String] = ProcessEnvironment.all
    ) async throws -> Recording {
        guard isatty(input.rawValue) == 0 else {
            throw TranscriptionError(
                .noSuchInput,
                "Standard input is a terminal: give a recording, or pipe one in (parlograph transcribe - < FILE).")
        }
        let status = try await BlockingPool.files.run { try FileStatus(of: input) }
        if status.kind == .regular { return try await BlockingPool.files.run { try reopened(input) } }
        let folder = FilePath(environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/var/tmp")
        let copy = try await BlockingPool.files.run { try nameless(in: folder) }
        while try await BlockingPool.files.run({ try copyStep(from: input, to: copy.descriptor, in: folder) }) {
            try Task.checkCancellation()
        }
        return try await BlockingPool.files.run { try reopened(copy.descriptor) }
    }

    /// For reading, with a place of its own.
    private static func reopened(_ descriptor: FileDescriptor) throws -> Recording {
        try Recording(opening: FilePath("/proc/self/fd/\(descriptor.rawValue)"), followingLinks: true, called: name)
    }

    private static func nameless(in folder: FilePath) throws -> NamelessFile {
        do {
            return try NamelessFile(in: folder)
        } catch let error as SystemError {
            throw noRoom(in: folder, error)
        }
    }

    /// - Returns: whether more may come.
    private static func copyStep(from input: FileDescriptor, to copy: FileDescriptor, in folder: FilePath) throws
        -> Bool
    {
        var ready = pollfd(fd: input.rawValue, events: Int16(POLLIN), revents: 0)
        guard poll(&ready, 1, wait) != 0 else { return true }
        let bytes: [UInt8]
        do {
            bytes = try [UInt8](unsafeUninitializedCapacity: bytesAtATime) { buffer, count in
                count = try input.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
        } catch let error as Errno {
            throw TranscriptionError(.noSuchInput, "Standard input cannot be read: \(error).", cause: error)
        }
        do {
            _ = try copy.writeAll(bytes)
        } catch let error as Errno {
            throw noRoom(in: folder, SystemError("write", folder.printable, errno: error))
        }
        return !bytes.isEmpty
    }

    private static func noRoom(in folder: FilePath, _ error: SystemError) -> TranscriptionError {
        TranscriptionError(
            .cannotWrite,
            "Standard input cannot be kept in \(folder.printable) while it is transcribed: \(error.errno). Set TMPDIR to a "
                + "folder with room for it.", cause: error)
    }
}

/// A file that is in no folder: gone when it is closed, also by a kill.
private final class NamelessFile: Sendable {
    private let file: OwnedDescriptor
    /// O_TMPFILE of fcntl.h, a macro that Swift does not see.
    private static let temporary = 0o20_000_000 | O_DIRECTORY

    var descriptor: FileDescriptor { file.descriptor }

    /// Blocks.
    /// - Throws: `SystemError`.
    init(in folder: FilePath) throws {
        do {
            file = try OwnedDescriptor(opening: folder, flags: Self.temporary | O_RDWR, mode: 0o600)
        } catch let error as SystemError where [.notSupported, .isDirectory].contains(error.errno) {
            // A file system that has none: made and taken out of its folder at once.
            let name = ".parlograph-\(getpid())-0.tmp"
            let path = folder.appending(name)
            file = try OwnedDescriptor(opening: path, flags: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            _ = path.withPlatformString { unlink($0) }
        }
    }
}
