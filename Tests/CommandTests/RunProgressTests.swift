import ParlographCommands
import Testing
import Transcription

/// What is shown of a run over several recordings.
struct RunProgressTests {
    private static func snapshot(
        count: Int, fraction: Double = 0.25, seconds: Double = 60, wait: Double? = nil
    ) -> RunSnapshot {
        var current = ProgressSnapshot(
            name: "talk.mp3", chunksDone: 2, chunksCached: 0, chunksFailed: 0, chunksInFlight: 1, chunksExpected: 8,
            fraction: 0.3, elapsedSeconds: 10, remainingSeconds: 25, isFinished: false)
        current.engineWaitSeconds = wait
        return RunSnapshot(current: current, position: 3, count: count, fraction: fraction, elapsedSeconds: seconds)
    }

    @Test func oneRecordingHasOneBar() {
        #expect(Self.snapshot(count: 1).lines(width: 80, isTerminal: true).count == 1)
        #expect(Self.snapshot(count: 1).lines(width: 80, isTerminal: false)[0].hasPrefix("talk.mp3: 2 of 8 chunks"))
    }

    @Test func severalHaveOneForAllThatTakesTheWholeWidth() {
        let lines = Self.snapshot(count: 20).lines(width: 200, isTerminal: true)
        #expect(lines.count == 2)
        #expect(
            lines[1].hasPrefix("3 of 20 recordings  [===") && lines[1].hasSuffix("]  25 %  3 min left"), "\(lines[1])")
        #expect(lines.allSatisfy { $0.count <= 199 } && lines[1].count == 199)
        #expect(
            Self.snapshot(count: 20).lines(width: 80, isTerminal: false) == [
                "3 of 20: talk.mp3: 2 of 8 chunks, 30 %, about 25 s left"
            ])
        #expect(Self.snapshot(count: 20).lines(width: 30, isTerminal: true)[1] == "3 of 20 recordings")
    }

    /// What waits has no time left, and neither has what has only begun.
    @Test func noTimeIsPromisedThatNobodyKnows() {
        for snapshot in [
            Self.snapshot(count: 2, wait: 50), Self.snapshot(count: 2, fraction: 0.001),
            Self.snapshot(count: 2, seconds: 2),
        ] {
            #expect(!snapshot.lines(width: 100, isTerminal: true)[1].contains("left"))
        }
    }

    @Test(arguments: [
        (1, 0, 0, 0, "1 recording: 10 min of sound in 20 s, 30 times real time."),
        (
            2, 1, 1, 3,
            "3 recordings, 1 of them partial, 1 failed: 10 min of sound in 20 s, 30 times real time; 3 of 8 chunks "
                + "from the cache."
        ),
        (0, 0, 2, 0, "0 recordings, 2 failed."),
    ])
    func theSumIsOneLine(_ whole: Int, _ partial: Int, _ failed: Int, _ cached: Int, _ text: String) {
        var totals = RunTotals()
        (totals.whole, totals.partial, totals.failed) = (whole, partial, failed)
        (totals.samples, totals.chunks, totals.chunksFromCache) = (600 * 16_000, 8, cached)
        #expect(totals.summary(seconds: 20) == text)
    }

    /// What failed has been said.
    @Test func ofNothingThereIsNoSum() {
        var totals = RunTotals()
        #expect(totals.summary(seconds: 1) == nil)
        totals.failed = 1
        #expect(totals.summary(seconds: 1) == nil)
    }

    @Test(arguments: [
        (["talk 1.mp3", "--quiet"], "Did you mean: parlograph transcribe 'talk 1.mp3' --quiet"),
        (["transcibe", "x"], "Did you mean: parlograph transcribe x"),
        (["chekc"], "Did you mean: parlograph check"), (["bananas"], nil), (["--nonsense"], nil),
        (["status", "x"], nil),
        ([], nil), (["-"], "Did you mean: parlograph transcribe -"),
    ])
    func whatWasMeantIsGuessed(_ arguments: [String], _ hint: String?) {
        #expect(CommandHint.text(for: arguments) { $0 == "talk 1.mp3" } == hint)
    }
}
