import Glibc
import Inbox
import Synchronization
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// A journal that is large, old, damaged or cannot be written.
@Suite struct JournalEnduranceTests {
    private static let inbox = RawName(bytes: "/srv/inbox".utf8)
    private static let other = RawName(bytes: "/srv/other".utf8)

    private static func identity(_ number: UInt64) -> FileIdentity {
        FileIdentity(device: 1, inode: number, byteCount: 1000, modified: 5)
    }

    @discardableResult
    private static func enqueue(
        _ name: String, _ number: UInt64 = 1, inbox: RawName = inbox, in journal: JobJournal
    ) async throws -> Job {
        let path = RawName(bytes: name.utf8)
        let job = try await journal.enqueue(inbox: inbox, path: path, identity: identity(number), now: 100) { isTaken in
            for attempt in 0..<100 {
                let candidate = path.folder.appending(SidecarNames.candidate(attempt, for: path.last).base)
                if try !isTaken(candidate) { return candidate }
            }
            return path
        }
        return try #require(job)
    }

    private static func finish(
        _ job: Job, at time: Int64, _ source: Job.SourceDisposal, in journal: JobJournal
    ) async throws {
        try await journal.finish(job.id, state: .delivered, error: nil, now: time)
        try await journal.markSource(job.id, source)
    }

    private static func withJournal(_ body: (JobJournal, FilePath) async throws -> Void) async throws {
        try await withTemporaryDirectory { folder in
            try await body(try await JobJournal.open(in: folder, logger: InboxFixture.logger), folder)
        }
    }

    @Test func namesThatDifferInCaseOnlyGetSidecarsThatAShareCanShow() async throws {
        try await Self.withJournal { journal, _ in
            var bases: [String] = []
            for (number, name) in ["Talk.mp3", "talk.wav", "TALK.wav", "\u{C4}rger.mp3", "\u{E4}rger.wav"].enumerated()
            {
                bases.append(try await Self.enqueue(name, UInt64(number), in: journal).sidecarBase.printable)
            }
            #expect(bases == ["Talk", "talk.wav", "TALK.wav (2)", "\u{C4}rger", "\u{E4}rger.wav"])
        }
    }

    @Test func anInboxThatRestsKeepsNobodyElseWaiting() async throws {
        try await Self.withJournal { journal, _ in
            try await Self.enqueue("a.wav", 1, in: journal)
            try await Self.enqueue("b.wav", 2, inbox: Self.other, in: journal)
            try await Self.enqueue("c.wav", 3, in: journal)
            #expect(try await journal.takeNext(now: 100, of: [Self.other])?.path.printable == "b.wav")
            #expect(try await journal.takeNext(now: 100, of: [Self.other]) == nil)
            let first = try #require(try await journal.takeNext(now: 100, of: [Self.inbox, Self.other]))
            #expect(first.path.printable == "a.wav")
            try await journal.postpone(first.id, until: 150)
            // One that waits does not stand in front of those that never had their turn.
            #expect(try await journal.takeNext(now: 200)?.path.printable == "c.wav")
            #expect(try await journal.nextDue(of: [Self.other]) == nil)
            #expect(try await journal.nextDue(of: [Self.inbox]) == 150)
            try await journal.endWaiting(of: [Self.inbox])
            #expect(try await journal.takeNext(now: 100)?.path.printable == "a.wav")
        }
    }

    @Test func statesAreCountedThroughEveryChange() async throws {
        try await Self.withJournal { journal, folder in
            for number in 1...5 { try await Self.enqueue("\(number).wav", UInt64(number), in: journal) }
            let first = try #require(try await journal.takeNext())
            let second = try #require(try await journal.takeNext())
            let third = try #require(try await journal.takeNext())
            try await journal.finish(first.id, state: .failed, error: ("undecodable", "x"), now: 1)
            try await Self.finish(second, at: 1, .moved, in: journal)
            try await journal.forget(third.id)
            #expect(try await journal.counts() == [.queued: 2, .failed: 1, .delivered: 1])
            #expect(try await journal.retry(first.id))
            _ = try await journal.takeNext()
            let next = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            #expect(try await next.requeueInterrupted() == 1)
            #expect(try await next.counts() == [.queued: 3, .delivered: 1])
        }
    }

