import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// What the journal knows of the chunks of a recording.
@Suite struct ChunkJournalTests {
    private static let inbox = RawName(bytes: "/srv/inbox".utf8)
    private static let options = Job.Options(engine: "cloud", language: nil, formats: ["txt"])

    private static func range(_ index: Int) -> SampleRange {
        SampleRange(Int64(index) * 160_000, Int64(index + 1) * 160_000)
    }

    private static func hash(_ index: Int) -> Digest { Digest(bytes: Array(repeating: UInt8(index % 251), count: 32)) }

    private static func cut(_ index: Int) -> ChunkEvent {
        .cut(index: index, owned: range(index), hash: hash(index))
    }

    private static func withJournal(_ body: (JobJournal, FilePath) async throws -> Void) async throws {
        try await withTemporaryDirectory { folder in
            try await body(try await JobJournal.open(in: folder, logger: InboxFixture.logger), folder)
        }
    }

    @discardableResult
    private static func enqueue(_ name: String, _ number: UInt64 = 1, in journal: JobJournal) async throws -> Job {
        let path = RawName(bytes: name.utf8)
        let identity = FileIdentity(device: 1, inode: number, byteCount: 1000, modified: 5)
        return try #require(
            try await journal.enqueue(inbox: inbox, path: path, identity: identity, now: 100) { _ in path })
    }

    /// A job in work.
    private static func begin(_ name: String, _ number: UInt64 = 1, in journal: JobJournal) async throws -> Job {
        try await enqueue(name, number, in: journal)
        let job = try #require(try await journal.takeNext())
        try await journal.noteBegin(job.id, options, now: 200)
        return job
    }

    @Test func aChunkIsFollowedThroughItsAttemptsUntilItIsAnsweredOrAGap() async throws {
        try await Self.withJournal { journal, _ in
            let job = try await Self.begin("talk.wav", in: journal)
            let time = Guarded<Int64>(1000)
            let ledger = ChunkLedger {
                time.change {
                    $0 += 1; return $0
                }
            }
            func states() async throws -> [ChunkRecord.State] {
                try await journal.note([:], [job.id: ledger])
                return try await journal.chunks(of: job.id).map(\.state)
            }
            #expect(try await states() == [])
            for index in 0..<4 { ledger.observe(Self.cut(index)) }
            #expect(try await states() == [.waiting, .waiting, .waiting, .waiting])
            ledger.observe(.finished(index: 0, fromCache: true, engine: "cloud"))
            ledger.observe(.sent(index: 1, attempt: 1, engine: "cloud"))
            ledger.observe(.sent(index: 2, attempt: 1, engine: "cloud"))
            #expect(try await states() == [.done, .asked, .asked, .waiting])
            ledger.observe(.retrying(index: 1, attempt: 1, after: .seconds(5), error: .requestFailed))
            ledger.observe(.failed(index: 2, error: .languageNotSupported))
            #expect(try await states() == [.done, .retrying, .failed, .waiting])
            #expect(try await journal.chunks(of: job.id)[1].errorCode == .requestFailed)
            ledger.observe(.sent(index: 1, attempt: 2, engine: "local"))
            ledger.observe(.finished(index: 1, fromCache: false, engine: "local"))
            ledger.observe(.finished(index: 3, fromCache: false, engine: nil))
            #expect(try await states() == [.done, .done, .failed, .done])
            #expect(
                try await journal.chunks(of: job.id) == [
                    ChunkRecord(
                        index: 0, state: .done, range: Self.range(0), hash: Self.hash(0), engine: "cloud",
                        isFromCache: true, changedAt: 1005),
                    ChunkRecord(
                        index: 1, state: .done, range: Self.range(1), hash: Self.hash(1), attempts: 2, engine: "local",
                        changedAt: 1011),
                    ChunkRecord(
                        index: 2, state: .failed, range: Self.range(2), hash: Self.hash(2), attempts: 1,
                        errorCode: .languageNotSupported, engine: "cloud", changedAt: 1009),
                    ChunkRecord(index: 3, state: .done, range: Self.range(3), hash: Self.hash(3), changedAt: 1012),
                ])

            // Delivered with a gap: its sidecar tells the rest.
            try await journal.finish(job.id, state: .partial, error: nil, now: 300)
            #expect(try await journal.chunks(of: job.id).map(\.index) == [2])
        }
    }

    @Test func whatCameOutWholeLeavesNothingEvenWhereNewsComeLate() async throws {
        try await Self.withJournal { journal, _ in
            let job = try await Self.begin("talk.wav", in: journal)
            let ledger = ChunkLedger()
            ledger.observe(Self.cut(0))
            ledger.observe(.sent(index: 0, attempt: 1, engine: "cloud"))
            try await journal.note([job.id: .init(expected: 1)], [job.id: ledger])
            #expect(try await journal.chunks(of: job.id).count == 1)
            ledger.observe(.finished(index: 0, fromCache: false, engine: "cloud"))
            try await journal.note([job.id: .init(expected: 1, done: 1)])
            try await journal.finish(job.id, state: .delivered, error: nil, now: 300)
            try await journal.note([job.id: .init(expected: 1)], [job.id: ledger])
            #expect(try await journal.chunks(of: job.id).isEmpty)
            #expect(try await journal.jobs().first?.chunks == .init(expected: 1, done: 1))
        }
    }

    /// As after `kill -9`: another process opens what was written last.
    @Test func whatWasDoneIsKnownAfterACrashUntilTheRecordingIsBegunAnew() async throws {
        try await Self.withJournal { journal, folder in
            let job = try await Self.begin("talk.wav", in: journal)
            let ledger = ChunkLedger()
            for index in 0..<3 { ledger.observe(Self.cut(index)) }
            ledger.observe(.finished(index: 0, fromCache: false, engine: "cloud"))
            ledger.observe(.sent(index: 1, attempt: 1, engine: "cloud"))
            try await journal.note([:], [job.id: ledger])

            let next = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            #expect(try await next.requeueInterrupted() == 1)
            #expect(try await next.chunks(of: job.id).map(\.state) == [.done, .asked, .waiting])
            let again = try #require(try await next.takeNext())
            #expect(again.id == job.id)
            // Its transcript was made and only wants to be put into the outbox.
            try await next.noteBegin(job.id, Self.options, isOnlyToBeDelivered: true, now: 400)
            #expect(try await next.chunks(of: job.id).count == 3)
            try await next.noteBegin(job.id, Self.options, now: 400)
            #expect(try await next.chunks(of: job.id).isEmpty)
        }
    }

    @Test func aForgottenJobTakesItsChunksAlong() async throws {
        try await Self.withJournal { journal, _ in
            var jobs: [Job] = []
            for (number, name) in ["old.wav", "young.wav", "gone.wav"].enumerated() {
                let job = try await Self.begin(name, UInt64(number), in: journal)
                let ledger = ChunkLedger()
                ledger.observe(Self.cut(0))
                ledger.observe(.failed(index: 0, error: .requestFailed))
                try await journal.note([:], [job.id: ledger])
                jobs.append(job)
            }
            for (job, time) in zip(jobs, [Int64(1000), 5000]) {
                try await journal.finish(job.id, state: .failed, error: ("requestFailed", "x"), now: time)
                try await journal.markSource(job.id, .moved)
            }
            #expect(try await journal.prune(finishedBefore: 2000) { _ in true } == 1)
            try await journal.forget(jobs[2].id)
            var counts: [Int] = []
            for job in jobs { counts.append(try await journal.chunks(of: job.id).count) }
            #expect(counts == [0, 1, 0])
        }
    }

    @Test func failedRecordingsDoNotFillTheJournal() async throws {
        try await Self.withJournal { journal, _ in
            func work(_ name: String, _ number: UInt64) async throws -> Job {
                let job = try await Self.begin(name, number, in: journal)
                let ledger = ChunkLedger()
                for index in 0..<10_500 {
                    ledger.observe(Self.cut(index))
                    ledger.observe(.failed(index: index, error: .requestFailed))
                }
                try await journal.note([:], [job.id: ledger])
                return job
            }
            let waiting = try await work("waits.wav", 1)
            var failed: [Job] = []
            for number in 2...7 {
                let job = try await work("\(number).wav", UInt64(number))
                try await journal.finish(job.id, state: .failed, error: ("requestFailed", "x"), now: 1000)
                failed.append(job)
            }
            try await journal.postpone(waiting.id, until: 2000)
            var counts: [Int] = []
            for job in [waiting] + failed { counts.append(try await journal.chunks(of: job.id).count) }
            // Of one recording 10 000, of all that are over about 50 000, the newest ones.
            #expect(counts == [10_000, 0, 10_000, 10_000, 10_000, 10_000, 10_000])
        }
    }

    @Test func aJournalOfTheVersionBeforeIsTakenOver() async throws {
        try await withTemporaryDirectory { folder in
            do {
                let journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
                let job = try await Self.begin("talk.wav", in: journal)
                try await journal.note([job.id: .init(expected: 9, done: 4, failed: 1)])
            }
            try await TestAudioFile.run(
                "python3",
                [
                    "-c",
                    "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('drop table chunk'); "
                        + "c.execute(\"delete from grdb_migrations where identifier = '4 chunks'\"); c.commit()",
                    folder.appending("jobs.sqlite").string,
                ])
            let journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            let job = try #require(try await journal.jobs().first)
            #expect(job.chunks == .init(expected: 9, done: 4, failed: 1))
            let ledger = ChunkLedger()
            ledger.observe(Self.cut(0))
            try await journal.note([:], [job.id: ledger])
            #expect(try await journal.chunks(of: job.id).map(\.state) == [.waiting])
        }
    }

    /// A bad block in the middle of the file: what is saved fits together, and work goes on.
    @Test func chunksOfJobsThatWereSavedAreSaved() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder.appending("jobs.sqlite")
            do {
                let journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
                for number in 1...300 {
                    let job = try await Self.begin("\(number).wav", UInt64(number), in: journal)
                    let ledger = ChunkLedger()
                    for index in 0..<4 {
                        ledger.observe(Self.cut(index))
                        ledger.observe(.failed(index: index, error: .requestFailed))
                    }
                    try await journal.note([:], [job.id: ledger])
                    try await journal.finish(job.id, state: .failed, error: ("requestFailed", "x"), now: 1000)
                }
            }
            var bytes = try TestAudioFile.read(path)
            let page = bytes.count / 4096 / 2
            for at in (page * 4096)..<((page + 1) * 4096) { bytes[at] = 0 }
            try TestAudioFile.write(bytes, to: path)

            let journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            #expect((try? FileStatus(at: folder.appending("jobs.sqlite.damaged-1"))) != nil)
            var saved = 0
            for job in try await journal.jobs() { saved += try await journal.chunks(of: job.id).count }
            #expect(saved > 600)
            _ = try await Self.begin("new.wav", 1000, in: journal)
        }
    }
}
