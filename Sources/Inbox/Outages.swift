import Logging
import Synchronization
import SystemPackage
import SystemSupport

/// Outboxes and engines that cannot be used at the moment. The queue passes over the recordings that need them, so that
/// a hundred thousand of them are not begun in vain every minute, and the log tells of it once.
final class Outages: Sendable {
    enum Place: Hashable, Sendable {
        case outbox(FilePath)
        /// `[engines.NAME]`.
        case engine(String)
    }

    private struct Outage {
        var since: Int64
        var failures = 0
        /// Nothing that needs the place is begun before; seconds since 1970.
        var restsUntil: Int64 = .min
        var kind = ""
        var jobs: Set<Int64> = []
    }

    private let places = Mutex<[Place: Outage]>([:])
    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    /// An engine rests when so many recordings failed at it in a row: one alone may have itself to blame.
    private static let patienceWithEngine = 3
    private static let engineRest: Int64 = 60
    /// No rest is longer.
    private static let longestOutboxRest: Int64 = 60

    /// Notes a failure; says so if it is the first of its kind.
    /// - Parameters:
    ///   - kind: tells one cause from another, whichever recording met it.
    ///   - now: seconds since 1970.
    /// - Returns: when the job may be tried again.
    func begin(_ place: Place, cause: String, kind: String, job: Job, now: Int64) -> Int64 {
        let (until, isNews, count) = places.withLock { places in
            var outage = places[place] ?? Outage(since: now)
            // Several recordings that meet one fault at the same time make the pause no longer.
            if outage.restsUntil <= now { outage.failures += 1 }
            outage.jobs.insert(job.id)
            let until: Int64
            switch place {
            case .outbox:
                until = max(
                    outage.restsUntil, now + min(Int64(5) << min(outage.failures - 1, 4), Self.longestOutboxRest))
                outage.restsUntil = until
            case .engine:
                until = now + Self.engineRest
                if outage.jobs.count >= Self.patienceWithEngine { outage.restsUntil = until }
            }
            let isNews = outage.kind != kind
            outage.kind = kind
            places[place] = outage
            return (until, isNews, outage.jobs.count)
        }
        if isNews {
            let metadata: Logger.Metadata = [
                "error": "\(cause)", "waiting": "\(count)", "again_in": "\(until - now) s",
            ]
            switch place {
            case .outbox: logger.error("outbox cannot be written to now, trying again", metadata: metadata)
            case .engine: logger.error("engine cannot be used now, trying again", metadata: metadata)
            }
        }
        return until
    }

    /// The place worked; says so if it did not before.
    /// - Returns: whether it is news.
    @discardableResult
    func end(_ place: Place, now: Int64) -> Bool {
        guard let outage = places.withLock({ $0.removeValue(forKey: place) }) else { return false }
        let metadata: Logger.Metadata = ["after": "\(max(0, now - outage.since)) s", "waited": "\(outage.jobs.count)"]
        switch place {
        case .outbox(let path):
            logger.notice(
                "outbox can be written to again", metadata: metadata.merging(["outbox": "\(path.printable)"]) { $1 })
        case .engine(let name):
            logger.notice("engine can be used again", metadata: metadata.merging(["engine": "\(name)"]) { $1 })
        }
        return true
    }

    /// New settings may have brought everything back.
    func forget() { places.withLock { $0 = [:] } }

    func contains(_ place: Place) -> Bool { places.withLock { $0[place] != nil } }

    /// Until when nothing of this inbox is begun, in seconds since 1970; nil when it may be.
    func rest(of inbox: InboxSettings, now: Int64) -> Int64? {
        let until = places.withLock { places in
            [places[.outbox(inbox.outbox)], places[.engine(inbox.engine)]].compactMap { $0?.restsUntil }.max()
        }
        // A rest that is longer than any comes of a clock that was set back.
        return until.flatMap { $0 > now && $0 - now <= Self.longestOutboxRest ? $0 : nil }
    }
}
