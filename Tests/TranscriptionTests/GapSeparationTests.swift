import Testing
import Transcription

/// Two gaps never tell of the same moment.
@Suite struct GapSeparationTests {
    private typealias Row = (name: String, made: [Transcript.Gap], told: [Transcript.Gap])

    private static func lost(_ start: Int64, _ end: Int64) -> Transcript.Gap {
        Transcript.Gap(range: SampleRange(start, end), reason: "damaged", cause: .damage)
    }
    private static func failed(_ start: Int64, _ end: Int64) -> Transcript.Gap {
        Transcript.Gap(range: SampleRange(start, end), reason: "no answer")
    }
    private static func broken(from start: Int64, to end: Int64? = nil) -> Transcript.Gap {
        Transcript.Gap(
            range: SampleRange(start, end ?? start), reason: "cut short", cause: .interruption, isOpenEnded: end == nil)
    }

    private static let rows: [Row] = [
        ("none", [], []),
        ("apart", [lost(50, 60), lost(10, 20)], [lost(10, 20), lost(50, 60)]),
        ("over each other", [lost(10, 30), lost(20, 40)], [lost(10, 40)]),
        ("meeting", [lost(10, 20), lost(20, 40)], [lost(10, 40)]),
        ("one within another", [lost(10, 40), lost(20, 30)], [lost(10, 40)]),
        ("twice", [lost(10, 20), lost(10, 20)], [lost(10, 20)]),
        ("of different causes", [lost(10, 30), broken(from: 20, to: 50)], [lost(10, 30), broken(from: 30, to: 50)]),
        ("behind it, without end", [lost(10, 30), broken(from: 20)], [lost(10, 30), broken(from: 30)]),
        ("in a chunk that failed", [failed(0, 100), lost(10, 30)], [failed(0, 100)]),
        ("at the edge of one", [failed(20, 100), lost(10, 30)], [lost(10, 20), failed(20, 100)]),
        (
            "around two", [lost(10, 100), failed(20, 30), failed(30, 40)],
            [lost(10, 20), failed(20, 30), failed(30, 40), lost(40, 100)]
        ),
    ]

    @Test(arguments: rows) private func areSeparated(_ row: Row) {
        #expect(row.made.separated() == row.told, "\(row.name)")
        #expect(row.made.reversed().separated() == row.told, "\(row.name), the other way round")
    }
}
