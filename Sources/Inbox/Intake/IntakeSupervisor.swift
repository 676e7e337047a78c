import Logging
import Synchronization
import SystemSupport
import Transcription

/// Starts, replaces and stops the intake of each inbox, and makes jobs of what they find.
final class IntakeSupervisor: Sendable {
    /// The intake of one inbox, with the settings it began with.
    final class SupervisedIntake: Sendable {
        let inbox: InboxSettings
        let intake: Intake
        let heartbeat = Heartbeat(waking: AsyncSignal())
        private let end = AsyncSignal()
        private let isDone = CancellationFlag()
        private let toldRevision = Mutex(0)

        fileprivate init(
            _ inbox: InboxSettings, look: InboxLook, noted: [FileIdentity: RawName], finished: [Job],
            claims: InboxLocks?, logger: Logger, platform: ServicePlatform
        ) {
            self.inbox = inbox
            intake = Intake(
                inbox, wake: heartbeat.wake, logger: logger, look: look, clock: platform.clock, noted: noted,
                finished: finished, claims: claims, makeWatcher: platform.makeWatcher ?? Intake.watcher)
        }

        /// True when `run` has returned.
        var hasEnded: Bool { isDone.isSet }

        fileprivate func stop() { end.signal() }

        /// Whether something is to be told otherwise of what is arriving, since the last call.
        private func takeNews() -> Bool {
            let revision = intake.revision
            return toldRevision.withLock { told in
                defer { told = revision }
                return told != revision
            }
        }

