import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing

@Suite struct FolderLockTests {
    private static func makeFolder(_ path: FilePath) { mkdir(path.string, 0o755) }

    @Test func aFolderIsClaimedOnceByWhateverName() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = folder.appending("inbox")
            Self.makeFolder(inbox)
            #expect(symlink("inbox", folder.appending("link").string) == 0)
            do {
                let claim = try #require(try FolderLock.take(inbox))
                for name in ["inbox", "link", "inbox/../inbox"] {
                    let held = #expect(throws: FolderLock.Held.self) {
                        try FolderLock.take(folder.appending(name))
                    }
                    #expect(held?.processID == getpid())
                }
                #expect(claim.covers(folder.appending("link")))
                Self.makeFolder(folder.appending("other"))
                #expect(try FolderLock.take(folder.appending("other")) != nil)
            }
            #expect(try FolderLock.take(inbox) != nil)
        }
    }

    @Test func anotherFolderOfThatNameIsNotClaimed() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = folder.appending("inbox")
            Self.makeFolder(inbox)
            let claim = try #require(try FolderLock.take(inbox))
            #expect(rename(inbox.string, folder.appending("old").string) == 0)
            #expect(!claim.covers(inbox))
            #expect(throws: SystemError.self) { try FolderLock.take(inbox) }
            Self.makeFolder(inbox)
            #expect(!claim.covers(inbox))
            #expect(try FolderLock.take(inbox) != nil)
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
            let squatter = try NameSquatter(name, backlog: backlog)
            if backlog != nil { for _ in 0..<4 { try NameSquatter.knock(at: name) } }
            var named: [FolderLock.Squatter] = []
            let claim = try #require(try FolderLock.take(inbox) { named.append($0) })
            // In /proc this process sees itself.
            #expect(named.map(describe) == ["@\(name) \(getpid()) \(geteuid())"])
            #expect(claim.covers(inbox))
            let held = #expect(throws: FolderLock.Held.self) { try FolderLock.take(inbox) }
            #expect(held?.processID == getpid())
            withExtendedLifetime(squatter) {}
        }
    }

    /// One that listens is known by its user, and two services still see each other past it, also when it has gone.
    @Test func whoIsNotTrustedHoldsNothing() async throws {
        try await Self.withInbox { inbox in
            let name = try NameSquatter.claim(of: inbox)
            let others: Set<UInt32> = [geteuid() &+ 1]
            do {
                let squatter = try NameSquatter(name, backlog: 5)
                var named: [FolderLock.Squatter] = []
                let claim = try #require(try FolderLock.take(inbox, trusting: others) { named.append($0) })
                #expect(named.map(describe) == ["@\(name) \(getpid()) \(geteuid())"])
                withExtendedLifetime((claim)) {}
                withExtendedLifetime(squatter) {}
            }
            let squatter = try NameSquatter(name)
            let first = try #require(try FolderLock.take(inbox))
            withExtendedLifetime(squatter) {}
            _ = consume squatter
            let held = #expect(throws: FolderLock.Held.self) { try FolderLock.take(inbox) }
            #expect(held?.processID == getpid())
            withExtendedLifetime(first) {}
        }
    }

    @Test func allNamesTakenStopNobody() async throws {
        try await Self.withInbox { inbox in
            let last = 16
            try Self.holding(1...last, of: inbox) {
                var named: [String] = []
                let claim = try FolderLock.take(inbox) { named.append($0.name) }
                #expect(claim == nil)
                #expect(Set(named).count == last)
            }
        }
    }

    private static func holding(_ numbers: ClosedRange<Int>, of folder: FilePath, _ body: () throws -> Void) throws {
        guard let number = numbers.first else { return try body() }
        let squatter = try NameSquatter(try NameSquatter.claim(of: folder, number: number))
        if number == numbers.upperBound {
            try body()
        } else {
            try holding((number + 1)...numbers.upperBound, of: folder, body)
        }
        withExtendedLifetime(squatter) {}
    }

    /// A full queue would hide who listens.
    @Test func whoeverKnocksTheHolderCanStillBeAsked() async throws {
        try await Self.withInbox { inbox in
            let claim = try #require(try FolderLock.take(inbox))
            for _ in 0..<300 { try NameSquatter.knock(at: try NameSquatter.claim(of: inbox)) }
            let held = #expect(throws: FolderLock.Held.self) { try FolderLock.take(inbox) }
            #expect(held?.processID == getpid())
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
                \(listens ? "listen(S, 5);" : "") $| = 1; print "."; sleep 600
                """
            let pipe = popen(
                "exec setpriv --reuid 65534 --regid 65534 --clear-groups perl -MSocket -e '\(script)' \(name)", "r")
            let output = try #require(pipe)
            #expect(fgetc(output) == 0x2E)
            var named: [FolderLock.Squatter] = []
            let claim = try #require(try FolderLock.take(inbox) { named.append($0) })
            #expect(named.map(\.name) == ["@\(name)"])
            let process = try #require(named.first { $0.userID == 65534 }?.processID)
            #expect(throws: FolderLock.Held.self) { try FolderLock.take(inbox) }
            kill(process, SIGKILL)
            pclose(output)
            withExtendedLifetime(claim) {}
        }
    }
}
