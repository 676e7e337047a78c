import SystemPackage
import Testing
import TranscriptCache
import Transcription

@Suite(.timeLimit(.minutes(20))) struct SingleFlightTests {
    private struct Failure: Error {}

    private func memoryOnly() -> MultiLevelCache {
        MultiLevelCache(
            settings: CacheSettings(
                directory: "/nonexistent", memoryBytes: 64 << 20, diskBytes: 0, timeToLiveSeconds: 86400),
            logger: quiet)
    }

    /// Yields until `count` calls wait for another one.
    private func waiting(_ count: Int, in cache: MultiLevelCache) async {
        while cache.waiting < count { await Task.yield() }
    }

    @Test func equalChunksInFlightAreMadeOnce() async throws {
        let cache = memoryOnly()
        let made = Counter()
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let results = try await withThrowingTaskGroup(of: (String, Bool).self) { group in
            for _ in 0..<5 {
                group.addTask {
                    let result = try await cache.chunkTranscript(for: key("a")) {
                        made.increment()
                        for await _ in gate {}
                        return words("hello")
                    }
                    return (result.transcript.segments[0].text, result.fromCache)
                }
            }
            await waiting(4, in: cache)
            open.finish()
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(made.value == 1)
        #expect(results.map(\.0) == Array(repeating: "hello", count: 5))
        #expect(results.count { !$0.1 } == 1)
        #expect(await cache.statistics().sharedHits == 4)
    }

    @Test func whenTheFirstFailsAWaiterMakesItsOwn() async throws {
        let cache = memoryOnly()
        let made = Counter()
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(throws: Failure.self) {
                    _ = try await cache.chunkTranscript(for: key("a")) {
                        made.increment()
                        for await _ in gate {}
                        throw Failure()
                    }
                }
            }
            while made.value == 0 { await Task.yield() }
            for _ in 0..<3 {
                group.addTask {
                    let text = try await cache.text("a", made: made)
                    #expect(text == "text of a")
                }
            }
            await waiting(3, in: cache)
            open.finish()
            try await group.waitForAll()
        }
        #expect(made.value == 2)
    }

    @Test func whenTheFirstIsCancelledAWaiterMakesItsOwn() async throws {
        let cache = memoryOnly()
        let made = Counter()
        let first = Task {
            try await cache.chunkTranscript(for: key("a")) {
                made.increment()
                try await Task.sleep(for: .seconds(600))
                return words("never")
            }
        }
        while made.value == 0 { await Task.yield() }
        async let second = cache.text("a", made: made)
        await waiting(1, in: cache)
        first.cancel()
        let text = try await second
        #expect(text == "text of a")
        #expect(made.value == 2)
        await #expect(throws: CancellationError.self) { _ = try await first.value }
    }

    @Test func aCancelledWaiterLeavesAtOnce() async throws {
        let cache = memoryOnly()
        let made = Counter()
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        async let first = cache.chunkTranscript(for: key("a")) {
            made.increment()
            for await _ in gate {}
            return words("hello")
        }
        while made.value == 0 { await Task.yield() }
        let second = Task { try await cache.text("a", made: made) }
        await waiting(1, in: cache)
        second.cancel()
        await #expect(throws: CancellationError.self) { _ = try await second.value }
        open.finish()
        let text = try await first.transcript.segments[0].text
        #expect(text == "hello")
        #expect(made.value == 1)
    }

    @Test func differentChunksDoNotWaitForEachOther() async throws {
        let cache = memoryOnly()
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        async let first = cache.chunkTranscript(for: key("a")) {
            for await _ in gate {}
            return words("hello")
        }
        let text = try await cache.text("b")
        #expect(text == "text of b")
        open.finish()
        _ = try await first
    }
}
