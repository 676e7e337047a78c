import Inbox
import Testing

/// `status --check` says what a monitoring system acts on.
@Suite struct MonitoringResultTests {
    private static let now: Int64 = 1_700_000_000

    private static func status(_ change: (inout ServiceStatus) -> Void = { _ in }) -> ServiceStatus {
        var status = ServiceStatus(
            processID: 1, startedAt: now - 9000, updatedAt: now, settling: 1, queued: 2, running: [], delivered: 30,
            partial: 1, failed: 4, cache: nil, engines: ["cloud": ServiceStatus.EngineStatus()])
        change(&status)
        return status
    }

    private static func result(
        _ standing: ServiceReport.Standing = .running,
        thresholds: MonitoringResult.Thresholds = MonitoringResult.Thresholds(),
        _ change: (inout ServiceStatus) -> Void = { _ in }
    ) -> MonitoringResult {
        MonitoringResult(standing, status(change), remark: nil, thresholds, now: now)
    }

    @Test func allIsWell() {
        let result = Self.result { $0.oldestWaitingAt = Self.now - 60 }
        #expect(result.level == .ok && result.level.rawValue == 0)
        #expect(
            result.line == "PARLOGRAPH OK - 0 recordings in work, 2 waiting | oldest=60s;3600;14400;0 waiting=2;;;0 "
                + "running=0;;;0 arriving=1;;;0 delivered=30;;;0 partial=1;;;0 failed=4;;;0")
    }

    @Test(arguments: [(3599, 0), (3600, 1), (14399, 1), (14400, 2), (-50, 0)] as [(Int64, Int32)])
    func howLongTheOldestWaits(_ seconds: Int64, _ status: Int32) {
        #expect(Self.result { $0.oldestWaitingAt = Self.now - seconds }.level.rawValue == status)
    }

    @Test(arguments: [(1, 0), (2, 1), (9, 1), (10, 2)] as [(Int, Int32)])
    func howManyWait(_ count: Int, _ status: Int32) {
        let thresholds = MonitoringResult.Thresholds(waiting: (2, 10))
        let result = Self.result(thresholds: thresholds) { $0.queued = count }
        #expect(result.level.rawValue == status)
        #expect(result.line.contains("waiting=\(count);2;10;0"))
    }

    @Test func whatIsWrongIsSaidTheWorstFirstInOneLine() {
        let result = Self.result { status in
            status.faults = [.init(.webhook, at: "/in", since: 0, cause: "The webhook | fails.\nAgain.")]
            status.outboxes = [.init(path: "/out", since: 0, cause: "It is read-only.", nextTry: 0)]
            status.engines["cloud"]?.state = .waiting
        }
        #expect(result.level == .critical)
        #expect(
            result.line.hasPrefix("PARLOGRAPH CRITICAL - outbox /out cannot be written to: It is read-only.; engine"))
        #expect(result.line.contains("The webhook / fails.\\x0aAgain."))
        #expect(result.line.split(separator: "|").count == 2 && !result.line.contains("\n"))
    }

    @Test func anEngineThatRefusesIsCriticalAndOneThatPausesIsNot() {
        for (state, level) in [
            (ServiceStatus.EngineStatus.State.refused, MonitoringResult.Level.critical), (.waiting, .warning),
            (.paused, .ok),
        ] { #expect(Self.result { $0.engines["cloud"]?.state = state }.level == level) }
    }

    @Test func aServiceThatDoesNotRunIsCriticalWhateverItSaidLast() {
        #expect(Self.result(.stopped).line == "PARLOGRAPH CRITICAL - The service is not running.")
        #expect(Self.result(.silent).level == .critical)
        #expect(Self.result(.starting).level == .warning)
        #expect(MonitoringResult(unknown: "No rights.").level.rawValue == 3)
    }
}
