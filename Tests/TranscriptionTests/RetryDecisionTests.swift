import Testing
import Transcription

/// What follows when an attempt at a chunk failed, row by row.
@Suite struct RetryDecisionTests {
    private static let settings = RetrySettings(maximumRetries: 2, delay: .seconds(5), patience: .seconds(100))

    private static func error(
        _ remedy: TranscriptionError.Remedy, _ pressure: TranscriptionError.Pressure? = nil
    ) -> TranscriptionError {
        TranscriptionError(.requestFailed, "It failed.", remedy: remedy, pressure: pressure)
    }

    private static func again(_ number: Int, hint: Duration? = nil, isBudgeted: Bool = true) -> RetryDecision {
        .again(number: number, hint: hint, isBudgeted: isBudgeted)
    }

    struct Row: Sendable {
        var error: TranscriptionError
        var isAway = false
        var refusing = Duration.zero
        /// Of the first attempt, the second, …
        var decisions: [RetryDecision]
    }

    private static let rows: [Row] = [
        Row(error: error(.giveUpChunk), decisions: [.fail]),
        Row(error: error(.giveUpRecording), decisions: [.fail]),
        Row(error: error(.split(maximumSamples: 7)), decisions: [.split(maximumSamples: 7)]),
        Row(error: error(.split(maximumSamples: nil)), isAway: true, decisions: [.split(maximumSamples: nil)]),
        Row(error: error(.retry(after: nil)), decisions: [again(1), again(2), .giveUp(reason: nil)]),
        Row(
            error: error(.retry(after: nil), .strained), isAway: true,
            decisions: [.waitForEngine, .waitForEngine, .waitForEngine, .waitForEngine]),
        // A pause that the server asks for counts as an attempt where it did not refuse.
        Row(
            error: error(.retry(after: .seconds(9)), .strained),
            decisions: [again(1, hint: .seconds(9)), again(2, hint: .seconds(9)), .giveUp(reason: nil)]),
        Row(error: error(.retry(after: .zero)), decisions: [again(1)]),
        Row(
            error: error(.retry(after: .seconds(101)), .strained),
            decisions: [.giveUp(reason: "the pause asked for is longer than 100 s")]),
        // Refused with a pause: no attempt of the chunk, until its patience is used up.
        Row(
            error: error(.retry(after: .seconds(40)), .refused),
            decisions: [
                again(1, hint: .seconds(40), isBudgeted: false), again(1, hint: .seconds(40), isBudgeted: false),
                again(1, hint: .seconds(40), isBudgeted: false), again(2, hint: .seconds(40), isBudgeted: false),
                .giveUp(reason: nil),
            ]),
        // Refused without one: its attempts count, but not while nobody is let in.
        Row(
            error: error(.retry(after: nil), .refused),
            decisions: [again(1, isBudgeted: false), again(2, isBudgeted: false), .giveUp(reason: nil)]),
        Row(
            error: error(.retry(after: nil), .refused), refusing: .seconds(99),
            decisions: [
                again(1, isBudgeted: false), again(2, isBudgeted: false), again(2, isBudgeted: false),
                again(2, isBudgeted: false),
            ]),
        Row(error: error(.retry(after: nil), .refused), refusing: .seconds(100), decisions: [.engineUnavailable]),
        Row(error: error(.retry(after: nil), .strained), refusing: .seconds(100), decisions: [again(1)]),
    ]

    @Test(arguments: rows) func eachFailureHasItsConsequence(_ row: Row) {
        var state = RetryState()
        let engine = RetryState.EngineState(isAway: row.isAway, refusing: row.refusing)
        let decisions = row.decisions.map { _ in state.decide(row.error, engine, Self.settings) }
        #expect(decisions == row.decisions)
    }

    @Test func whatTheEngineDidCostsTheChunkNothing() {
        var state = RetryState()
        let error = Self.error(.retry(after: nil), .strained)
        #expect(state.decide(.engineAway(error), Self.settings) == .waitForEngine)
        #expect(state.decide(.notSent(error), Self.settings) == .fail)
        #expect(state == RetryState())
        #expect(state.decide(.chunkFault(error), Self.settings) == Self.again(1))
        #expect(state.decide(.chunkFault(error), Self.settings) == Self.again(2))
        #expect(state.decide(.chunkFault(error), Self.settings) == .giveUp(reason: nil))
    }
}
