import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

@Suite struct JobJournalTests {
    private static let inbox = RawName(bytes: "/srv/inbox".utf8)

    private static func identity(_ number: UInt64) -> FileIdentity {
        // Inodes and devices may have their highest bit set.
        FileIdentity(device: .max - 1, inode: .max - number, byteCount: 1000, modified: 5)
    }

    private static func enqueue(
        _ name: String, _ number: UInt64 = 1, in journal: JobJournal
    ) async throws -> Job? {
        try await enqueue(RawName(bytes: name.utf8), number, in: journal)
    }

    private static func enqueue(_ path: RawName, _ number: UInt64, in journal: JobJournal) async throws -> Job? {
        try await journal.enqueue(inbox: inbox, path: path, identity: identity(number), now: 100) { isTaken in
            for attempt in 0..<100 {
                let candidate = path.folder.appending(SidecarNames.candidate(attempt, for: path.last).base)
                if try !isTaken(candidate) { return candidate }
            }
            return path
        }
    }

    private static func withJournal(_ body: (JobJournal, FilePath) async throws -> Void) async throws {
        try await withTemporaryDirectory { folder in
            try await body(try await JobJournal.open(in: folder, logger: InboxFixture.logger), folder)
        }
    }

    @Test func aJobIsOpenUntilItHasEnded() async throws {
        try await Self.withJournal { journal, _ in
            let job = try #require(try await Self.enqueue("talk.wav", in: journal))
            _ = try await Self.enqueue("other.wav", 2, in: journal)
            #expect(try await journal.openCount(of: [Self.inbox]) == 2)
            #expect(try await journal.takeNext()?.id == job.id)
            #expect(try await journal.openCount(of: [Self.inbox]) == 2, "queued or in work")
            try await journal.finish(job.id, state: .failed, error: nil, now: 5000)
            #expect(try await journal.openCount(of: [Self.inbox, RawName(bytes: "/other".utf8)]) == 1)
            #expect(try await journal.openCount(of: [RawName(bytes: "/other".utf8)]) == 0)
        }
    }

    @Test func theDigestOfARecordingIsKnownAsLongAsItDoesNotChange() async throws {
        try await Self.withJournal { journal, folder in
            let job = try #require(try await Self.enqueue("talk.wav", in: journal))
            let other = try #require(try await Self.enqueue("other.wav", 2, in: journal))
            let digest = Digest(bytes: Array(1...32))
            #expect(try await journal.digest(of: job.id, changed: 7) == nil)
            try await journal.note(digest: digest, of: job.id, changed: 7)
            #expect(try await journal.digest(of: job.id, changed: 7) == digest)
            #expect(try await journal.digest(of: job.id, changed: 8) == nil)
            #expect(try await journal.digest(of: other.id, changed: 7) == nil)
            let again = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            #expect(try await again.digest(of: job.id, changed: 7) == digest)
        }
    }

    @Test func aJournalOfVersion0_1_0IsTakenOver() async throws {
        try await withTemporaryDirectory { folder in
            do {
                let journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
                _ = try await Self.enqueue("talk.wav", in: journal)
            }
            try await TestAudioFile.run(
                "python3",
                [
                    "-c",
                    "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); "
                        + "[c.execute('alter table job drop column ' + name) "
                        + "for name in ('source_fault', 'sha256', 'changed', 'lost_samples')]; "
                        + "c.execute(\"delete from grdb_migrations where identifier > '5'\"); c.commit()",
                    folder.appending("jobs.sqlite").string,
                ])
            let journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            let job = try #require(try await journal.jobs().first)
            #expect(job.path == RawName(bytes: "talk.wav".utf8))
            #expect(job.lostSampleCount == 0 && job.sourceFault == nil)
            #expect(try await journal.digest(of: job.id, changed: 7) == nil)
            try await journal.note(digest: Digest(bytes: Array(1...32)), of: job.id, changed: 7)
            #expect(try await journal.digest(of: job.id, changed: 7) != nil)
        }
    }

    @Test func aFileIsQueuedOnceAndAChangedOneAgain() async throws {
        try await Self.withJournal { journal, _ in
            let job = try #require(try await Self.enqueue("talk.wav", in: journal))
            #expect(job.sidecarBase.printable == "talk")
            #expect(try await Self.enqueue("talk.wav", in: journal) == nil)
            #expect(try await Self.enqueue("talk.wav", 2, in: journal) != nil)
            let taken = try #require(try await journal.takeNext())
            #expect(taken.id == job.id)
            #expect(taken.state == .processing)
            #expect(taken.attempts == 1)
            #expect(taken.identity == Self.identity(1))
            #expect(try await journal.takeNext()?.identity == Self.identity(2))
            #expect(try await journal.takeNext() == nil)
        }
    }

