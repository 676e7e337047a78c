import SystemSupport
import Testing

@Suite struct BackoffTests {
    @Test(arguments: [(0, 2), (1, 2), (2, 4), (3, 8), (5, 32), (6, 60), (7, 60), (Int.max, 60)])
    func doublesUpToTheLongest(_ step: (failures: Int, seconds: Int)) {
        let backoff = Backoff(first: .seconds(2), maximum: .seconds(60))
        #expect(backoff.pause(after: step.failures) == .seconds(step.seconds))
    }

    @Test func nothingStaysNothing() {
        #expect(Backoff(first: .zero, maximum: .seconds(60)).pause(after: 100) == .zero)
    }
}
