import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// When the recordings of an engine that cannot be used are begun again, with a time that the test plays.
@Suite struct DependencyBackoffTests {
    private static let engine = DependencyBackoff.Dependency.engine("cloud")

    private static func inbox(_ name: String, engine: String) -> InboxSettings {
        let path = FilePath("/srv").appending(name)
        return InboxSettings(
            path: path, outbox: "/out", done: "/done", failed: "/failed", after: .move, engine: engine,
            options: TranscriptionOptions(), formats: [.txt], watch: .poll, settle: .zero, rescan: nil)
    }

    /// Jobs as a journal gives them.
    private static func jobs(_ count: Int) async throws -> [Job] {
        try await withTemporaryDirectory { folder in
            let journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            var jobs: [Job] = []
            for number in 1...count {
                let name = RawName(bytes: "\(number).wav".utf8)
                let identity = FileIdentity(device: 1, inode: UInt64(number), byteCount: 1, modified: 1)
                let job = try await journal.enqueue(
                    inbox: RawName(bytes: "/srv/in".utf8), path: name, identity: identity, now: 0
                ) { _ in name }
                jobs.append(try #require(job))
            }
            return jobs
        }
    }

    private let log = InboxFixture.LogLines()

    @Test func anOutageThatNobodyWaitsForIsToldNoLonger() async throws {
        let backoff = DependencyBackoff(logger: log.logger)
        let job = try await Self.jobs(1)[0]
        _ = backoff.begin(Self.engine, .refused, cause: "401", kind: "401", job: job, now: 0)
        backoff.lapse(.engine("other"))
        #expect(backoff[Self.engine] != nil && backoff.takeEnded().isEmpty)
        backoff.lapse(Self.engine)
        #expect(backoff[Self.engine] == nil)
        #expect(backoff.takeEnded() == [Self.engine], "its note goes, too")
        #expect(log.list(of: "engine can be used again").isEmpty, "nobody has found that out")
    }

    @Test func aRefusalStopsAllAtOnceAndOneFindsOutEveryTenMinutes() async throws {
        let backoff = DependencyBackoff(logger: log.logger)
        let jobs = try await Self.jobs(3)
        let (mine, other) = (Self.inbox("in", engine: "cloud"), Self.inbox("in2", engine: "offline"))
        func refuse(_ job: Job, at now: Int64) -> Int64 {
            backoff.begin(Self.engine, .refused, cause: "It answered 401.", kind: "refused", job: job, now: now)
        }
        #expect(refuse(jobs[0], at: 1000) == 1000, "with the engine, and behind the others")
        #expect(backoff.rest(of: mine, now: 1000) == 1600 && backoff.rest(of: other, now: 1000) == nil)
        _ = refuse(jobs[1], at: 1001)
        #expect(backoff.rest(of: mine, now: 1601) == nil)
        backoff.begin(jobs[2], with: "cloud")
        #expect(backoff.rest(of: mine, now: 1601) != nil, "one is on its way to find out")
        _ = refuse(jobs[2], at: 1605)
        backoff.release(jobs[2])
        #expect(backoff.rest(of: mine, now: 2000) == 2205)
        #expect(log.metadata(of: "engine cannot be used as it is set up, its recordings wait").count == 1)
        #expect(backoff[Self.engine]?.since == 1000)

        // A reload.
        backoff.tryAgain([mine, other])
        #expect(backoff.rest(of: mine, now: 2001) == nil)
        backoff.begin(jobs[0], with: "cloud")
        #expect(backoff.rest(of: mine, now: 2001) != nil)
        _ = refuse(jobs[0], at: 2002)
        #expect(log.metadata(of: "engine cannot be used as it is set up, its recordings wait").count == 2)

        #expect(backoff.end(Self.engine, now: 2003) && backoff.takeEnded() == [Self.engine])
        #expect(backoff.rest(of: mine, now: 2003) == nil && backoff.takeEnded().isEmpty)
        backoff.begin(jobs[1], with: "cloud")
        #expect(backoff.rest(of: mine, now: 2003) == nil, "all go")
    }

    /// Its own figures may be hopeful until its request has failed, too.
    @Test func aRecordingInWorkHasNoTimeLeftWhileItsEngineIsAway() async throws {
        let backoff = DependencyBackoff(logger: log.logger)
        let jobs = try await Self.jobs(2)
        var own = ProgressSnapshot(
            name: "2.wav", chunksDone: 1, chunksCached: 0, chunksFailed: 0, chunksInFlight: 1, chunksExpected: 2,
            fraction: 0.5, elapsedSeconds: 30, remainingSeconds: 30, isFinished: false)
        own.engineWaitSeconds = 5
        #expect(backoff.progress(of: jobs[1], with: "cloud", own) == own)
        _ = backoff.begin(
            Self.engine, .refused, cause: "It answered 401.", kind: "401", job: jobs[0], now: UnixTime.now())
        let told = backoff.progress(of: jobs[1], with: "cloud", own)
        #expect(told.remainingSeconds == nil && told.engineWaitSeconds == nil)
        #expect(told.stall?.reason == .engineAway && told.stall?.cause == "It answered 401.")
        #expect(backoff.progress(of: jobs[1], with: "other", own) == own && told.fraction == 0.5)
    }

    @Test func aRecordingThatFindsNothingOutKeepsNobodyWaiting() async throws {
        let backoff = DependencyBackoff(logger: InboxFixture.logger)
        let jobs = try await Self.jobs(2)
        let mine = Self.inbox("in", engine: "cloud")
        _ = backoff.begin(Self.engine, .refused, cause: "No.", kind: "refused", job: jobs[0], now: 0)
        backoff.begin(jobs[1], with: "cloud")
        #expect(backoff.rest(of: mine, now: 700) != nil)
        backoff.release(jobs[1])
        #expect(backoff.rest(of: mine, now: 700) == nil)
    }

    @Test func anEngineThatIsAwayRestsWhenThreeHaveMetIt() async throws {
        let backoff = DependencyBackoff(logger: InboxFixture.logger)
        let jobs = try await Self.jobs(3)
        let mine = Self.inbox("in", engine: "cloud")
        for (job, until) in zip(jobs, [160, 160, 100] as [Int64]) {
            #expect(backoff.rest(of: mine, now: 100) == nil)
            #expect(
                backoff.begin(Self.engine, .away, cause: "No.", kind: "away", job: job, since: 90, now: 100) == until)
        }
        #expect(backoff.rest(of: mine, now: 100) == 160 && backoff[Self.engine]?.isWhole == true)
        #expect(backoff[Self.engine]?.since == 90, "since it was last heard of, not since it was given up")
        // A clock that was set back by a day.
        #expect(backoff.rest(of: mine, now: 100 - 86_400) == nil)
    }
}
