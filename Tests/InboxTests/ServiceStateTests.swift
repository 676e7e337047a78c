import Glibc
import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// What the service leaves in its state directory for other processes.
@Suite struct ServiceStateTests {
    @Test func oneLockAtATimeAndItNamesItsHolder() async throws {
        try await withTemporaryDirectory { folder in
            #expect(InstanceLock.holder(in: folder) == nil)
            do {
                let lock = try InstanceLock(in: folder)
                #expect(InstanceLock.holder(in: folder) == getpid() && !InstanceLock.isFree(in: folder))
                #expect { try InstanceLock(in: folder) } throws: { error in
                    (error as? InstanceLock.Held)?.processID == getpid()
                }
                withExtendedLifetime(lock) {}
            }
            #expect(InstanceLock.holder(in: folder) == nil)
            _ = try InstanceLock(in: folder)
        }
    }

    @Test func statusComesBackAsItWasWritten() async throws {
        try await withTemporaryDirectory { folder in
            #expect(ServiceStatus.read(from: folder) == nil)
            let tracker = ProgressTracker(
                name: "talk.mp3", expectedSamples: 16_000 * 60, expectedChunks: 4, concurrency: 4, priorRate: 30)
            tracker.observe(.planned(expectedChunks: 4, expectedSamples: 16_000 * 60))
            var status = ServiceStatus(
                processID: 42, startedAt: 1, updatedAt: 2, settling: 3, queued: 4,
                running: [ServiceStatus.Running(name: "é\u{1F600}/talk.mp3", progress: tracker.snapshot())],
                delivered: 5,
                partial: 6, failed: 7,
                cache: ServiceStatus.CacheFigures(hits: 1, misses: 2, memoryBytes: 3, diskBytes: 4),
                engines: ["cloud": .init(ConcurrencyController(.init(ceiling: 4)).figures)])
            status.engines["cloud"]?.state = .refused
            status.inboxes = [.init(path: "/in", outbox: "/out", engine: "cloud")]
            status.outboxes = [.init(path: "/out", since: 1, cause: "full", nextTry: 2)]
            status.arriving = [.init(name: "a", inbox: "/in", foundAt: 3, .unreadable(.permissionDenied))]
            (status.oldestWaitingAt, status.lastDeliveryAt) = (4, 5)
            try status.write(to: folder)
            #expect(ServiceStatus.read(from: folder) == status)
            status.queued = 0
            status.cache = nil
            try status.write(to: folder)
            #expect(ServiceStatus.read(from: folder) == status)
            try TestAudioFile.write(Array("{\"processID\":".utf8), to: folder.appending("status.json"))
            #expect(ServiceStatus.read(from: folder) == nil)
        }
    }
}
