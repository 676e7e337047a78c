import TestSupport
import Testing
import Transcription

@Suite(.timeLimit(.minutes(20))) struct ChunkSlotsTests {
    @Test func neverMoreThanThereAre() async throws {
        let slots = ChunkSlots(count: 3)
        let held = Guarded((now: 0, most: 0))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<60 {
                group.addTask {
                    let id = RecordingID(UInt64(number % 4))
                    try await slots.acquire(for: id)
                    held.change {
                        $0.now += 1
                        $0.most = max($0.most, $0.now)
                    }
                    await Task.yield()
                    held.change { $0.now -= 1 }
                    slots.release(of: id)
                }
            }
            try await group.waitForAll()
        }
        #expect(held.value.now == 0)
        #expect(held.value.most == 3)
    }

    @Test func aSecondRecordingGetsTheNextFreePlace() async throws {
        let slots = ChunkSlots(count: 2)
        let (first, second) = (RecordingID(1), RecordingID(2))
        try await slots.acquire(for: first)
        try await slots.acquire(for: first)
        let order = Guarded<[RecordingID]>([])
        try await withThrowingTaskGroup(of: Void.self) { group in
            // The first recording has had two; whoever of the waiting came first, the second one is served first.
            for id in [first, second] {
                group.addTask {
                    try await slots.acquire(for: id)
                    order.change { $0.append(id) }
                    slots.release(of: id)
                }
            }
            try await eventually("two waiting") { slots.waiting == 2 }
            slots.release(of: first)
            try await group.waitForAll()
        }
        #expect(order.value == [second, first])
    }

    /// A memo behind a hearing that has all places.
    @Test func whoHasNoneGetsAPlaceAtOnce() async throws {
        let slots = ChunkSlots(count: 2, forNewcomers: 1)
        let (hearing, memo, other) = (RecordingID(1), RecordingID(2), RecordingID(3))
        for _ in 0..<2 { try await slots.acquire(for: hearing) }
        try await slots.acquire(for: memo)
        let order = Guarded<[RecordingID]>([])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for id in [hearing, memo, other] {
                group.addTask {
                    try await slots.acquire(for: id)
                    order.change { $0.append(id) }
                    slots.release(of: id)
                }
            }
            try await eventually("all waiting: there is one such place, and it is taken") { slots.waiting == 3 }
            slots.release(of: hearing)
            try await eventually("the place goes to who has none") { order.value == [other] }
            slots.release(of: memo)
            try await group.waitForAll()
        }
        #expect(order.value.count == 3)
        slots.release(of: hearing)
        for _ in 0..<2 { try await slots.acquire(for: hearing) }
        #expect(slots.waiting == 0, "what was lent has come back")
    }

    @Test func whoIsCancelledTakesNoPlaceAlong() async throws {
        let slots = ChunkSlots(count: 1)
        let id = RecordingID(1)
        for _ in 0..<200 {
            try await slots.acquire(for: id)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        guard (try? await slots.acquire(for: id)) != nil else { return }
                        slots.release(of: id)
                    }
                }
                await Task.yield()
                group.cancelAll()
                slots.release(of: id)
            }
        }
        #expect(slots.waiting == 0)
        try await slots.acquire(for: id)
    }
}
