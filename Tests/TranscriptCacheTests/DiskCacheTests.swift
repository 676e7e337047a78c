import SystemPackage
import SystemSupport
import TestSupport
import Testing
import TranscriptCache
import Transcription

@Suite(.timeLimit(.minutes(20))) struct DiskCacheTests {
    private let clock = FakeClock()

    private func cache(
        in directory: FilePath, memory: Int64 = 0, disk: Int64 = 1 << 30, ttl: Int64 = 86400
    ) -> MultiLevelCache {
        MultiLevelCache(
            settings: CacheSettings(
                directory: directory, memoryBytes: memory, diskBytes: disk, timeToLiveSeconds: ttl),
            logger: quiet, now: { [clock] in clock.now })
    }

    @Test func survivesAReopen() async throws {
        try await withTemporaryDirectory { folder in
            let made = Counter()
            let text = try await cache(in: folder).text("a", made: made)
            #expect(text == "text of a")
            let again = cache(in: folder)
            let textAgain = try await again.text("a", made: made)
            #expect(textAgain == "text of a")
            #expect(made.value == 1)
            let statistics = await again.statistics()
            #expect(statistics.diskHits == 1)
            #expect(statistics.misses == 0)
            #expect(statistics.diskEntries == 1)
            #expect(statistics.oldest == clock.now)
            #expect(statistics.fileBytes > 0)
            #expect(statistics.diskFault == nil)
        }
    }

    @Test func whatIsReadBackEqualsWhatWasStored() async throws {
        try await withTemporaryDirectory { folder in
            var stored = words("déjà vu — “quoted” \u{1F600}")
            stored.segments[0].confidence = 0.1 + 0.2
            stored.segments[0].averageLogProbability = -1.25e-7
            stored.segments[0].speaker = "SPEAKER_00"
            stored.segments[0].words[0].speaker = "Anna"
            stored.warnings = ["A warning."]
            let value = stored
            _ = try await cache(in: folder).chunkTranscript(for: key("a")) { value }
            let (read, fromCache) = try await cache(in: folder).chunkTranscript(for: key("a")) { words("no") }
            #expect(fromCache)
            #expect(read == stored)
        }
    }

    /// Rows of versions that knew nothing of speakers.
    @Test func rowsWithoutSpeakersAreStillRead() async throws {
        try await withTemporaryDirectory { folder in
            let row =
                #"{"language":"en","segments":[{"confidence":0.5,"range":{"end":16000,"start":160},"text":"old","#
                + #""words":[{"confidence":0.5,"range":{"end":16000,"start":160},"text":"old"}]}],"#
                + #""timesAreEstimated":false,"warnings":[]}"#
            let disk = DiskCache(
                settings: CacheSettings(
                    directory: folder, memoryBytes: 0, diskBytes: 1 << 30, timeToLiveSeconds: 86400), logger: quiet,
                now: { [clock] in clock.now })
            disk.store(Array(row.utf8), for: key("a"), kind: .chunk)
            let (read, fromCache) = try await cache(in: folder).chunkTranscript(for: key("a")) { words("no") }
            #expect(fromCache && read == words("old"))
        }
    }

    @Test func wholeRecordingsAreRememberedUnlessPartial() async throws {
        try await withTemporaryDirectory { folder in
            let source = Transcript.Source(
                name: "a.mp3", byteCount: 9, sha256: key("file").digest, format: "mp3", sampleRate: 44100, channels: 2)
            var transcript = Transcript(
                language: "en", sampleCount: 16_000, segments: words("hello").segments, gaps: [], warnings: [],
                chunks: [], source: source, engine: "offline", model: "m", timesAreEstimated: false)
            await cache(in: folder, memory: 1 << 20).store(transcript, for: key("whole"))
            #expect(await cache(in: folder).transcript(for: key("whole")) == transcript)
            transcript.gaps = [Transcript.Gap(range: SampleRange(0, 9), reason: "No answer.")]
            await cache(in: folder).store(transcript, for: key("partial"))
            #expect(await cache(in: folder).transcript(for: key("partial")) == nil)
        }
    }

    @Test(arguments: [Int64(0), 1 << 20]) func entriesExpire(memory: Int64) async throws {
        try await withTemporaryDirectory { folder in
            let cache = cache(in: folder, memory: memory, ttl: 100)
            let made = Counter()
            _ = try await cache.text("a", made: made)
            clock.advance(by: 99)
            _ = try await cache.text("a", made: made)
            #expect(made.value == 1)
            clock.advance(by: 1)
            _ = try await cache.text("a", made: made)
            #expect(made.value == 2)
        }
    }

    @Test func anEntryFromTheFutureDoesNotLiveForever() async throws {
        try await withTemporaryDirectory { folder in
            let made = Counter()
            clock.advance(by: 1_000_000)
            _ = try await cache(in: folder).text("a", made: made)
            clock.advance(by: -1_000_000)
            _ = try await cache(in: folder).text("a", made: made)
            #expect(made.value == 2)
        }
    }

    @Test func theFileStaysWithinItsBoundAndKeepsWhatWasUsedLast() async throws {
        try await withTemporaryDirectory { folder in
            let bound: Int64 = 400 << 10
            let cache = cache(in: folder, disk: bound)
            let long = String(repeating: "many words ", count: 1000)
            for i in 0..<100 {
                _ = try await cache.chunkTranscript(for: key("\(i)")) { words(long) }
                clock.advance(by: 61)  // hits are marked once a minute
                if i > 0 { _ = try await cache.chunkTranscript(for: key("0")) { words("no") } }
            }
            let statistics = await cache.statistics()
            #expect(statistics.diskBytes <= bound)
            #expect(statistics.diskEntries > 8)
            #expect(statistics.diskEntries < 40)
            let made = Counter()
            let misses = await cache.statistics().misses
            _ = try await cache.chunkTranscript(for: key("0")) { words("no") }
            _ = try await cache.chunkTranscript(for: key("99")) { words("no") }
            #expect(await cache.statistics().misses == misses)
            _ = try await cache.text("1", made: made)
            #expect(made.value == 1)
        }
    }

    @Test func pruneRemovesWhatIsExpiredAndShrinksTheFile() async throws {
        try await withTemporaryDirectory { folder in
            let cache = cache(in: folder, ttl: 100)
            let long = String(repeating: "many words ", count: 5000)
            for i in 0..<20 { _ = try await cache.chunkTranscript(for: key("\(i)")) { words(long) } }
            clock.advance(by: 100)
            _ = try await cache.text("fresh")
            let removal = await cache.prune()
            #expect(removal.expired == 20)
            #expect(removal.evicted == 0)
            #expect(removal.freedBytes > 1 << 20)
            #expect(removal.fault == nil)
            #expect(await cache.statistics().diskEntries == 1)
            #expect(await cache.statistics().fileBytes < 200 << 10)
        }
    }

    @Test func clearForgetsEverything() async throws {
        try await withTemporaryDirectory { folder in
            let cache = cache(in: folder, memory: 1 << 20)
            let made = Counter()
            for name in ["a", "b"] { _ = try await cache.text(name, made: made) }
            #expect(await cache.clear().evicted == 2)
            _ = try await cache.text("a", made: made)
            #expect(made.value == 3)
        }
    }

    @Test func aLookAtAMissingCacheLeavesNoFile() async throws {
        try await withTemporaryDirectory { folder in
            let cache = cache(in: folder.appending("cache"))
            #expect(await cache.statistics().diskEntries == 0)
            #expect(await cache.prune() == CacheRemoval())
            #expect(await cache.clear() == CacheRemoval())
            let left = try names(in: folder)
            #expect(left.isEmpty)
        }
    }

    @Test func disabledLevelsAreNotTouched() async throws {
        try await withTemporaryDirectory { folder in
            let made = Counter()
            let cache = cache(in: folder.appending("cache"), disk: 0)
            _ = try await cache.text("a", made: made)
            _ = try await cache.text("a", made: made)
            #expect(made.value == 2)
            #expect(try names(in: folder).isEmpty)
        }
    }

    @Test func aMissingFolderIsMadeAndTheFileIsPrivate() async throws {
        try await withTemporaryDirectory { folder in
            let deep = folder.appending("one/two")
            _ = try await cache(in: deep).text("a")
            #expect(try FileStatus(at: deep.appending("cache.sqlite")).mode & 0o077 == 0)
        }
    }

    @Test func twoHandlesShareOneFile() async throws {
        try await withTemporaryDirectory { folder in
            let (one, two) = (cache(in: folder), cache(in: folder))
            let made = Counter()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for i in 0..<40 {
                    group.addTask { _ = try await one.text("one \(i)", made: made) }
                    group.addTask { _ = try await two.text("two \(i)", made: made) }
                }
                try await group.waitForAll()
            }
            for i in 0..<40 {
                _ = try await one.text("two \(i)", made: made)
                _ = try await two.text("one \(i)", made: made)
            }
            #expect(made.value == 80)
            #expect(await one.statistics().diskEntries == 80)
        }
    }

    @Test func aResultIsStoredEvenIfItsTaskIsCancelledMeanwhile() async throws {
        try await withTemporaryDirectory { folder in
            let cache = cache(in: folder)
            let task = Task {
                try await cache.chunkTranscript(for: key("a")) {
                    withUnsafeCurrentTask { $0?.cancel() }
                    return words("paid for")
                }
            }
            _ = try? await task.value
            let (read, fromCache) = try await cache.chunkTranscript(for: key("a")) { words("again") }
            #expect(fromCache)
            #expect(read.segments[0].text == "paid for")
        }
    }
}
