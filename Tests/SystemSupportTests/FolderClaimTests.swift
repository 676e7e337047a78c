import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing

@Suite struct FolderClaimTests {
    private static func makeFolder(_ path: FilePath) { mkdir(path.string, 0o755) }

    @Test func aFolderIsClaimedOnceByWhateverName() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = folder.appending("inbox")
            Self.makeFolder(inbox)
            #expect(symlink("inbox", folder.appending("link").string) == 0)
            do {
                let claim = try #require(try FolderClaim.take(inbox))
                for name in ["inbox", "link", "inbox/../inbox"] {
                    let held = #expect(throws: FolderClaim.Held.self) {
                        try FolderClaim.take(folder.appending(name))
                    }
                    #expect(held?.processID == getpid())
                }
                #expect(claim.covers(folder.appending("link")))
                Self.makeFolder(folder.appending("other"))
                #expect(try FolderClaim.take(folder.appending("other")) != nil)
            }
            #expect(try FolderClaim.take(inbox) != nil)
        }
    }

    @Test func anotherFolderOfThatNameIsNotClaimed() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = folder.appending("inbox")
            Self.makeFolder(inbox)
            let claim = try #require(try FolderClaim.take(inbox))
            #expect(rename(inbox.string, folder.appending("old").string) == 0)
            #expect(!claim.covers(inbox))
            #expect(throws: SystemError.self) { try FolderClaim.take(inbox) }
            Self.makeFolder(inbox)
            #expect(!claim.covers(inbox))
            #expect(try FolderClaim.take(inbox) != nil)
        }
    }
}
