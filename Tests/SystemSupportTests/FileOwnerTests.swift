import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// What commands that root runs leave behind for a service.
@Suite struct FileOwnerTests {
    /// Only root can leave files that a service cannot write to.
    @Test(.enabled(if: geteuid() == 0)) func aFileOfRootGetsTheOwnerOfItsFolder() async throws {
        try await withTemporaryDirectory { folder in
            #expect(chown(folder.string, 4321, 4322) == 0)
            let lock = try InstanceLock(in: folder)
            let made = try FileStatus(at: folder.appending("lock"))
            #expect(made.owner == 4321 && made.group == 4322)
            withExtendedLifetime(lock) {}
            // Somebody else's file stays theirs, and so does what a link points to.
            try TestAudioFile.write([1], to: folder.appending("other"))
            #expect(chown(folder.appending("other").string, 77, 77) == 0)
            #expect(symlink("/etc/hostname", folder.appending("link").string) == 0)
            for name in ["other", "link"] { FileOwner.takeFromFolder(folder.appending(name)) }
            #expect(try FileStatus(at: folder.appending("other")).owner == 77)
            #expect(try FileStatus(at: folder.appending("link"), followingLinks: false).owner == 0)
        }
    }

    /// `parlograph status` of a member of the group, who may not write to the lock.
    @Test func theHolderOfALockIsToldWithoutTheRightToWrite() async throws {
        try await withTemporaryDirectory { folder in
            #expect(InstanceLock.holder(in: folder) == nil)
            let lock = try InstanceLock(in: folder)
            #expect(chmod(folder.appending("lock").string, 0o444) == 0)
            #expect(InstanceLock.holder(in: folder) == getpid())
            lock.endCleanly()
        }
    }
}
