import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// The service in this process, with a pipeline that a test plays.
@Suite(.timeLimit(.minutes(20))) struct LongWorkTests {
    private static func settings(_ inboxes: [InboxSettings], in folder: FilePath, parallel: Int)
        -> ServiceSettings
    {
        ServiceSettings(
            inboxes: inboxes, stateDirectory: folder, cacheDirectory: folder, parallelRecordings: parallel,
            shutdown: .seconds(5), progressInterval: .milliseconds(100), minimumFreeBytes: 0, once: true)
    }

    private static func serve(
        _ settings: ServiceSettings, _ pipeline: @escaping TranscriptionBackend.Pipeline
    ) async throws {
        FileLease.ignoreBreakSignal()
        let journal = try await JobJournal.open(in: settings.stateDirectory, logger: InboxFixture.logger)
        let backend = TranscriptionBackend(
            tracker: { name, _ in
                ProgressTracker(name: name, expectedSamples: nil, expectedChunks: nil, concurrency: 1, priorRate: 1)
            }, pipeline: pipeline)
        try await InboxService(
            settings: settings, backend: backend, journal: journal, logger: InboxFixture.logger
        ).run()
    }

    private static func fault() -> TranscriptionError { TranscriptionError(.undecodable, "It is damaged.") }

    /// The hearings of one inbox take all places; the memo in the other one begins all the same.
    @Test func aMemoDoesNotWaitForTheHearingsOfAnotherInbox() async throws {
        try await withTemporaryDirectory { folder in
            for name in ["court", "office"] { try InboxFixture.makeFolder(folder.appending(name)) }
            let court = try InboxFixture(folder.appending("court"))
            let office = try InboxFixture(folder.appending("office"))
            try office.write("memo", to: "inbox/memo.raw")
            // They are in the queue before the memo is found.
            let journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
            for number in 1...5 {
                let name = RawName(bytes: "hearing \(number).raw".utf8)
                try court.write("hearing", to: "inbox/\(name.printable)")
                let path = court.settings.path
                let identity = try FileStatus(at: path.pushing(name.path)).identity
                _ = try await journal.enqueue(inbox: RawName(path), path: name, identity: identity, now: 0) { _ in name
                }
            }
            let (end, begun) = (Gate(), Guarded<[String]>([]))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let settings = Self.settings([court.settings, office.settings], in: folder, parallel: 2)
                    try await Self.serve(settings) { recording, _, _, _ in
                        begun.change { $0.append(recording.displayName) }
                        if recording.displayName.hasPrefix("hearing") {
                            try await end.pass()
                        } else {
                            end.open()
                        }
                        throw Self.fault()
                    }
                }
                try await group.waitForAll()
            }
            #expect(begun.value.firstIndex(of: "memo.raw").map { $0 <= 2 } == true)
            #expect(begun.value.count == 6)
        }
    }

    /// A service is ended after it has read a recording as a whole; the next one knows the digest.
    @Test func afterARestartNothingIsReadAgainThatIsKnown() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            try inbox.write("words", to: "inbox/talk.raw")
            let (reads, digests) = (SharedCounter(), Guarded<[Digest]>([]))
            let settings = Self.settings([inbox.settings], in: folder, parallel: 2)
            let pipeline: TranscriptionBackend.Pipeline = { recording, _, _, _ in
                let digest = try await recording.digest {
                    reads.add(1)
                    return try $0.read(fromAbsoluteOffset: $2, into: $1)
                }
                digests.change { $0.append(digest) }
                throw CancellationError()
            }
            try await Self.serve(settings, pipeline)
            let first = reads.value
            #expect(first > 0)
            try await Self.serve(settings, pipeline)
            #expect(digests.value.count == 2)
            #expect(Set(digests.value).count == 1)
            #expect(reads.value == first)
        }
    }
}
