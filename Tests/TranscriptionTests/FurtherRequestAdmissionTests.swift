import Testing
import Transcription

/// More than one request in a turn, and what the server says is left.
@Suite struct FurtherRequestAdmissionTests {
    private typealias Settings = ConcurrencyController.Settings
    private let recording = RecordingID(1)

    private func admission(_ settings: Settings, waiting: Int) -> Admission<Int> {
        var admission = Admission<Int>(settings)
        for number in 0..<waiting { admission.add(number, id: UInt64(number), of: recording, cost: 16_000) }
        return admission
    }

    @Test func aFurtherRequestCountsForTheRatesAndGoesBeforeTheOthers() {
        var admission = admission(Settings(ceiling: 1, requestsPerMinute: 2, audioSecondsPerHour: 3), waiting: 3)
        let first = admission.grant(now: .zero).granted
        #expect(first.map(\.waiter) == [0])
        admission.addFurther(10, id: 10, with: first[0].permit)
        let second = admission.grant(now: .seconds(1)).granted
        #expect(second.map(\.waiter) == [10] && second.first?.permit == first[0].permit)
        #expect(admission.inFlight == 1 && admission.requestsInLastMinute(now: .seconds(1)) == 2)
        admission.addFurther(11, id: 11, with: first[0].permit)
        let none = admission.grant(now: .seconds(2))
        #expect(none.granted.isEmpty && none.again.map { $0 >= .seconds(60) } == true)
        admission.finish(first[0].permit, .success, now: .seconds(3))
        #expect(admission.remove(id: 11, of: recording) == 11)
        let later = admission.grant(now: .seconds(70)).granted
        #expect(later.map(\.waiter) == [1])
        // The third second of the hour's audio is spent.
        admission.finish(later[0].permit, .success, now: .seconds(71))
        #expect(admission.grant(now: .seconds(140)).granted.isEmpty)
    }

    @Test func nobodyStartsWhereTheServerSaysNothingIsLeft() {
        var admission = admission(Settings(ceiling: 4), waiting: 20)
        let permits = admission.grant(now: .zero).granted.map(\.permit)
        // Those sent after it may be missing in what the server counted: 5 - 3.
        admission.take(.init(remaining: 5, reset: .seconds(20)), by: permits[0], now: .seconds(1))
        for permit in permits { admission.finish(permit, .success, now: .seconds(1)) }
        let two = admission.grant(now: .seconds(1))
        #expect(two.granted.count == 2 && two.again == .seconds(21))
        admission.take(.init(remaining: 9, reset: .seconds(5)), by: two.granted[1].permit, now: .seconds(2))
        #expect(admission.grant(now: .seconds(2)).granted.count == 2)
    }

    @Test(arguments: [Duration.zero, .seconds(-1), .seconds(86_400)]) func aResetThatIsNoneHoldsNobody(
        _ reset: Duration
    ) {
        var admission = admission(Settings(ceiling: 2), waiting: 20)
        let permits = admission.grant(now: .zero).granted.map(\.permit)
        admission.take(.init(remaining: 0, reset: reset), by: permits[0], now: .seconds(1))
        admission.finish(permits[0], .success, now: .seconds(1))
        #expect(admission.grant(now: .seconds(1)).granted.count == 1)
    }

    @Test func theOthersFollowTheFirstWhenItsEngineSaysSo() {
        var admission = admission(Settings(ceiling: 4, firstAlone: .seconds(60)), waiting: 20)
        let first = admission.grant(now: .zero).granted
        #expect(first.count == 1 && first[0].permit.isFirst)
        #expect(admission.grant(now: .seconds(10)).granted.isEmpty)
        admission.follow(first[0].permit, after: .milliseconds(300), now: .seconds(10))
        #expect(admission.grant(now: .seconds(10.2)).granted.isEmpty)
        let rest = admission.grant(now: .seconds(10.3)).granted
        #expect(rest.count == 3 && rest.allSatisfy { !$0.permit.isFirst })
    }
}
