package import FoundationEssentials
import GRDB
package import SystemSupport

/// Who is to be told that a job has come to its end.
package struct HookOrder: Sendable {
    let event: HookCall.Event
    let kinds: [HookCall.Kind]
    /// Nil: as `recordDelivery` was given them; where it was given none, nobody is told.
    let facts: HookFacts?
    private let sidecars: [String: Data]?
    private let identifiers: [String]

    /// - Parameters:
    ///   - sidecars: what was found in the outbox, as `HookFacts.sidecars`; nil: the facts have it.
    ///   - identifier: makes one that nobody else has.
    package init(
        _ event: HookCall.Event, _ kinds: [HookCall.Kind], _ facts: HookFacts?, sidecars: [String: Data]? = nil,
        identifier: () -> String = HookOrder.randomIdentifier
    ) {
        self.event = event
        self.kinds = kinds
        self.facts = facts
        self.sidecars = sidecars
        identifiers = kinds.map { _ in identifier() }
    }

    /// 128 random bits.
    package static func randomIdentifier() -> String {
        "msg_" + String(UInt64.random(in: .min ... .max), radix: 36)
            + String(UInt64.random(in: .min ... .max), radix: 36)
    }

    /// In the transaction that ends the job, so that there is no moment at which it would be forgotten or told twice.
    func write(_ job: Int64, _ db: Database) throws {
        let stored = try String.fetchOne(db, sql: "SELECT hook_facts FROM job WHERE id = ?", arguments: [job])
        try db.execute(
            sql: "UPDATE job SET hook_facts = NULL WHERE id = ? AND hook_facts IS NOT NULL", arguments: [job])
        guard var told = facts ?? stored.flatMap({ BoundedJSON.decode(HookFacts.self, from: $0.utf8) }) else { return }
        if let sidecars { told.sidecars = sidecars }
        let text = try JobJournal.encode(told)
        for (kind, identifier) in zip(kinds, identifiers) {
            try db.execute(
                sql: """
                    INSERT INTO hook_call (job, inbox, kind, event, identifier, facts)
                    SELECT id, inbox, ?, ?, ?, ? FROM job WHERE id = ?
                    """, arguments: [kind.rawValue, event.rawValue, identifier, text, job])
            try db.execute(
                sql: """
                    DELETE FROM hook_call WHERE id IN (SELECT id FROM hook_call
                      WHERE inbox = (SELECT inbox FROM job WHERE id = ?) AND kind = ? ORDER BY id DESC
                      LIMIT -1 OFFSET \(JobJournal.maximumHookCalls))
                    """, arguments: [job, kind.rawValue])
        }
    }
}

/// Calls of one inbox and kind that fail, together.
package struct HookTrouble: Sendable, Hashable {
    package let inbox: RawName
    package let kind: HookCall.Kind
    /// That wait to be tried again, and that are not any more.
    package let waiting: Int
    package let givenUp: Int
    /// Seconds since 1970.
    package let since: Int64
    /// The last cause, in a sentence.
    package let cause: String
}

// Who is to be told of jobs that have ended, until they were.
extension JobJournal {
    /// Of one inbox and kind; the oldest are dropped beyond that.
    static let maximumHookCalls = 10_000

    /// A recording that is still on its way out of its inbox is not told of yet: who is told wants to know where it lies.
    private static let isTold = """
        (j.id IS NULL OR j.source NOT IN ('pending', 'leaving') OR j.source_fault IS NOT NULL OR j.finished_at IS NULL)
        """

    private static let callsWithJobs = """
        SELECT c.*, j.path AS job_path, j.source AS job_source, j.source_place AS job_place
        FROM hook_call c LEFT JOIN job j ON j.id = c.job
        """

