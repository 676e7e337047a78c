import Inbox
import SystemSupport
import TestSupport
import Testing

@Suite struct ShutdownGuardTests {
    @Test(arguments: [(0, 10), (5, 15), (90, 100), (86_400, 86_410)]) func itsTimeIsThatOfRecordingsAndSomeMore(
        _ shutdown: Int, _ seconds: Int
    ) {
        #expect(ShutdownGuard.patience(shutdown: .seconds(shutdown)) == seconds)
    }

    @Test func aStopThatDoesNotEndIsEnded() async throws {
        let expired = CancellationFlag()
        let guarding = ShutdownGuard { expired.set() }
        guarding.begin(seconds: 0)
        try await eventually("the end") { expired.isSet }
    }

    @Test func aStopThatHasEndedIsLeftInPeace() async throws {
        let (ended, over) = (Guarded(0), CancellationFlag())
        do {
            let guarding = ShutdownGuard { [ended] in ended.change { $0 += 1 } }
            guarding.begin(seconds: 100_000)
            guarding.end()
        }
        // Another one that expires tells that time has passed for the first as well.
        ShutdownGuard { over.set() }.begin(seconds: 0)
        try await eventually("the other's end") { over.isSet }
        #expect(ended.value == 0)
    }
}
