import Testing
import Transcription

/// The rules of who may send when, in played time.
@Suite struct AdmissionTests {
    private typealias Settings = ConcurrencyController.Settings
    private let recording = RecordingID(1)

    /// An admission with waiters 1... of one recording, all of whom ask now.
    private func admission(_ settings: Settings, waiting: Int) -> Admission<Int> {
        var admission = Admission<Int>(settings)
        for number in 0..<waiting { admission.add(number, id: UInt64(number), of: recording, cost: 1) }
        return admission
    }

    @Test(arguments: [1, 2, 3, 4]) func upToFourBeginAtOnce(ceiling: Int) {
        var admission = admission(Settings(ceiling: ceiling), waiting: 20)
        let (granted, again) = admission.grant(now: .zero)
        #expect(granted.map(\.waiter) == Array(0..<ceiling))
        #expect(again == nil)
        admission.finish(granted[0].permit, .success, now: .seconds(1))
        let go1 = admission.grant(now: .seconds(1)).granted.count
        #expect(go1 == 1)
        #expect(admission.inFlight == ceiling)
    }

    @Test func anotherRateCountsForThoseWhoWait() {
        var admission = admission(Settings(ceiling: 8, requestsPerMinute: 1), waiting: 8)
        let (granted, again) = admission.grant(now: .zero)
        #expect(granted.count == 1 && again != nil)
        admission.finish(granted[0].permit, .success, now: .seconds(1))
        let early = admission.grant(now: .seconds(2)).granted.count
        #expect(early == 0)
        admission.setRates(Settings(ceiling: 1, requestsPerMinute: 4))
        let more = admission.grant(now: .seconds(2)).granted.count
        #expect(more == 3, "the one that was sent counts, and the ceiling stays")
        admission.setRates(Settings(ceiling: 1, requestsPerMinute: nil))
        let rest = admission.grant(now: .seconds(3)).granted.count
        #expect(rest == admission.currentLimit - 3, "nothing but what is useful is against it")
        #expect(admission.settings == Settings(ceiling: 8))
    }

    /// With a fixed latency and no faults nothing is lost against the shortest possible time.
    @Test(arguments: [(4, 40), (2, 40), (1, 10), (8, 200), (16, 400)])
    func aFaultlessServerIsUsedFully(_ ceiling: Int, _ chunks: Int) {
        var simulation = AdmissionSimulation(
            Settings(ceiling: ceiling, firstAlone: .milliseconds(300)), chunks: [chunks]
        ) { _, _ in .init(latency: .seconds(2)) }
        simulation.run()
        let ideal = Duration.seconds(2 * ((chunks + ceiling - 1) / ceiling))
        let allowed = ceiling <= 4 ? ideal + .milliseconds(300) : ideal * 1.25
        #expect(simulation.end <= allowed, "\(simulation.end) for \(ideal)")
        #expect(simulation.maximumInFlight == ceiling)
        #expect(simulation.seen.count == chunks)
    }

    @Test(arguments: 1..<4) func noisyLatenciesCostNothing(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var work = Duration.zero
        var simulation = AdmissionSimulation(Settings(ceiling: 4), chunks: [200]) { _, _ in
            let latency = Duration.milliseconds(Int.random(in: 300...4000, using: &random))
            work += latency
            return .init(latency: latency)
        }
        simulation.run()
        #expect(simulation.end <= work / 4 + .seconds(4))
    }

    /// Latencies of many kinds of noise: nobody takes the first quick answer for what the server can do.
    @Test(arguments: 1..<30) func noiseIsNotTakenForWaiting(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let spread = Int.random(in: 0...9, using: &random)
        func latency(_ random: inout SeededGenerator) -> Duration {
            let even = Double.random(in: -1...1, using: &random) * Double(spread) / 10
            let heavy = seed % 3 == 0 ? 1 / Double.random(in: 0.1...1, using: &random) : 1
            return .seconds((1 + even) * heavy)
        }
        var work = Duration.zero
        var simulation = AdmissionSimulation(Settings(ceiling: 4, firstAlone: .milliseconds(300)), chunks: [100]) {
            _, _ in
            let latency = latency(&random)
            work += latency
            return .init(latency: latency)
        }
        simulation.run()
        let longest = seed % 3 == 0 ? 20.0 : 2
        #expect(simulation.end <= work / 4 * 1.03 + .seconds(longest), "\(simulation.end) for \(work / 4)")
    }

