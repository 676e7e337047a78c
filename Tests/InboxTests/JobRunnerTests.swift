import FoundationEssentials
import Glibc
import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// One job, from the queue to its settled source, with a pipeline that a test plays.
@Suite(.timeLimit(.minutes(20))) struct JobRunnerTests {
    /// A folder with an inbox, a journal with one job, and who works on it.
    private struct Workbench: Sendable {
        let inbox: InboxFixture
        let journal: JobJournal
        let settings: ServiceSettings

        init(
            _ folder: FilePath, once: Bool = false, _ adjust: (inout InboxSettings) -> Void = { _ in }
        ) async throws {
            var inbox = try InboxFixture(folder)
            adjust(&inbox.settings)
            self.inbox = inbox
            journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            settings = ServiceSettings(
                inboxes: [inbox.settings], stateDirectory: folder, cacheDirectory: folder, parallelRecordings: 1,
                shutdown: .seconds(5), progressInterval: .seconds(1), minimumFreeBytes: 0, once: once)
            try inbox.write("sound", to: "inbox/talk.wav")
            try await enqueue("talk.wav")
        }

        func enqueue(_ name: String) async throws {
            let path = RawName(bytes: name.utf8)
            let identity = try FileStatus(at: inbox["inbox/\(name)"]).identity
            _ = try await journal.enqueue(
                inbox: inbox.settings.id, path: path, identity: identity, now: 0
            ) { _ in RawName(bytes: name.dropLast(4).utf8) }
        }

        func runner(_ pipeline: @escaping TranscriptionBackend.Pipeline) -> JobRunner {
            let backend = TranscriptionBackend(
                tracker: { name, _ in
                    ProgressTracker(name: name, expectedSamples: nil, expectedChunks: nil, concurrency: 1, priorRate: 1)
                }, pipeline: pipeline)
            return JobRunner(settings: settings, backend: backend, journal: journal, logger: InboxFixture.logger)
        }

        /// The job, begun.
        func job() async throws -> Job { try #require(try await journal.takeNext()) }

        func state() async throws -> Job.State? { try await journal.jobs().first?.state }
    }

    private static func transcript(of recording: Recording, isPartial: Bool = false) async throws -> Transcript {
        var transcript = Transcript(
            language: "en", sampleCount: 32_000,
            segments: [Segment(range: SampleRange(0, 16_000), text: "Good morning.")],
            gaps: [], warnings: [], chunks: [],
            source: Transcript.Source(
                name: recording.displayName, byteCount: recording.byteCount, sha256: try await recording.digest(),
                format: "wav", sampleRate: 16_000, channels: 1), engine: "fake", model: "m", timesAreEstimated: false)
        if isPartial { transcript.gaps = [Transcript.Gap(range: SampleRange(16_000, 32_000), reason: "no answer")] }
        return transcript
    }

    struct Row: Sendable {
        var error: any Error
        var once = false
        /// Nil: the job is no longer on record.
        var state: Job.State?
        /// Where the recording lies then.
        var source = "inbox/talk.wav"
        /// A file for the person who put it there.
        var note: String?
        var again = false
    }

    private static func error(
        _ code: TranscriptionError.Code, _ remedy: TranscriptionError.Remedy = .giveUpRecording, _ errno: Errno? = nil
    ) -> TranscriptionError {
        TranscriptionError(
            code, "It is played.", cause: errno.map { SystemError("open", "x", errno: $0) }, remedy: remedy)
    }

    private static let rows: [Row] = [
        Row(error: CancellationError(), state: .processing, note: "outbox/talk.status.txt"),
        Row(error: error(.recordingChanged), state: nil, again: true),
        Row(error: error(.noSuchInput, .giveUpRecording, .noSuchFileOrDirectory), state: nil, again: true),
        Row(error: error(.engineUnavailable, .retry(after: nil)), state: .queued, note: "outbox/talk.status.txt"),
        Row(error: error(.engineUnavailable), state: .queued),
        Row(
            error: error(.cannotWrite, .giveUpRecording, .noSpace), state: .queued, note: "outbox/talk.status.txt"),
        Row(
            error: error(.cannotWrite, .giveUpRecording, .noSpace), once: true, state: .failed,
            source: "failed/talk.wav", note: "outbox/talk.error.txt"),
        Row(error: SystemError("read", "x", errno: .ioError), state: .queued, note: "outbox/talk.status.txt"),
        Row(error: error(.decodingInterrupted), state: .queued, note: "outbox/talk.status.txt"),
        Row(error: error(.undecodable), state: .failed, source: "failed/talk.wav", note: "outbox/talk.error.txt"),
        Row(error: error(.requestFailed), state: .failed, source: "failed/talk.wav", note: "outbox/talk.error.txt"),
    ]

    @Test(arguments: rows) func eachFailureLeavesTheRecordingWhereItBelongs(_ row: Row) async throws {
        try await withTemporaryDirectory { folder in
            let place = try await Workbench(folder, once: row.once)
            let runner = place.runner { _, _, _, _ in throw row.error }
            #expect(await runner.run(try await place.job()) == row.again)
            #expect(try await place.state() == row.state)
            #expect(place.inbox.exists(row.source))
            for note in ["outbox/talk.status.txt", "outbox/talk.error.txt"] {
                #expect(place.inbox.exists(note) == (note == row.note), "\(note)")
            }
            #expect(!place.inbox.exists("outbox/talk.txt"))
            #expect(runner.summary.failed == (row.state == .failed ? 1 : 0))
        }
    }

    @Test(arguments: [false, true]) func whatIsHeardIsDeliveredAndTheRecordingMoved(isPartial: Bool) async throws {
        try await withTemporaryDirectory { folder in
            let place = try await Workbench(folder)
            let runner = place.runner { recording, _, _, _ in
                try await Self.transcript(of: recording, isPartial: isPartial)
            }
            #expect(await runner.run(try await place.job()) == false)
            #expect(try await place.state() == (isPartial ? .partial : .delivered))
            #expect(try place.inbox.text("outbox/talk.txt").contains("Good morning."))
            #expect(place.inbox.exists("done/talk.wav") && !place.inbox.exists("inbox/talk.wav"))
            #expect(runner.summary.delivered == (isPartial ? 0 : 1) && runner.summary.partial == (isPartial ? 1 : 0))
        }
    }

    /// Sidecars, then the journal, then the source: where the last step fails the first two stand, and where the first one
    /// does, nothing has happened.
    @Test func noStepIsDoneBeforeTheOneThatItStandsOn() async throws {
        try await withTemporaryDirectory { folder in
            let place = try await Workbench(folder)
            let paid = SharedCounter()
            let runner = place.runner { recording, _, _, _ in
                paid.add(1)
                return try await Self.transcript(of: recording)
            }
            // Something that is no folder is in the outbox's place while the transcript is made.
            try place.inbox.move("outbox", "elsewhere")
            try place.inbox.write("", to: "outbox")
            #expect(await runner.run(try await place.job()) == false)
            #expect(try await place.state() == .queued && runner.summary.delivered == 0)
            #expect(place.inbox.exists("inbox/talk.wav"))
            try place.inbox.move("outbox", "no folder")
            try place.inbox.move("elsewhere", "outbox")
            try place.inbox.move("done", "no done")
            try await place.journal.endWaiting(of: [place.inbox.settings.id])
            #expect(await runner.run(try await place.job()) == false)
            #expect(place.inbox.exists("outbox/talk.txt") && place.inbox.exists("inbox/talk.wav"))
            let job = try #require(try await place.journal.jobs().first)
            #expect(job.state == .delivered && job.source == .pending && runner.summary.delivered == 1)
            try place.inbox.move("no done", "done")
            await runner.movePendingSources()
            #expect(place.inbox.exists("done/talk.wav"))
            #expect(try await place.journal.jobs().first?.source == .moved)
            #expect(paid.value == 1)
        }
    }

    /// The outbox goes away when the transcript is made: nothing says that it was delivered.
    @Test func aJobIsOpenUntilItsSidecarsAreThere() async throws {
        try await withTemporaryDirectory { folder in
            let place = try await Workbench(folder)
            let runner = place.runner { recording, _, _, _ in
                try place.inbox.move("outbox", "elsewhere")
                try place.inbox.write("", to: "outbox")
                return try await Self.transcript(of: recording)
            }
            #expect(await runner.run(try await place.job()) == false)
            let job = try #require(try await place.journal.jobs().first)
            #expect(job.state == .queued && job.finishedAt == nil && runner.summary == ServiceSummary())
            #expect(place.inbox.exists("inbox/talk.wav"))
        }
    }

    /// It has failed when the journal says so, and the person can read why.
    @Test func aFailureThatCannotBeToldIsNoneYet() async throws {
        try await withTemporaryDirectory { folder in
            let place = try await Workbench(folder)
            let runner = place.runner { _, _, _, _ in throw Self.error(.undecodable) }
            try place.inbox.move("outbox", "elsewhere")
            try place.inbox.write("", to: "outbox")
            _ = await runner.run(try await place.job())
            #expect(try await place.state() == .queued && runner.summary == ServiceSummary())
            try place.inbox.move("outbox", "no folder")
            try place.inbox.move("elsewhere", "outbox")
            try await place.journal.endWaiting(of: [place.inbox.settings.id])
            _ = await runner.run(try await place.job())
            #expect(place.inbox.exists("outbox/talk.error.txt") && runner.summary.failed == 1)
            #expect(runner.summary.failures == [.undecodable] && runner.summary.failedNames.count == 1)
        }
    }

    @Test func whatIsStoppedInTheMiddleGoesOnLater() async throws {
        try await withTemporaryDirectory { folder in
            let place = try await Workbench(folder)
            let (begun, end) = (Gate(), Gate())
            let runner = place.runner { recording, _, _, _ in
                begun.open()
                try await end.pass()
                return try await Self.transcript(of: recording)
            }
            let job = try await place.job()
            await withTaskGroup(of: Void.self) { group in
                group.addTask { _ = await runner.run(job) }
                try? await begun.pass()
                group.cancelAll()
            }
            #expect(try await place.state() == .processing && runner.summary == ServiceSummary())
            #expect(try place.inbox.text("outbox/talk.status.txt").contains("stopped"))
            #expect(try await place.journal.requeueInterrupted() == 1)
            end.open()
            _ = await runner.run(try await place.job())
            #expect(place.inbox.exists("done/talk.wav") && !place.inbox.exists("outbox/talk.status.txt"))
        }
    }

    /// Killed between sidecars and journal: what stands under the usual name may be somebody's own file.
    @Test func afterAKillHooksAreToldOfTheFilesThatStandThere() async throws {
        try await withTemporaryDirectory { folder in
            let place = try await Workbench(folder) {
                $0.hooks.onDelivered = ["/bin/true"]
                $0.formats = [.txt, .srt]
                $0.style.subtitleFiles = SubtitleFiles(names: .withLanguage)
            }
            try place.inbox.write("my own notes", to: "outbox/talk.txt")
            let job = try await place.job()
            let written = try SidecarWriter(root: place.inbox["outbox"]).write(
                [.txt: Array("Guten Morgen.\n".utf8), .srt: Array("1\n".utf8)], for: job.sidecarBase.last,
                keepingExtension: true, language: "de", overwrite: .ifUnedited([]))
            var facts = HookFacts(failing: job, of: place.inbox.settings, error: Self.error(.undecodable), at: 0)
            // As earlier versions foretold them.
            facts.sidecars = ["txt", "srt", "json"].reduce(into: [:]) { $0[$1] = Data("talk.\($1)".utf8) }
            try await place.journal.recordDelivery(
                job.id, digests: written.map(\.digest), outcome: .delivered, facts: facts)
            #expect(try await place.journal.requeueInterrupted() == 1)
            let runner = place.runner { _, _, _, _ in throw Self.error(.undecodable) }
            _ = await runner.run(try await place.job())
            #expect(try await place.state() == .delivered)
            let told = try await place.journal.hookCalls()[job.id]?.first?.facts.sidecars
            #expect(
                told?.mapValues { RawName(bytes: $0).printable } == ["txt": "talk (2).txt", "srt": "talk (2).de.srt"])
        }
    }

    @Test func whatIsRenamedMeanwhileIsDeliveredUnderItsNewName() async throws {
        try await withTemporaryDirectory { folder in
            let place = try await Workbench(folder)
            let runner = place.runner { recording, _, _, _ in
                if recording.displayName == "talk.wav" {
                    try place.inbox.move("inbox/talk.wav", "inbox/board.wav")
                    try await place.enqueue("board.wav")
                }
                return try await Self.transcript(of: recording)
            }
            #expect(await runner.run(try await place.job()) == false)
            #expect(!place.inbox.exists("outbox/talk.txt") && runner.summary == ServiceSummary())
            _ = await runner.run(try await place.job())
            #expect(place.inbox.exists("outbox/board.txt") && place.inbox.exists("done/board.wav"))
            #expect(try await place.journal.jobs().map(\.path.printable) == ["board.wav"])
        }
    }
}
