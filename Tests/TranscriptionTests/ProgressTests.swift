import Synchronization
import Testing
import Transcription

/// A clock that stands until it is moved.
private final class ManualClock: Sendable {
    private let time = Mutex(Duration.zero)
    func advance(_ seconds: Double) { time.withLock { $0 += .milliseconds(Int64(seconds * 1000)) } }
    var now: Duration { time.withLock { $0 } }
}

@Suite struct ProgressTests {
    private let clock = ManualClock()

    private func tracker(chunks: Int, seconds each: Double, slots: Int, rate: Double) -> ProgressTracker {
        let clock = clock
        return ProgressTracker(
            name: "talk.mp3", expectedSamples: seconds(each * Double(chunks)), expectedChunks: chunks,
            concurrency: slots, priorRate: rate, uptime: { clock.now })
    }

    @Test func estimatesFromTheFirstMomentOn() {
        let tracker = tracker(chunks: 8, seconds: 100, slots: 4, rate: 10)
        let snapshot = tracker.snapshot()
        #expect(snapshot.fraction == 0)
        #expect(abs((snapshot.remainingSeconds ?? 0) - 20) < 0.01)  // two waves of ten seconds
        #expect(snapshot.chunksExpected == 8)
    }

    @Test func aLastWaveThatIsNotFullTakesAsLong() {
        let tracker = tracker(chunks: 5, seconds: 100, slots: 4, rate: 10)
        #expect(abs((tracker.snapshot().remainingSeconds ?? 0) - 20) < 0.01)
    }

    @Test func learnsFromWhatIsMeasured() {
        let tracker = tracker(chunks: 100, seconds: 100, slots: 1, rate: 10)
        for index in 0..<20 {
            tracker.found(chunk: index, samples: seconds(100))
            tracker.started(chunk: index)
            clock.advance(50)  // five times slower than promised
            tracker.ended(chunk: index, as: .transcribed)
        }
        let remaining = tracker.snapshot().remainingSeconds ?? 0
        #expect(remaining > 3600 && remaining < 4400)
    }

    @Test func cachedChunksDoNotMakeTheEngineLookFast() {
        let tracker = tracker(chunks: 10, seconds: 100, slots: 1, rate: 10)
        for index in 0..<5 {
            tracker.found(chunk: index, samples: seconds(100))
            tracker.ended(chunk: index, as: .cached)
        }
        let snapshot = tracker.snapshot()
        #expect(snapshot.chunksCached == 5 && snapshot.fraction == 0.5)
        #expect(abs((snapshot.remainingSeconds ?? 0) - 50) < 0.01)
    }

    @Test func aRateLimitShowsInTheEstimate() {
        let tracker = tracker(chunks: 10, seconds: 100, slots: 4, rate: 50)
        for index in 0..<5 {
            tracker.found(chunk: index, samples: seconds(100))
            clock.advance(60)  // waits for the limiter
            tracker.started(chunk: index)
            clock.advance(2)
            tracker.ended(chunk: index, as: .transcribed)
        }
        #expect((tracker.snapshot().remainingSeconds ?? 0) > 200)
    }

