import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Transcription

/// A journal with finished jobs, and the dispatcher of their hooks, with a clock that a test plays.
struct HookFixture: Sendable {
    static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    private static let start: Int64 = 1_700_000_000

    let folder: FilePath
    var inboxes: [InboxSettings]
    let journal: JobJournal
    let now = Guarded<Int64>(start)
    let log = InboxFixture.LogLines()

    /// - Parameter names: of inboxes; each wants a webhook at `http://NAME/`.
    init(_ folder: FilePath, inboxes names: [String] = ["office"]) async throws {
        self.folder = folder
        inboxes = try names.map { name in
            try InboxFixture.makeFolder(folder.appending(name))
            var settings = try InboxFixture(folder.appending(name)).settings
            settings.hooks.webhook = WebhookSettings(
                url: "http://\(name)/", host: name, secret: WebhookSecret(Self.secret))
            return settings
        }
        journal = try await JobJournal.open(in: folder, logger: InboxFixture.logger)
    }

    /// Seconds since the test began.
    var time: Int64 { now.value - Self.start }

    /// A job that has failed, of the first inbox or another, and whose recording was moved away.
    @discardableResult
    func fail(_ name: String, in index: Int = 0) async throws -> Job {
        let inbox = inboxes[index]
        let path = RawName(bytes: name.utf8)
        let number = UInt64(name.hashValue & 0xFFFF_FFFF)
        let identity = FileIdentity(device: 1, inode: number, byteCount: 1000, modified: 5)
        guard
            let job = try await journal.enqueue(
                inbox: inbox.id, path: path, identity: identity, now: 100, base: { _ in path })
        else { throw Late(description: "\(name) is known") }
        let error = TranscriptionError(.undecodable, "It is damaged.")
        let facts = HookFacts(failing: job, of: inbox, error: error, at: now.value)
        try await journal.finish(
            job.id, state: .failed, error: nil, hooks: HookOrder(.failed, inbox.hooks.kinds(for: .failed), facts),
            now: now.value)
        try await journal.markSource(job.id, .moved, place: RawName(bytes: "/failed/\(name)".utf8))
        return job
    }

    func dispatcher(_ send: @escaping WebhookSender) -> HookDispatcher {
        let settings = ServiceSettings(
            inboxes: inboxes, stateDirectory: folder, cacheDirectory: folder, parallelRecordings: 2,
            shutdown: .seconds(5), progressInterval: .milliseconds(100), minimumFreeBytes: 0, once: false)
        let backend = TranscriptionBackend(
            tracker: { name, _ in
                ProgressTracker(name: name, expectedSamples: nil, expectedChunks: nil, concurrency: 1, priorRate: 1)
            }, pipeline: { _, _, _, _ in throw CancellationError() })
        let now = now
        return HookDispatcher(
            settings: settings, backend: backend, journal: journal, logger: log.logger,
            surroundings: HookDispatcher.Surroundings(
                now: { now.value }, wait: { signal, _ in await signal.wait() }, random: { 0 }), send: send)
    }

    /// Runs a dispatcher beside `body`, as a service does from its start to its stop.
    func serving(
        _ send: @escaping WebhookSender, _ body: @Sendable @escaping (HookDispatcher) async throws -> Void
    ) async throws {
        let dispatcher = dispatcher(send)
        let isStopping = CancellationFlag()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await dispatcher.run {
                    isStopping.isSet
                } mayBegin: {
                    !isStopping.isSet
                }
            }
            do {
                try await body(dispatcher)
            } catch {
                group.cancelAll()
                throw error
            }
            isStopping.set()
            dispatcher.wake.signal()
            try await group.waitForAll()
        }
    }

    /// Lets minutes pass until something is true.
    func tick(
        _ dispatcher: HookDispatcher, minutes: Int64 = 1, until what: String, _ condition: () async throws -> Bool
    ) async throws {
        try await eventually(what) {
            now.change { $0 += 60 * minutes }
            dispatcher.wake.signal()
            return try await condition()
        }
    }
}
