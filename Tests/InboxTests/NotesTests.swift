import Glibc
import Inbox
import Logging
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// Notes on their way to outboxes.
@Suite(.timeLimit(.minutes(20))) struct NotesTests {
    private static let base = RawName(bytes: "talk.wav".utf8)
    private static let note = "outbox/talk.wav.error.txt"

    @Test func theLastWordCountsWhereverAnotherOutboxHangs() async throws {
        try await withTemporaryDirectory { folder in
            for name in ["court", "office"] { try InboxFixture.makeFolder(folder.appending(name)) }
            let (court, office) = (
                try InboxFixture(folder.appending("court")), try InboxFixture(folder.appending("office"))
            )
            let (hung, pool) = (Turnstile(), BlockingPool(name: "test", limit: 4, perStorage: 1))
            let notes = NoteQueue(pool: pool, logger: InboxFixture.logger)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await pool.run(on: .folder(court.settings.outbox)) { hung.pass() } }
                defer { hung.open() }
                try await hung.holding {
                    await hung.haveArrived(1)
                    for text in ["one", nil, "two"] {
                        for inbox in [court, office] { notes.put(text, base: Self.base, outbox: inbox.settings.outbox) }
                    }
                    try await eventually("the note") { (try? office.text(Self.note).hasPrefix("two")) == true }
                    #expect(!court.exists(Self.note))
                }
            }
            await notes.finish(within: .seconds(600))
            #expect(try court.text(Self.note).hasPrefix("two"))
            notes.put(nil, base: Self.base, outbox: court.settings.outbox)
            await notes.finish(within: .seconds(600))
            #expect(!court.exists(Self.note))
        }
    }

    @Test func theNoteOfAnOutageIsNotWrittenBelowAMountPoint() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let (outbox, note) = (inbox.settings.outbox, "outbox/parlograph.status.txt")
            let isMounted = CancellationFlag()
            let notes = OutageNotes { outbox in
                guard isMounted.isSet else {
                    throw SystemError("stat", outbox.printable, errno: .noSuchFileOrDirectory)
                }
            }
            #expect(!notes.update("waiting", in: outbox), "to be tried again")
            #expect(!inbox.exists(note) && notes.outboxes.isEmpty)
            isMounted.set()
            #expect(notes.update("waiting", in: outbox))
            #expect(inbox.exists(note) && notes.outboxes == [outbox])
            #expect(notes.update(nil, in: outbox))
            #expect(!inbox.exists(note) && notes.outboxes.isEmpty)
        }
    }

    /// A person's own file stays; when it is gone, the note comes.
    @Test func aNoteThatWasLeftOutIsNotTakenForWritten() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let (outbox, note) = (inbox.settings.outbox, "outbox/parlograph.status.txt")
            let notes = OutageNotes { _ in }
            try inbox.write("mine", to: note)
            #expect(!notes.update("waiting", in: outbox))
            #expect(try inbox.text(note) == "mine" && notes.outboxes.isEmpty)
            #expect(unlink(inbox[note].string) == 0)
            #expect(notes.update("waiting", in: outbox))
            #expect(try inbox.text(note).hasPrefix("waiting"))
        }
    }
}
