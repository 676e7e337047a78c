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
                try inbox.write("x", to: "inbox/b.wav")
                try await inbox.arrivals.have(["a.wav", "b.wav"])
                try inbox.move("inbox", "other")
                try inbox.move("away", "inbox")
                try await eventually("the one from before") { Self.kinds(intake).isEmpty }
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
