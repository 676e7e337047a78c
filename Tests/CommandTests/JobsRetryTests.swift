import Glibc
import ParlographCommands
import SystemPackage
import TestSupport
import Testing

/// `parlograph jobs retry` for many recordings at once.
@Suite(.serialized)
struct JobsRetryTests {
    private static func failed(_ folder: FilePath, _ names: [String]) async throws -> Workplace {
        let place = try Workplace(
            folder,
            """
            [[inbox]]
            path = "\(folder.string)/inbox"
            outbox = "\(folder.string)/outbox"
            done = "\(folder.string)/done"
            failed = "\(folder.string)/failed"
            settle_seconds = 0.2
            """)
        for path in ["inbox", "inbox/letters"] { try place.makeFolder(path) }
        for name in names { try place.write("\(name) is no audio", to: "inbox/\(name)") }
        #expect(try await place.run("serve", "--once").status == 65)
        #expect(try place.files("failed").count == names.count)
        return place
    }

    private static let names = ["a.wav", "b.mp3", "letters/a.wav", "letters/c.mp3"]

    @Test(
        arguments: [
            (["--all"], names), (["*.mp3"], ["b.mp3", "letters/c.mp3"]),
            (["letters/*"], ["letters/a.wav", "letters/c.mp3"]),
            (["?.wav"], ["a.wav", "letters/a.wav"]), (["b.mp3", "*.mp3"], ["b.mp3", "letters/c.mp3"]),
            (["--failed-since", "1h"], names), (["--failed-since", "2000-01-01", "b*"], ["b.mp3"]),
            (["--failed-since", "2999-01-01"], []),
        ] as [([String], [String])])
    func takesWhatIsMeant(_ arguments: [String], _ expected: [String]) async throws {
        try await withTemporaryDirectory { folder in
            let place = try await Self.failed(folder, Self.names)
            let ended = try await place.run((["jobs", "retry"] + arguments).map { Array($0.utf8) })
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.files("inbox") == expected.sorted())
            #expect(ended.lines.count == max(1, expected.count))
        }
    }

    @Test(
        arguments: [
            ([], 64, "--all"), (["--all", "a.wav"], 64, "takes no names"),
            (["--failed-since", "yesterday"], 64, "is no time"),
            (["x*.mp3"], 66, "is called x*.mp3"),
        ] as [([String], Int32, String)])
    func saysWhatIsWrong(_ arguments: [String], _ status: Int32, _ words: String) async throws {
        try await withTemporaryDirectory { folder in
            let place = try await Self.failed(folder, ["a.wav"])
            let ended = try await place.run((["jobs", "retry"] + arguments).map { Array($0.utf8) })
            #expect(ended.status == status && ended.errors.contains(words), "\(ended.errors)")
            #expect(try place.files("inbox").isEmpty)
        }
    }

    @Test(
        arguments: [
            ("90s", -90), ("30min", -1800), ("5m", -300), ("2h", -7200), ("3d", -259_200), ("1w", -604_800),
            ("2 h", -7200),
            ("h", nil), ("-2h", nil), ("2h30", nil), ("2026-02-30", nil), ("2026-13-01", nil), ("2026-1-1", nil),
            ("2026-11-27T25:00", nil), ("", nil),
        ] as [(String, Int64?)])
    func aTimeAgoIsCountedFromNow(_ text: String, _ offset: Int64?) {
        #expect(PointInTime.seconds(text, now: 1_000_000) == offset.map { 1_000_000 + $0 })
    }

    @Test func aMomentIsOfTheMachinesTimeZone() throws {
        let day = try #require(PointInTime.seconds("2026-11-27", now: 0))
        #expect(PointInTime.seconds("2026-11-27T08:00", now: 0) == day + 8 * 3600)
        #expect(PointInTime.seconds("2026-11-27 08:00:30", now: 0) == day + 8 * 3600 + 30)
        var at = time_t(day)
        var parts = tm()
        localtime_r(&at, &parts)
        #expect(parts.tm_hour == 0 && parts.tm_mday == 27)
    }
}