    @Test func oldJobsAreForgottenButNeverARecordingThatIsKept() async throws {
        try await Self.withJournal { journal, _ in
            let names = ["moved", "deleted", "kept", "kept and gone", "stuck", "young", "failed"]
            var jobs: [Job] = []
            for (number, name) in names.enumerated() {
                jobs.append(try await Self.enqueue("\(name).wav", UInt64(number), in: journal))
            }
            for (job, source) in zip(jobs, [Job.SourceDisposal.moved, .deleted, .kept, .kept]) {
                try await Self.finish(job, at: 1000, source, in: journal)
            }
            // Could not be taken out of its inbox.
            try await journal.finish(jobs[4].id, state: .delivered, error: nil, now: 1000)
            try await Self.finish(jobs[5], at: 5000, .moved, in: journal)
            try await journal.finish(jobs[6].id, state: .failed, error: ("undecodable", "x"), now: 5000)
            try await journal.markSource(jobs[6].id, .moved)
            try await Self.enqueue("waits.wav", 99, in: journal)

            let removed = try await journal.prune(finishedBefore: 2000) { $0.path.printable == "kept.wav" }
            #expect(removed == 3)
            #expect(
                try await journal.jobs().map(\.path.printable)
                    == ["kept.wav", "stuck.wav", "young.wav", "failed.wav", "waits.wav"])
            // Nothing is old, but there are too many.
            #expect(try await journal.prune(finishedBefore: 0, maximum: 0) { _ in true } == 2)
            #expect(try await journal.jobs().map(\.path.printable) == ["kept.wav", "stuck.wav", "waits.wav"])
        }
    }

    @Test func aFullDiskMakesAServiceWaitAndIsSaidOnce() async throws {
        try await withTemporaryDirectory { folder in
            let log = RecordedLog()
            let pauses = SharedCounter()
            let journal = try await JobJournal.open(
                in: folder,
                patience: JobJournal.Patience { _ in
                    pauses.add(1)
                    await Task.yield()
                    try Task.checkCancellation()
                }, logger: log.logger)
            let signsOfLife = SharedCounter()
            journal.whileWaiting { signsOfLife.add(1) }
            try await journal.limitPages(to: 1)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for number in 1...500 { try await Self.enqueue("\(number).wav", UInt64(number), in: journal) }
                }
                try await eventually("several pauses") { pauses.value > 5 }
                try await journal.limitPages(to: 100_000)
                try await group.waitForAll()
            }
            #expect(try await journal.counts() == [.queued: 500])
            #expect(signsOfLife.value == pauses.value)
            #expect(log.lines.filter { $0.contains("journal cannot be used") }.count == 1)
            #expect(log.lines.filter { $0.contains("journal can be used again") }.count == 1)
        }
    }

    @Test func aCommandDoesNotWaitForAFullDisk() async throws {
        try await Self.withJournal { journal, _ in
            try await journal.limitPages(to: 1)
            await #expect(throws: (any Error).self) {
                for number in 1...500 { try await Self.enqueue("\(number).wav", UInt64(number), in: journal) }
            }
        }
    }

    /// Fills a journal, damages the file and opens it again.
    private static func damaged(
        _ damage: (inout [UInt8]) -> Void
    ) async throws -> (saved: [String], wasSetAside: Bool) {
        try await withTemporaryDirectory { folder in
            let path = folder.appending("jobs.sqlite")
            do {
                let journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
                for number in 1...400 {
                    let job = try await enqueue("kept-\(number).wav", UInt64(number), in: journal)
                    try await finish(job, at: 1000, .kept, in: journal)
                }
            }
            var bytes = try TestAudioFile.read(path)
            try #require(bytes.count > 100_000)
            damage(&bytes)
            try TestAudioFile.write(bytes, to: path)
            let journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            try await enqueue("new.wav", 1000, in: journal)
            let names = try await journal.jobs(limit: 10_000).map(\.path.printable)
            return (names, (try? FileStatus(at: folder.appending("jobs.sqlite.damaged-1"))) != nil)
        }
    }

    @Test func aTruncatedJournalIsSetAside() async throws {
        let (names, wasSetAside) = try await Self.damaged { $0.removeLast($0.count / 2) }
        #expect(wasSetAside)
        #expect(names.last == "new.wav")
    }

    @Test func whatCanBeReadOfADamagedJournalIsNotForgotten() async throws {
        // One page in the middle, as a bad block leaves it.
        let (names, wasSetAside) = try await Self.damaged { bytes in
            let page = bytes.count / 4096 / 2
            for at in (page * 4096)..<((page + 1) * 4096) { bytes[at] = 0 }
        }
        #expect(wasSetAside)
        #expect(names.count > 200)
        #expect(names.last == "new.wav")
    }

    @Test func aJournalOfANewerVersionIsLeftAlone() async throws {
        try await withTemporaryDirectory { folder in
            _ = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            let path = folder.appending("jobs.sqlite")
            try await TestAudioFile.run(
                "python3",
                [
                    "-c",
                    "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); "
                        + "c.execute(\"insert into grdb_migrations values ('99 later')\"); c.commit()", path.string,
                ])
            await #expect(throws: JobJournal.NewerVersion.self) {
                try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            }
            #expect((try? FileStatus(at: path)) != nil)
        }
    }
}
