import Glibc
import Synchronization
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// How often a recording is read as a whole.
@Suite(.timeLimit(.minutes(20))) struct RecordingDigestTests {
    /// Remembers one digest, as the journal does.
    private final class Memory: Sendable {
        private let known = Guarded<(digest: Digest, changed: Int64)?>(nil)
        var isEmpty: Bool { known.value == nil }
        var memory: DigestMemory {
            DigestMemory { changed in
                self.known.value.flatMap { $0.changed == changed ? $0.digest : nil }
            } remember: { digest, changed in
                self.known.change { $0 = (digest, changed) }
            }
        }
    }

    private let memory = Memory()
    private let reads = SharedCounter()

    private func open(_ path: FilePath) throws -> Recording {
        let folder = try OwnedDescriptor(opening: path.removingLastComponent(), flags: O_RDONLY | O_DIRECTORY)
        return try Recording(
            opening: RawName(path).last, beneath: folder.descriptor, at: path.removingLastComponent(),
            digestMemory: memory.memory)
    }

    private func digest(
        _ recording: Recording, whileReading: @escaping @Sendable () throws -> Void = {}
    ) async throws -> Digest {
        let reads = reads
        return try await recording.digest { file, buffer, offset in
            reads.add(1)
            try whileReading()
            return try file.read(fromAbsoluteOffset: offset, into: buffer)
        }
    }

    private static func sha256(_ text: String) -> Digest {
        Array(text.utf8).withUnsafeBytes { SHA256.digest(of: $0) }
    }

    @Test func aSecondRunDoesNotReadTheFileAgain() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder.appending("talk.wav")
            try TestAudioFile.write(Array("words".utf8), to: path)
            #expect(try await digest(open(path)) == Self.sha256("words"))
            let first = reads.value
            #expect(first > 0)
            #expect(try await digest(open(path)) == Self.sha256("words"))
            #expect(reads.value == first)
        }
    }

    /// Somebody writes other words of the same length and puts the time back: only the time of change tells.
    @Test func aChangedFileIsReadAgainWhateverItsTimeSays() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder.appending("talk.wav")
            try TestAudioFile.write(Array("words".utf8), to: path)
            let before = try FileStatus(at: path)
            _ = try await digest(open(path))
            try await eventually("a later time of change") {
                let file = try FileDescriptor.open(path, .writeOnly)
                try file.closeAfter { _ = try file.writeAll("tales".utf8) }
                let old = before.identity.modified
                let time = timespec(tv_sec: Int(old / 1_000_000_000), tv_nsec: Int(old % 1_000_000_000))
                _ = path.withPlatformString { utimensat(AT_FDCWD, $0, [time, time], 0) }
                return try FileStatus(at: path).changed != before.changed
            }
            #expect(try FileStatus(at: path).identity == before.identity)
            #expect(try await digest(open(path)) == Self.sha256("tales"))
        }
    }

    @Test func whatChangesWhileItIsReadIsNotRemembered() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder.appending("talk.wav")
            try TestAudioFile.write(Array("words".utf8), to: path)
            let error = await #expect(throws: TranscriptionError.self) {
                _ = try await digest(open(path)) {
                    let file = try FileDescriptor.open(path, .writeOnly, options: .append)
                    try file.closeAfter { _ = try file.writeAll("more".utf8) }
                }
            }
            #expect(error?.code == .recordingChanged)
            #expect(memory.isEmpty)
        }
    }

    /// Other words of the same length, written while it is read and with the time put back: they are not what was read.
    @Test func whatChangesUnseenWhileItIsReadIsNotRemembered() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder.appending("talk.wav")
            try TestAudioFile.write(Array("words".utf8), to: path)
            let before = try FileStatus(at: path)
            _ = try await digest(open(path)) {
                // The clock of file systems may stand still for some milliseconds.
                while try FileStatus(at: path).changed == before.changed {
                    let file = try FileDescriptor.open(path, .writeOnly)
                    try file.closeAfter { _ = try file.writeAll("tales".utf8) }
                    let old = before.identity.modified
                    let time = timespec(tv_sec: Int(old / 1_000_000_000), tv_nsec: Int(old % 1_000_000_000))
                    _ = path.withPlatformString { utimensat(AT_FDCWD, $0, [time, time], 0) }
                }
            }
            #expect(try FileStatus(at: path).identity == before.identity)
            #expect(memory.isEmpty)
        }
    }

    /// A hearing of gigabytes whose job is stopped is not read to its end.
    @Test func readingEndsWithItsJob() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder.appending("talk.wav")
            try TestAudioFile.write([], to: path)
            let pieces: Int64 = 1000
            #expect(truncate(path.string, off_t(pieces << 20)) == 0)
            let begun = Turnstile()
            await #expect(throws: CancellationError.self) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { _ = try await digest(open(path)) { begun.pass() } }
                    await begun.haveArrived(1)
                    group.cancelAll()
                    begun.open()
                    try await group.waitForAll()
                }
            }
            #expect(reads.value < pieces / 2, "it read on: \(reads.value) pieces")
            #expect(memory.isEmpty)
        }
    }

    @Test func aReadErrorNamesTheFileAndIsNotRemembered() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder.appending("talk.wav")
            try TestAudioFile.write(Array("words".utf8), to: path)
            let error = await #expect(throws: TranscriptionError.self) {
                _ = try await digest(open(path)) { throw Errno.ioError }
            }
            #expect(error?.code == .noSuchInput && (error?.cause as? SystemError)?.errno == .ioError)
            #expect(error?.message == "talk.wav cannot be read: Input/output error. Look at its disk or server.")
            #expect(memory.isEmpty)
        }
    }

    /// As many hearings as may be in work hang in a dead mount: what is short goes on.
    @Test func recordingsThatHangHoldUpNoShortWork() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder.appending("talk.wav")
            try TestAudioFile.write(Array("words".utf8), to: path)
            let (hung, pool) = (Turnstile(), WholeFilePool())
            try await hung.holding {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 1...16 {
                        group.addTask {
                            _ = try await open(path).digest(in: pool) {
                                hung.pass()
                                return try $0.read(fromAbsoluteOffset: $2, into: $1)
                            }
                        }
                    }
                    await hung.haveArrived(2)
                    for number in 1...20 {
                        #expect(await BlockingPool.files.run { number } == number)
                        #expect(await BlockingPool.files.run(on: .folder(folder)) { number } == number)
                    }
                    hung.open()
                    try await group.waitForAll()
                }
            }
        }
    }
}
