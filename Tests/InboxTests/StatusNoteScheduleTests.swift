import Inbox
import Testing
import Transcription

/// When a person reads something new of a recording that is in work.
@Suite struct StatusNoteScheduleTests {
    private typealias Reason = ProgressStall.Reason

    /// At which looks, counted from 1, the note is written.
    private static func written(_ looks: [ProgressStall.Reason?]) -> [Int] {
        var schedule = StatusNoteSchedule()
        return looks.enumerated().filter { schedule.isDue($0.element) }.map { $0.offset + 1 }
    }

    @Test func everyTenSecondsWhereNothingHappens() {
        #expect(Self.written(Array(repeating: nil, count: 16)) == [1, 6, 11, 16])
        #expect(Self.written(Array(repeating: Reason.engineAway, count: 11)) == [1, 6, 11])
    }

    @Test func atOnceWhenItDoesNotGoOnOrGoesOnAgain() {
        let away = Reason.engineAway
        #expect(Self.written([nil, nil, away, away, away, away, away, away]) == [1, 3, 8])
        #expect(Self.written([nil, away, nil, nil, nil, nil, nil]) == [1, 2, 3])
        #expect(Self.written([nil, away, Reason.engineSilent, Reason.turn]) == [1, 2, 3, 4], "another reason")
    }
}
