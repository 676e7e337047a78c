import Testing
import Transcription

@Suite struct RateWindowTests {
    /// Whatever the requests take, and wherever in that time they arrive, no window sees more than the limit.
    @Test(arguments: 0..<20) func noMinuteSeesMoreThanTheLimit(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed + 1))
        var window = RateWindow(length: .seconds(60), limit: 20)
        var now = Duration.zero
        var underWay: [(id: UInt64, end: Duration)] = []
        var arrivals: [Duration] = []
        var id: UInt64 = 0
        while id < 200 {
            for request in underWay where request.end <= now { window.finish(request.id, now: request.end) }
            underWay.removeAll { $0.end <= now }
            if let again = window.wait(for: 1, now: now) {
                let next = min(again, underWay.map(\.end).min() ?? again)
                #expect(next > now)
                now = next
                continue
            }
            id += 1
            window.start(id, amount: 1, now: now)
            let took = Duration.milliseconds(Int.random(in: 20...5000, using: &random))
            arrivals.append(now + took * Double.random(in: 0...1, using: &random))
            underWay.append((id, now + took))
            now += .milliseconds(Int.random(in: 0...100, using: &random))
        }
        arrivals.sort()
        let fullest = arrivals.map { start in arrivals.count { $0 >= start && $0 < start + .seconds(60) } }.max()
        #expect(fullest == 20)
        // And the limit is used: ten windows of at most 66 s.
        #expect((arrivals.last ?? .zero) < .seconds(9 * 66 + 10))
    }

    @Test func audioCountsByItsLength() throws {
        var window = RateWindow(length: .seconds(3600), limit: 7200)
        var now = Duration.zero
        for id in UInt64(1)...30 {
            #expect(window.wait(for: 240, now: now) == nil)
            window.start(id, amount: 240, now: now)
            now += .seconds(2)
            window.finish(id, now: now)
        }
        let again = try #require(window.wait(for: 240, now: now))
        #expect(again == .seconds(3602))
        #expect(window.wait(for: 240, now: again) == nil)
        #expect(window.amount(now: now) == 7200)
    }

    @Test func whatIsLongerThanTheLimitGoesByItself() throws {
        var window = RateWindow(length: .seconds(3600), limit: 100)
        #expect(window.wait(for: 5000, now: .zero) == nil)
        window.start(1, amount: 5000, now: .zero)
        window.finish(1, now: .seconds(10))
        #expect(window.wait(for: 1, now: .seconds(10)) == .seconds(3605))
        #expect(window.wait(for: 5000, now: .seconds(3605)) == nil)
    }

    @Test func whatWasNotSentCountsForNothing() {
        var window = RateWindow(length: .seconds(60), limit: 1)
        window.start(1, amount: 1, now: .zero)
        #expect(window.wait(for: 1, now: .zero) != nil)
        window.cancel(1)
        #expect(window.wait(for: 1, now: .zero) == nil)
    }
}
