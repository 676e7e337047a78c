import Glibc
import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// Whether the figures that a service wrote are of now.
@Suite struct ServiceReportTests {
    private static func write(process: Int32, secondsAgo: Int64, to folder: FilePath) throws {
        try ServiceStatus(
            processID: process, startedAt: 0, updatedAt: Int64(time(nil)) - secondsAgo, settling: 0, queued: 0,
            running: [], delivered: 0, partial: 0, failed: 0, cache: nil, engines: [:]
        ).write(to: folder)
    }

    @Test func figuresAreOfNowWhileTheirServiceWritesThem() async throws {
        try await withTemporaryDirectory { folder in
            let none = ServiceReport(of: folder)
            #expect(none.standing == .stopped && none.status == nil && none.remark == nil)
            try Self.write(process: getpid(), secondsAgo: 5, to: folder)
            let stopped = ServiceReport(of: folder)
            #expect(stopped.standing == .stopped && stopped.current == nil)
            #expect(stopped.remark?.contains("not running; figures of 2") == true)

            let lock = try InstanceLock(in: folder)
            let running = ServiceReport(of: folder)
            #expect(running.standing == .running && running.current != nil && running.remark == nil)
            try Self.write(process: getpid(), secondsAgo: 120, to: folder)
            let silent = ServiceReport(of: folder)
            #expect(silent.standing == .silent && silent.current == nil)
            #expect(silent.remark?.contains("(process \(getpid())) has not reported since 2") == true)
            #expect(silent.remark?.contains("systemctl restart parlograph") == true, "\(silent.remark ?? "")")
            try Self.write(process: getpid() + 1, secondsAgo: 1, to: folder)
            #expect(ServiceReport(of: folder).standing == .starting, "they are of the one before")
            try Self.write(process: getpid(), secondsAgo: -600, to: folder)
            #expect(ServiceReport(of: folder).standing == .running, "a clock that was set back says nothing")
            lock.endCleanly()
        }
    }

    /// However seldom figures of progress are wanted, and though nothing of them changes.
    @Test(arguments: [100, 1000, 1900, 4900, 5000, 9000, 9990, 10_000, 21_000, 3_600_000], [true, false])
    func aServiceThatIsWellNeverLooksDead(progressMilliseconds: Int, isIdle: Bool) {
        let pace = StatusReporter.Pace(.milliseconds(progressMilliseconds))
        var longest: Int64 = 0
        for offset in 0..<10 {
            // The times of the file are whole seconds.
            func seconds(_ time: Duration) -> Int64 { (time + .milliseconds(100 * offset)).components.seconds }
            var (now, written) = (Duration.zero, Duration.zero)
            for _ in 0..<300 {
                now += pace.pause + (isIdle ? pace.pauseWhenIdle : .zero)
                let age = seconds(now) - seconds(written)
                longest = max(longest, age)
                if pace.isDue(age: age) { written = now }
            }
        }
        #expect(longest <= ServiceReport.patienceWithFullDisk)
    }

    @Test func noTimeLeftIsShownOfFiguresThatAreOld() throws {
        var status = ServiceStatus(
            processID: 1, startedAt: 0, updatedAt: 0, settling: 0, queued: 0, running: [], delivered: 0, partial: 0,
            failed: 0, cache: nil, engines: [:])
        let tracker = ProgressTracker(
            name: "a", expectedSamples: 16_000, expectedChunks: 1, concurrency: 1, priorRate: 1)
        status.running = [.init(name: "a", progress: tracker.snapshot())]
        #expect(status.running[0].progress.remainingSeconds != nil)
        status.forgetTimesLeft()
        #expect(status.running[0].progress.remainingSeconds == nil)
    }
}