    /// A server that works through its requests with so many hands: no more than one for each and one in reserve.
    @Test(arguments: [(1, 4), (1, 8), (2, 4), (2, 8), (4, 8)])
    func whereMoreOnlyWaitFewerAreSent(_ hands: Int, _ ceiling: Int) {
        var free = [Duration](repeating: .zero, count: hands)
        var longest = Duration.zero
        var count = 0
        var simulation = AdmissionSimulation(
            Settings(ceiling: ceiling, firstAlone: .milliseconds(300)), chunks: [200]
        ) { _, now in
            let hand = free.indices.min { free[$0] < free[$1] } ?? 0
            free[hand] = max(free[hand], now) + .seconds(1)
            count += 1
            if count > 100 { longest = max(longest, free[hand] - now) }
            return .init(latency: free[hand] - now)
        }
        simulation.run()
        #expect(simulation.lastLimit <= hands + 1, "\(simulation.lastLimit)")
        #expect(longest <= .seconds(2))
        #expect(simulation.end < .seconds(200 / hands) * 1.03)
    }

    @Test func whatOnlyLookedLikeWaitingIsTakenBack() {
        // All latencies are three times as long as that of the first request, and it is not for the number of them.
        var count = 0
        var simulation = AdmissionSimulation(Settings(ceiling: 4), chunks: [300]) { _, _ in
            count += 1
            return .init(latency: count == 1 ? .seconds(1) : .seconds(3))
        }
        simulation.run()
        #expect(simulation.lastLimit == 4)
        #expect(simulation.end < .seconds(300 * 3 / 4) * 1.05)
    }

    @Test(arguments: [1, 2, 3, 5, 6], 1..<4) func aServerThatTakesFewIsSeldomAskedForMore(capacity: Int, seed: UInt64) {
        var simulation = AdmissionSimulation(Settings(ceiling: 8), chunks: [300]) { inFlight, _ in
            inFlight < capacity
                ? .init(latency: .milliseconds(1500))
                : .init(latency: .milliseconds(20), outcome: .pressure(.refused, after: nil))
        }
        simulation.run(seed: seed)
        let share = Double(simulation.refusals) / Double(simulation.seen.count)
        #expect(share < 0.05, "\(simulation.refusals) of \(simulation.seen.count)")
        let ideal = Duration.milliseconds(1500) * 300 / capacity
        #expect(simulation.end < ideal * 1.35, "\(simulation.end) for \(ideal)")
    }

    @Test func aServerThatFindsMoreRoomIsUsedAgain() {
        var simulation = AdmissionSimulation(Settings(ceiling: 8), chunks: [1500]) { inFlight, now in
            inFlight < (now < .seconds(60) ? 2 : 100)
                ? .init(latency: .seconds(1)) : .init(latency: .zero, outcome: .pressure(.refused, after: nil))
        }
        simulation.run()
        #expect(simulation.lastLimit == 8)
        #expect(simulation.end < .seconds(60 + 60 + 1500 / 8))
    }

    @Test(arguments: [20, 60]) func noMinuteSeesMoreRequestsThanAllowed(rate: Int) {
        var simulation = AdmissionSimulation(Settings(ceiling: 8, requestsPerMinute: rate), chunks: [150, 50]) { _, _ in
            .init(latency: .milliseconds(700))
        }
        simulation.run()
        #expect(simulation.seen.count == 200)
        #expect(simulation.most(in: .seconds(60)) == rate)
        #expect(simulation.end < .seconds(62 * (200 / rate) + 10))
    }

