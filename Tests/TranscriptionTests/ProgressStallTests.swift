import Synchronization
import Testing
import Transcription

/// What does not go on says so, and shows no time left.
@Suite struct ProgressStallTests {
    private final class Time: Sendable {
        private let time = Mutex(Duration.zero)
        var now: Duration { time.withLock { $0 } }
        func advance(_ seconds: Double) { time.withLock { $0 += .milliseconds(Int64(seconds * 1000)) } }
    }

    private let time = Time()

    private func tracker(chunks: Int, away: @escaping @Sendable () -> Duration? = { nil }) -> ProgressTracker {
        let time = time
        return ProgressTracker(
            name: "talk.mp3", expectedSamples: seconds(10 * Double(chunks)), expectedChunks: chunks, concurrency: 4,
            priorRate: 10, engineAway: away, uptime: { time.now })
    }

    @Test func aRequestThatHangsIsTold() {
        let tracker = tracker(chunks: 2)
        for index in 0..<2 { tracker.found(chunk: index, samples: seconds(10)) }
        for index in 0..<2 { tracker.started(chunk: index) }
        time.advance(0.5)
        #expect(tracker.snapshot().stall == nil && tracker.snapshot().remainingSeconds != nil)
        time.advance(9)
        #expect(tracker.snapshot().stall == ProgressStall(.engineSilent, seconds: 9.5))
        #expect(tracker.snapshot().remainingSeconds == nil)
        time.advance(170)
        #expect(
            ProgressLine.draw(tracker.snapshot(), width: 80, isTerminal: false).hasSuffix(
                ", no answer from the engine for 2 min"))
        tracker.ended(chunk: 0, as: .transcribed)
        #expect(tracker.snapshot().stall == nil, "an answer is a sign of life")
    }

    @Test func anEngineThatIsSlowByItsOwnMeasureIsNotSilent() {
        let tracker = tracker(chunks: 4)
        for index in 0..<4 { tracker.found(chunk: index, samples: seconds(10)) }
        for index in 0..<3 {
            tracker.started(chunk: index)
            time.advance(20)
            tracker.ended(chunk: index, as: .transcribed)
        }
        tracker.started(chunk: 3)
        time.advance(25)
        #expect(tracker.snapshot().stall == nil && tracker.snapshot().remainingSeconds != nil)
        time.advance(50)
        #expect(tracker.snapshot().stall?.reason == .engineSilent)
    }

    @Test func whatFailsWaitsForTheEngineAndTellsWhy() {
        let tracker = tracker(chunks: 1)
        tracker.found(chunk: 0, samples: seconds(10))
        tracker.started(chunk: 0)
        time.advance(1)
        tracker.observe(
            .retrying(index: 0, attempt: 1, after: .seconds(40), error: .engineUnavailable, cause: "No such host."))
        time.advance(20)
        let snapshot = tracker.snapshot()
        #expect(snapshot.stall == ProgressStall(.engineAway, seconds: 21, cause: "No such host."))
        #expect(snapshot.remainingSeconds == nil)
        #expect(snapshot.engineWaitSeconds == nil, "the pause is ours: nobody knows whether it ends the waiting")
        tracker.started(chunk: 0)
        #expect(tracker.snapshot().stall?.reason == .engineAway, "asked again is not answered")
        tracker.ended(chunk: 0, as: .transcribed)
        #expect(tracker.snapshot().stall == nil)
    }

    @Test func behindOthersItWaitsForItsTurn() {
        let tracker = tracker(chunks: 2)
        tracker.found(chunk: 0, samples: seconds(10))
        time.advance(5)
        #expect(tracker.snapshot().stall == nil)
        time.advance(5)
        #expect(tracker.snapshot().stall == ProgressStall(.turn, seconds: 10))
        #expect(tracker.snapshot().remainingSeconds == nil)
    }

    @Test func anEngineThatIsKnownToBeAwayIsToldAtOnce() {
        let tracker = tracker(chunks: 1) { .seconds(70) }
        #expect(tracker.snapshot().stall == nil, "nothing waits yet")
        tracker.found(chunk: 0, samples: seconds(10))
        #expect(tracker.snapshot().stall == ProgressStall(.engineAway, seconds: 70))
    }

    @Test(arguments: [(0.4, "0 s"), (59.9, "59 s"), (60, "1 min"), (119, "1 min"), (7500, "2 h 5 min")])
    func passedTimeIsNotRoundedUp(seconds: Double, text: String) {
        #expect(TimeText.elapsed(seconds: seconds) == text)
    }
}
