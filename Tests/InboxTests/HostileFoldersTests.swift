import Glibc
import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// A member of one group changes folders for links while the service works in them: nothing of another tree is touched.
@Suite struct HostileFoldersTests {
    /// Two groups: `inbox`, `done` … of the one, and `other` of the other with a recording of the same name.
    private struct Groups: Sendable {
        let inbox: InboxFixture
        let sub: FilePath

        init(_ folder: FilePath) throws {
            inbox = try InboxFixture(folder)
            sub = inbox["inbox/sub"]
            try InboxFixture.makeFolder(sub)
            try InboxFixture.makeFolder(folder.appending("other"))
            try inbox.write("ours", to: "inbox/sub/talk.wav")
            try inbox.write("theirs", to: "other/talk.wav")
        }

        /// Puts a link to the other group's folder in a folder's place.
        func divert(_ path: String) {
            rename(inbox[path].string, inbox[path + " aside"].string)
            symlink(inbox["other"].string, inbox[path].string)
        }

        var othersNames: [String] {
            get throws {
                var names: [String] = []
                try DirectoryLister.forEach(in: inbox["other"]) {
                    names.append($0.name.printable)
                    return true
                }
                return names
            }
        }

        func expectOthersUntouched() throws {
            #expect(try othersNames == ["talk.wav"])
            #expect(try inbox.text("other/talk.wav") == "theirs")
        }
    }

    private static let name = RawName(bytes: "talk.wav".utf8)

