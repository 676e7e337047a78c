import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing

@Suite struct FolderLockTests {
    private static func makeFolder(_ path: FilePath) { mkdir(path.string, 0o755) }

    /// On a thread, since it waits for those who do not answer.
    /// - Returns: also who holds names without a right to them.
    @discardableResult
    private static func take(
        _ folder: FilePath, trusting users: Set<UInt32>? = nil
    ) async throws -> (claim: FolderLock?, squatters: [FolderLock.Squatter]) {
        try await BlockingPool.files.run {
            var squatters: [FolderLock.Squatter] = []
            let claim = try FolderLock.take(folder, trusting: users) { squatters.append($0) }
            return (claim, squatters)
        }
    }

    private static func expectHeld(_ folder: FilePath) async {
        let held = await #expect(throws: FolderLock.Held.self) { try await take(folder) }
        #expect(held?.processID == getpid())
    }

    @Test func aFolderIsClaimedOnceByWhateverName() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = folder.appending("inbox")
            Self.makeFolder(inbox)
            #expect(symlink("inbox", folder.appending("link").string) == 0)
            do {
                let claim = try #require(try await Self.take(inbox).claim)
                for name in ["inbox", "link", "inbox/../inbox"] { await Self.expectHeld(folder.appending(name)) }
                #expect(claim.covers(folder.appending("link")))
                Self.makeFolder(folder.appending("other"))
                #expect(try await Self.take(folder.appending("other")).claim != nil)
            }
            #expect(try await Self.take(inbox).claim != nil)
        }
    }

    @Test func anotherFolderOfThatNameIsNotClaimed() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = folder.appending("inbox")
            Self.makeFolder(inbox)
            let claim = try #require(try await Self.take(inbox).claim)
            #expect(rename(inbox.string, folder.appending("old").string) == 0)
            #expect(!claim.covers(inbox))
            await #expect(throws: SystemError.self) { try await Self.take(inbox) }
            Self.makeFolder(inbox)
            #expect(!claim.covers(inbox))
            #expect(try await Self.take(inbox).claim != nil)
        }
    }

    private func describe(_ squatter: FolderLock.Squatter) -> String {
        "\(squatter.name) \(squatter.processID ?? 0) \(squatter.userID.map(Int.init) ?? -1)"
    }

    private static func withInbox(_ body: (FilePath) async throws -> Void) async throws {
        try await withTemporaryDirectory { folder in
            let inbox = folder.appending("inbox")
            Self.makeFolder(inbox)
            try await body(inbox)
        }
    }

    /// A squatter that is bound and does not listen, or whose queue is full, cannot be asked who it is.
    @Test(arguments: [nil, 0] as [CInt?]) func whoDoesNotAnswerHoldsNothing(_ backlog: CInt?) async throws {
        try await Self.withInbox { inbox in
            let name = try NameSquatter.claim(of: inbox)
            let squatter = try await NameSquatter.hold(name, backlog: backlog)
            if backlog != nil { for _ in 0..<4 { try NameSquatter.knock(at: name) } }
            let (claim, named) = try await Self.take(inbox)
            // In /proc this process sees itself.
            #expect(named.map(describe) == ["@\(name) \(getpid()) \(geteuid())"])
            #expect(claim?.covers(inbox) == true)
            await Self.expectHeld(inbox)
            withExtendedLifetime(squatter) {}
        }
    }

    /// One that listens is known by its user, and two services still see each other past it, also when it has gone.
    @Test func whoIsNotTrustedHoldsNothing() async throws {
        try await Self.withInbox { inbox in
            let name = try NameSquatter.claim(of: inbox)
            let others: Set<UInt32> = [geteuid() &+ 1]
            do {
                let squatter = try await NameSquatter.hold(name, backlog: 5)
                let (claim, named) = try await Self.take(inbox, trusting: others)
                #expect(claim != nil)
                #expect(named.map(describe) == ["@\(name) \(getpid()) \(geteuid())"])
                withExtendedLifetime((claim, squatter)) {}
            }
            var squatter: NameSquatter? = try await NameSquatter.hold(name)
            let first = try #require(try await Self.take(inbox).claim)
            withExtendedLifetime(squatter) {}
            squatter = nil
            await Self.expectHeld(inbox)
            withExtendedLifetime(first) {}
        }
    }

    @Test func allNamesTakenStopNobody() async throws {
        try await Self.withInbox { inbox in
            var squatters: [NameSquatter] = []
            for number in 1...16 {
                squatters.append(try await NameSquatter.hold(try NameSquatter.claim(of: inbox, number: number)))
            }
            let (claim, named) = try await Self.take(inbox)
            #expect(claim == nil)
            #expect(Set(named.map(\.name)).count == squatters.count)
            withExtendedLifetime(squatters) {}
        }
    }

    /// A full queue would hide who listens.
    @Test func whoeverKnocksTheHolderCanStillBeAsked() async throws {
        try await Self.withInbox { inbox in
            let claim = try #require(try await Self.take(inbox).claim)
            for _ in 0..<300 { try NameSquatter.knock(at: try NameSquatter.claim(of: inbox)) }
            await Self.expectHeld(inbox)
            withExtendedLifetime(claim) {}
        }
    }

    /// Another user of the machine, in a process of his own.
    @Test(.enabled(if: geteuid() == 0), arguments: [true, false]) func anotherUserHoldsNothing(listens: Bool)
        async throws
    {
        try await Self.withInbox { inbox in
            let name = try NameSquatter.claim(of: inbox)
            let script = """
                socket(S, AF_UNIX, SOCK_STREAM, 0); my $a = pack_sockaddr_un("\\0" . shift);
                for (1..5000) { last if bind(S, $a); select(undef, undef, undef, 0.01) }
                \(listens ? "listen(S, 5);" : "") $| = 1; print ".\\n"; sleep 600
                """
            let command = "exec setpriv --reuid 65534 --regid 65534 --clear-groups perl -MSocket -e '\(script)' \(name)"
            try await ShellCommand.run(command) { squatter in
                #expect(await squatter.line() == ".")
                let (claim, named) = try await Self.take(inbox)
                #expect(named.map(\.name) == ["@\(name)"])
                #expect(named.map(\.userID) == [65534])
                #expect(named.map(\.processID) == [squatter.process])
                await Self.expectHeld(inbox)
                withExtendedLifetime(claim) {}
            }
        }
    }
}
