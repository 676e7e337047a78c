import Glibc
import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// What becomes of a finished recording, and the notes for people.
@Suite struct FinishedSourceTests {
    private static func job(_ path: String, in inbox: InboxFixture) async throws -> Job {
        let name = RawName(bytes: path.utf8)
        let status = try FileStatus(at: inbox.settings.path.pushing(name.path))
        let journal = try await JobJournal.open(in: inbox.folder, logger: InboxFixture.logger)
        return try #require(
            try await journal.enqueue(
                inbox: inbox.settings.id, path: name, identity: status.identity, now: 0
            ) { _ in name })
    }

    @Test func movesBelowTheSameFolderWithoutReplacingAnything() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            try InboxFixture.makeFolder(inbox["inbox/court"])
            for take in 1...3 {
                try inbox.write("take \(take)", to: "inbox/court/talk.wav")
                let job = try await Self.job("court/talk.wav", in: inbox)
                #expect(
                    try FinishedSource.dispose(job, inbox: inbox.settings, as: take == 3 ? .failed : .delivered)
                        .disposal == .moved)
                #expect(!inbox.exists("inbox/court/talk.wav"))
            }
            #expect(try inbox.text("done/court/talk.wav") == "take 1")
            #expect(try inbox.text("done/court/talk (2).wav") == "take 2")
            #expect(try inbox.text("failed/court/talk.wav") == "take 3")
        }
    }

    @Test func keepsOrDeletesAsTheInboxWantsButNeverDeletesWhatFailed() async throws {
        try await withTemporaryDirectory { folder in
            var inbox = try InboxFixture(folder)
            try inbox.write("x", to: "inbox/talk.wav")
            inbox.settings.after = .keep
            let job = try await Self.job("talk.wav", in: inbox)
            #expect(try FinishedSource.dispose(job, inbox: inbox.settings, as: .failed).disposal == .kept)
            #expect(inbox.exists("inbox/talk.wav"))
            inbox.settings.after = .delete
            #expect(try FinishedSource.dispose(job, inbox: inbox.settings, as: .failed).disposal == .moved)
            #expect(inbox.exists("failed/talk.wav"))
            try inbox.write("x", to: "inbox/talk.wav")
            let second = try await Self.job("talk.wav", in: inbox)
            #expect(try FinishedSource.dispose(second, inbox: inbox.settings, as: .delivered).disposal == .deleted)
            #expect(!inbox.exists("inbox/talk.wav"))
        }
    }

    @Test func leavesAFileAloneThatIsNotTheOneThatWasTranscribed() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            try inbox.write("old", to: "inbox/talk.wav")
            let job = try await Self.job("talk.wav", in: inbox)
            try inbox.write("a new recording", to: "new.wav")
            try inbox.move("new.wav", "inbox/talk.wav")
            #expect(try FinishedSource.dispose(job, inbox: inbox.settings, as: .delivered).isReplaced)
            #expect(try inbox.text("inbox/talk.wav") == "a new recording")
            #expect(!inbox.exists("done/talk.wav"))
        }
    }

    /// Another recording that has its length and time by chance, or by a copy that sets them.
    @Test(arguments: [InboxSettings.After.move, .keep, .delete], [Job.State.delivered, .failed])
    func aFileOfTheSameSizeAndTimeIsAnotherOne(_ after: InboxSettings.After, _ outcome: Job.State) async throws {
        try await withTemporaryDirectory { folder in
            var inbox = try InboxFixture(folder)
            inbox.settings.after = after
            try inbox.write("old", to: "inbox/talk.wav")
            let job = try await Self.job("talk.wav", in: inbox)
            try inbox.write("new", to: "new.wav")
            let time = timespec(
                tv_sec: Int(job.identity.modified / 1_000_000_000), tv_nsec: Int(job.identity.modified % 1_000_000_000))
            #expect(utimensat(AT_FDCWD, inbox["new.wav"].string, [time, time], 0) == 0)
            try inbox.move("new.wav", "inbox/talk.wav")
            let identity = try FileStatus(at: inbox["inbox/talk.wav"]).identity
            try #require(identity.modified == job.identity.modified && identity.byteCount == job.identity.byteCount)
            let result = try FinishedSource.dispose(job, inbox: inbox.settings, as: outcome)
            #expect(result.isReplaced && result.place == nil)
            #expect(
                inbox.exists("inbox/talk.wav") && !inbox.exists("done/talk.wav") && !inbox.exists("failed/talk.wav"))
        }
    }

    @Test func notesComeAndGoBelowTheSubFolder() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let base = RawName(bytes: "court/room 3/talk".utf8)
            let outbox = inbox.settings.outbox
            try OutboxNotices.write("1 %", .status, base: base, outbox: outbox)
            try OutboxNotices.write("2 %", .status, base: base, outbox: outbox)
            #expect(try inbox.text("outbox/court/room 3/talk.status.txt").hasPrefix("2 %\n"))
            OutboxNotices.remove(.status, base: base, outbox: outbox)
            OutboxNotices.remove(.error, base: base, outbox: outbox)
            #expect(!inbox.exists("outbox/court/room 3/talk.status.txt"))
        }
    }

    @Test func noteSharesTheRightsOfItsFolder() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            #expect(chmod(inbox["outbox"].string, 0o2775) == 0)
            let base = RawName(bytes: "court/talk".utf8)
            try OutboxNotices.write("x", .error, base: base, outbox: inbox.settings.outbox)
            #expect(try FileStatus(at: inbox["outbox/court"]).mode == 0o2775)
            #expect(try FileStatus(at: inbox["outbox/court/talk.error.txt"]).mode == 0o664)
        }
    }

    @Test func errorNoteSaysWhatWhyWhereAndWhatToDo() {
        let error = TranscriptionError(.notARecording, "It is no audio file.")
        let name = RawName(bytes: "court/talk.mp3".utf8).last
        let moved = OutboxNotices.errorText(name: name, error: error, movedTo: "failed")
        #expect(moved.hasPrefix("talk.mp3 could not be transcribed.\n\nWhy: It is no audio file.\n\n"))
        #expect(moved.contains("in the folder \"failed\""))
        #expect(moved.contains("check whether it plays"))
        let kept = OutboxNotices.errorText(name: name, error: error, movedTo: nil)
        #expect(kept.contains("still in the inbox"))
        let refused = TranscriptionError(.languageNotSupported, "It understands English only.")
        let note = OutboxNotices.errorText(name: name, error: refused, movedTo: nil, language: "de")
        #expect(note.contains("set to \"de\""))
        let badKey = TranscriptionError(.engineUnavailable, "It refuses the key.")
        #expect(!OutboxNotices.errorText(name: name, error: badKey, movedTo: nil, language: "de").contains("\"de\""))
    }

    @Test func whatIsTranscribedInPartsIsNotDeleted() async throws {
        try await withTemporaryDirectory { folder in
            var inbox = try InboxFixture(folder)
            inbox.settings.after = .delete
            try inbox.write("x", to: "inbox/talk.wav")
            let job = try await Self.job("talk.wav", in: inbox)
            let result = try FinishedSource.dispose(job, inbox: inbox.settings, as: .partial)
            #expect(result.disposal == .moved && result.place == inbox["failed/talk.wav"])
            #expect(inbox.exists("failed/talk.wav"))
        }
    }

    private struct Away: Error {}

    @Test func whereDoneIsAwayTheRecordingStays() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            try inbox.write("x", to: "inbox/talk.wav")
            let job = try await Self.job("talk.wav", in: inbox)
            #expect(throws: Away.self) {
                try FinishedSource.dispose(
                    job, inbox: inbox.settings, as: .delivered,
                    checkRoot: {
                        #expect($0 == inbox.settings.done)
                        throw Away()
                    })
            }
            #expect(inbox.exists("inbox/talk.wav") && !inbox.exists("done/talk.wav"))
        }
    }

    @Test func anInboxThatIsAwayHasNotLostItsRecordings() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            try inbox.write("x", to: "inbox/talk.wav")
            let job = try await Self.job("talk.wav", in: inbox)
            try inbox.move("inbox", "away")
            #expect(throws: SystemError.self) {
                try FinishedSource.dispose(job, inbox: inbox.settings, as: .delivered)
            }
            // Its mount point: another file system, and empty.
            try InboxFixture.makeFolder(inbox["inbox"])
            var elsewhere = job
            elsewhere.identity = FileIdentity(
                device: job.identity.device + 1, inode: job.identity.inode, byteCount: 1,
                modified: job.identity.modified)
            #expect(throws: SystemError.self) {
                try FinishedSource.dispose(elsewhere, inbox: inbox.settings, as: .delivered)
            }
            #expect(try FinishedSource.dispose(job, inbox: inbox.settings, as: .delivered).disposal == .deleted)
        }
    }

    @Test func filesOfPeopleThatAreCalledLikeNotesStay() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let (outbox, base) = (inbox.settings.outbox, RawName(bytes: "talk".utf8))
            try inbox.write("my own", to: "outbox/talk.error.txt")
            try OutboxNotices.write("It failed.", .error, base: base, outbox: outbox)
            OutboxNotices.remove(.error, base: base, outbox: outbox)
            #expect(try inbox.text("outbox/talk.error.txt") == "my own")
            // Nor does a link lead to a file elsewhere.
            try InboxFixture.makeFolder(inbox["elsewhere"])
            try OutboxNotices.write("x", .status, base: base, outbox: inbox["elsewhere"])
            #expect(symlink(inbox["elsewhere"].string, inbox["outbox/sub"].string) == 0)
            OutboxNotices.remove(.status, base: RawName(bytes: "sub/talk".utf8), outbox: outbox)
            #expect(inbox.exists("elsewhere/talk.status.txt"))
        }
    }

    /// Addresses, keys of the configuration and packages are for administrators: in the log and in `jobs`.
    @Test(arguments: [
        TranscriptionError.Code.engineUnavailable, .configuration, .requestFailed, .cannotWrite, .unsupportedFormat,
        .internalFault, .noSuchInput,
    ]) func notesDoNotTalkLikeAnAdministrator(_ code: TranscriptionError.Code) {
        let error = TranscriptionError(code, "http://10.0.0.1/v1 refused it: set base_url, apt install ffmpeg, /srv/x")
        let text = OutboxNotices.errorText(name: RawName(bytes: "a.mp3".utf8), error: error, movedTo: "failed")
        for word in ["http", "base_url", "apt", "/srv"] { #expect(!text.contains(word), "\(text)") }
        #expect(text.contains("Why: ") && text.contains("not lost"))
    }

    @Test func statusNotesAreSentencesForPeople() {
        let name = RawName(bytes: "a.mp3".utf8)
        var progress = ProgressSnapshot(
            name: "a.mp3", chunksDone: 1, chunksCached: 0, chunksFailed: 0, chunksInFlight: 1, chunksExpected: 4,
            fraction: 0.255, elapsedSeconds: 10, remainingSeconds: 83, isFinished: false)
        #expect(
            OutboxNotices.progressText(name: name, progress)
                == "a.mp3 is being transcribed: 25 % done, about 1 min 25 s left.\n")
        (progress.remainingSeconds, progress.engineWaitSeconds) = (nil, 600)
        #expect(
            OutboxNotices.progressText(name: name, progress)
                == "a.mp3 is being transcribed: 25 % done, waiting for the speech recognition, about 10 min.\n")
        progress.engineWaitSeconds = nil
        progress.remainingSeconds = 0.3
        #expect(OutboxNotices.progressText(name: name, progress).hasSuffix("a few seconds left.\n"))
        (progress.fraction, progress.remainingSeconds) = (nil, nil)
        #expect(OutboxNotices.progressText(name: name, progress) == "a.mp3 is being transcribed.\n")
        for cause in [OutboxNotices.WaitingCause.engine, .stopped] {
            let text = OutboxNotices.waitingText(name: name, cause)
            #expect(text.hasPrefix("a.mp3 is waiting") && text.contains("Nothing is lost"), "\(text)")
        }
    }

    @Test func aLongNameStillGetsItsNote() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let base = RawName(bytes: [UInt8](repeating: 0x61, count: 250))
            try OutboxNotices.write("x", .error, base: base, outbox: inbox.settings.outbox)
            #expect(try Self.entries(of: inbox.settings.outbox).map(\.bytes.count) == [255])
            OutboxNotices.remove(.error, base: base, outbox: inbox.settings.outbox)
            #expect(try Self.entries(of: inbox.settings.outbox).isEmpty)
        }
    }

    private static func entries(of folder: FilePath) throws -> [RawName] {
        var names: [RawName] = []
        try DirectoryLister.forEach(in: folder) {
            names.append($0.name)
            return true
        }
        return names
    }
}