    private static func job(_ path: String, in inbox: InboxFixture) async throws -> Job {
        let name = RawName(bytes: path.utf8)
        let identity = try FileStatus(at: inbox.settings.path.pushing(name.path)).identity
        let journal = try await JobJournal.open(in: inbox.folder, logger: InboxFixture.logger)
        return try #require(
            try await journal.enqueue(inbox: inbox.settings.id, path: name, identity: identity, now: 0) {
                _ in
                name
            })
    }

    /// Between the look at the recording and its move.
    @Test(arguments: [InboxSettings.After.move, .delete])
    func aFolderOfTheInboxThatBecomesALinkLeadsNowhere(_ after: InboxSettings.After) async throws {
        try await withTemporaryDirectory { folder in
            let groups = try Groups(folder)
            var settings = groups.inbox.settings
            settings.after = after
            let job = try await Self.job("sub/talk.wav", in: groups.inbox)
            _ = try FinishedSource.dispose(
                job, inbox: settings, as: .partial, checkRoot: { _ in groups.divert("inbox/sub") })
            try groups.expectOthersUntouched()
            #expect(try groups.inbox.text("\(after == .move ? "done" : "failed")/sub/talk.wav") == "ours")
        }
    }

    @Test(arguments: [PathResolution.kernel, .stepwise], ["inbox/sub", "done/sub"])
    func aFolderThatIsOpenStaysTheSame(_ resolution: PathResolution, _ diverted: String) async throws {
        try await withTemporaryDirectory { folder in
            let groups = try Groups(folder)
            let sub = RawName(bytes: "sub".utf8)
            let source = try OpenFolder(root: groups.inbox["inbox"], resolution: resolution).opening(sub)
            let target = try OpenFolder(root: groups.inbox["done"], resolution: resolution).making(sub)
            var isDiverted = false
            let given = try FileMover.move(Self.name, in: source, to: target, named: Self.name) {
                if !isDiverted { groups.divert(diverted) }
                isDiverted = true
                return false
            }
            #expect(given == Self.name)
            try groups.expectOthersUntouched()
            #expect(
                try TestAudioFile.read(FilePath("/proc/self/fd/\(target.descriptor.rawValue)/talk.wav"))
                    == Array("ours".utf8))
        }
    }

    @Test(arguments: [PathResolution.kernel, .stepwise]) func linksAreNotFollowedBelowARoot(
        _ resolution: PathResolution
    ) async throws {
        try await withTemporaryDirectory { folder in
            let groups = try Groups(folder)
            try InboxFixture.makeFolder(groups.inbox["other/deep"])
            #expect(symlink("../other", groups.inbox["inbox/link"].string) == 0)
            let root = try OpenFolder(root: groups.inbox["inbox"], resolution: resolution)
            for path in ["link", "link/deep"] {
                let error = #expect(throws: SystemError.self) { _ = try root.opening(RawName(bytes: path.utf8)) }
                #expect(error?.errno == .tooManySymbolicLinkLevels, "\(path): \(error?.description ?? "opened")")
            }
            #expect(throws: SystemError.self) { _ = try root.making(RawName(bytes: "link/new".utf8)) }
            let found = #expect(throws: SystemError.self) { try root.status(at: RawName(bytes: "link/talk.wav".utf8)) }
            #expect(found?.errno == .tooManySymbolicLinkLevels)
            for path in ["..", "../other", "sub/../../other", ".", "/", "/tmp"] {
                let error = #expect(throws: SystemError.self) { _ = try root.opening(RawName(bytes: path.utf8)) }
                #expect(error?.errno == .invalidArgument, "\(path)")
            }
            let missing = #expect(throws: SystemError.self) { _ = try root.opening(RawName(bytes: "sub/no".utf8)) }
            #expect(missing?.errno == .noSuchFileOrDirectory)
            let file = #expect(throws: SystemError.self) { _ = try root.opening(RawName(bytes: "sub/talk.wav".utf8)) }
            #expect(file?.errno == .notDirectory)
            let deep = try root.making(RawName(bytes: "sub/a/b".utf8))
            #expect(deep.path == groups.inbox["inbox/sub/a/b"])
        }
    }

    /// Another file gets the name in the moment of the move: it goes back, and nothing is replaced by that.
    @Test(arguments: ["another", "a link", "another, and a third"])
    func whatIsNotTheRecordingIsPutBack(_ way: String) async throws {
        try await withTemporaryDirectory { folder in
            let groups = try Groups(folder)
            let inbox = groups.inbox
            let source = try OpenFolder(root: groups.sub)
            let target = try OpenFolder(root: inbox["done"])
            var calls = 0
            #expect(throws: FileMover.SourceChanged.self) {
                try FileMover.move(Self.name, in: source, to: target, named: Self.name) {
                    calls += 1
                    rename(inbox["inbox/sub/talk.wav"].string, inbox["kept.wav"].string)
                    if way == "a link" {
                        symlink(inbox["other/talk.wav"].string, inbox["inbox/sub/talk.wav"].string)
                    } else {
                        try? inbox.write("another one", to: "inbox/sub/talk.wav")
                    }
                    return false
                }
            }
            #expect(calls == 1)
            #expect(!inbox.exists("done/talk.wav"))
            #expect(inbox.exists("inbox/sub/talk.wav"))
            #expect(try inbox.text("inbox/sub/talk.wav") == (way == "a link" ? "theirs" : "another one"))
            #expect(try inbox.text("kept.wav") == "ours")
            try groups.expectOthersUntouched()
        }
    }

    /// Whatever the attacker hits, and however fast the machine is: the other tree stays as it is.
    @Test func aHostileLoopMovesNothingOfAnotherTree() async throws {
        try await withTemporaryDirectory { folder in
            let groups = try Groups(folder)
            let inbox = groups.inbox
            let parent = try OpenFolder(root: inbox["inbox"])
            let sub = try parent.opening(RawName(bytes: "sub".utf8))
            let job = try await Self.job("sub/talk.wav", in: inbox)
            #expect(symlink(inbox["other"].string, inbox["inbox/evil"].string) == 0)
            let (isOver, swaps, hasEnded) = (CancellationFlag(), SharedCounter(), CancellationFlag())
            let hostile = parent.descriptor
            Thread.start(name: "hostile") {
                while !isOver.isSet {
                    SystemCalls.exchange("sub", "evil", in: hostile)
                    swaps.add(1)
                }
                hasEnded.set()
            }
            try await eventually("the first swap") { swaps.value > 0 }
            let place = FilePath("/proc/self/fd/\(sub.descriptor.rawValue)/talk.wav")
            try await BlockingPool.files.run {
                defer { isOver.set() }
                for _ in 0..<2000 {
                    try TestAudioFile.write(Array("ours".utf8), to: place)
                    var current = job
                    current.identity = try FileStatus(at: place).identity
                    // The trap only closes where the other's recording could be taken for ours.
                    if let result = try? FinishedSource.dispose(current, inbox: inbox.settings, as: .delivered),
                        let moved = result.place
                    {
                        #expect(try TestAudioFile.read(moved) == Array("ours".utf8))
                        unlink(moved.string)
                    }
                    guard try groups.othersNames == ["talk.wav"] else { break }
                }
            }
            try await eventually("the attacker's end") { hasEnded.isSet }
            withExtendedLifetime(parent) {}
            withExtendedLifetime(sub) {}
            try groups.expectOthersUntouched()
        }
    }

    @Test func aFolderIsNotWatchedThroughALink() async throws {
        try await withTemporaryDirectory { folder in
            let groups = try Groups(folder)
            try InboxFixture.makeFolder(groups.inbox["other/deep"])
            let watcher = try InboxWatcher(
                root: groups.inbox["inbox"], changed: AsyncSignal(), logger: InboxFixture.logger)
            defer { watcher.stop() }
            #expect(symlink(groups.inbox["other"].string, groups.inbox["inbox/link"].string) == 0)
            #expect(throws: SystemError.self) { try watcher.watch(RawName(bytes: "link/deep".utf8)) }
        }
    }

    @Test func theRecordOfASetIsNotReadThroughALink() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let digest = String(repeating: "0", count: 64)
            try inbox.write(
                #"{"source": {"name": "talk.wav", "sha256": "\#(digest)"}, "sidecars": {}, "gaps": []}"#,
                to: "theirs.json")
            let names = SidecarNames(for: Self.name)
            let outbox = try OpenFolder(root: inbox["outbox"])
            #expect(symlink("../theirs.json", inbox["outbox/talk.json"].string) == 0)
            #expect(SidecarRecord(names, in: outbox) == nil)
            unlink(inbox["outbox/talk.json"].string)
            #expect(mkfifo(inbox["outbox/talk.json"].string, 0o600) == 0)
            #expect(SidecarRecord(names, in: outbox) == nil)
            unlink(inbox["outbox/talk.json"].string)
            try inbox.move("theirs.json", "outbox/talk.json")
            #expect(SidecarRecord(names, in: outbox) != nil)
        }
    }

    /// A sub-folder that a person made with umask 022.
    @Test func theFolderThatCannotBeWrittenToIsNamed() async throws {
        try await withTemporaryDirectory { folder in
            let groups = try Groups(folder)
            let inbox = groups.inbox
            for path in ["", "done", "inbox"] { #expect(chmod(inbox[path].string, 0o777) == 0) }
            #expect(chmod(groups.sub.string, geteuid() == 0 ? 0o755 : 0o555) == 0)
            let job = try await Self.job("sub/talk.wav", in: inbox)
            let error = #expect(throws: SystemError.self) {
                try SystemCalls.asUser(65534) {
                    try FinishedSource.dispose(job, inbox: inbox.settings, as: .delivered)
                }
            }
            let text = error?.description ?? ""
            #expect(text.contains("The folder \(groups.sub.string) does not let the service take files out"), "\(text)")
            #expect(text.contains("it belongs to user \(geteuid())") && text.contains("chmod g+w"), "\(text)")
            #expect(inbox.exists("inbox/sub/talk.wav"))
        }
    }

    @Test func theJournalKnowsWhyARecordingStays() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            try inbox.write("x", to: "inbox/talk.wav")
            let job = try await Self.job("talk.wav", in: inbox)
            let journal = try await JobJournal.open(in: inbox.folder, logger: InboxFixture.logger)
            try await journal.finish(job.id, state: .delivered, error: nil, now: 1)
            try await journal.noteStuck(job.id, because: "The folder is closed.")
            #expect(try await journal.jobs().map(\.sourceFault) == ["The folder is closed."])
            try await journal.markSource(job.id, .moved)
            #expect(try await journal.jobs().map(\.sourceFault) == [nil])
        }
    }
}
