import Glibc
import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// What the service tells of itself, from a journal and a folder.
@Suite(.timeLimit(.minutes(20))) struct StatusReporterTests {
    private static func settings(_ inbox: InboxFixture, state: FilePath) -> ServiceSettings {
        ServiceSettings(
            inboxes: [inbox.settings], stateDirectory: state, cacheDirectory: inbox.folder, parallelRecordings: 1,
            shutdown: .seconds(5), progressInterval: .seconds(1), minimumFreeBytes: 0, once: false)
    }

    private static let backend = TranscriptionBackend(
        tracker: { name, _ in
            ProgressTracker(name: name, expectedSamples: nil, expectedChunks: nil, concurrency: 1, priorRate: 1)
        }, pipeline: { _, _, _, _ in throw CancellationError() })

    /// A transcript that is whole as far as its file is: what that has lost is told beside it.
    @Test func thePageTellsWhatAFileHasLost() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            try inbox.write("x", to: "inbox/talk.wav")
            let path = RawName(bytes: "talk.wav".utf8)
            _ = try await journal.enqueue(
                inbox: inbox.settings.id, path: path,
                identity: try FileStatus(at: inbox["inbox/talk.wav"]).identity, now: 1
            ) { _ in path }
            let job = try #require(try await journal.takeNext())
            try await journal.recordDelivery(
                job.id, digests: [], outcome: .delivered, lostSamples: 60 * SampleClock.rate)
            try await journal.finish(job.id, state: .delivered, error: nil, now: UnixTime.now())
            await Self.reporter(Self.settings(inbox, state: folder), journal).writeLastReports()
            #expect(try inbox.text("outbox/status.html").contains("the file is damaged"))
            #expect(OutboxNotices.damage(lostSamples: SampleClock.rate - 1) == nil)
        }
    }

    /// What was finished on a day is not of today any more when that is over, though nothing else happens.
    @Test func thePageIsWrittenAnewWhenTheDayIsOver() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            try inbox.write("x", to: "inbox/talk.wav")
            let path = RawName(bytes: "talk.wav".utf8)
            let midnight = LocalTime.startOfNextDay(1_780_000_000)
            _ = try await journal.enqueue(
                inbox: inbox.settings.id, path: path,
                identity: try FileStatus(at: inbox["inbox/talk.wav"]).identity, now: midnight - 900
            ) { _ in path }
            let job = try #require(try await journal.takeNext())
            try await journal.finish(job.id, state: .delivered, error: nil, now: midnight - 600)
            // Ten minutes before midnight; each pause is over at once, and the clock says that it is.
            let clock = Guarded(midnight - 600)
            let pages = Guarded<[String]>([])
            let reporter = StatusReporter(
                settings: Self.settings(inbox, state: folder), backend: Self.backend, journal: journal,
                faults: StandingFaults(), logger: InboxFixture.logger, now: { clock.value }
            ) { _, pause in
                pages.change { $0.append((try? inbox.text("outbox/status.html")) ?? "") }
                clock.change { $0 += pause.components.seconds }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await reporter.reportPages() }
                try await eventually("the page of the next day") { pages.value.count >= 2 }
                group.cancelAll()
            }
            let (before, after) = (pages.value[0], pages.value[1])
            #expect(before.contains("Finished today (1)") && before.contains("talk.wav"))
            #expect(!after.contains("talk.wav"))
            // Not a second after it, nor a day.
            #expect(after.contains("Last change of this page: \(LocalTime.moment(midnight))"))
        }
    }

    private static func reporter(
        _ settings: ServiceSettings, _ journal: JobJournal, faults: StandingFaults = StandingFaults(),
        backoff: DependencyBackoff? = nil
    ) -> StatusReporter {
        StatusReporter(
            settings: settings, backend: backend, journal: journal, faults: faults, backoff: backoff,
            logger: InboxFixture.logger)
    }

    /// Reports until the status file, written anew, says so.
    private static func reported(
        _ reporter: StatusReporter, in folder: FilePath, _ isTold: @escaping @Sendable (ServiceStatus) -> Bool
    ) async throws {
        _ = unlink(folder.appending("status.json").string)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await reporter.reportStatus() }
            defer { group.cancelAll() }
            var last: ServiceStatus?
            try await eventually("the report", within: .seconds(120)) {
                last = ServiceStatus.read(from: folder)
                return last != nil
            }
            #expect(last.map(isTold) == true)
        }
    }

    /// A key was refused while a recording needed it. When none does, nobody finds out whether it is right by now.
    @Test func whatNobodyWaitsForIsNotToldToBeAway() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            let (path, backoff) = (RawName(bytes: "talk.wav".utf8), DependencyBackoff(logger: InboxFixture.logger))
            let identity = FileIdentity(device: 1, inode: 1, byteCount: 1, modified: 1)
            let enqueued = try await journal.enqueue(
                inbox: inbox.settings.id, path: path, identity: identity, now: 1
            ) { _ in path }
            let job = try #require(enqueued)
            let outbox = inbox.settings.outbox
            _ = backoff.begin(.engine("offline"), .refused, cause: "It answered 401.", kind: "401", job: job, now: 1)
            _ = backoff.begin(.outbox(outbox), cause: "It is full.", kind: "full", job: job, now: 1)
            let reporter = Self.reporter(Self.settings(inbox, state: folder), journal, backoff: backoff)
            try await Self.reported(reporter, in: folder) { status in
                status.engines["offline"]?.state == .refused && status.outboxes?.map(\.path) == [outbox.printable]
            }
            try await journal.finish(job.id, state: .failed, error: nil, now: 2)
            try await Self.reported(reporter, in: folder) { status in
                status.engines["offline"]?.state == .ok && status.outboxes == nil
            }
        }
    }

    @Test func itCountsWhatTheJournalHolds() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            for (number, name) in ["first", "second", "third", "last"].enumerated() {
                try inbox.write(name, to: "inbox/\(name).wav")
                let path = RawName(bytes: "\(name).wav".utf8)
                _ = try await journal.enqueue(
                    inbox: inbox.settings.id, path: path,
                    identity: try FileStatus(at: inbox["inbox/\(name).wav"]).identity, now: Int64(1000 + number)
                ) { _ in path }
            }
            for state in [Job.State.delivered, .failed] {
                let job = try #require(try await journal.takeNext())
                try await journal.finish(job.id, state: state, error: nil, now: 5000)
            }
            let status = await Self.reporter(Self.settings(inbox, state: folder), journal).makeStatus()
            #expect(status.queued == 2 && status.delivered == 1 && status.failed == 1 && status.partial == 0)
            #expect(status.running.isEmpty && status.oldestWaitingAt == 1002)
            #expect(status.inboxes?.map(\.path) == [inbox.settings.path.printable])
        }
    }

    /// After the end of the service the file and the page say so, and what waits is still counted.
    @Test func theLastReportIsOfAServiceThatHasStopped() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            try inbox.write("x", to: "inbox/talk.wav")
            let path = RawName(bytes: "talk.wav".utf8)
            _ = try await journal.enqueue(
                inbox: inbox.settings.id, path: path,
                identity: try FileStatus(at: inbox["inbox/talk.wav"]).identity, now: 1
            ) { _ in path }
            _ = try await journal.takeNext()
            let reporter = Self.reporter(Self.settings(inbox, state: folder), journal)
            await reporter.writeLastReports()
            #expect(ServiceStatus.read(from: folder)?.queued == 0)
            let page = try inbox.text("outbox/status.html")
            #expect(page.contains("talk.wav") && page.contains("is not running since"))
        }
    }

    @Test func whatOthersFindIsToldAsLongAsItLasts() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            let faults = StandingFaults()
            let reporter = Self.reporter(Self.settings(inbox, state: folder), journal, faults: faults)
            #expect(await reporter.makeStatus().faults == nil)
            faults.set(.settings, at: "/etc/p.toml", cause: "It is no TOML: api_key = ,sk-1234.")
            let told = try #require(await reporter.makeStatus().faults)
            #expect(told.map(\.kind) == [.settings] && told.map(\.cause).contains { $0.contains("sk-1234") })
            // What the service manager shows can be read by every user of the machine.
            let line = await reporter.makeStatus().line
            #expect(line.contains("/etc/p.toml") && !line.contains("sk-1234"))
            faults.set(.settings, at: "/etc/p.toml", cause: nil)
            #expect(await reporter.makeStatus().faults == nil)
        }
    }
}
