import Synchronization
import Testing
import Transcription

@Suite struct FallbackCooldownTests {
    private final class HandClock: Clock {
        typealias Instant = ContinuousClock.Instant
        private let time = Mutex(ContinuousClock.now)
        var now: Instant { time.withLock { $0 } }
        let minimumResolution = Duration.zero
        func advance(_ duration: Duration) { time.withLock { $0 += duration } }
        func sleep(until deadline: Instant, tolerance: Duration?) async throws {}
    }

    @Test func itLastsAMinuteAndIsNotProlongedByLateFailures() throws {
        let clock = HandClock()
        let outage = FallbackCooldown(clock: clock)
        try outage.check()
        outage.begin(TranscriptionError(.engineUnavailable, "first"))
        clock.advance(.seconds(59))
        outage.begin(TranscriptionError(.engineUnavailable, "late"))
        let error = #expect(throws: TranscriptionError.self) { try outage.check() }
        #expect(error?.message == "first")
        clock.advance(.seconds(1))
        try outage.check()
        outage.begin(TranscriptionError(.engineUnavailable, "again"))
        #expect(throws: TranscriptionError.self) { try outage.check() }
    }

    @Test func itLastsAsLongAsTheEngineAskedForAPauseButNotForDays() throws {
        let clock = HandClock()
        let outage = FallbackCooldown(clock: clock)
        outage.begin(TranscriptionError(.engineUnavailable, "first"))
        outage.begin(TranscriptionError(.engineUnavailable, "longer"), for: .seconds(600))
        outage.begin(TranscriptionError(.engineUnavailable, "shorter"), for: .seconds(90))
        clock.advance(.seconds(599))
        let error = #expect(throws: TranscriptionError.self) { try outage.check() }
        #expect(error?.message == "longer")
        clock.advance(.seconds(1))
        try outage.check()
        outage.begin(TranscriptionError(.engineUnavailable, "days"), for: .seconds(999_999))
        clock.advance(.seconds(3600))
        try outage.check()
    }
}