    /// As after a share was mounted again.
    @Test func anotherDeviceNumberDoesNotMakeItAnotherRecording() async throws {
        try await Self.withJournal { journal, _ in
            _ = try await Self.enqueue("talk.wav", in: journal)
            let known = Self.identity(1)
            let remounted = FileIdentity(
                device: 7, inode: known.inode, byteCount: known.byteCount, modified: known.modified)
            #expect(remounted == known)
            #expect(Set([remounted, known]).count == 1)
            let path = RawName(bytes: "talk.wav".utf8)
            #expect(
                try await journal.enqueue(inbox: Self.inbox, path: path, identity: remounted, now: 200) { _ in path }
                    == nil)
        }
    }

    @Test func keptIsKnownButPutBackAfterMovingIsNew() async throws {
        try await Self.withJournal { journal, _ in
            let kept = try #require(try await Self.enqueue("kept.wav", in: journal))
            try await journal.finish(kept.id, state: .delivered, error: nil, now: 200)
            try await journal.markSource(kept.id, .kept)
            #expect(try await Self.enqueue("kept.wav", in: journal) == nil)

            let moved = try #require(try await Self.enqueue("moved.wav", in: journal))
            try await journal.finish(moved.id, state: .failed, error: ("undecodable", "Why."), now: 200)
            try await journal.markSource(moved.id, .moved)
            #expect(try await Self.enqueue("moved.wav", in: journal) != nil)
        }
    }

    @Test func afterACrashWhatWasBegunComesAgain() async throws {
        try await Self.withJournal { journal, folder in
            for number in 1...3 { _ = try await Self.enqueue("\(number).wav", UInt64(number), in: journal) }
            let first = try #require(try await journal.takeNext())
            let second = try #require(try await journal.takeNext())
            try await journal.finish(first.id, state: .delivered, error: nil, now: 200)

            // Another process, another connection.
            let next = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            #expect(try await next.requeueInterrupted() == 1)
            #expect(try await next.withPendingSource().map(\.id) == [first.id])
            let again = try #require(try await next.takeNext())
            #expect(again.id == second.id)
            #expect(again.attempts == 2)
            #expect(try await next.counts() == [.delivered: 1, .processing: 1, .queued: 1])
        }
    }

    @Test func namesAndErrorsSurviveAsTheyWere() async throws {
        try await Self.withJournal { journal, folder in
            let path = RawName(bytes: Array("s".utf8) + [0xFF, 0x2F, 0xE9, 0x27] + Array(".wav".utf8))
            let job = try #require(try await Self.enqueue(path, 1, in: journal))
            try await journal.finish(job.id, state: .failed, error: ("undecodable", "It's 'broken'; DROP"), now: 300)
            let next = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            let read = try #require(try await next.jobs(in: [.failed]).first)
            #expect(read.path == path)
            #expect(read.sidecarBase.bytes == [0x73, 0xFF, 0x2F, 0xE9, 0x27])
            #expect(read.errorMessage == "It's 'broken'; DROP")
            #expect(read.finishedAt == 300)
            #expect(try await next.retry(job.id))
            let again = try #require(try await next.takeNext())
            #expect(again.errorMessage == nil)
        }
    }

    /// `jobs retry` at the moment in which the recording is moved to `failed`: either it is, or the job is tried again.
    @Test func aRecordingOnItsWayOutIsNotTriedAgain() async throws {
        try await Self.withJournal { journal, folder in
            let name = RawName(bytes: "a.wav".utf8)
            let job = try #require(try await Self.enqueue(name, 1, in: journal))
            #expect(try await !journal.beginDisposal(job.id), "it is not finished")
            try await journal.finish(job.id, state: .failed, error: ("undecodable", "x"), now: 1)
            #expect(try await journal.beginDisposal(job.id))
            #expect(try await !journal.retry(job.id))
            #expect(try await Self.enqueue(name, 1, in: journal) == nil, "it is no new recording")
            try await journal.noteStuck(job.id, because: "It is full.")
            #expect(try await journal.retry(job.id), "it could not be moved")
            #expect(try await !journal.beginDisposal(job.id), "it is to stay")
            try await journal.finish(job.id, state: .failed, error: ("undecodable", "x"), now: 2)
            #expect(try await journal.beginDisposal(job.id))
            // A crash came; the next start moves it.
            let next = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            _ = try await next.requeueInterrupted()
            #expect(try await next.withPendingSource().map(\.id) == [job.id])
            #expect(try await next.beginDisposal(job.id))
            try await next.markSource(job.id, .moved)
            #expect(try await !next.retry(job.id), "it lies elsewhere")
        }
    }

    /// A service that was stopped or killed in the middle of it takes nothing out.
    @Test(arguments: ["killed", "stopped", "runs"]) func aRecordingThatStayedIsTriedAgain(_ way: String) async throws {
        try await Self.withJournal { journal, folder in
            let job = try #require(try await Self.enqueue(RawName(bytes: "a.wav".utf8), 1, in: journal))
            try await journal.finish(job.id, state: .failed, error: ("undecodable", "x"), now: 1)
            let lock = try InstanceLock(in: folder)
            #expect(try await journal.beginDisposal(job.id))
            if way == "stopped" { try await journal.endDisposal(job.id) }
            let isFree = way == "killed"
            #expect(
                try await journal.retry(job.id) { isFree || InstanceLock.isFree(in: folder) } == (way != "runs"))
            withExtendedLifetime(lock) {}
        }
    }

    /// On a disk that is full until the recording is gone from it.
    @Test func nothingIsWrittenForWhatIsKnownToBeStuck() async throws {
        try await Self.withJournal { journal, folder in
            func written() -> FileIdentity? { try? FileStatus(at: folder.appending("jobs.sqlite-wal")).identity }
            let job = try #require(try await Self.enqueue(RawName(bytes: "a.wav".utf8), 1, in: journal))
            try await journal.finish(job.id, state: .delivered, error: nil, now: 1)
            try await journal.noteStuck(job.id, because: "It is full.")
            let before = try #require(written())
            for _ in 0..<3 {
                #expect(try await journal.beginDisposal(job.id))
                try await journal.noteStuck(job.id, because: "It is full.")
            }
            #expect(written() == before)
            try await journal.noteStuck(job.id, because: "It is away.")
            #expect(try await journal.jobs().map(\.sourceFault) == ["It is away."])
        }
    }

    @Test func recordingsOfOneStemGetTheirOwnNamesAndKeepThem() async throws {
        try await Self.withJournal { journal, _ in
            var bases: [String] = []
            // The fourth is a new take of the first: it replaces the first one's sidecars.
            for (number, name) in ["a.mp3", "a.wav", "sub/a.wav", "a.mp3", "a.wav"].enumerated() {
                let job = try await Self.enqueue(name, UInt64(number), in: journal)
                bases.append(job?.sidecarBase.printable ?? "none")
            }
            #expect(bases == ["a", "a.wav", "sub/a", "a", "a.wav"])
        }
    }

    @Test func digestsOfEveryDeliveryUnderANameAreKnown() async throws {
        try await Self.withJournal { journal, folder in
            let first = try #require(try await Self.enqueue("a.mp3", 1, in: journal))
            let second = try #require(try await Self.enqueue("a.mp3", 2, in: journal))
            let other = try #require(try await Self.enqueue("b.mp3", 3, in: journal))
            let digests = (1...4).map { Digest(bytes: [UInt8](repeating: $0, count: 32)) }
            try await journal.recordDelivery(first.id, digests: [digests[0], digests[1]], outcome: .delivered)
            try await journal.recordDelivery(second.id, digests: [digests[2]], outcome: .delivered)
            try await journal.recordDelivery(other.id, digests: [digests[3]], outcome: .delivered)
            let next = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            let base = RawName(bytes: "a".utf8)
            #expect(try await next.knownDigests(inbox: Self.inbox, base: base) == Set(digests[0...2]))
            #expect(try await next.hasEarlierDelivery(than: second) == false)
            try await next.finish(first.id, state: .delivered, error: nil, now: 1)
            #expect(try await next.hasEarlierDelivery(than: second))
        }
    }

    @Test func aDamagedJournalIsSetAsideAndBegunAnew() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder.appending("jobs.sqlite")
            let content = "this was never a database, but it is long enough to be taken for one"
            let bytes = Array(String(repeating: content, count: 100).utf8)
            try TestAudioFile.write(bytes, to: path)
            let journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            #expect(try await Self.enqueue("talk.wav", in: journal) != nil)
            let aside = folder.appending("jobs.sqlite.damaged-1")
            #expect(try TestAudioFile.read(aside) == bytes)
        }
    }

    /// A command that is run as root must leave the service a file that is its own.
    @Test func aCommandDoesNotMendADamagedJournal() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder.appending("jobs.sqlite")
            let bytes = Array(String(repeating: "no database ", count: 1000).utf8)
            try TestAudioFile.write(bytes, to: path)
            _ = await #expect(throws: JobJournal.Damaged.self) {
                try await JobJournal.open(in: folder, mends: false, logger: InboxFixture.logger)
            }
            #expect(try TestAudioFile.read(path) == bytes)
        }
    }

    @Test func aRetriedJobIsWorkedOnAnewAndItsSidecarsAreStillKnown() async throws {
        try await Self.withJournal { journal, _ in
            let job = try #require(try await Self.enqueue("a.mp3", 1, in: journal))
            _ = try await journal.takeNext()
            let digest = Digest(bytes: [UInt8](repeating: 7, count: 32))
            try await journal.noteBegin(
                job.id, .init(engine: "cloud", language: "de", formats: ["txt", "json"]), now: 50)
            try await journal.note([job.id: .init(expected: 9, done: 9, failed: 1)])
            try await journal.recordDelivery(job.id, digests: [digest], outcome: .partial)
            try await journal.finish(job.id, state: .partial, error: nil, now: 100)
            try await journal.markSource(job.id, .kept)
            let partial = try #require(try await journal.jobs(in: [.partial]).first)
            #expect(partial.options == .init(engine: "cloud", language: "de", formats: ["txt", "json"]))
            #expect(partial.chunks == .init(expected: 9, done: 9, failed: 1) && partial.begunAt == 50)
            #expect(try await journal.retry(job.id))
            let again = try #require(try await journal.takeNext())
            #expect(again.id == job.id && again.outcome == nil && again.sidecarDigests == [digest])
        }
    }

    @Test func aPauseThatAClockSetBackMadeLongIsOver() async throws {
        try await Self.withJournal { journal, _ in
            _ = try await Self.enqueue("a.mp3", 1, in: journal)
            let job = try #require(try await journal.takeNext(now: 10_000))
            try await journal.postpone(job.id, until: 10_060)
            #expect(try await journal.takeNext(now: 10_000) == nil)
            #expect(try await journal.takeNext(now: 2_000)?.id == job.id)
        }
    }

    @Test func shortRecordingsAreRememberedUntilTheyAreForgotten() async throws {
        try await Self.withJournal { journal, folder in
            let (path, other) = (RawName(bytes: "a/half.wav".utf8), RawName(bytes: "b.wav".utf8))
            try await journal.noteShort(path, Self.identity(1), in: Self.inbox)
            try await journal.noteShort(path, Self.identity(2), in: Self.inbox)
            try await journal.noteShort(other, Self.identity(3), in: Self.inbox)
            try await journal.forgetShort(other, in: Self.inbox)
            let next = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            #expect(try await next.shortOnes() == [Self.inbox: [Self.identity(2): path]])
        }
    }

    @Test func damageInTheMiddleIsNoticed() async throws {
        try await withTemporaryDirectory { folder in
            do {
                let journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
                for number in 1...300 { _ = try await Self.enqueue("\(number).wav", UInt64(number), in: journal) }
            }
            let path = folder.appending("jobs.sqlite")
            var bytes = try TestAudioFile.read(path)
            try #require(bytes.count > 16384)
            for at in 4096..<bytes.count { bytes[at] = 0xA5 }
            try TestAudioFile.write(bytes, to: path)
            let journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            #expect(try await journal.jobs().count < 300)
            #expect((try? FileStatus(at: folder.appending("jobs.sqlite.damaged-1"))) != nil)
        }
    }

    @Test func jobsOfOtherInboxesStayInTheQueue() async throws {
        try await Self.withJournal { journal, _ in
            let other = RawName(bytes: "/srv/other".utf8)
            for (inbox, number) in [(Self.inbox, UInt64(1)), (other, 2), (Self.inbox, 3), (other, 4)] {
                let path = RawName(bytes: "\(number).wav".utf8)
                _ = try await journal.enqueue(
                    inbox: inbox, path: path, identity: Self.identity(number), now: 100
                ) { _ in path }
            }
            #expect(try await journal.takeNext(of: []) == nil)
            #expect(try await journal.nextDue(of: []) == nil)
            let taken = try #require(try await journal.takeNext(of: [other]))
            #expect(taken.path.printable == "2.wav")
            #expect(
                try await journal.jobs(of: [Self.inbox, other], in: .queued, limit: 2).map(\.path.printable)
                    == ["1.wav", "3.wav"])
            #expect(try await journal.count(of: [Self.inbox], in: .queued) == 2)
            #expect(try await journal.count(of: [other], in: .queued) == 1)

            try await journal.finish(taken.id, state: .delivered, error: nil, now: 500)
            #expect(try await journal.jobs(of: [other], in: .delivered, finishedSince: 500, limit: 9).count == 1)
            #expect(try await journal.jobs(of: [other], in: .delivered, finishedSince: 501, limit: 9).isEmpty)
            #expect(try await journal.jobs(of: [Self.inbox], in: .delivered, limit: 9).isEmpty)

            // Postponed until new settings may have changed something.
            let next = try #require(try await journal.takeNext(of: [other]))
            try await journal.postpone(next.id, until: 1100)
            #expect(try await journal.takeNext(now: 600, of: [other]) == nil)
            #expect(try await journal.nextDue(of: [other]) == 1100)
            try await journal.endWaiting(of: [other])
            #expect(try await journal.takeNext(now: 600, of: [other])?.id == next.id)
        }
    }
}