    @Test func retriesCountForTheRateToo() {
        var random = SeededGenerator(seed: 4)
        var simulation = AdmissionSimulation(Settings(ceiling: 4, requestsPerMinute: 20), chunks: [100]) { _, _ in
            Int.random(in: 0..<5, using: &random) == 0
                ? .init(latency: .milliseconds(50), outcome: .pressure(.strained, after: nil))
                : .init(latency: .seconds(1))
        }
        simulation.run()
        #expect(simulation.seen.count > 100)
        #expect(simulation.most(in: .seconds(60)) <= 20)
    }

    @Test func noHourHearsMoreAudioThanAllowed() {
        var simulation = AdmissionSimulation(Settings(ceiling: 4, audioSecondsPerHour: 7200), chunks: [600]) { _, _ in
            .init(latency: .seconds(1))
        }
        simulation.run()
        #expect(simulation.most(in: .seconds(3600)) == 7200 / 30)
        #expect(simulation.end < .seconds(2 * 3610 + 200))
    }

    @Test func oneCutForAllThatWasUnderWay() {
        var admission = admission(Settings(ceiling: 4), waiting: 50)
        let permits = admission.grant(now: .zero).granted.map(\.permit)
        for permit in permits { admission.finish(permit, .pressure(.refused, after: nil), now: .seconds(1)) }
        #expect(admission.currentLimit == 2)
        let next = admission.grant(now: .seconds(2)).granted.map(\.permit)
        #expect(next.count == 2)
        for permit in next { admission.finish(permit, .pressure(.refused, after: nil), now: .seconds(3)) }
        #expect(admission.currentLimit == 1)
    }

    @Test func afterACutOneMoreForEachWindowOfSuccesses() {
        var limit = AdaptiveLimit(ceiling: 4)
        limit.strained(limit.mark(inFlight: 4))
        limit.strained(limit.mark(inFlight: 2))
        #expect(limit.limit == 1)
        var grown: [Int] = []
        for _ in 0..<8 {
            limit.succeeded(limit.mark(inFlight: limit.limit), inFlight: limit.limit, now: .seconds(1))
            grown.append(limit.limit)
        }
        #expect(grown == [2, 2, 3, 3, 3, 4, 4, 4])
        // What is not asked for is not raised.
        var idle = AdaptiveLimit(ceiling: 8)
        for _ in 0..<20 { idle.succeeded(idle.mark(inFlight: 1), inFlight: 1, now: .seconds(1)) }
        #expect(idle.limit == 4)
    }

    @Test func anotherRefusalAtTheSamePlaceDoublesTheHold() {
        var limit = AdaptiveLimit(ceiling: 4)
        var now = Duration.zero
        var probes: [Duration] = []
        limit.refused(limit.mark(inFlight: 3), inFlight: 3, now: now)
        for _ in 0..<20_000 where probes.count < 4 {
            now += .milliseconds(500)
            if limit.limit >= 3 {
                probes.append(now)
                limit.refused(limit.mark(inFlight: 3), inFlight: 3, now: now)
                #expect(limit.limit == 2)
            } else {
                limit.succeeded(limit.mark(inFlight: limit.limit), inFlight: limit.limit, now: now)
            }
        }
        #expect(probes.count == 4)
        let waits = zip(probes, [.zero] + probes).map { $0 - $1 }
        for (wait, least) in zip(waits, [30, 60, 120, 240]) {
            #expect(wait >= .seconds(least) && wait < .seconds(least + 5), "\(wait)")
        }
    }

