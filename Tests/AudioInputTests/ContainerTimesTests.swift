import AudioContainers
import AudioInput
import Testing

/// Which jumps in a container's times are silence.
@Suite struct ContainerTimesTests {
    private typealias Row = (
        name: String, length: Double?, jumps: [(Double, Double)], holes: [ADTSDamage.Hole], oddity: Double?
    )

    private static let rows: [Row] = [
        ("begins at once", 10, [(-1, 0)], [], nil),
        ("begins late", 14, [(-1, 4)], [.init(place: 0, length: 4)], nil),
        ("one hole", 10, [(-1, 0), (3, 8)], [.init(place: 3, length: 5)], nil),
        (
            "two holes", 20, [(-1, 0), (3, 8), (10, 15)], [.init(place: 3, length: 5), .init(place: 5, length: 5)], nil
        ),
        ("another format, on time", 20, [(-1, 0), (-1, 10)], [], nil),
        ("hours, and back", 60, [(-1, 0), (20, 7_220), (7_222, 22)], [], 20),
        ("hours in a container of hours", 8_000, [(-1, 0), (20, 7_220)], [.init(place: 20, length: 7_200)], nil),
        ("hours without a length", nil, [(-1, 0), (20, 7_220)], [], 20),
        ("minutes without a length", nil, [(-1, 0), (20, 320)], [.init(place: 20, length: 300)], nil),
        ("back, and on again", 60, [(-1, 0), (20, 5), (7, 22)], [], 20),
        ("hours, and a hole behind them", 60, [(-1, 0), (20, 7_220), (7_222, 30)], [.init(place: 22, length: 8)], 20),
    ]

    @Test(arguments: rows) private func areTold(_ row: Row) {
        var times = ContainerTimes()
        let holes = row.jumps.compactMap { times.take($0.0, $0.1, containerLength: row.length) }
        #expect(holes == row.holes, "\(row.name)")
        #expect(times.firstOddity == row.oddity, "\(row.name)")
    }
}
