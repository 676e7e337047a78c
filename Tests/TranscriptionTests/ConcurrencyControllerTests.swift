import TestSupport
import Testing
import Transcription

@Suite(.timeLimit(.minutes(20))) struct ConcurrencyControllerTests {
    private let recording = RecordingID(1)

    private static func refusal(after hint: Duration?) -> TranscriptionError {
        TranscriptionError(.requestFailed, "Too many.", remedy: .retry(after: hint), pressure: .refused)
    }

    @Test func theCeilingHoldsOverAllRecordings() async throws {
        let controller = ConcurrencyController(.init(ceiling: 3), clock: ManualClock())
        let held = Guarded((now: 0, most: 0))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<100 {
                group.addTask {
                    try await controller.withPermit(for: RecordingID(UInt64(number % 5)), cost: 1) { _ in
                        held.change {
                            $0.now += 1
                            $0.most = max($0.most, $0.now)
                        }
                        await Task.yield()
                        held.change { $0.now -= 1 }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(held.value.most == 3)
        #expect(controller.figures.inFlight == 0)
        #expect(controller.figures.requestsInLastMinute == 100)
    }

    @Test func afterAPauseOneGoesFirstAndThenTheOthers() async throws {
        let clock = ManualClock()
        let controller = ConcurrencyController(.init(ceiling: 4), clock: clock)
        let id = recording
        await #expect(throws: TranscriptionError.self) {
            try await controller.withPermit(for: id, cost: 1) { _ in throw Self.refusal(after: .seconds(20)) }
        }
        let started = Guarded(0)
        let gate = Gate()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    try await controller.withPermit(for: id, cost: 1) { _ in
                        started.change { $0 += 1 }
                        try await gate.pass()
                    }
                }
            }
            await clock.sleepers(atLeast: 3)
            clock.advance(by: .seconds(19.9))
            await clock.sleepers(atLeast: 3)
            #expect(started.value == 0)
            clock.advance(by: .seconds(0.2))
            try await eventually("the first") { gate.waiting == 1 }
            clock.advance(by: .seconds(1))
            #expect(started.value == 1)
            #expect(controller.figures.waiting == 2)
            gate.open()
            try await group.waitForAll()
        }
        #expect(started.value == 3)
    }

    /// What is held up by others alone looks at no clock.
    @Test func whoWaitsForOthersIsWokenByThem() async throws {
        let clock = ManualClock()
        let controller = ConcurrencyController(.init(ceiling: 1), clock: clock)
        let (id, gate) = (recording, Gate())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask { try await controller.withPermit(for: id, cost: 1) { _ in try await gate.pass() } }
            }
            try await eventually("two wait") { controller.figures.waiting == 2 }
            gate.open()
            try await group.waitForAll()
        }
        #expect(clock.sleepCount == 0)
    }

    /// A pause that becomes shorter while somebody waits for its end.
    @Test func whoWaitsForATimeIsWokenWhenThatIsEarlier() async throws {
        let clock = ManualClock()
        let controller = ConcurrencyController(.init(ceiling: 2, firstAlone: .seconds(60)), clock: clock)
        let (id, accepted, gate) = (recording, Gate(), Gate())
        let second = Guarded(false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await controller.withPermit(for: id, cost: 1) { turn in
                    try await accepted.pass()
                    turn.letOthersFollow(after: .seconds(1))
                    try await gate.pass()
                }
            }
            try await eventually("the first") { accepted.waiting == 1 }
            group.addTask { try await controller.withPermit(for: id, cost: 1) { _ in second.change { $0 = true } } }
            try await eventually("it waits") { clock.earliest?.offset == .seconds(60) }
            accepted.open()
            try await eventually("it waits for less") { clock.earliest?.offset == .seconds(1) }
            clock.advance(by: .seconds(1))
            try await eventually("the second") { second.value }
            gate.open()
            try await group.waitForAll()
        }
    }

    /// Who waits for a time may be called off, and the others must be let go at that time all the same.
    @Test func thoseWhoAreCalledOffTakeNoAlarmAlong() async throws {
        let clock = ManualClock()
        let controller = ConcurrencyController(.init(ceiling: 4, requestsPerMinute: 1), clock: clock)
        let id = recording
        try await controller.withPermit(for: id, cost: 1) { _ in }
        try await withThrowingTaskGroup(of: Void.self) { group in
            await withTaskGroup(of: Void.self) { others in
                for _ in 0..<8 {
                    others.addTask { try? await controller.withPermit(for: id, cost: 1) { _ in } }
                }
                await clock.sleepers(atLeast: 1)
                group.addTask { try await controller.withPermit(for: id, cost: 1) { _ in } }
                try? await eventually("all wait") { controller.figures.waiting == 9 }
                others.cancelAll()
            }
            await clock.sleepers(atLeast: 1)
            clock.advance(by: .seconds(61))
            try await group.waitForAll()
        }
        #expect(controller.figures.waiting == 0)
    }

    @Test func theRateIsKept() async throws {
        let clock = ManualClock()
        let controller = ConcurrencyController(.init(ceiling: 4, requestsPerMinute: 2), clock: clock)
        let id = recording
        let starts = Guarded<[Duration]>([])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...6 {
                group.addTask {
                    try await controller.withPermit(for: id, cost: 1) { _ in
                        starts.change { $0.append(clock.now.offset) }
                    }
                }
                if number == 2 { try await group.next() }
                if number == 2 { try await group.next() }
            }
            for waiting in [4, 2] {
                await clock.sleepers(atLeast: waiting)
                #expect(controller.figures.waiting == waiting)
                clock.advance(by: .seconds(60))
                await clock.sleepers(atLeast: waiting)
                #expect(controller.figures.waiting == waiting)
                clock.advance(by: .seconds(1))
                try await group.next()
                try await group.next()
            }
        }
        #expect(starts.value == [0, 0, 61, 61, 122, 122].map { .seconds($0) })
    }

    @Test func whoIsCancelledTakesNoPermitAlong() async throws {
        let controller = ConcurrencyController(.init(ceiling: 2), clock: ManualClock())
        let id = recording
        for round in 0..<100 {
            let gate = Gate()
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask { try? await controller.withPermit(for: id, cost: 1) { _ in try await gate.pass() } }
                }
                for _ in 0..<round % 7 { await Task.yield() }
                group.cancelAll()
                gate.open()
            }
            #expect(controller.figures.inFlight == 0)
            #expect(controller.figures.waiting == 0)
        }
        try await controller.withPermit(for: id, cost: 1) { _ in }
    }

    @Test func whatIsNotWantedAnyMoreIsNotSent() async throws {
        let controller = ConcurrencyController(.init(ceiling: 2), clock: ManualClock())
        let sent = Guarded(false)
        await #expect(throws: CancellationError.self) {
            try await controller.withPermit(for: recording, cost: 1, isWanted: { false }) { _ in
                sent.change { $0 = true }
            }
        }
        #expect(!sent.value)
        #expect(controller.figures.inFlight == 0)
        #expect(controller.figures.requestsInLastMinute == 0)
    }

    @Test func resultsAndErrorsPassThrough() async throws {
        let controller = ConcurrencyController(.init(ceiling: 4), clock: ManualClock())
        #expect(try await controller.withPermit(for: recording, cost: 1) { _ in 42 } == 42)
        let thrown = await #expect(throws: TranscriptionError.self) {
            try await controller.withPermit(for: recording, cost: 1) { _ in throw Self.refusal(after: nil) }
        }
        #expect(thrown?.message == "Too many.")
        #expect(controller.figures.limit < 4)
    }
}