    @Test func afterThePauseAskedForOneGoesFirst() {
        var admission = admission(Settings(ceiling: 4), waiting: 10)
        let permits = admission.grant(now: .zero).granted.map(\.permit)
        admission.finish(permits[0], .pressure(.refused, after: .seconds(20)), now: .seconds(1))
        for permit in permits.dropFirst() { admission.finish(permit, .success, now: .seconds(2)) }
        let early = admission.grant(now: .seconds(20.9))
        #expect(early.granted.isEmpty)
        #expect(early.again == .seconds(21))
        let probe = admission.grant(now: .seconds(21)).granted
        #expect(probe.count == 1)
        let go2 = admission.grant(now: .seconds(21.1)).granted.count
        #expect(go2 == 0)
        admission.finish(probe[0].permit, .success, now: .seconds(22))
        let go3 = admission.grant(now: .seconds(22)).granted.count
        #expect(go3 == admission.currentLimit)
    }

    @Test func anExpectedRefusalOfTheOneThatGoesFirstSparesTheOthers() {
        var admission = admission(Settings(ceiling: 4), waiting: 10)
        var now = Duration.seconds(1)
        for permit in admission.grant(now: .zero).granted {
            admission.finish(permit.permit, .pressure(.refused, after: .seconds(10)), now: now)
        }
        for _ in 0..<5 {
            now += .seconds(10)
            let probe = admission.grant(now: now).granted
            #expect(probe.count == 1)
            for permit in probe {
                admission.finish(permit.permit, .pressure(.refused, after: .seconds(10)), now: now)
            }
        }
        #expect(admission.currentLimit == 1)
        #expect(admission.refusing(now: now) == .seconds(50))
    }

    @Test func aSlowAnswerToTheOneThatGoesFirstHoldsUpTheOthersOnlyShortly() {
        var admission = admission(Settings(ceiling: 4), waiting: 10)
        let permits = admission.grant(now: .zero).granted.map(\.permit)
        admission.finish(permits[0], .pressure(.refused, after: .seconds(1)), now: .zero)
        for permit in permits.dropFirst() { admission.finish(permit, .success, now: .seconds(0.5)) }
        let go4 = admission.grant(now: .seconds(1)).granted.count
        #expect(go4 == 1)
        let again5 = admission.grant(now: .seconds(1)).again
        #expect(again5 == .seconds(6))
        let go6 = admission.grant(now: .seconds(6)).granted.count
        #expect(go6 > 0)
    }

    /// A server that refuses all for two minutes without saying for how long is asked a dozen times, not hundreds.
    @Test func case55AStormEndsWithOneRequestNowAndThen() {
        var simulation = AdmissionSimulation(Settings(ceiling: 8), chunks: [100]) { _, now in
            now < .seconds(120)
                ? .init(latency: .milliseconds(30), outcome: .pressure(.refused, after: nil))
                : .init(latency: .seconds(1))
        }
        simulation.run()
        let storm = simulation.seen.filter { $0.arrived < .seconds(120) }
        #expect(storm.count <= 14, "\(storm.count)")
        #expect(storm.suffix(6).map(\.arrived) == Array(Set(storm.suffix(6).map(\.arrived))).sorted())
        #expect(simulation.seen.count == 100 + storm.count)
        #expect(simulation.end < .seconds(120 + 30 + 100))
    }

    @Test func aPauseOfDaysHoldsBackNobodyElse() {
        var admission = admission(Settings(ceiling: 2), waiting: 10)
        let permits = admission.grant(now: .zero).granted.map(\.permit)
        admission.finish(permits[0], .pressure(.refused, after: .seconds(999_999)), now: .seconds(1))
        admission.finish(permits[1], .success, now: .seconds(1))
        let go7 = admission.grant(now: .seconds(3)).granted.count
        #expect(go7 > 0)
    }

    @Test(arguments: [Duration.zero, .seconds(-5)]) func aPauseOfNothingIsNone(hint: Duration) {
        var admission = admission(Settings(ceiling: 4), waiting: 10)
        let permits = admission.grant(now: .zero).granted.map(\.permit)
        admission.finish(permits[0], .pressure(.refused, after: hint), now: .seconds(1))
        for permit in permits.dropFirst() { admission.finish(permit, .success, now: .seconds(1)) }
        let go8 = admission.grant(now: .seconds(1)).granted.count
        #expect(go8 == 2)
    }

    // MARK: A server that has not accepted us yet

