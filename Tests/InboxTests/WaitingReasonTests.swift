import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// Why a queued recording is not begun, and what is told of one that arrives.
@Suite struct WaitingReasonTests {
    private static func status(_ change: (inout ServiceStatus) -> Void = { _ in }) -> ServiceStatus {
        var status = ServiceStatus(
            processID: 1, startedAt: 0, updatedAt: 0, settling: 0, queued: 1, running: [], delivered: 0, partial: 0,
            failed: 0, cache: nil, engines: ["cloud": .init(), "other": .init()])
        status.inboxes = [
            .init(path: "/in", outbox: "/out", engine: "cloud"), .init(path: "/in2", outbox: "/out2", engine: "other"),
        ]
        change(&status)
        return status
    }

    private static let outbox = ServiceStatus.OutboxStatus(path: "/out", since: 10, cause: "Full.", nextTry: 20)

    @Test func eachCauseIsToldWhereItHolds() async throws {
        try await withTemporaryDirectory { folder in
            let journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            let name = RawName(bytes: "a.mp3".utf8)
            let identity = FileIdentity(device: 1, inode: 1, byteCount: 1, modified: 1)
            var job = try #require(
                try await journal.enqueue(inbox: RawName(bytes: "/in".utf8), path: name, identity: identity, now: 0) {
                    _ in
                    name
                })
            func reason(_ status: ServiceStatus, position: Int = 0) -> WaitingReason {
                WaitingReason(of: job, status, position: position, now: 100)
            }
            let none = WaitingReason(of: job, ServiceReport(of: folder), position: 0, now: 100)
            #expect(none == .serviceStopped)
            #expect(reason(Self.status(), position: 3) == .turn(3))
            #expect(reason(Self.status()).sentence == "It is the next one.")
            #expect(reason(Self.status { $0.shortOfSpace = ["/out2"] }) == .turn(0), "another inbox's outbox")
            #expect(reason(Self.status { $0.shortOfSpace = ["/out"] }) == .space("/out"))
            #expect(reason(Self.status { $0.shortOfSpace = ["/var/cache"] }) == .space("/var/cache"))
            #expect(reason(Self.status { $0.outboxes = [Self.outbox] }) == .outbox(Self.outbox))
            #expect(reason(Self.status { $0.engines["other"]?.state = .refused }) == .turn(0))
            let refused = Self.status { status in
                status.engines["cloud"]?.state = .refused
                status.engines["cloud"]?.since = 50
                status.engines["cloud"]?.cause = "It answered 401."
            }
            #expect(reason(refused).word == "engine" && reason(refused).since == 50)
            #expect(reason(refused).sentence.contains("has not been usable since"))
            #expect(reason(refused).sentence.contains("It answered 401."))
            job.notBefore = 120
            job.errorMessage = "Permission denied."
            #expect(reason(Self.status()) == .later(at: 120, cause: "Permission denied."))
        }
    }

    @Test func theCauseOfAPauseIsKeptUntilTheJobIsBegunAgain() async throws {
        try await withTemporaryDirectory { folder in
            let journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            let name = RawName(bytes: "a.mp3".utf8)
            let inbox = RawName(bytes: "/in".utf8)
            let identity = FileIdentity(device: 1, inode: 1, byteCount: 1, modified: 1)
            _ = try await journal.enqueue(inbox: inbox, path: name, identity: identity, now: 7) { _ in name }
            #expect(try await journal.oldestOpen() == 7)
            let job = try #require(try await journal.takeNext(now: 10))
            try await journal.postpone(
                job.id, until: 60, cause: TranscriptionError(.noSuchInput, "Permission denied."))
            let waiting = try #require(try await journal.jobs().first)
            #expect(waiting.notBefore == 60 && waiting.errorMessage == "Permission denied.")
            #expect(try await journal.queueOrder() == [job.id: 0])
            #expect(try #require(try await journal.takeNext(now: 60)).errorMessage == nil)
            #expect(try await journal.lastDelivery() == nil)
            try await journal.finish(job.id, state: .delivered, error: nil, now: 99)
            #expect(try await journal.lastDelivery() == 99)
            #expect(try await journal.oldestOpen() == nil)
        }
    }

    @Test(
        arguments: [
            (.quiet, "may still be written to"), (.writer, "open for writing"), (.locked, "locked there"),
            (.short(.init(arrived: 1 << 20, expected: 4 << 20)), "1.0 MB of 4.0 MB arrived"),
            (.short(.init(arrived: 5, expected: nil)), "its end is missing"),
            (.unreadable(.permissionDenied), "Permission denied"), (.inboxAway, "inbox cannot be opened"),
        ] as [(CompletenessRule.Hindrance, String)])
    func whatArrivesSaysWhyItIsNotTaken(_ hindrance: CompletenessRule.Hindrance, _ words: String) {
        let recording = ServiceStatus.ArrivingRecording(name: "a", inbox: "/in", foundAt: 0, hindrance)
        #expect(recording.sentence.contains(words), "\(recording.sentence)")
    }
}