        /// As `Intake.run`; ends as well when the inbox is no longer wanted like this.
        /// - Parameter changed: is called when something is to be told otherwise of what is arriving.
        func run(
            once: Bool, incomplete: @escaping @Sendable (Intake.Incomplete) async -> Void,
            changed: @escaping @Sendable () -> Void, scanned: @escaping @Sendable () -> Void,
            arrived: @escaping Intake.Arrived
        ) async {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    await self.intake.run(
                        once: once, incomplete: incomplete, scanned: scanned,
                        turned: {
                            self.heartbeat.beat()
                            if self.takeNews() { changed() }
                        }, arrived: arrived)
                }
                group.addTask { await self.end.wait() }
                await group.next()
                group.cancelAll()
            }
            isDone.set()
            heartbeat.end()
        }
    }

    private let places = Mutex<[SupervisedIntake]?>(nil)
    let current: ActiveSettings
    let journal: JobJournal
    let board: ProgressBoard
    let notes: NoteQueue
    private let pendingMoves: PendingMoves
    private let claims: InboxLocks?
    let wake: AsyncSignal
    let logger: Logger
    private let platform: ServicePlatform
    /// Is signalled when the inboxes changed.
    let changed = AsyncSignal()

    var settings: ServiceSettings { current.settings }

    /// - Parameters:
    ///   - claims: keeps other services away from the inboxes; nil: there are none.
    ///   - wake: is signalled when there is a new job, and when an intake has ended.
    ///   - platform: replaced in tests.
    init(
        current: ActiveSettings, journal: JobJournal, board: ProgressBoard, notes: NoteQueue,
        pendingMoves: PendingMoves, claims: InboxLocks?, wake: AsyncSignal, logger: Logger,
        platform: ServicePlatform = ServicePlatform()
    ) {
        self.current = current
        self.journal = journal
        self.board = board
        self.notes = notes
        self.pendingMoves = pendingMoves
        self.claims = claims
        self.wake = wake
        self.logger = logger
        self.platform = platform
    }

    /// Runs an intake for each inbox of the settings, whatever they become, until the task is cancelled.
    /// - Parameters:
    ///   - unmoved: finished jobs whose recordings lay in their inboxes at the start.
    ///   - scanned: is called once, after the first scan of every inbox.
    func run(_ unmoved: [Job], scanned: @escaping @Sendable () -> Void) async {
        await withDiscardingTaskGroup { group in
            var unscanned: SharedCounter?
            var unstarted = unmoved
            while !Task.isCancelled {
                let begun = update(
                    to: settings.inboxes, noted: (try? await journal.shortOnes()) ?? [:],
                    finished: unstarted + pendingMoves.all.map(\.job))
                unstarted = []
                let first = unscanned == nil ? SharedCounter(begun.count) : nil
                unscanned = unscanned ?? first
                for place in begun {
                    group.addTask {
                        await place.run(
                            once: self.settings.once, incomplete: { await self.tell($0, place.inbox) },
                            changed: self.board.noteChange
                        ) {
                            if let first, first.add(-1) == 0 { scanned() }
                        } arrived: { arrival in
                            try await self.enqueue(arrival, place.inbox)
                        }
                        self.wake.signal()
                    }
                }
                await changed.wait()
            }
        }
    }

    /// All intakes have come to their end; they do so by themselves with `once`.
    var isDone: Bool { places.withLock { $0?.allSatisfy(\.hasEnded) ?? false } }
    var heartbeats: [Heartbeat] { places.withLock { $0?.map(\.heartbeat) ?? [] } }
    /// Recordings seen but not complete yet.
    var settlingCount: Int { places.withLock { $0?.reduce(0) { $0 + $1.intake.settlingCount } ?? 0 } }

    /// Files of some inboxes that are no recordings and were left.
    /// - Parameter inboxes: nil: of all.
    func foreignCount(of inboxes: [RawName]? = nil) -> Int {
        places.withLock { $0 ?? [] }.filter { inboxes?.contains(RawName($0.inbox.path)) ?? true }
            .reduce(0) { $0 + $1.intake.foreignCount }
    }

    /// Recordings of some inboxes that were left since they have subtitles beside them.
    /// - Parameter inboxes: nil: of all.
    func subtitledCount(of inboxes: [RawName]? = nil) -> Int {
        places.withLock { $0 ?? [] }.filter { inboxes?.contains(RawName($0.inbox.path)) ?? true }
            .reduce(0) { $0 + $1.intake.subtitledCount }
    }

    /// What was looked at and is not complete yet, of each inbox the oldest first.
    func pending(limit: Int) -> [(inbox: InboxSettings, recording: Intake.Pending)] {
        let places = places.withLock { $0 ?? [] }
        return Array(
            places.flatMap { place in place.intake.pending(limit: limit).map { (place.inbox, $0) } }.prefix(limit))
    }

    /// What is wrong with inboxes and the folders in them, and for how long it has been.
    var folderFaults: [(inbox: InboxSettings, fault: FolderFault, age: Duration)] {
        places.withLock { $0 ?? [] }.flatMap { place in
            place.intake.folderFaults.map { (place.inbox, $0.fault, $0.age) }
        }
    }

    /// The inboxes are meant to lie where they lie now.
    func acceptPlaces() { places.withLock { $0 ?? [] }.forEach { $0.intake.acceptPlace() } }

    /// Recordings of some inboxes seen but not complete yet.
    func settlingCount(of inboxes: [RawName]) -> Int {
        places.withLock { places in
            places?.filter { inboxes.contains($0.inbox.id) }.reduce(0) { $0 + $1.intake.settlingCount } ?? 0
        }
    }

    /// Work on a recording has ended.
    /// - Parameter again: it changed meanwhile and wants to be looked at.
    @Sendable func release(_ job: Job, again: Bool) {
        places.withLock { places in
            for place in places ?? [] where place.inbox.id == job.inbox {
                place.intake.release(job.path, job.identity)
                if again { place.intake.look(at: job.path) }
            }
        }
    }

    /// Ends the intakes whose inbox is gone or has other settings.
    /// - Parameters:
    ///   - noted: short recordings that a person was told of, for each inbox.
    ///   - finished: jobs whose recordings are on their way out of their inboxes.
    /// - Returns: new ones, to be run.
    private func update(
        to inboxes: [InboxSettings], noted: [RawName: [FileIdentity: RawName]], finished: [Job]
    ) -> [SupervisedIntake] {
        claims?.keep(only: inboxes.map(\.path))
        return places.withLock { places in
            let old = places ?? []
            for place in old where !inboxes.contains(place.inbox) { place.stop() }
            let begun = inboxes.filter { inbox in !old.contains { $0.inbox == inbox } }.map { inbox in
                let path = inbox.id
                let new = SupervisedIntake(
                    inbox, look: InboxLook(isSound: current.backend.isSound), noted: noted[path] ?? [:],
                    finished: finished.filter { $0.inbox == path }, claims: claims, logger: logger,
                    platform: platform)
                if let before = old.first(where: { $0.inbox.path == inbox.path }) { new.intake.follow(before.intake) }
                return new
            }
            places = old.filter { inboxes.contains($0.inbox) } + begun
            return begun
        }
    }
}
