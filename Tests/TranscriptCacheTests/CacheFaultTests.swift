import GRDB
import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import TranscriptCache
import Transcription

/// The cache may cost time, never a transcript: whatever is wrong with its file, every call is answered.
@Suite(.timeLimit(.minutes(20))) struct CacheFaultTests {
    private let clock = FakeClock()

    /// A cache without a memory level, so that a hit is one of the disk.
    private func cache(
        in directory: FilePath, memory: Int64 = 0, maximumPages: Int? = nil
    ) -> (MultiLevelCache, RecordingLog.Lines) {
        let (logger, lines) = RecordingLog.logger()
        let cache = MultiLevelCache(
            settings: CacheSettings(
                directory: directory, memoryBytes: memory, diskBytes: 1 << 30, timeToLiveSeconds: 86400),
            logger: logger,
            now: { [clock] in clock.now }, maximumPages: maximumPages)
        return (cache, lines)
    }

    private func corruptFiles(in folder: FilePath) throws -> [String] {
        try names(in: folder).filter { $0.hasPrefix("cache.sqlite.corrupt-") && !$0.hasSuffix("m") }
    }

    @Test(arguments: [
        Array("This is no database, but it is long enough to look like one.".utf8),
        Array("SQLite format 3\0".utf8) + Array(repeating: 0xFF, count: 8000),
    ])
    func aDamagedFileIsSetAsideAndRebuilt(contents: [UInt8]) async throws {
        try await withTemporaryDirectory { folder in
            try write(contents, to: folder.appending("cache.sqlite"))
            let (cache, lines) = cache(in: folder)
            let made = Counter()
            for _ in 0..<3 {
                let text = try await cache.text("a", made: made)
                #expect(text == "text of a")
            }
            #expect(made.value == 1)
            #expect(try names(in: folder).contains("cache.sqlite.corrupt-1"))
            #expect(lines.warnings.count == 1)
            #expect(lines.warnings.first?.contains("cache.sqlite.corrupt-1") == true)
        }
    }

    @Test func aFileDamagedInTheMiddleWhileOpenIsSetAside() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder.appending("cache.sqlite")
            let (first, _) = cache(in: folder)
            for i in 0..<50 { _ = try await first.text("\(i)") }
            _ = await first.prune()  // empties the write-ahead log
            let (second, lines) = cache(in: folder)
            _ = try await second.text("0")
            let size = try FileStatus(at: path).identity.byteCount
            try write(Array(repeating: 0x5A, count: Int(size)), to: path)
            let made = Counter()
            for i in 100..<110 { _ = try await second.text("\(i)", made: made) }
            for i in 100..<110 { _ = try await second.text("\(i)", made: made) }
            #expect(made.value == 10)
            #expect(try !corruptFiles(in: folder).isEmpty)
            #expect(lines.warnings.count == 1)
        }
    }

    @Test func damagedFilesDoNotPileUp() async throws {
        try await withTemporaryDirectory { folder in
            for _ in 0..<6 {
                try write(Array("no database, not at all, not this one".utf8), to: folder.appending("cache.sqlite"))
                let (cache, _) = cache(in: folder)
                _ = try await cache.text("a")
                for suffix in ["", "-wal", "-shm"] {
                    FilePath(folder.appending("cache.sqlite").string + suffix).withPlatformString { _ = unlink($0) }
                }
            }
            #expect(try corruptFiles(in: folder).count == 3)
        }
    }

    @Test func aValueThatDoesNotDecodeIsAMissAndRemoved() async throws {
        try await withTemporaryDirectory { folder in
            let file = try CacheFile(at: folder.appending("cache.sqlite"), maximumPages: nil)
            try file.store(Array("{\"segments\":7}".utf8), for: key("a"), kind: .chunk, now: clock.now)
            file.close()
            let (cache, lines) = cache(in: folder)
            let made = Counter()
            for _ in 0..<2 {
                let text = try await cache.text("a", made: made)
                #expect(text == "text of a")
            }
            #expect(made.value == 1)
            #expect(lines.warnings.isEmpty)
        }
    }

    @Test func aFolderThatCannotBeMadeLeavesTheMemoryLevel() async throws {
        try await withTemporaryDirectory { folder in
            try write([], to: folder.appending("file"))
            let (cache, lines) = cache(in: folder.appending("file/cache"), memory: 1 << 20)
            let made = Counter()
            for _ in 0..<3 { _ = try await cache.text("a", made: made) }
            _ = try await cache.text("b", made: made)
            #expect(made.value == 2)
            #expect(lines.warnings.count == 1)
            #expect(lines.warnings.first?.contains("Not a directory") == true)
            #expect(await cache.statistics().diskFault?.contains("cache_directory") == true)
        }
    }

    @Test func aFolderInPlaceOfTheFileLeavesTheMemoryLevel() async throws {
        try await withTemporaryDirectory { folder in
            folder.appending("cache.sqlite").withPlatformString { _ = mkdir($0, 0o755) }
            let (cache, lines) = cache(in: folder, memory: 1 << 20)
            let made = Counter()
            for _ in 0..<3 { _ = try await cache.text("a", made: made) }
            #expect(made.value == 1)
            #expect(lines.warnings.count == 1)
        }
    }

    @Test func aFullDiskLeavesReadingAndRecovers() async throws {
        try await withTemporaryDirectory { folder in
            let (small, lines) = cache(in: folder, maximumPages: 40)
            let long = String(repeating: "many words ", count: 1000)
            for i in 0..<30 { _ = try await small.chunkTranscript(for: key("\(i)")) { words(long) } }
            #expect(lines.warnings.count == 1)
            #expect(lines.warnings.first?.contains("no space left") == true)
            let (_, fromCache) = try await small.chunkTranscript(for: key("0")) { words("no") }
            #expect(fromCache)
            #expect(await small.statistics().diskFault != nil)
            _ = await small.clear()
            _ = try await small.text("a")
            #expect(await small.statistics().diskFault == nil)
            #expect(await small.statistics().diskEntries == 1)
        }
    }

    @Test func aVanishedFolderIsMadeAgain() async throws {
        try await withTemporaryDirectory { folder in
            let place = folder.appending("cache")
            let (cache, lines) = cache(in: place)
            _ = try await cache.text("a")
            for name in try names(in: place) { place.appending(name).withPlatformString { _ = unlink($0) } }
            place.withPlatformString { _ = rmdir($0) }
            let made = Counter()
            for _ in 0..<2 { _ = try await cache.text("b", made: made) }
            #expect(made.value == 1)
            #expect(try names(in: place).contains("cache.sqlite"))
            #expect(lines.warnings.isEmpty)
        }
    }

    @Test func aRowThatWasCutIsMadeAgain() async throws {
        try await withTemporaryDirectory { folder in
            for change in ["substr(value, 1, length(value) - 1)", "substr(value, 1, 40)", "x''", "x'7b7d'"] {
                let (first, _) = cache(in: folder)
                let made = Counter()
                #expect(try await first.text("a", made: made) == "text of a")
                _ = await first.prune()
                let queue = try DatabaseQueue(path: folder.appending("cache.sqlite").string)
                try await queue.write { db in try db.execute(sql: "UPDATE entry SET value = \(change)") }
                try queue.close()
                let (second, _) = cache(in: folder)
                for _ in 0..<2 { #expect(try await second.text("a", made: made) == "text of a") }
                #expect(made.value == 2, "\(change)")
                _ = await second.clear()
            }
        }
    }

    @Test func aFileOfALaterVersionIsLeftAlone() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder.appending("cache.sqlite")
            try CacheFile(at: path, maximumPages: nil).close()
            let queue = try DatabaseQueue(path: path.string)
            try await queue.write { db in
                try db.execute(sql: "INSERT INTO grdb_migrations VALUES ('999: of another time')")
            }
            try queue.close()
            let (cache, lines) = cache(in: folder, memory: 1 << 20)
            let made = Counter()
            for _ in 0..<2 { _ = try await cache.text("a", made: made) }
            #expect(made.value == 1)
            #expect(lines.warnings.count == 1)
            #expect(lines.warnings.first?.contains("newer version") == true)
            #expect(try names(in: folder).allSatisfy { !$0.contains("corrupt") })
        }
    }

    @Test func aFaultIsLoggedOnceAndTheFileTriedAgainAfterAMinute() async throws {
        try await withTemporaryDirectory { folder in
            try write([], to: folder.appending("cache"))
            let (cache, lines) = cache(in: folder.appending("cache"))
            let made = Counter()
            for _ in 0..<5 {
                _ = try await cache.text("a", made: made)
                clock.advance(by: 61)
            }
            #expect(made.value == 5)
            #expect(lines.warnings.count == 1)
            folder.appending("cache").withPlatformString { _ = unlink($0) }
            for _ in 0..<2 { _ = try await cache.text("a", made: made) }
            #expect(made.value == 6)
        }
    }

    /// Permission bits do not bind root, so the thread takes another user's file rights (setfsuid(2) is per thread).
    @Test(arguments: [(mode_t(0o777), true), (0o555, false)])
    func aReadOnlyFileIsReadAndAReadOnlyFolderCostsNoTranscript(folderMode: mode_t, isReadable: Bool) async throws {
        try await withTemporaryDirectory { folder in
            let (owner, _) = cache(in: folder)
            _ = try await owner.text("a")
            _ = await owner.prune()  // empties the write-ahead log
            let (logger, lines) = RecordingLog.logger()
            let settings = CacheSettings(
                directory: folder, memoryBytes: 64 << 20, diskBytes: 1 << 30, timeToLiveSeconds: 86400)
            let now = clock.now
            folder.appending("cache.sqlite").withPlatformString { _ = chmod($0, 0o444) }
            for suffix in ["-wal", "-shm"] {
                FilePath(folder.appending("cache.sqlite").string + suffix).withPlatformString { _ = unlink($0) }
            }
            folder.withPlatformString { _ = chmod($0, folderMode) }
            let found = await asAnotherUser {
                let disk = DiskCache(settings: settings, logger: logger, now: { now })
                disk.store([1, 2, 3], for: key("b"), kind: .chunk)
                disk.store([1, 2, 3], for: key("c"), kind: .chunk)
                return disk.row(for: key("a"), kind: .chunk) != nil
            }
            #expect(found == isReadable)
            #expect(lines.warnings.count == 1)
            #expect(lines.warnings.first?.contains("ermission") == true)
        }
    }

    private func asAnotherUser<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        typealias SetUser = @convention(c) (UInt32) -> CInt
        return await withCheckedContinuation { continuation in
            Thread.start(name: "nobody") {
                if let symbol = dlsym(nil, "setfsuid") { _ = unsafeBitCast(symbol, to: SetUser.self)(65534) }
                continuation.resume(returning: body())
            }
        }
    }
}
