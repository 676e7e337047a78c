import Testing
import Transcription

@Suite struct FairQueueTests {
    private let hearing = RecordingID(1)
    private let memo = RecordingID(2)

    @Test func aMemoDoesNotWaitForTheHearingThatCameFirst() {
        var queue = FairQueue<String>()
        for number in 0..<100 { queue.add("hearing", id: UInt64(number), of: hearing, cost: 240) }
        let first = (0..<4).compactMap { _ in queue.next()?.recording }
        #expect(first == [hearing, hearing, hearing, hearing])
        queue.add("memo", id: 100, of: memo, cost: 60)
        queue.add("memo", id: 101, of: memo, cost: 60)
        let next = (0..<3).compactMap { _ in queue.next()?.waiter }
        #expect(next == ["memo", "memo", "hearing"])
        #expect(queue.waiting == 95)
    }

    @Test func serviceIsSharedByAudioAndNotByRequests() {
        var queue = FairQueue<Int64>()
        for number in 0..<200 {
            queue.add(300, id: UInt64(2 * number), of: hearing, cost: 300)
            queue.add(100, id: UInt64(2 * number + 1), of: memo, cost: 100)
        }
        var served: [RecordingID: Int64] = [:]
        for _ in 0..<120 {
            if let next = queue.next() { served[next.recording, default: 0] += next.waiter }
        }
        #expect(abs((served[hearing] ?? 0) - (served[memo] ?? 0)) <= 300)
    }

    @Test func whoComesLaterClaimsNoPast() {
        var queue = FairQueue<Int>()
        for number in 0..<50 { queue.add(number, id: UInt64(number), of: hearing, cost: 10) }
        for _ in 0..<40 { _ = queue.next() }
        for number in 50..<100 { queue.add(number, id: UInt64(number), of: memo, cost: 10) }
        let next = (0..<10).compactMap { _ in queue.next()?.recording }
        #expect((4...6).contains(next.count { $0 == hearing }))
    }

    @Test func aRowOfMemosDoesNotKeepAHearingWaitingForEver() {
        var queue = FairQueue<String>()
        for number in 0..<100 { queue.add("hearing", id: UInt64(number), of: hearing, cost: 10) }
        for _ in 0..<20 { _ = queue.next() }
        var heard = 0
        var isMemoServed = true
        for number in 100..<300 {
            // Each memo comes when the one before it is done.
            if isMemoServed { queue.add("memo", id: UInt64(number), of: RecordingID(UInt64(number)), cost: 10) }
            guard let next = queue.next() else { continue }
            isMemoServed = next.recording != hearing
            heard += isMemoServed ? 0 : 1
            queue.finished(next.recording)
        }
        #expect(heard >= 20)
    }

    @Test func withinARecordingFirstComeFirstServed() {
        var queue = FairQueue<Int>()
        for number in 0..<10 { queue.add(number, id: UInt64(number), of: hearing, cost: 1) }
        let served = (0..<11).map { _ in queue.next()?.waiter }
        #expect(served == Array(0..<10) + [nil])
    }

    @Test func whoGivesUpIsNotServed() {
        var queue = FairQueue<Int>()
        for number in 0..<3 { queue.add(number, id: UInt64(number), of: hearing, cost: 1) }
        let removed = [
            queue.remove(id: 1, of: hearing), queue.remove(id: 1, of: hearing), queue.remove(id: 0, of: memo),
        ]
        #expect(removed == [1, nil, nil])
        #expect(queue.waiting == 2)
        let served = (0..<3).map { _ in queue.next()?.waiter }
        #expect(served == [0, 2, nil])
    }

    @Test func recordingsThatAreDoneAreForgotten() {
        var queue = FairQueue<Int>()
        for number in 0..<1000 {
            let id = RecordingID(UInt64(number))
            queue.add(number, id: UInt64(number), of: id, cost: 1000)
            if number > 0 {
                _ = queue.next()
                queue.finished(RecordingID(UInt64(number - 1)))
            }
        }
        #expect(queue.recordings <= 8)
    }
}