    /// Those of an inbox and kind that may begin, the ones that have waited longest first.
    /// - Parameter now: seconds since 1970.
    package func dueHookCalls(
        of inbox: RawName, _ kind: HookCall.Kind, now: Int64, limit: Int
    ) async throws -> [HookCall] {
        try await database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    \(Self.callsWithJobs) WHERE c.state = 'waiting' AND c.inbox = ? AND c.kind = ?
                      AND (c.not_before <= ? OR c.not_before > ?) AND \(Self.isTold)
                    ORDER BY c.not_before, c.id LIMIT ?
                    """,
                arguments: [inbox.data, kind.rawValue, now, now + HookSchedule.maximumPause, limit]
            ).compactMap(HookCall.init)
        }
    }

    /// When the first of an inbox and kind may begin that may not by `now`, in seconds since 1970; nil: there is none.
    package func nextHookCall(of inbox: RawName, _ kind: HookCall.Kind, after now: Int64) async throws -> Int64? {
        try await database.read { db in
            try Int64.fetchOne(
                db,
                sql: """
                    SELECT min(not_before) FROM hook_call WHERE state = 'waiting' AND inbox = ? AND kind = ?
                      AND not_before > ?
                    """, arguments: [inbox.data, kind.rawValue, now])
        }
    }

    /// Before an attempt: it counts, whatever becomes of this process meanwhile.
    package func beginHookCall(_ id: Int64) async throws {
        try await database.write { db in
            try db.execute(sql: "UPDATE hook_call SET attempts = attempts + 1 WHERE id = ?", arguments: [id])
        }
    }

    /// It was told. Is written down also when the service stops at that moment, or it would be told again.
    package func endHookCall(_ id: Int64) async throws {
        let delete: @Sendable (Database) throws -> Void = { db in
            try db.execute(sql: "DELETE FROM hook_call WHERE id = ?", arguments: [id])
        }
        do {
            try await database.write(delete)
        } catch is CancellationError {
            try await database.writeNow(delete)
        }
    }

    /// An attempt has failed.
    /// - Parameters:
    ///   - until: when it is tried again, in seconds since 1970; nil: it is given up.
    ///   - now: likewise.
    package func postponeHookCall(_ id: Int64, until: Int64?, because cause: String, now: Int64) async throws {
        let state: HookCall.State = until == nil ? .givenUp : .waiting
        try await database.write { db in
            try db.execute(
                sql: """
                    UPDATE hook_call SET state = ?, not_before = ?, error = ?, failing_since = ifnull(failing_since, ?)
                    WHERE id = ?
                    """, arguments: [state.rawValue, until ?? 0, cause, now, id])
        }
    }

    /// What had failed is tried at once.
    /// - Parameter since: what was given up is tried anew, too, where it has failed since then; nil: it is not.
    package func tryHookCallsAgain(of inbox: RawName, _ kind: HookCall.Kind, givenUpSince since: Int64?) async throws {
        try await database.write { db in
            try db.execute(
                sql: "UPDATE hook_call SET not_before = 0 WHERE state = 'waiting' AND inbox = ? AND kind = ?",
                arguments: [inbox.data, kind.rawValue])
            guard let since else { return }
            try db.execute(
                sql: """
                    UPDATE hook_call SET state = 'waiting', attempts = 0, not_before = 0
                    WHERE state = 'given_up' AND inbox = ? AND kind = ? AND failing_since >= ?
                    """, arguments: [inbox.data, kind.rawValue, since])
        }
    }

    /// What the settings have no program and no address for is told to nobody.
    /// - Parameter wanted: by their inboxes.
    /// - Returns: how many were forgotten.
    package func forgetHookCalls(except wanted: [RawName: Set<HookCall.Kind>]) async throws -> Int {
        try await database.write { db in
            var count = 0
            for row in try Row.fetchAll(db, sql: "SELECT DISTINCT inbox, kind FROM hook_call") {
                let (inbox, kind): (Data, String) = (row["inbox"], row["kind"])
                let kinds = wanted[RawName(bytes: inbox)]
                guard !(kinds?.contains { $0.rawValue == kind } ?? false) else { continue }
                try db.execute(
                    sql: "DELETE FROM hook_call WHERE inbox = ? AND kind = ?", arguments: [inbox, kind])
                count += db.changesCount
            }
            return count
        }
    }

    /// Forgets what was given up long ago.
    /// - Parameter limit: seconds since 1970.
    package func pruneHookCalls(failingBefore limit: Int64) async throws {
        try await database.write { db in
            try db.execute(
                sql: "DELETE FROM hook_call WHERE state = 'given_up' AND failing_since < ?", arguments: [limit])
        }
    }

    /// What fails at the moment.
    package func hookTroubles() async throws -> [HookTrouble] {
        try await database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT inbox, kind, sum(state = 'waiting') AS waiting, sum(state != 'waiting') AS given_up,
                      min(failing_since) AS since, max(not_before), error
                    FROM hook_call WHERE failing_since IS NOT NULL GROUP BY inbox, kind
                    """
            ).compactMap { row in
                let (inbox, kind): (Data, String) = (row["inbox"], row["kind"])
                return HookCall.Kind(rawValue: kind).map {
                    HookTrouble(
                        inbox: RawName(bytes: inbox), kind: $0, waiting: row["waiting"], givenUp: row["given_up"],
                        since: row["since"], cause: row["error"] ?? "")
                }
            }
        }
    }

    /// Who is still to be told of which jobs, by the jobs.
    package func hookCalls() async throws -> [Int64: [HookCall]] {
        try await database.read { db in
            let calls = try Row.fetchAll(
                db, sql: "\(Self.callsWithJobs) ORDER BY c.id DESC LIMIT \(Self.maximumHookCalls)"
            ).compactMap(HookCall.init)
            return Dictionary(grouping: calls.reversed(), by: \.job)
        }
    }

    static func encode(_ facts: HookFacts) throws -> String {
        String(decoding: try JSONEncoder().encode(facts), as: UTF8.self)
    }
}

extension HookCall {
    /// Of `callsWithJobs`; nil: a later version wrote it.
    fileprivate init?(_ row: Row) {
        let (inbox, kind, event, facts): (Data, String, String, String) = (
            row["inbox"], row["kind"], row["event"], row["facts"]
        )
        guard let kind = Kind(rawValue: kind), let event = Event(rawValue: event),
            let facts = BoundedJSON.decode(HookFacts.self, from: facts.utf8)
        else { return nil }
        let (path, place): (Data?, Data?) = (row["job_path"], row["job_place"])
        let isGone = (row["job_source"] as String?) == Job.SourceDisposal.deleted.rawValue
        self.init(
            id: row["id"], job: row["job"], inbox: RawName(bytes: inbox), kind: kind, event: event,
            identifier: row["identifier"], facts: facts,
            state: (row["state"] as String?).flatMap(State.init) ?? .waiting, attempts: row["attempts"],
            notBefore: row["not_before"], error: row["error"], failingSince: row["failing_since"],
            recording: isGone
                ? nil
                : (place ?? path.map { RawName(bytes: inbox).appending(RawName(bytes: $0)).data }).map {
                    RawName(bytes: $0)
                })
    }
}
