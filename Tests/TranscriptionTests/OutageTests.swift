import SystemSupport
import TestSupport
import Testing
import Transcription

/// An engine that goes away in the middle of recordings: nothing is lost, and little is sent meanwhile.
@Suite(.timeLimit(.minutes(20))) struct OutageTests {
    private static let failure = TranscriptionError(
        .requestFailed, "It answered 502.", remedy: .retry(after: nil), pressure: .strained)

    /// - Parameters:
    ///   - good: requests that are answered before the outage.
    ///   - outage: when it ends, after its beginning with the first failure.
    ///   - fails: the chunks whose own fault it is.
    private func way(
        _ count: Int, concurrency: Int = 4, retries: Int = 3, good: Int, outage: Duration,
        fails: @escaping @Sendable (Chunk) -> Bool = { _ in false }
    ) -> FakeWay {
        let began = Guarded<Duration?>(nil)
        let clock = Guarded<ManualClock?>(nil)
        let isOver = { @Sendable in
            let now = clock.value?.now.offset ?? .zero
            return began.change { began in
                began = began ?? now
                return now >= (began ?? now) + outage
            }
        }
        var engine = FakeTranscriber { chunk, _, number in
            if number >= good, !isOver() { throw Self.failure }
            if fails(chunk) { throw Self.failure }
            return numbered(chunk)
        }
        engine.isAway = { began.value != nil && !isOver() ? Self.failure : nil }
        let way = FakeWay(
            source: FakeSource(chunks: chunks(count)), engine: engine, concurrency: concurrency,
            retry: RetrySettings(maximumRetries: retries, delay: .seconds(5)))
        clock.change { $0 = way.clock }
        return way
    }

    @Test(arguments: [20, 60, 240], [1, 4]) func anOutageInTheMiddleLosesNothing(
        seconds: Int, concurrency: Int
    ) async throws {
        let way = way(20, concurrency: concurrency, good: 2, outage: .seconds(seconds))
        let transcript = try await way.run()
        #expect(!transcript.isPartial)
        #expect(transcript.segments.map(\.text) == (0..<20).map { "chunk \($0)" })
        // The first failures, and one request after each pause: 1, 2, 4, 8, 16, 30, 30 s ...
        #expect(way.engine.requests.value <= 20 + 5 + concurrency + 13)
    }

    @Test func onlyTheLastChunkIsLeftWhenItGoesAway() async throws {
        let way = way(5, concurrency: 1, good: 4, outage: .seconds(100))
        #expect(try await !way.run().isPartial)
    }

    @Test func withoutRetriesAnOutageLosesNothingEither() async throws {
        let way = way(6, concurrency: 1, retries: 0, good: 2, outage: .seconds(60))
        #expect(try await !way.run().isPartial)
    }

    @Test func afterFiveMinutesTheRecordingWaitsForAnotherRun() async throws {
        let store = FakeStore()
        var away = way(20, good: 3, outage: .seconds(1_000_000))
        away.store = store
        let error = await #expect(throws: TranscriptionError.self) { try await away.run() }
        #expect(error?.code == .engineUnavailable)
        #expect(error?.remedy == .retry(after: nil))
        #expect(error?.message == "It answered 502. It has been so for 5 minutes.")
        #expect(away.clock.now.offset >= .seconds(300))
        #expect(away.engine.requests.value <= 3 + 8 + 16)
        // What was heard before is not asked for again.
        var back = way(20, good: 20, outage: .zero)
        back.store = store
        #expect(try await !back.run().isPartial)
        #expect(back.engine.requests.value == 17)
    }

    @Test func whatHasNeverAnsweredIsNotWaitedFor() async throws {
        let way = way(20, good: 0, outage: .seconds(1_000_000))
        let error = await #expect(throws: TranscriptionError.self) { try await way.run() }
        #expect(error?.code == .engineUnavailable)
        #expect(error?.remedy == .retry(after: nil))
        #expect(error?.message == "It answered 502. It was asked 4 times.")
        #expect(way.engine.requests.value <= 6 * 4)
    }

    /// A server took the first request, was ended over it and is being started again: as long as its first answer may take.
    @Test(arguments: [(60, true), (400, false)])
    func whatWasThereOnceIsWaitedForBeforeItsFirstAnswer(_ outage: Int, _ isBack: Bool) async throws {
        let gone = TranscriptionError(
            .engineUnavailable, "It cannot be reached.", remedy: .retry(after: nil), pressure: .strained)
        let clock = Guarded<ManualClock?>(nil)
        let isOver = { @Sendable in (clock.value?.now.offset ?? .zero) >= .seconds(outage) }
        var engine = FakeTranscriber { chunk, _, number in
            guard number > 0, isOver() else { throw gone }
            return numbered(chunk)
        }
        engine.isAway = { isOver() ? nil : gone }
        engine.takes = { number in number == 0 }
        engine.patience = .seconds(300)
        let way = FakeWay(
            source: FakeSource(chunks: chunks(4)), engine: engine, concurrency: 1,
            retry: RetrySettings(maximumRetries: 3, delay: .seconds(1)))
        clock.change { $0 = way.clock }
        if isBack {
            #expect(try await !way.run().isPartial)
        } else {
            let error = await #expect(throws: TranscriptionError.self) { try await way.run() }
            #expect(error?.code == .engineUnavailable)
            #expect(way.clock.now.offset >= .seconds(300))
        }
    }

    /// With another engine to ask, three seconds are enough to find out that there is none.
    @Test(arguments: [1, 4]) func whereNothingEverAnsweredTheFallbackIsAskedSoon(_ concurrency: Int) async throws {
        let dead = TranscriptionError(
            .engineUnavailable, "It cannot be reached.", remedy: .retry(after: nil), pressure: .strained)
        let first = Guarded<Duration?>(nil)
        let clock = Guarded<ManualClock?>(nil)
        let way = FakeWay(
            source: FakeSource(chunks: chunks(8)), engine: FakeTranscriber { _, _, _ in throw dead },
            fallback: FakeTranscriber(
                answer: { chunk, _, _ in
                    first.change { $0 = $0 ?? clock.value?.now.offset }
                    return numbered(chunk)
                }, name: "second"), concurrency: concurrency, slots: concurrency,
            retry: RetrySettings(maximumRetries: 5, delay: .seconds(2)))
        clock.change { $0 = way.clock }
        let transcript = try await way.run()
        #expect(transcript.segments.map(\.text) == (0..<8).map { "chunk \($0)" })
        #expect(transcript.chunks.allSatisfy { $0.engine == "second" })
        #expect(try #require(first.value) <= .seconds(3 * concurrency), "each of those that began together")
        #expect(way.engine.requests.value <= 3 * concurrency)
        #expect(transcript.warnings.contains { $0.contains("nothing has ever answered there") })
    }

    @Test(arguments: [1, 4]) func chunksThatFailForThemselvesAreGaps(concurrency: Int) async throws {
        let way = way(12, concurrency: concurrency, good: 1000, outage: .zero) { $0.index >= 9 }
        let transcript = try await way.run()
        #expect(transcript.gaps.count == 3 || transcript.gaps.map(\.range.count).reduce(0, +) == 3 * SampleClock.rate)
        #expect(transcript.chunks.map(\.attempts) == Array(repeating: 1, count: 9) + [4, 4, 4])
    }

    @Test func eachChunkThatFailsTwiceIsHeardAtLast() async throws {
        let seen = Guarded<[Int: Int]>([:])
        let way = FakeWay(
            source: FakeSource(chunks: chunks(40)),
            engine: FakeTranscriber { chunk, _, _ in
                let number = seen.change { seen in
                    seen[chunk.index, default: 0] += 1
                    return seen[chunk.index] ?? 0
                }
                if number <= 2 { throw Self.failure }
                return numbered(chunk)
            })
        let transcript = try await way.run()
        #expect(!transcript.isPartial)
        #expect(transcript.chunks.map(\.attempts) == Array(repeating: 3, count: 40))
    }

    @Test func refusalsWithoutAPauseLoseNothing() async throws {
        let way = FakeWay(
            source: FakeSource(chunks: chunks(8)),
            engine: FakeTranscriber { chunk, _, number in
                if (2..<7).contains(number) {
                    throw TranscriptionError(
                        .requestFailed, "Full.", remedy: .retry(after: nil), pressure: .refused)
                }
                return numbered(chunk)
            }, concurrency: 1, slots: 1)
        let transcript = try await way.run()
        #expect(transcript.chunks.map(\.attempts) == [1, 1, 6, 1, 1, 1, 1, 1])
        #expect(!transcript.isPartial)
    }
}
