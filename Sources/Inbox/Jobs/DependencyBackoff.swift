package import Logging
import Synchronization
package import SystemPackage
import SystemSupport
package import Transcription

/// Outboxes and engines that cannot be used at the moment. The queue passes over the recordings that need them, so that
/// a hundred thousand of them are not begun in vain every minute, and the log tells of it once.
///
/// An engine that is taken for away as a whole gets one recording at a time, to find out, until it has answered.
package final class DependencyBackoff: Sendable {
    package enum Dependency: Hashable, Sendable {
        case outbox(FilePath)
        /// `[engines.NAME]`.
        case engine(String)
    }

    /// What is told of one.
    package struct Outage: Sendable, Hashable {
        package let place: Dependency
        /// Seconds since 1970.
        package internal(set) var since: Int64
        /// In a sentence for an administrator.
        package internal(set) var cause = ""
        /// Of an engine.
        package internal(set) var fault: EngineFault?
        /// Nothing that needs the place is begun before; seconds since 1970.
        package internal(set) var restsUntil: Int64 = .min
        /// Not only some recordings failed at it: none is begun.
        package internal(set) var isWhole = false
    }

    fileprivate struct State {
        var outage: Outage
        var failures = 0
        var kind = ""
        var jobs: Set<Int64> = []
        /// The recording that finds out whether the engine is back.
        var scout: Int64?

        init(_ place: Dependency, since: Int64) { outage = Outage(place: place, since: since) }
    }

    private struct Places {
        var states: [Dependency: State] = [:]
        var ended: Set<Dependency> = []
    }

    private let places = Mutex(Places())
    private let logger: Logger
    /// Is signalled when one began, changed or ended.
    let changed = AsyncSignal()

    package init(logger: Logger) { self.logger = logger }

    /// An engine that passes for away rests when so many recordings failed at it in a row: one alone may have itself to
    /// blame.
    fileprivate static let patienceWithEngine = 3
    fileprivate static let rest: [EngineFault: Int64] = [.away: 60, .refused: 600]
    fileprivate static let outboxRest = Backoff(first: .seconds(5), maximum: .seconds(60))

    /// Notes a failure; says so if it is the first of its kind.
    /// - Parameters:
    ///   - fault: of an engine: whether it comes back by itself.
    ///   - kind: tells one cause from another, whichever recording met it.
    ///   - since: when the job last heard of the place, in seconds since 1970; nil: just now.
    ///   - now: seconds since 1970.
    /// - Returns: when the job may be tried again.
    package func begin(
        _ place: Dependency, _ fault: EngineFault? = nil, cause: String, kind: String, job: Job, since: Int64? = nil,
        now: Int64
    ) -> Int64 {
        let (until, isNews, state) = places.withLock { places in
            var state = places.states[place] ?? State(place, since: min(now, since ?? now))
            // Several recordings that meet one fault at the same time make the pause no longer.
            if state.outage.restsUntil <= now { state.failures += 1 }
            state.jobs.insert(job.id)
            if state.scout == job.id { state.scout = nil }
            let until = state.prolong(fault, now: now)
            let isNews = state.kind != kind
            state.kind = kind
            (state.outage.cause, state.outage.fault) = (cause, fault)
            places.states[place] = state
            places.ended.remove(place)
            return (until, isNews, state)
        }
        if isNews { say(state, again: max(until, state.outage.restsUntil) - now) }
        changed.signal()
        return until
    }

    private func say(_ state: State, again: Int64) {
        let metadata: Logger.Metadata = [
            "error": "\(state.outage.cause)", "waiting": "\(state.jobs.count)", "again_in": "\(again) s",
        ]
        switch (state.outage.place, state.outage.fault) {
        case (.outbox, _): logger.error("outbox cannot be written to now, trying again", metadata: metadata)
        case (.engine(let name), .refused):
            logger.warning(
                "engine cannot be used as it is set up, its recordings wait",
                metadata: metadata.merging(["engine": "\(name)"]) { $1 })
        case (.engine, _): logger.error("engine cannot be used now, trying again", metadata: metadata)
        }
    }

    /// The place worked; says so if it did not before.
    /// - Returns: whether it is news.
    @discardableResult
    package func end(_ place: Dependency, now: Int64) -> Bool {
        let state = places.withLock { places in
            let state = places.states.removeValue(forKey: place)
            if state != nil { places.ended.insert(place) }
            return state
        }
        guard let state else { return false }
        changed.signal()
        let metadata: Logger.Metadata = [
            "after": "\(max(0, now - state.outage.since)) s", "waited": "\(state.jobs.count)",
        ]
        switch place {
        case .outbox(let path):
            logger.notice(
                "outbox can be written to again", metadata: metadata.merging(["outbox": "\(path.printable)"]) { $1 })
        case .engine(let name):
            logger.notice("engine can be used again", metadata: metadata.merging(["engine": "\(name)"]) { $1 })
        }
        return true
    }

    /// No recording needs the place any more, so nobody finds out whether it has come back: it is not told of.
    package func lapse(_ place: Dependency) {
        let was = places.withLock { places in
            let state = places.states.removeValue(forKey: place)
            if state != nil { places.ended.insert(place) }
            return state
        }
        guard was != nil else { return }
        changed.signal()
        let (what, name): (Logger.Message, String) =
            switch place {
            case .outbox(let path):
                ("nothing waits for the outbox any more, it is tried with the next recording", path.printable)
            case .engine(let name):
                ("nothing waits for the engine any more, it is tried with the next recording", name)
            }
        logger.notice(what, metadata: ["place": "\(name)"])
    }

    /// Those that ended since the last call.
    package func takeEnded() -> Set<Dependency> {
        places.withLock { places in
            defer { places.ended = [] }
            return places.ended
        }
    }

    /// New settings may have brought everything back: what rests is tried at once, and what is still wrong is said again.
    /// - Parameter inboxes: what none of these needs is forgotten.
    package func tryAgain(_ inboxes: [InboxSettings]) {
        places.withLock { places in
            let needed = Set(inboxes.flatMap { [Dependency.outbox($0.outbox), .engine($0.engine)] })
            places.states = places.states.filter { needed.contains($0.key) }
            for place in places.states.keys {
                places.states[place]?.outage.restsUntil = .min
                places.states[place]?.kind = ""
                places.states[place]?.scout = nil
            }
        }
        changed.signal()
    }

    /// What these engines need has come into place: they are tried at once.
    package func tryAgain(with engines: [String]) {
        places.withLock { places in
            for place in engines.map(Dependency.engine) where places.states[place] != nil {
                places.states[place]?.outage.restsUntil = .min
                places.states[place]?.scout = nil
            }
        }
        changed.signal()
    }

    /// A recording is begun: with an engine that is away it goes alone.
    package func begin(_ job: Job, with engine: String) {
        places.withLock { places in
            guard places.states[.engine(engine)]?.outage.isWhole == true else { return }
            places.states[.engine(engine)]?.scout = job.id
        }
    }

    /// Work on a recording has ended, however.
    package func release(_ job: Job) {
        places.withLock { places in
            for place in places.states.keys where places.states[place]?.scout == job.id {
                places.states[place]?.scout = nil
            }
        }
    }

    func contains(_ place: Dependency) -> Bool { self[place] != nil }

    package subscript(_ place: Dependency) -> Outage? { places.withLock { $0.states[place]?.outage } }

    /// In no order.
    var all: [Outage] { places.withLock { $0.states.values.map(\.outage) } }

    /// What keeps this job from going on, or kept it the last time; nil: nothing does.
    func outage(of job: Job, with engine: String) -> Outage? {
        places.withLock { places in
            guard let state = places.states[.engine(engine)], state.outage.isWhole || state.jobs.contains(job.id) else {
                return nil
            }
            return state.outage
        }
    }

    /// Until when nothing of this inbox is begun, in seconds since 1970; nil when it may be.
    package func rest(of inbox: InboxSettings, now: Int64) -> Int64? {
        let until = places.withLock { places in
            [places.states[.outbox(inbox.outbox)], places.states[.engine(inbox.engine)]].compactMap {
                $0?.rest(now: now)
            }
            .max()
        }
        // A rest that is longer than any comes of a clock that was set back.
        return until.flatMap { $0 - now <= Self.rest.values.reduce(0, max) ? $0 : nil }
    }
}

extension DependencyBackoff.State {
    /// - Returns: when the job that has just failed may be tried again.
    fileprivate mutating func prolong(_ fault: EngineFault?, now: Int64) -> Int64 {
        guard let fault else {
            outage.restsUntil = max(
                outage.restsUntil, now + DependencyBackoff.outboxRest.pause(after: failures).components.seconds)
            outage.isWhole = true
            return outage.restsUntil
        }
        let until = now + (DependencyBackoff.rest[fault] ?? 0)
        guard fault == .refused || outage.isWhole || jobs.count >= DependencyBackoff.patienceWithEngine else {
            return until
        }
        outage.isWhole = true
        outage.restsUntil = until
        // With the engine it may go on at once; behind the others, so that each has its turn to find out.
        return now
    }

    fileprivate func rest(now: Int64) -> Int64? {
        if outage.restsUntil > now { return outage.restsUntil }
        // The end of its work is heard of.
        return scout == nil ? nil : now + (DependencyBackoff.rest[.away] ?? 0)
    }
}
