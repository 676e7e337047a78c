import Testing
import Transcription

/// An engine that answers nobody, in played time.
@Suite struct CircuitBreakerTests {
    private typealias Granted = [(waiter: Int, permit: RequestPermit)]

    /// An engine that has answered once and then failed until it is taken for away; six wait for it.
    /// - Returns: it, and when the first request to find out may go.
    private static func opened(at now: Duration) throws -> (Admission<Int>, until: Duration) {
        var admission = Admission<Int>(.init(ceiling: 4))
        for number in 0..<30 { admission.add(number, id: UInt64(number), of: RecordingID(1), cost: 1) }
        let first = admission.grant(now: now).granted
        admission.finish(first[0].permit, .success, now: now)
        for permit in first.dropFirst().map(\.permit) { admission.finish(permit, .broken, now: now) }
        for _ in 0..<2 where !admission.engine.isOpen {
            let more = admission.grant(now: now).granted
            for permit in more.map(\.permit) { admission.finish(permit, .broken, now: now) }
        }
        try #require(admission.engine.isOpen && admission.waiting > 1)
        return (admission, try #require(admission.engine.opensUntil))
    }

    @Test func oneRequestAtATimeFindsOutWhetherItIsBack() throws {
        var (admission, until) = try Self.opened(at: .seconds(1))
        let early = admission.grant(now: until - .milliseconds(1)).granted
        #expect(early.isEmpty)
        for failures in 1...4 {
            let found = admission.grant(now: until).granted
            #expect(found.count == 1 && found.allSatisfy(\.permit.isProbe), "after \(failures) failures")
            // However long it takes to answer.
            let (others, again) = admission.grant(now: until + .seconds(3600))
            #expect(others.isEmpty && again == nil, "after \(failures) failures")
            guard let probe = found.first?.permit else { return }
            let answered = until + .seconds(1)
            admission.finish(probe, .away, now: answered)
            until = try #require(admission.engine.opensUntil)
            #expect(until - answered == .seconds(1 << failures), "the pause doubles")
        }
        let last = admission.grant(now: until).granted
        #expect(last.count == 1)
        guard let probe = last.first?.permit else { return }
        admission.finish(probe, .success, now: until)
        let rest = admission.grant(now: until).granted
        #expect(rest.count > 1 && rest.allSatisfy { !$0.permit.isProbe }, "it is back")
    }

    /// The one that was to find out says nothing: it was called off.
    @Test(arguments: [RequestOutcome.cancelled, .notSent]) func anotherGoesWhereTheFirstFoundNothingOut(
        _ outcome: RequestOutcome
    ) throws {
        var (admission, until) = try Self.opened(at: .seconds(1))
        let first = admission.grant(now: until).granted
        try #require(first.count == 1)
        admission.finish(first[0].permit, outcome, now: until)
        #expect(admission.engine.opensUntil == until, "no failure, no longer pause")
        let second = admission.grant(now: until).granted
        #expect(second.count == 1 && second.allSatisfy(\.permit.isProbe))
    }
}
