import Glibc
import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// What counts as a complete recording, and when.
@Suite struct IntakeTests {
    @Test func takesAFileOnceItIsClosedAndNotBefore() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            try await inbox.watching { intake in
                do {
                    let writer = try OwnedDescriptor(opening: inbox["inbox/slow.wav"], flags: O_WRONLY | O_CREAT)
                    try writer.descriptor.writeAll([1, 2, 3])
                    // A file that came later is complete: time has passed, and the one being written was not taken.
                    for name in ["a.wav", "b.wav", "c.wav"] {
                        try inbox.write("x", to: "inbox/\(name)")
                        try await eventually(name) { inbox.arrivals.names.contains(name) }
                    }
                    #expect(!inbox.arrivals.names.contains("slow.wav"))
                    #expect(intake.settlingCount == 1)
                    try writer.descriptor.writeAll([4, 5])
                }
                try await inbox.arrivals.have(["slow.wav", "a.wav", "b.wav", "c.wav"])
                #expect(inbox.arrivals.all.last?.identity.byteCount == 5)
                #expect(intake.settlingCount == 0)
            }
        }
    }

    @Test func aCopyThatPausesIsTakenWhole() async throws {
        try await withTemporaryDirectory { folder in
            // Each piece opens and closes the file, as some copiers do; the pauses are shorter than the settle time.
            let inbox = try InboxFixture(folder, settle: .milliseconds(600))
            try await inbox.watching { _ in
                for piece in 1...6 {
                    let writer = try OwnedDescriptor(
                        opening: inbox["inbox/talk.wav"], flags: O_WRONLY | O_CREAT | O_APPEND)
                    try writer.descriptor.writeAll([UInt8](repeating: UInt8(piece), count: 100))
                    #expect(inbox.arrivals.names.isEmpty)
                    // The copier's own pause.
                    try await Task.sleep(for: .milliseconds(60))
                }
                try await inbox.arrivals.have(["talk.wav"])
                #expect(inbox.arrivals.all.first?.identity.byteCount == 600)
            }
        }
    }

    @Test func takesWhatWasThereBeforeAndWhatIsRenamedOrMovedIn() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            try inbox.write("x", to: "inbox/before.wav")
            for name in ["inbox/old", "tree", "tree/deep", "tree/deep/deeper"] {
                try InboxFixture.makeFolder(inbox[name])
            }
            try inbox.write("x", to: "inbox/old/before.wav")
            try inbox.write("x", to: "renamed.wav")
            try inbox.write("x", to: "tree/one.wav")
            try inbox.write("x", to: "tree/deep/deeper/two.wav")
            try await inbox.watching { _ in
                try inbox.move("renamed.wav", "inbox/renamed.wav")
                try inbox.move("tree", "inbox/tree")
                try await inbox.arrivals.have([
                    "before.wav", "old/before.wav", "renamed.wav", "tree/one.wav", "tree/deep/deeper/two.wav",
                ])
                // The folders that came are watched too; a temporary name counts only once it is renamed.
                try inbox.write("x", to: "inbox/tree/deep/late.wav.part")
                try InboxFixture.makeFolder(inbox["inbox/tree/new"])
                try inbox.write("x", to: "inbox/tree/new/three.wav")
                try inbox.move("inbox/tree/deep/late.wav.part", "inbox/tree/deep/late.wav")
                try await inbox.arrivals.have([
                    "before.wav", "old/before.wav", "renamed.wav", "tree/one.wav", "tree/deep/deeper/two.wav",
                    "tree/deep/late.wav", "tree/new/three.wav",
                ])
            }
        }
    }

    @Test func aFolderMovedOutIsNoLongerFollowed() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            try InboxFixture.makeFolder(inbox["inbox/sub"])
            try await inbox.watching { _ in
                try inbox.move("inbox/sub", "elsewhere")
                try inbox.write("x", to: "elsewhere/stray.wav")
                try InboxFixture.makeFolder(inbox["inbox/sub"])
                try inbox.write("x", to: "inbox/sub/talk.wav")
                try await inbox.arrivals.have(["sub/talk.wav"])
            }
        }
    }

    /// Clocks of machines are set; what settles goes by the time since the start.
    @Test func itsTimeIsNotThatOfTheDay() {
        let begun = Intake.sinceStart()
        #expect(begun() < .seconds(86_400))
    }

    @Test func namesKeepTheirBytes() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let name = RawName(bytes: Array("bad-".utf8) + [0xFF, 0xFE] + Array(".mp3".utf8))
            try await inbox.watching { _ in
                try TestAudioFile.write([1], to: inbox["inbox"].pushing(name.path))
                try await inbox.arrivals.have(["bad-\\xff\\xfe.mp3"])
                #expect(inbox.arrivals.all.first?.path == name)
            }
        }
    }

    @Test func linksPipesAndJunkAreLeftAlone() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            try inbox.write("secret", to: "secret.wav")
            try InboxFixture.makeFolder(inbox["private"])
            try inbox.write("secret", to: "private/secret.wav")
            #expect(symlink(inbox["secret.wav"].string, inbox["inbox/link.wav"].string) == 0)
            #expect(symlink(inbox["private"].string, inbox["inbox/folder"].string) == 0)
            #expect(mkfifo(inbox["inbox/pipe.wav"].string, 0o600) == 0)
            try inbox.write("x", to: "inbox/.hidden.wav")
            try inbox.write("x", to: "inbox/~$talk.wav")
            try InboxFixture.makeFolder(inbox["inbox/@eaDir"])
            try inbox.write("x", to: "inbox/@eaDir/talk.wav")
            try inbox.write("x", to: "inbox/talk.wav")
            await inbox.once()
            #expect(inbox.arrivals.names == ["talk.wav"])

            // The same while watching.
            try await inbox.watching { intake in
                try await inbox.arrivals.have(["talk.wav", "talk.wav"])
                #expect(symlink(inbox["secret.wav"].string, inbox["inbox/later.wav"].string) == 0)
                #expect(mkfifo(inbox["inbox/later-pipe.wav"].string, 0o600) == 0)
                try inbox.write("x", to: "inbox/@eaDir/later.wav")
                try inbox.write("x", to: "inbox/last.wav")
                try await inbox.arrivals.have(["talk.wav", "talk.wav", "last.wav"])
                try await eventually("nothing settling") { intake.settlingCount == 0 }
                try await inbox.arrivals.have(["talk.wav", "talk.wav", "last.wav"])
            }
        }
    }

    @Test func emptyFilesWaitForTheirContentUnlessTheInboxIsToBeEmptied() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            try await inbox.watching { intake in
                try inbox.write("", to: "inbox/two-phase.wav")
                try inbox.write("x", to: "inbox/other.wav")
                try await inbox.arrivals.have(["other.wav"])
                #expect(intake.settlingCount == 1)
                try inbox.write("content", to: "inbox/two-phase.wav")
                try await inbox.arrivals.have(["other.wav", "two-phase.wav"])
            }
            let emptying = try InboxFixture(folder.appending("second").made())
            try emptying.write("", to: "inbox/empty.wav")
            await emptying.once()
            #expect(emptying.arrivals.names == ["empty.wav"])
        }
    }

    @Test func whatIsDeletedBeforeItSettlesDoesNotCome() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let clock = HandClock()
            try await inbox.watching { settings in
                Intake(settings, wake: clock.wake, logger: InboxFixture.logger, clock: { clock.now })
            } _: { intake in
                try inbox.write("x", to: "inbox/gone.wav")
                try await eventually("seen") { intake.settlingCount == 1 }
                #expect(unlink(inbox["inbox/gone.wav"].string) == 0)
                // One event: later ones would bring it again, and only the journal would know it.
                try inbox.write("x", to: "stays.wav")
                try inbox.move("stays.wav", "inbox/stays.wav")
                try await clock.tick(until: "stays.wav") { inbox.arrivals.names == ["stays.wav"] }
                try await clock.tick(until: "nothing settles") { intake.settlingCount == 0 }
                #expect(inbox.arrivals.names == ["stays.wav"])
            }
        }
    }

    @Test func withoutEventsScansFindTheSame() async throws {
        try await withTemporaryDirectory { folder in
            var inbox = try InboxFixture(folder, watch: .poll)
            inbox.settings.rescan = .milliseconds(100)
            try await inbox.watching { [inbox] _ in
                try inbox.write("x", to: "talk.wav")
                try inbox.move("talk.wav", "inbox/talk.wav")
                try await eventually("talk.wav") { inbox.arrivals.names.contains("talk.wav") }
            }
        }
    }

    @Test func lookingAgainBringsItAgain() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            try await inbox.watching { intake in
                try inbox.write("x", to: "inbox/talk.wav")
                try await inbox.arrivals.have(["talk.wav"])
                intake.look(at: RawName(bytes: "talk.wav".utf8))
                try await inbox.arrivals.have(["talk.wav", "talk.wav"])
            }
        }
    }
}

extension FilePath {
    /// The same path, made as a folder.
    fileprivate func made() throws -> FilePath {
        try InboxFixture.makeFolder(self)
        return self
    }
}
