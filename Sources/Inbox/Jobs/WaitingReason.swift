import SystemSupport

/// Why a recording that is queued is not begun, for who lists the jobs.
package enum WaitingReason: Sendable, Hashable {
    case serviceStopped
    /// It runs and has reported nothing for a while.
    case serviceSilent
    /// Of a folder, printable.
    case space(String)
    case outbox(ServiceStatus.OutboxStatus)
    case engine(String, ServiceStatus.EngineStatus)
    /// It was put off for a cause of its own.
    case later(at: Int64, cause: String?)
    /// So many are before it.
    case turn(Int)

    /// - Parameters:
    ///   - service: what is known of the service.
    ///   - position: how many queued ones are before it.
    ///   - now: seconds since 1970.
    package init(of job: Job, _ service: ServiceReport, position: Int, now: Int64) {
        guard let status = service.current else {
            self = service.process == nil ? .serviceStopped : .serviceSilent
            return
        }
        self.init(of: job, status, position: position, now: now)
    }

    /// - Parameter status: what the service that runs has written.
    package init(of job: Job, _ status: ServiceStatus, position: Int, now: Int64) {
        let inbox = status.inboxes?.first { $0.path == job.inbox.printable }
        let outboxes = Set((status.inboxes ?? []).map(\.outbox))
        // Where the service keeps its own things, nothing is begun at all.
        let short = (status.shortOfSpace ?? []).first { $0 == inbox?.outbox || !outboxes.contains($0) }
        if let short {
            self = .space(short)
        } else if let outbox = status.outboxes?.first(where: { $0.path == inbox?.outbox }) {
            self = .outbox(outbox)
        } else if let inbox, let engine = status.engines[inbox.engine], engine.state != .ok {
            self = .engine(inbox.engine, engine)
        } else if job.notBefore > now {
            self = .later(at: job.notBefore, cause: job.errorMessage)
        } else {
            self = .turn(position + status.running.count)
        }
    }

    /// One word for programs.
    package var word: String {
        switch self {
        case .serviceStopped, .serviceSilent: "service"
        case .space: "space"
        case .outbox: "outbox"
        case .engine: "engine"
        case .later: "later"
        case .turn: "turn"
        }
    }

    /// Seconds since 1970; nil: it is not known.
    package var since: Int64? {
        switch self {
        case .outbox(let outbox): outbox.since
        case .engine(_, let engine): engine.since
        case .serviceStopped, .serviceSilent, .space, .later, .turn: nil
        }
    }

    /// As a sentence.
    package var sentence: String {
        switch self {
        case .serviceStopped: "It waits for the service, which is not running."
        case .serviceSilent: "It waits for the service, which does not report: \"parlograph status\" tells more."
        case .space(let folder):
            "It waits for space: too little is left at \(folder). Free some, or lower min_free_space_mb."
        case .outbox(let outbox):
            "It waits for the outbox, which has not been writable since \(LocalTime.moment(outbox.since)): \(outbox.cause) "
                + "Tried again at \(LocalTime.moment(outbox.nextTry))."
        case .engine(let name, let engine): "It waits for engine \(name), which \(engine.words)"
        case .later(let at, let cause):
            "It is tried again at \(LocalTime.moment(at))\(cause.map { ": \($0)" } ?? ".")"
        case .turn(0): "It is the next one."
        case .turn(let count): "It waits for its turn, behind \(CountedText.text(count, "other"))."
        }
    }
}
