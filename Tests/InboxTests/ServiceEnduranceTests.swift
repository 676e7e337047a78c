import Glibc
import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// The service in this process, with a pipeline that a test plays, where what is around it does not do as it should.
@Suite(.timeLimit(.minutes(20))) struct ServiceEnduranceTests {
    private static func settings(
        _ inboxes: [InboxSettings], in folder: FilePath, once: Bool = false, parallel: Int = 2
    ) -> ServiceSettings {
        ServiceSettings(
            inboxes: inboxes, stateDirectory: folder, cacheDirectory: folder, parallelRecordings: parallel,
            shutdown: .seconds(5), progressInterval: .milliseconds(100), minimumFreeBytes: 0, once: once)
    }

    private static func service(
        _ settings: ServiceSettings, _ pipeline: @escaping TranscriptionBackend.Pipeline
    ) async throws -> (InboxService, JobJournal) {
        FileLease.ignoreBreakSignal()
        let journal = try await JobJournal.open(in: settings.stateDirectory, logger: InboxFixture.logger)
        let backend = TranscriptionBackend(
            tracker: { name, _ in
                ProgressTracker(name: name, expectedSamples: nil, expectedChunks: nil, concurrency: 1, priorRate: 1)
            }, pipeline: pipeline)
        return (
            InboxService(settings: settings, backend: backend, journal: journal, logger: InboxFixture.logger),
            journal
        )
    }

    private static func fault(_ code: TranscriptionError.Code) -> TranscriptionError {
        TranscriptionError(code, "It is played.")
    }

    /// Runs the service beside `body`.
    private static func running(_ service: InboxService, _ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            defer { group.cancelAll() }
            try await body()
        }
    }

    /// Runs the service beside `body`, during which threads do not come back from an outbox, as from a share whose server is
    /// gone: as many as one storage gets.
    private static func running(
        _ service: InboxService, hanging outbox: FilePath, _ body: () async throws -> Void
    ) async throws {
        let hung = Turnstile()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { await BlockingPool.files.run(on: .folder(outbox)) { hung.pass() } }
            }
            await hung.holding { await hung.haveArrived(4) }
            try await running(service) {
                defer { hung.open() }
                try await hung.holding(body)
            }
        }
    }

    @Test func anOutboxThatHangsDoesNotStopTheIntake() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let (service, journal) = try await Self.service(Self.settings([inbox.settings], in: folder)) {
                _, _, _, _ in throw Self.fault(.undecodable)
            }
            try await Self.running(service, hanging: inbox.settings.outbox) {
                for (number, name) in ["first", "second", "third"].enumerated() {
                    try inbox.write(name, to: "inbox/\(name).raw")
                    try await eventually("the \(name) one in the journal", within: .seconds(300)) {
                        try await journal.jobs().count == number + 1
                    }
                }
            }
        }
    }

    /// One outbox hangs; in the other one people hear that the engine is away.
    @Test func anOutboxThatHangsKeepsNoNoteFromAnother() async throws {
        try await withTemporaryDirectory { folder in
            for name in ["court", "office"] { try InboxFixture.makeFolder(folder.appending(name)) }
            let (court, office) = (
                try InboxFixture(folder.appending("court")), try InboxFixture(folder.appending("office"))
            )
            let settings = Self.settings([court.settings, office.settings], in: folder)
            let (service, _) = try await Self.service(settings) { _, _, _, _ in throw Self.fault(.engineUnavailable) }
            try office.write("memo", to: "inbox/memo.raw")
            try await Self.running(service, hanging: court.settings.outbox) {
                try await eventually("the note", within: .seconds(300)) {
                    office.exists("outbox/parlograph.status.txt")
                }
            }
        }
    }

    /// `jobs retry` while it cannot be taken out of the inbox: it is no longer to be taken out.
    @Test func aRecordingThatIsTriedAgainIsNotTakenOut() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let (service, journal) = try await Self.service(Self.settings([inbox.settings], in: folder)) {
                _, _, _, _ in throw Self.fault(.undecodable)
            }
            try inbox.move("failed", "elsewhere")
            for name in ["again", "finished"] {
                try inbox.write(name, to: "inbox/\(name).raw")
                let path = RawName(bytes: "\(name).raw".utf8)
                let identity = try FileStatus(at: inbox["inbox/\(name).raw"]).identity
                let job = try #require(
                    try await journal.enqueue(
                        inbox: inbox.settings.id, path: path, identity: identity, now: 0
                    ) { _ in path })
                try await journal.finish(job.id, state: .failed, error: nil, now: 1)
            }
            await service.runner.dispose(of: try await journal.withPendingSource())
            #expect(inbox.exists("inbox/again.raw") && inbox.exists("inbox/finished.raw"), "they are stuck")
            let again = try #require(try await journal.jobs().first)
            #expect(try await journal.retry(again.id))
            try inbox.move("elsewhere", "failed")
            await service.runner.movePendingSources()
            #expect(inbox.exists("inbox/again.raw") && inbox.exists("failed/finished.raw"))
            #expect(try await journal.jobs(in: [.queued]).map(\.source) == [.pending])
        }
    }

    /// It was begun often, for other causes; its decoder is ended for the first time.
    @Test func onlyInterruptionsCountAsSuch() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let (service, journal) = try await Self.service(Self.settings([inbox.settings], in: folder)) {
                _, _, _, _ in throw Self.fault(.decodingInterrupted)
            }
            try inbox.write("x", to: "inbox/talk.raw")
            let path = RawName(bytes: "talk.raw".utf8)
            _ = try await journal.enqueue(
                inbox: inbox.settings.id, path: path,
                identity: try FileStatus(at: inbox["inbox/talk.raw"]).identity, now: 0
            ) { _ in path }
            for _ in 0..<20 {
                _ = try await journal.takeNext()
                _ = try await journal.requeueInterrupted()
            }
            try await Self.running(service) {
                try await eventually("the verdict") { try await journal.jobs().first?.errorCode != nil }
            }
            let job = try #require(try await journal.jobs().first)
            #expect(job.state == .queued && job.errorCode == "decodingInterrupted" && job.notBefore > 0)
            #expect(inbox.exists("inbox/talk.raw"))
        }
    }

    /// The journal is lost; the transcript of a kept recording tells what its file has lost.
    @Test func whatAKeptRecordingHasLostIsKnownAgain() async throws {
        try await withTemporaryDirectory { folder in
            var inbox = try InboxFixture(folder)
            inbox.settings.after = .keep
            inbox.settings.formats = [.txt, .json]
            try inbox.write("x", to: "inbox/talk.raw")
            let runs = SharedCounter()
            for state in ["first", "second"] {
                try InboxFixture.makeFolder(folder.appending(state))
                let settings = Self.settings([inbox.settings], in: folder.appending(state), once: true)
                let (service, journal) = try await Self.service(settings) { recording, _, _, _ in
                    runs.add(1)
                    let rate = SampleClock.rate
                    return Transcript(
                        language: nil, sampleCount: 60 * rate, segments: [],
                        gaps: [.init(range: SampleRange(10 * rate, 25 * rate), reason: "lost", cause: .damage)],
                        warnings: [], chunks: [],
                        source: .init(
                            name: "talk.raw", byteCount: 1, sha256: try await recording.digest(), format: "raw",
                            sampleRate: 16_000, channels: 1),
                        engine: "offline", model: "m", timesAreEstimated: false)
                }
                try await service.run()
                let job = try #require(try await journal.jobs().first)
                #expect(job.state == .delivered && job.lostSampleCount == 15 * SampleClock.rate, "\(state)")
            }
            #expect(runs.value == 1)
        }
    }
}
