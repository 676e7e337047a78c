import Glibc
import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// How a service opens its journal.
@Suite struct JournalStartTests {
    private static func isSetAside(_ folder: FilePath) -> Bool {
        (try? FileStatus(at: folder.appending("jobs.sqlite.damaged-1"))) != nil
    }

    @Test func anEmptyJournalIsANewOne() async throws {
        // As a kill leaves it before the first page is written.
        try await withTemporaryDirectory { folder in
            try TestAudioFile.write([], to: folder.appending("jobs.sqlite"))
            let log = RecordedLog()
            let journal = try await JobJournal.open(in: folder, patience: JobJournal.Patience(), logger: log.logger)
            #expect(try await journal.counts().isEmpty)
            #expect(log.lines.isEmpty)
            #expect(!Self.isSetAside(folder))
        }
    }

    @Test func anEmptyJournalWithALogIsDamaged() async throws {
        try await withTemporaryDirectory { folder in
            try TestAudioFile.write([], to: folder.appending("jobs.sqlite"))
            try TestAudioFile.write([UInt8](repeating: 7, count: 5000), to: folder.appending("jobs.sqlite-wal"))
            let log = RecordedLog()
            _ = try await JobJournal.open(in: folder, patience: JobJournal.Patience(), logger: log.logger)
            #expect(log.lines.count { $0.contains("job journal is damaged") } == 1)
            #expect(Self.isSetAside(folder))
        }
    }

    @Test func aServiceWaitsForAJournalThatCannotBeUsedYet() async throws {
        try await withTemporaryDirectory { folder in
            // Cannot be opened, whoever tries.
            let path = folder.appending("jobs.sqlite")
            #expect(mkdir(path.string, 0o755) == 0)
            let log = RecordedLog()
            let (pauses, signs) = (SharedCounter(), SharedCounter())
            let patience = JobJournal.Patience { _ in
                if pauses.add(1) == 5 { rmdir(path.string) }
                await Task.yield()
            }
            let journal = try await JobJournal.open(in: folder, patience: patience, logger: log.logger) { signs.add(1) }
            #expect(try await journal.counts().isEmpty)
            #expect(pauses.value == 5)
            #expect(signs.value == 5)
            #expect(log.lines.count { $0.contains("job journal cannot be used; everything waits until it can") } == 1)
            #expect(log.lines.count { $0.contains("job journal can be used again") } == 1)
        }
    }

    @Test func aCommandSaysWhatIsWrongInstead() async throws {
        try await withTemporaryDirectory { folder in
            #expect(mkdir(folder.appending("jobs.sqlite").string, 0o755) == 0)
            let error = await #expect(throws: JobJournal.Unusable.self) {
                try await JobJournal.open(in: folder, mends: false, logger: InboxFixture.logger)
            }
            let text = try #require(error).description
            #expect(text.contains("jobs.sqlite cannot be used: unable to open database file"))
        }
    }
}