    @Test func aBadKeyIsSeenOncePerRecording() {
        var simulation = AdmissionSimulation(
            Settings(ceiling: 8, firstAlone: .milliseconds(300)), chunks: [50, 50, 50]
        ) { _, _ in .init(latency: .milliseconds(150), outcome: .rejected) }
        simulation.run()
        #expect(simulation.seen.count == 3)
        #expect(Set(simulation.seen.map(\.recording)).count == 3)
    }

    @Test func aKeyThatIsWithdrawnIsTriedByOneRequestOfEachLaterRecording() {
        var simulation = AdmissionSimulation(
            Settings(ceiling: 4, firstAlone: .milliseconds(300)), chunks: [40, 40, 40, 40]
        ) { _, now in
            now < .seconds(5) ? .init(latency: .seconds(1)) : .init(latency: .milliseconds(100), outcome: .rejected)
        }
        simulation.run()
        let rejected = Dictionary(grouping: simulation.seen.filter { $0.outcome == .rejected }, by: \.recording)
        #expect(rejected.count == 4)
        // Those under way together when it was withdrawn, and one for each of the rest.
        #expect(simulation.seen.count { $0.outcome == .rejected } <= 4 + 3)
    }

    @Test func theWaitForTheFirstAnswerComesOnceOnly() {
        var admission = admission(Settings(ceiling: 4, firstAlone: .milliseconds(300)), waiting: 20)
        let first = admission.grant(now: .zero)
        #expect(first.granted.count == 1)
        #expect(first.again == .milliseconds(300))
        let go9 = admission.grant(now: .milliseconds(299)).granted.count
        #expect(go9 == 0)
        let rest = admission.grant(now: .milliseconds(300)).granted
        #expect(rest.count == 3)
        for permit in rest { admission.finish(permit.permit, .other, now: .seconds(1)) }
        let go10 = admission.grant(now: .seconds(1)).granted.count
        #expect(go10 == 3)
    }

    @Test func aQuickAnswerEndsTheWait() {
        var admission = admission(Settings(ceiling: 4, firstAlone: .milliseconds(300)), waiting: 20)
        let first = admission.grant(now: .zero).granted
        admission.finish(first[0].permit, .success, now: .milliseconds(40))
        let go11 = admission.grant(now: .milliseconds(40)).granted.count
        #expect(go11 == 4)
    }

    @Test func theNextOneGoesFirstWhenTheFirstIsCalledOff() {
        for outcome in [RequestOutcome.cancelled, .notSent] {
            var admission = admission(Settings(ceiling: 4, firstAlone: .milliseconds(300)), waiting: 20)
            let first = admission.grant(now: .zero).granted
            admission.finish(first[0].permit, outcome, now: .milliseconds(10))
            let go12 = admission.grant(now: .milliseconds(10)).granted.count
            #expect(go12 == 1)
            #expect(admission.inFlight == 1)
        }
    }

    // MARK: Retries

    @Test func retriesAreTenAndAFifthOfTheSuccesses() {
        var admission = admission(Settings(ceiling: 1), waiting: 100)
        var taken = 0
        while admission.takeRetry(), taken < 1000 { taken += 1 }
        #expect(taken == 10)
        for number in 0..<20 {
            let next = admission.grant(now: .seconds(number)).granted
            #expect(next.count == 1)
            for permit in next { admission.finish(permit.permit, .success, now: .seconds(number)) }
        }
        taken = 0
        while admission.takeRetry(), taken < 1000 { taken += 1 }
        #expect((3...4).contains(taken))
    }

    @Test func aRefusalLongAgoIsForgotten() {
        var admission = admission(Settings(ceiling: 1), waiting: 10)
        for now in [0, 100, 1000] {
            for permit in admission.grant(now: .seconds(now)).granted {
                admission.finish(permit.permit, .pressure(.refused, after: nil), now: .seconds(now))
            }
        }
        #expect(admission.refusing(now: .seconds(1000)) == .zero)
    }
}
