import Glibc
package import Logging
import Synchronization
package import SystemPackage
package import SystemSupport
import Transcription

/// Finds the recordings of one inbox and says when each is complete.
///
/// A candidate comes from an event or a scan; `InboxLook` looks at it and `CompletenessRule` decides. What was handed
/// over is remembered, so that a recording that stays in the inbox is not looked at in each scan.
package final class Intake: Sendable {
    /// A recording that is complete.
    package struct Arrival: Sendable {
        package let path: RawName
        package let identity: FileIdentity
    }

    /// Takes a complete recording; its errors are logged and the recording is looked at again later.
    package typealias Arrived = @Sendable (Arrival) async throws -> Void
    /// Begins to watch a folder; replaced in tests of exhausted limits.
    package typealias MakeWatcher = @Sendable (FilePath, AsyncSignal, Logger, IgnoredNames) throws -> InboxWatcher

    /// What is known of the inbox at the moment.
    struct State {
        /// By their paths.
        var candidates: [RawName: CompletenessRule.Candidate] = [:]
        /// What was handed over as it is.
        var decided = InboxScan.Decided()
        /// What of that is no recording and was left.
        var foreign = LeftFiles()
        /// What of that is a recording with subtitles and was left.
        var subtitled = LeftFiles()
        /// How many of both were named in the log, at most `maximumLeftOut`.
        var namedLeft = 0
        /// What a person was told to be short, so that it is known again under another name.
        var noted: [FileIdentity: RawName] = [:]
        /// What is wrong with the inbox and the folders in it.
        var folders = FolderFaults()
        /// Where the inbox lay when its intake began, or as was accepted since; nil: it was not there yet.
        var meantPlace: InboxPlace?
        /// The place where it lies at the next look becomes that.
        var isPlaceAccepted = false
        /// Folders that were said to be left out, the first hundred.
        var leftOut: Set<RawName> = []
        /// Counts what is told otherwise of what is arriving.
        var revision = 0
    }

    /// Short recordings that are known again under another name.
    private static let maximumNoted = 1000
    /// Recordings looked at in one go.
    private static let batch = 64
    /// After so many at once the memory they took is given back.
    private static let longList = 10_000
    /// Time between two scans where no events can be had, unless the configuration has another.
    private static let defaultPoll = Duration.seconds(5)
    private static let defaultRescan = Duration.seconds(60)
    /// Between two looks at whether the inbox lies where it lay.
    private static let placePause = Duration.seconds(5)

    /// Of the inbox.
    let settings: InboxSettings
    /// Of the inbox.
    let log: IntakeLog
    /// Ends a pause of the loop.
    let wake: AsyncSignal
    private let inspection: InboxLook
    /// Begins to watch.
    let makeWatcher: MakeWatcher
    private let claims: InboxLocks?
    /// Changes under its lock only.
    let state = Mutex(State())
    private let clock: @Sendable () -> Duration

    /// - Parameters:
    ///   - wake: is waited on; signal it when `clock` was moved on.
    ///   - clock: a time that never goes back.
    ///   - noted: recordings that a person was told to be short before this process began.
    ///   - finished: jobs whose recordings lie in the inbox and are on their way out of it.
    ///   - claims: keeps other services away; nil: there are none.
    package init(
        _ settings: InboxSettings, wake: AsyncSignal, logger: Logger, look: InboxLook = InboxLook(),
        clock: @escaping @Sendable () -> Duration = Intake.sinceStart(), noted: [FileIdentity: RawName] = [:],
        finished: [Job] = [], claims: InboxLocks? = nil, makeWatcher: @escaping MakeWatcher = Intake.watcher
    ) {
        self.settings = settings
        self.wake = wake
        log = IntakeLog(logger: logger, inbox: settings.path)
        inspection = look
        self.clock = clock
        self.makeWatcher = makeWatcher
        self.claims = claims
        let now = clock()
        state.withLock { state in
            state.noted = noted
            for job in finished { state.decided.insert(InboxScan.Decided.mark(job.path, job.identity)) }
            for (identity, path) in noted { state.candidates[path] = .init(noted: identity, at: now) }
        }
    }

    /// Watches by the kernel's events.
    package static let watcher: MakeWatcher = { try InboxWatcher(root: $0, changed: $1, logger: $2, ignored: $3) }

    /// The time since this call.
    package static func sinceStart() -> @Sendable () -> Duration {
        let start = ContinuousClock.now
        return { start.duration(to: .now) }
    }

    /// Recordings seen but not complete yet.
    package var settlingCount: Int { state.withLock { $0.candidates.count } }

    /// Is another one when something is to be told otherwise of what is arriving.
    package var revision: Int { state.withLock { $0.revision + $0.folders.revision } }

    /// What is wrong with the inbox and the folders in it, and for how long it has been.
    package var folderFaults: [(fault: FolderFault, age: Duration)] {
        let now = now
        return state.withLock { $0.folders.all }.map { ($0, now - $0.since) }
    }

    /// A recording that was seen and is not complete yet.
    package struct Pending: Sendable {
        package let path: RawName
        package let hindrance: CompletenessRule.Hindrance
        /// Since it was found.
        package let age: Duration
    }

    /// What was looked at and is not complete yet, the oldest first.
    package func pending(limit: Int) -> [Pending] {
        let (now, candidates) = (now, state.withLock { $0.candidates })
        let oldest = candidates.sorted { ($0.value.foundAt, $0.key) < ($1.value.foundAt, $1.key) }
        return oldest.lazy.compactMap { path, candidate in
            candidate.hindrance.map { Pending(path: path, hindrance: $0, age: now - candidate.foundAt) }
        }.prefix(limit).map { $0 }
    }

    /// Recordings that a scan passes over, since they were handed over as they are.
    package var decidedCount: Int { state.withLock { $0.decided.count } }

    /// A time that never goes back.
    var now: Duration { clock() }
    private var rescanInterval: Duration { settings.rescan ?? Self.defaultRescan }
    /// Between two scans where no events can be had.
    var pollInterval: Duration { settings.rescan ?? Self.defaultPoll }

    /// Watches and scans until the task is cancelled; with `once`, until one scan's candidates are all settled.
    /// - Parameters:
    ///   - once: look at what is there, wait until it is complete, then return; what is incomplete does not keep it.
    ///   - incomplete: is told what a person should hear of.
    ///   - scanned: is called after the first scan.
    ///   - turned: is called whenever the loop has come round, at the latest after `wake` was signalled and a few looks.
    package func run(
        once: Bool, incomplete: @Sendable (Incomplete) async -> Void = { _ in }, scanned: @Sendable () -> Void,
        turned: @Sendable () -> Void = {}, arrived: Arrived
    ) async {
        let rule = CompletenessRule(settle: settings.settle, once: once)
        await claims?.wait(for: settings.path, waking: wake, turned: turned, logger: log.logger)
        var root = await lookAtPlace()
        var watcher = once ? nil : await startWatcher()
        defer { watcher?.stop() }
        var interval = watcher == nil ? pollInterval : rescanInterval
        var (isRootLost, isPartlyWatched) = (false, false)
        await scan(RawName(bytes: []), rule)
        scanned()
        var nextScan = now + interval
        var nextPlace = now + Self.placePause
        while !Task.isCancelled {
            turned()
            if now >= nextPlace, !once {
                nextPlace = now + Self.placePause
                if await lookAtPlace() != root { nextScan = now }
            }
            if let changes = watcher?.drain() {
                await apply(changes, rule, turned, nextScan: &nextScan)
                if changes.isRootGone {
                    watcher?.stop()
                    (watcher, interval, isRootLost) = (nil, min(pollInterval, Self.defaultPoll), true)
                } else if changes.unwatched > 0, !isPartlyWatched {
                    isPartlyWatched = true
                    noteWatch(isWhole: false)
                    await log.partlyWatched(changes.unwatched, every: pollInterval)
                    interval = min(interval, pollInterval)
                    nextScan = min(nextScan, now + interval)
                }
            }
            if now >= nextScan, !once {
                let place = await lookAtPlace()
                if let place, isRootLost || place != root {
                    watcher?.stop()
                    await claims?.wait(for: settings.path, waking: wake, turned: turned, logger: log.logger)
                    // Watched again before it is scanned, so that nothing falls between.
                    watcher = await startWatcher()
                    interval = watcher == nil ? pollInterval : rescanInterval
                    log.rootIsThere(state.withLock { $0.folders.all.first?.kind }, isOther: !isRootLost)
                    (root, isRootLost, isPartlyWatched) = (place, false, false)
                }
                await scan(RawName(bytes: []), rule)
                nextScan = now + interval
            }
            await lookAtDue(rule, watcher, turned, incomplete, arrived)
            turned()
            if once, settlingCount == 0 { return }
            let due = state.withLock { $0.candidates.values.lazy.map(\.dueAt).min() }
            let next = once ? due ?? now : min(due ?? nextScan, nextScan, nextPlace)
            await wake.wait(atMost: max(.milliseconds(5), next - now))
        }
    }

    /// A recording wants to be looked at again: it changed while it was worked on.
    package func look(at path: RawName) {
        let (now, rule) = (now, CompletenessRule(settle: settings.settle, once: false))
        state.withLock { rule.observeChange(of: &$0.candidates[path], at: now, isClosed: false) }
        wake.signal()
    }

    /// Work on a recording that was handed over has ended: should it lie in the inbox again later, it is looked at.
    package func release(_ path: RawName, _ identity: FileIdentity) {
        state.withLock { $0.decided.remove(InboxScan.Decided.mark(path, identity)) }
    }

    // MARK: Seeing

    private func apply(
        _ changes: InboxWatcher.Changes, _ rule: CompletenessRule, _ turned: @Sendable () -> Void,
        nextScan: inout Duration
    ) async {
        let now = now
        state.withLock { state in
            for path in changes.files {
                rule.observeChange(of: &state.candidates[path], at: now, isClosed: changes.closed.contains(path))
            }
        }
        for folder in changes.topmostFolders {
            await scan(folder, rule)
            turned()
        }
        if changes.isOverflow || changes.isRootGone {
            log.eventsLost(isRootGone: changes.isRootGone)
            nextScan = now
        }
    }

    /// Makes candidates of what lies in `folder` and below it and was not decided about.
    private func scan(_ folder: RawName, _ rule: CompletenessRule) async {
        let (root, ignored, now) = (settings.path, settings.ignored, now)
        let (before, subtitled) = state.withLock { ($0.decided.beginScan(), $0.subtitled.all) }
        let scan = await BlockingPool.files.run(on: .folder(root)) {
            InboxScan(folder, beneath: root, ignored: ignored, decided: before, subtitled: subtitled)
        }
        let news = state.withLock { $0.folders.note(scan.faults, below: folder, at: now) }
        for fault in news { log.folderCannotBeRead(fault.text) }
        for path in newlyLeftOut(scan.leftOut) { log.leftOut(path) }
        for path in scan.special { log.notRegular(path) }
        state.withLock { state in
            for found in scan.fresh {
                rule.observeScan(of: &state.candidates[found.path], found.identity, at: now)
            }
            let isWhole = folder.bytes.isEmpty
            state.decided.endScan(scan.decided, isWhole: isWhole && scan.faults.isEmpty)
            if isWhole, scan.faults.isEmpty { state.keepLeft() }
            guard isWhole else { return }
            for path in state.noted.values { state.candidates[path]?.dueAt = now }
        }
    }

    static let maximumLeftOut = 100

    private func newlyLeftOut(_ folders: Set<RawName>) -> [RawName] {
        state.withLock { state in
            let new = folders.subtracting(state.leftOut).prefix(max(0, Self.maximumLeftOut - state.leftOut.count))
            state.leftOut.formUnion(new)
            return new.sorted()
        }
    }

    // MARK: Deciding

    /// What is closed meanwhile does not wait behind a long list.
    private func lookAtDue(
        _ rule: CompletenessRule, _ watcher: InboxWatcher?, _ turned: @Sendable () -> Void,
        _ incomplete: @Sendable (Incomplete) async -> Void, _ arrived: Arrived
    ) async {
        let begun = now
        var due = state.withLock { state in
            state.candidates.filter { $0.value.dueAt <= begun }.map(\.key).sorted()
        }[...]
        let count = due.count
        while !due.isEmpty, !Task.isCancelled {
            await look(at: due.prefix(Self.batch), rule, incomplete, arrived)
            due = due.dropFirst(Self.batch)
            turned()
            guard !due.isEmpty, let closed = watcher?.drainClosed(), !closed.isEmpty else { continue }
            let now = now
            state.withLock { state in
                for path in closed { rule.observeChange(of: &state.candidates[path], at: now, isClosed: true) }
            }
            await look(at: closed.sorted()[...], rule, incomplete, arrived)
        }
        guard count >= Self.longList else { return }
        state.withLock { state in
            if state.candidates.isEmpty { state.candidates = [:] }
        }
        await BlockingPool.files.run { MemoryTuning.trim() }
    }

    private func look(
        at paths: ArraySlice<RawName>, _ rule: CompletenessRule, _ incomplete: @Sendable (Incomplete) async -> Void,
        _ arrived: Arrived
    ) async {
        // What a look saw holds for the moment before it: a file may have changed since, and its event not be read yet.
        let (root, inspection, now) = (settings.path, inspection, now)
        let (leavesForeign, skipsSubtitled) = (settings.foreignFiles == .leave, settings.skipsSubtitled)
        let looks = await BlockingPool.files.run(on: .folder(root)) {
            inspection.look(at: paths, beneath: root, leavesForeign: leavesForeign, skipsSubtitled: skipsSubtitled)
        }
        for (path, look) in zip(paths, looks) { await decide(path, look, at: now, rule, incomplete, arrived) }
    }

    private func decide(
        _ path: RawName, _ look: CompletenessRule.Look, at now: Duration, _ rule: CompletenessRule,
        _ incomplete: @Sendable (Incomplete) async -> Void, _ arrived: Arrived
    ) async {
        guard let (outcome, told, wasNoted) = judge(path, look, rule, at: now) else { return }
        if let told { log.say(told, of: path) }
        if case .leave = outcome { nameLeft(path, look) }
        let remark = told == .noteUnreadable && !isExpected(path) ? nil : told
        switch (outcome, remark) {
        case (.giveUp, let remark):
            await incomplete(Incomplete(path: path, reason: .init(for: remark, look), isGivenUp: true))
        case (_, .note), (_, .noteUnreadable):
            await incomplete(Incomplete(path: path, reason: .init(for: remark, look), isGivenUp: false))
        case (.drop, _), (.take, _), (.leave, _):
            if wasNoted { await incomplete(Incomplete(path: path, reason: nil, isGivenUp: false)) }
        case (.wait, _): break
        }
        guard case .take(let identity) = outcome else { return }
        do {
            try await arrived(Arrival(path: path, identity: identity))
        } catch {
            log.cannotBeTaken(path, error)
            state.withLock { state in
                state.decided.remove(InboxScan.Decided.mark(path, identity))
                rule.observeChange(of: &state.candidates[path], at: now, isClosed: false)
                state.candidates[path]?.dueAt = now + .seconds(10)
            }
        }
    }

    /// Updates the candidate after a look.
    private func judge(
        _ path: RawName, _ look: CompletenessRule.Look, _ rule: CompletenessRule, at now: Duration
    ) -> (CompletenessRule.Outcome, CompletenessRule.Remark?, wasNoted: Bool)? {
        state.withLock { state in
            guard var candidate = state.candidates[path] else { return nil }
            let wasNoted = candidate.isNoted
            let before = candidate.identity
            let hindrance = candidate.hindrance
            var (outcome, remark) = rule.judge(&candidate, look, at: now)
            if outcome == .wait || outcome == .giveUp, case .present(let identity, let lease, .short) = look,
                lease != .writer,
                let old = state.noted[identity], old != path
            {
                // A person was told that it is short and gave it another name: there is no more of it.
                (outcome, remark) = (.take(identity), nil)
                state.candidates[old]?.dueAt = now
            }
            // One that is gone from its place may be found under another name later.
            if wasNoted, let before, outcome != .wait && outcome != .drop || before != candidate.identity {
                state.noted[before] = nil
            }
            if case .note = remark, let identity = candidate.identity {
                if state.noted.count >= Self.maximumNoted { state.noted = [:] }
                state.noted[identity] = path
            }
            state.candidates[path] = outcome == .wait ? candidate : nil
            state.noteLeft(path, outcome, look)
            if outcome != .wait ? hindrance != nil : hindrance != candidate.hindrance { state.revision += 1 }
            if case .take(let identity) = outcome {
                state.decided.insert(InboxScan.Decided.mark(path, identity))
            }
            return (outcome, remark, wasNoted)
        }
    }
}