    @Test(arguments: 0..<20)
    func theFractionNeverGoesBack(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed + 1))
        let tracker = tracker(chunks: 20, seconds: 30, slots: 4, rate: 8)
        var last = 0.0
        for step in 0..<400 {
            let index = Int.random(in: 0..<30, using: &random)  // more than was expected
            switch Int.random(in: 0..<6, using: &random) {
            case 0: tracker.found(chunk: index, samples: seconds(Double.random(in: 1...60, using: &random)))
            case 1, 2: tracker.started(chunk: index)
            case 3: tracker.interrupted(chunk: index)
            case 4: tracker.ended(chunk: index, as: .transcribed)
            default: clock.advance(Double.random(in: 0...5, using: &random))
            }
            if step == 300 { tracker.foundAll() }
            let snapshot = tracker.snapshot()
            let fraction = snapshot.fraction ?? -1
            #expect(fraction >= last && fraction < 1)
            #expect((snapshot.remainingSeconds ?? -1) >= 0 || snapshot.stall != nil)
            last = fraction
        }
        tracker.finish()
        #expect(tracker.snapshot().fraction == 1 && tracker.snapshot().remainingSeconds == 0)
    }

    @Test func attemptsThatHangAreNoProgress() throws {
        let tracker = tracker(chunks: 12, seconds: 15, slots: 4, rate: 30)
        for index in 0..<12 { tracker.found(chunk: index, samples: seconds(15)) }
        for _ in 0..<3 {
            for index in 0..<4 { tracker.started(chunk: index) }
            clock.advance(60)
            #expect(tracker.snapshot().remainingSeconds == nil)
            #expect(try #require(tracker.snapshot().stall).seconds >= 60)
            for index in 0..<4 { tracker.interrupted(chunk: index, pause: .seconds(1)) }
        }
        #expect(try #require(tracker.snapshot().fraction) < 0.2)
    }

    @Test func aPauseThatTheServerAskedForIsNoTimeLeft() {
        let tracker = tracker(chunks: 4, seconds: 15, slots: 4, rate: 30)
        tracker.found(chunk: 0, samples: seconds(15))
        tracker.started(chunk: 0)
        clock.advance(1)
        #expect(tracker.snapshot().engineWaitSeconds == nil && tracker.snapshot().remainingSeconds != nil)
        tracker.observe(.retrying(index: 0, attempt: 1, after: .seconds(600), error: .requestFailed, isBusy: true))
        clock.advance(20)
        #expect(tracker.snapshot().engineWaitSeconds == 580 && tracker.snapshot().remainingSeconds == nil)
        tracker.started(chunk: 0)
        #expect(tracker.snapshot().engineWaitSeconds == nil && tracker.snapshot().remainingSeconds != nil)
    }

    @Test func aSpentLimitOfTheEngineIsTold() {
        let clock = clock
        let held = Mutex<Duration?>(.seconds(3000))
        let tracker = ProgressTracker(
            name: "a", expectedSamples: seconds(40), expectedChunks: 4, concurrency: 2, priorRate: 5,
            engineWait: { held.withLock { $0 } }, uptime: { clock.now })
        #expect(tracker.snapshot().engineWaitSeconds == nil, "nothing waits yet")
        for index in 0..<2 { tracker.found(chunk: index, samples: seconds(10)) }
        tracker.started(chunk: 0)
        #expect(tracker.snapshot().engineWaitSeconds == nil, "one is on its way")
        tracker.ended(chunk: 0, as: .transcribed)
        #expect(tracker.snapshot().engineWaitSeconds == 3000)
        held.withLock { $0 = .seconds(3) }
        let soon = tracker.snapshot()
        #expect(soon.engineWaitSeconds == nil && (soon.remainingSeconds ?? 0) > 3)
    }

    @Test func aLimitOnRequestsIsPartOfTheTimeLeft() throws {
        let clock = clock
        let tracker = ProgressTracker(
            name: "a", expectedSamples: seconds(200), expectedChunks: 20, concurrency: 4, priorRate: 5,
            engineWait: { .seconds(50) }, requestsPerMinute: { 1 }, uptime: { clock.now })
        for index in 0..<3 { tracker.found(chunk: index, samples: seconds(10)) }
        tracker.started(chunk: 0)
        clock.advance(2)
        #expect(try #require(tracker.snapshot().remainingSeconds) >= 18 * 60)
        tracker.ended(chunk: 0, as: .transcribed)
        let waiting = tracker.snapshot()
        #expect(waiting.engineWaitSeconds == 50)
        #expect(try #require(waiting.remainingSeconds) >= 18 * 60 + 50, "the pause is not all")
    }

    @Test func anUnknownLengthIsNotInvented() {
        let clock = clock
        let tracker = ProgressTracker(
            name: "a", expectedSamples: nil, expectedChunks: nil, concurrency: 2, priorRate: 5, uptime: { clock.now })
        tracker.found(chunk: 0, samples: seconds(10))
        #expect(tracker.snapshot().fraction == nil && tracker.snapshot().remainingSeconds == nil)
        tracker.foundAll()
        #expect(tracker.snapshot().fraction == 0 && tracker.snapshot().remainingSeconds == 2)
    }
}

@Suite struct ProgressLineTests {
    private let half = ProgressSnapshot(
        name: "talk.mp3", chunksDone: 3, chunksCached: 0, chunksFailed: 0, chunksInFlight: 4, chunksExpected: 8,
        fraction: 0.386, elapsedSeconds: 50, remainingSeconds: 79.6, isFinished: false)

    @Test func aLogGetsASentence() {
        #expect(
            ProgressLine.draw(half, width: 80, isTerminal: false)
                == "talk.mp3: 3 of 8 chunks, 38 %, about 1 min 20 s left")
        var snapshot = half
        snapshot.chunksCached = 2
        snapshot.chunksFailed = 1
        snapshot.fraction = nil
        snapshot.remainingSeconds = nil
        #expect(
            ProgressLine.draw(snapshot, width: 80, isTerminal: false)
                == "talk.mp3: 3 of 8 chunks (2 from cache, 1 failed)")
        snapshot = half
        snapshot.isFinished = true
        snapshot.chunksDone = 8
        #expect(ProgressLine.draw(snapshot, width: 80, isTerminal: false) == "talk.mp3: 8 chunks, done in 50 s")
    }

    @Test func waitingForTheEngineStandsInPlaceOfTheTime() {
        var snapshot = half
        (snapshot.remainingSeconds, snapshot.engineWaitSeconds) = (nil, 590)
        #expect(
            ProgressLine.draw(snapshot, width: 80, isTerminal: false)
                == "talk.mp3: 3 of 8 chunks, 38 %, waiting for the engine, 9 min 50 s")
        #expect(
            ProgressLine.draw(snapshot, width: 90, isTerminal: true).hasSuffix("  waiting for the engine, 9 min 50 s"))
    }

    @Test func aTerminalGetsABar() {
        #expect(
            ProgressLine.draw(half, width: 80, isTerminal: true)
                == "talk.mp3  [==========>                 ]  38 %  3/8  1 min 20 s left")
    }

    @Test(
        arguments: [0, 1, 5, 10, 20, 30, 40, 60, 80, 300],
        ["talk.mp3", "会議の録音.mp3", String(repeating: "x", count: 250)])
    func theLineFitsTheTerminal(width: Int, name: String) {
        var snapshot = half
        snapshot.name = name
        let line = ProgressLine.draw(snapshot, width: width, isTerminal: true)
        let wide = line.unicodeScalars.count { (0x3000...0x9FFF).contains($0.value) }
        #expect(line.count + wide <= max(0, width - 1))
        if width >= 20 { #expect(line.contains("38 %")) }
    }

    @Test(arguments: [
        (0, "0 s"), (0.2, "1 s"), (45, "45 s"), (60, "1 min"), (80, "1 min 20 s"), (3600, "1 h"), (7500, "2 h 5 min"),
        (.infinity, "a long time"), (-3, "0 s"),
    ])
    func durationsReadWell(seconds: Double, text: String) {
        #expect(TimeText.duration(seconds: seconds) == text)
    }
}
