import FoundationEssentials
import GRDB
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import TranscriptCache
import Transcription

/// How recordings were cut, in both levels of the cache.
@Suite(.timeLimit(.minutes(20))) struct CutCacheTests {
    private let clock = FakeClock()

    private func cache(in directory: FilePath, memory: Int64 = 0, ttl: Int64 = 86400) -> MultiLevelCache {
        MultiLevelCache(
            settings: CacheSettings(
                directory: directory, memoryBytes: memory, diskBytes: 1 << 30, timeToLiveSeconds: ttl),
            logger: quiet, now: { [clock] in clock.now })
    }

    private func cuts(_ lengths: [Int64]) -> RecordingCuts {
        var start: Int64 = 0
        return RecordingCuts(
            lengths.enumerated().map { index, length in
                defer { start += length }
                let range = SampleRange(start, start + length)
                return RecordingCuts.Piece(
                    of: Chunk(
                        index: index, range: range, owned: range, hash: key("\(length)").digest, speech: [],
                        audio: ChunkAudio([])))
            })
    }

    @Test(arguments: [Int64(0), 1 << 20]) func areReadBackAndExpire(memory: Int64) async throws {
        try await withTemporaryDirectory { folder in
            let made = [cuts([5, 6, 7]), cuts([40])]
            let first = cache(in: folder, memory: memory, ttl: 100)
            #expect(await first.cuts(for: key("a")).isEmpty)
            await first.store(made, for: key("a"))
            #expect(await first.cuts(for: key("a")) == made)
            let second = cache(in: folder, memory: memory, ttl: 100)
            #expect(await second.cuts(for: key("a")) == made)
            #expect(await second.cuts(for: key("b")).isEmpty)
            // They spare nobody a transcription by themselves.
            #expect(await second.statistics().hits == 0)
            #expect(await second.statistics().misses == 0)
            clock.advance(by: 101)
            #expect(await first.cuts(for: key("a")).isEmpty)
            #expect(await second.cuts(for: key("a")).isEmpty)
        }
    }

    @Test(arguments: ["", "{", "[[]]", #"[{"pieces":[[1,2,3]]}]"#, #"[{"pieces":[["a",2,3,4,"x"]]}]"#])
    func aDamagedRowIsAsGoodAsNone(value: String) async throws {
        try await withTemporaryDirectory { folder in
            await cache(in: folder).store([cuts([5])], for: key("a"))
            let file = try DatabaseQueue(path: folder.appending("cache.sqlite").string)
            try await file.write { db in
                try db.execute(sql: "UPDATE entry SET value = ?", arguments: [Data(value.utf8)])
            }
            try file.close()
            let again = cache(in: folder)
            #expect(await again.cuts(for: key("a")).isEmpty)
            await again.store([cuts([5])], for: key("a"))
            #expect(await again.cuts(for: key("a")) == [cuts([5])])
        }
    }
}
