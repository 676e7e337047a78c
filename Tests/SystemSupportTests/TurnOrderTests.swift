import SystemPackage
import SystemSupport
import Testing

/// Who goes on next, without threads or time.
@Suite struct TurnOrderTests {
    private static let (nas, disk) = (Storage.folder("/nas"), Storage.folder("/disk"))

    /// Plays works to their ends, one slice of 10 a turn, and says who had each turn.
    private static func played(
        _ works: [(name: String, bytes: Int64)], limit: Int = 1, arriving: [Int: (name: String, bytes: Int64)] = [:],
        turns: Int = .max
    ) -> [String] {
        var order = TurnOrder<String>(limit: limit, perStorage: 1)
        var left: [String: Int64] = [:]
        func add(_ work: (name: String, bytes: Int64)) {
            left[work.name] = work.bytes
            order.wait(work.name, on: nas, remaining: work.bytes)
        }
        works.forEach(add)
        var out: [String] = []
        while out.count < turns, let name = order.next() {
            out.append(name)
            if let work = arriving[out.count] { add(work) }
            let rest = (left[name] ?? 0) - 10
            left[name] = rest
            if rest > 0 { order.wait(name, on: nas, remaining: rest) } else { order.end(name) }
        }
        return out
    }

    @Test func theOneWithTheLeastLeftGoesFirst() {
        // The fourth turn belongs to the one that came first.
        #expect(
            Self.played([("hearing", 40), ("talk", 20), ("memo", 10)])
                == ["memo", "talk", "talk", "hearing", "hearing", "hearing", "hearing"])
    }

    @Test func aMemoThatComesLaterDoesNotWaitBehindHearings() {
        let hearings = (1...8).map { ("hearing \($0)", Int64(1000)) }
        let turns = Self.played(hearings, arriving: [5: ("memo", 10)], turns: 7)
        #expect(turns.firstIndex(of: "memo") == 5)
    }

    @Test func hearingsComeToTheirEndOneAfterAnother() {
        let turns = Self.played((1...4).map { ("\($0)", 200) })
        let ends = (1...4).compactMap { turns.lastIndex(of: "\($0)") }.sorted()
        #expect(turns.count == 80)
        // All at once, the first one would end with the last ones.
        #expect(ends[0] <= 30)
    }

    @Test func theLargestComesToItsEndThoughSmallOnesArriveWithoutEnd() {
        let memos = Dictionary(uniqueKeysWithValues: (1...400).map { ($0, ("memo \($0)", Int64(10))) })
        let turns = Self.played([("hearing", 500)], arriving: memos, turns: 400)
        #expect(turns.count { $0 == "hearing" } == 50)
    }

    @Test func oneStorageHasItsShareAndAnotherAlwaysATurn() {
        var order = TurnOrder<Int>(limit: 3, perStorage: 2)
        for id in 1...4 { order.wait(id, on: Self.nas, remaining: 10) }
        #expect([order.next(), order.next(), order.next()] == [1, 2, nil])
        for id in 11...13 { order.wait(id, on: Self.disk, remaining: 1000) }
        #expect([order.next(), order.next()] == [11, nil], "the limit is three")
        for number in 1...5 {
            order.wait(100 + number, on: .folder(FilePath("/share\(number)")), remaining: 10)
            #expect(order.next() == 100 + number, "beyond the limit, the first of each storage")
        }
        // What hangs keeps its turns; the disk goes on with its one.
        order.end(11)
        #expect([order.next(), order.next()] == [12, nil])
    }

    @Test func whatEndsGivesItsTurnOrItsPlaceBack() {
        var order = TurnOrder<Int>(limit: 1, perStorage: 1)
        for id in 1...3 { order.wait(id, on: Self.nas, remaining: Int64(id)) }
        #expect(order.next() == 1)
        order.end(2)
        #expect(order.next() == nil)
        order.end(1)
        order.end(1)
        #expect([order.next(), order.next()] == [3, nil])
    }
}
