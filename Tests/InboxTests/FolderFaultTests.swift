import Glibc
import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// What is told of an inbox that is not as it should be.
@Suite struct FolderFaultTests {
    private static func kinds(_ intake: Intake) -> [FolderFault.Kind] { intake.folderFaults.map(\.fault.kind) }

    @Test func anInboxThatIsGoneOrAnotherFolderIsToldUntilItIsBack() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            try await inbox.watching { intake in
                try inbox.write("x", to: "inbox/a.wav")
                try await inbox.arrivals.have(["a.wav"])
                #expect(Self.kinds(intake).isEmpty)
                let before = intake.revision
                try inbox.move("inbox", "away")
                try await eventually("its loss") { Self.kinds(intake) == [.unreadable(.noSuchFileOrDirectory)] }
                #expect(intake.revision != before)
                try InboxFixture.makeFolder(inbox["inbox"])
                try await eventually("another folder") { Self.kinds(intake) == [.replaced] }
                #expect(intake.folderFaults.compactMap(\.fault.forOffice).isEmpty, "recordings are found there")
                try inbox.write("x", to: "inbox/b.wav")
                try await inbox.arrivals.have(["a.wav", "b.wav"])
                try inbox.move("inbox", "other")
                try inbox.move("away", "inbox")
                try await eventually("the one from before") { Self.kinds(intake).isEmpty }
            }
        }
    }

    /// Any file system that is there: what is a mount on this machine stands for the inbox's.
    private static let mount = "/dev/pts"

    private static func mount(on inbox: InboxFixture) throws {
        #expect(rmdir(inbox["inbox"].string) == 0 && symlink(mount, inbox["inbox"].string) == 0)
    }

    private static func unmount(from inbox: InboxFixture) throws {
        #expect(unlink(inbox["inbox"].string) == 0)
        try InboxFixture.makeFolder(inbox["inbox"])
    }

    @Test func aFileSystemThatIsMountedLateIsTheInboxAndMissedWhenItIsLost() async throws {
        try await withTemporaryDirectory { folder in
            let (inbox, log) = (try InboxFixture(folder), InboxFixture.LogLines())
            try await inbox.watching(making: { Intake($0, wake: AsyncSignal(), logger: log.logger) }) { intake in
                try Self.mount(on: inbox)
                try await eventually("the mount") { !log.list(of: "inbox is there again").isEmpty }
                #expect(Self.kinds(intake).isEmpty)
                try Self.unmount(from: inbox)
                try await eventually("the bare folder") { Self.kinds(intake) == [.unmounted] }
                #expect(intake.folderFaults.compactMap(\.fault.forOffice).count == 1)

                func looks() -> Int { log.list(of: "inbox is not mounted any more").count }
                try await eventually("a look") { looks() == 1 }
                intake.acceptPlace()
                try InboxFixture.makeFolder(inbox["bare"])
                try inbox.move("inbox", "old")
                try inbox.move("bare", "inbox")
                try await eventually("another look") { looks() == 2 }
                #expect(Self.kinds(intake) == [.unmounted], "a reload does not make it right")

                let successor = Intake(inbox.settings, wake: AsyncSignal(), logger: log.logger)
                successor.follow(intake)
                await successor.lookAtPlace()
                #expect(Self.kinds(successor) == [.unmounted], "nor do other settings")

                #expect(rmdir(inbox["inbox"].string) == 0 && symlink(Self.mount, inbox["inbox"].string) == 0)
                try await eventually("the mount again") { Self.kinds(intake).isEmpty }
            }
        }
    }

    @Test func aReloadAcceptsAnotherFolder() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            try await inbox.watching { intake in
                try inbox.move("inbox", "away")
                try InboxFixture.makeFolder(inbox["inbox"])
                try await eventually("another folder") { Self.kinds(intake) == [.replaced] }
                intake.acceptPlace()
                try await eventually("no fault") { Self.kinds(intake).isEmpty }
            }
        }
    }
}
