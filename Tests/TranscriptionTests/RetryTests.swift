import SystemSupport
import TestSupport
import Testing
import Transcription

/// When a failed request is repeated, after what pause, and when not.
@Suite(.timeLimit(.minutes(20))) struct RetryTests {
    private func way(
        _ count: Int = 1, concurrency: Int = 1, retries: Int = 3,
        _ answer: @escaping @Sendable (Chunk, Int) throws -> Void
    ) -> FakeWay {
        FakeWay(
            source: FakeSource(chunks: chunks(count)),
            engine: FakeTranscriber { chunk, _, number in
                try answer(chunk, number)
                return numbered(chunk)
            }, concurrency: concurrency, retry: RetrySettings(maximumRetries: retries, delay: .seconds(5)))
    }

    private static func failure(
        _ message: String = "It failed.", after hint: Duration? = nil,
        pressure: TranscriptionError.Pressure? = .strained
    ) -> TranscriptionError {
        TranscriptionError(.requestFailed, message, remedy: .retry(after: hint), pressure: pressure)
    }

    @Test func pausesDoubleWithFullJitter() async throws {
        let way = way { _, number in if number < 3 { throw Self.failure() } }
        let transcript = try await way.run()
        #expect(transcript.chunks.map(\.attempts) == [4])
        #expect(way.pauses.value == [.seconds(2.5), .seconds(5), .seconds(10)])
        let sent = way.events.value.compactMap { if case .sent(_, let attempt, _) = $0 { attempt } else { nil } }
        #expect(sent == [1, 2, 3, 4])
    }

    @Test func noPauseIsLongerThanAMinute() async throws {
        let way = way(retries: 9) { _, number in if number < 9 { throw Self.failure() } }
        _ = try await way.run()
        #expect(way.pauses.value.suffix(5) == [.seconds(30), .seconds(30), .seconds(30), .seconds(30), .seconds(30)])
    }

    @Test(arguments: [0, 1, 3]) func afterTheLastAttemptItIsAGap(retries: Int) async throws {
        let way = way(2, retries: retries) { chunk, _ in if chunk.index == 0 { throw Self.failure("Broken.") } }
        let transcript = try await way.run()
        #expect(transcript.gaps.map(\.reason) == ["Broken."])
        #expect(transcript.chunks.map(\.attempts) == [retries + 1, 1])
    }

    /// What a server asks for is waited out, and is no attempt; up to a tenth more spreads those who were told the same.
    @Test func pausesThatAreAskedForSpendNoAttempts() async throws {
        let way = way(retries: 0) { _, number in
            if number < 10 { throw Self.failure(after: .seconds(60), pressure: .refused) }
        }
        let transcript = try await way.run()
        #expect(!transcript.isPartial)
        #expect(way.pauses.value == Array(repeating: .seconds(63), count: 10))
    }

    @Test func patienceEndsAfterAQuarterOfAnHour() async throws {
        let way = way(3) { _, number in
            if number > 0 { throw Self.failure("Busy.", after: .seconds(300), pressure: .refused) }
        }
        let error = await #expect(throws: TranscriptionError.self) { try await way.run() }
        #expect(error?.code == .engineUnavailable)
        #expect(error?.remedy == .retry(after: nil))
        #expect(error?.message == "Busy. It has been so for 15 minutes.")
        #expect(way.engine.requests.value <= 6)
    }

    @Test func aPauseOfElevenDaysEndsTheChunkWithAClearWord() async throws {
        let way = way(3) { chunk, _ in
            if chunk.index == 1 { throw Self.failure("Come again.", after: .seconds(999_999), pressure: .refused) }
        }
        let transcript = try await way.run()
        #expect(
            transcript.gaps.map(\.reason) == [
                "Come again. (not tried again: the pause asked for is longer than 900 s)"
            ])
        #expect(way.pauses.value.isEmpty)
        #expect(way.engine.requests.value == 3)
    }

    @Test(arguments: [Duration.zero, .seconds(-3)]) func aPauseOfNothingIsIgnored(hint: Duration) async throws {
        let way = way(2, retries: 2) { chunk, number in
            if chunk.index == 1, number < 3 { throw Self.failure(after: hint, pressure: .refused) }
        }
        let transcript = try await way.run()
        #expect(way.pauses.value == [.seconds(2.5), .seconds(5)])
        #expect(transcript.chunks.map(\.attempts) == [1, 3])
    }

    /// Ten retries and a fifth of the successes go after the usual pauses, the others after the longest.
    @Test func aStormOfFailuresIsSlowedDown() async throws {
        let way = way(30, concurrency: 1) { _, number in
            if number >= 10 { throw Self.failure("500.") }
        }
        let transcript = try await way.run()
        #expect(transcript.chunks.suffix(20).allSatisfy { $0.attempts == 4 })
        #expect(way.pauses.value.prefix(1) == [.seconds(2.5)])
        #expect(way.pauses.value.suffix(30).allSatisfy { [.seconds(5), .seconds(10), .seconds(20)].contains($0) })
        #expect(way.pauses.value.suffix(30).contains(.seconds(20)))
    }

    @Test func whatNeedsNoRetryGetsNone() async throws {
        let way = way(2) { chunk, _ in
            if chunk.index == 0 { throw TranscriptionError(.requestFailed, "Never.", remedy: .giveUpChunk) }
        }
        let transcript = try await way.run()
        #expect(transcript.gaps.map(\.reason) == ["Never."])
        #expect(way.pauses.value.isEmpty)
        #expect(way.engine.requests.value == 2)
    }
}
