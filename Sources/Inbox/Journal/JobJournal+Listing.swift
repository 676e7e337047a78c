import GRDB
package import SystemSupport

// What commands, status file and status pages show.
extension JobJournal {
    /// Jobs for `parlograph jobs`, newest last.
    /// - Parameter states: empty for all.
    package func jobs(in states: [Job.State] = [], limit: Int = 1000) async throws -> [Job] {
        try await database.read { db in
            let chosen = states.isEmpty ? Job.State.allCases : states
            let marks = chosen.map { _ in "?" }.joined(separator: ", ")
            let rows = try Row.fetchAll(
                db, sql: "SELECT * FROM job WHERE state IN (\(marks)) ORDER BY id DESC LIMIT ?",
                arguments: StatementArguments(chosen.map(\.rawValue)) + [limit])
            return rows.reversed().map(Job.init)
        }
    }

    /// The newest jobs of some inboxes, newest first; of those that are queued the next, in the order of the queue.
    /// - Parameter since: only what was finished then or later, in seconds since 1970.
    package func jobs(
        of inboxes: [RawName], in state: Job.State, finishedSince since: Int64 = 0, limit: Int
    ) async throws -> [Job] {
        // The plus chooses the index: most jobs are delivered, those of a day are few.
        let sql =
            switch state {
            case .queued, .processing: "state = ? AND inbox = ? AND ? = 0 ORDER BY not_before, id LIMIT ?"
            case .delivered: "+state = ? AND +inbox = ? AND finished_at >= ? ORDER BY finished_at DESC, id DESC LIMIT ?"
            default: "state = ? AND inbox = ? AND +finished_at >= ? ORDER BY finished_at DESC, id DESC LIMIT ?"
            }
        return try await database.read { db in
            let jobs = try inboxes.flatMap { inbox in
                try Row.fetchAll(
                    db, sql: "SELECT * FROM job WHERE \(sql)", arguments: [state.rawValue, inbox.data, since, limit]
                ).map(Job.init)
            }
            guard state != .queued, state != .processing else { return Array(jobs.prefix(limit)) }
            return Array(jobs.sorted { ($0.finishedAt ?? 0, $0.id) > ($1.finishedAt ?? 0, $1.id) }.prefix(limit))
        }
    }

    /// How many jobs of some inboxes are in a state.
    package func count(of inboxes: [RawName], in state: Job.State) async throws -> Int {
        try await database.read { db in
            try inboxes.reduce(0) { sum, inbox in
                try sum
                    + (Int.fetchOne(
                        db, sql: "SELECT jobs FROM tally WHERE state = ? AND inbox = ?",
                        arguments: [state.rawValue, inbox.data]) ?? 0)
            }
        }
    }

    /// How many jobs of some inboxes have not come to an end. Throws at once while the journal cannot be read.
    package func openCount(of inboxes: [RawName]) async throws -> Int {
        try await database.readNow { db in
            // One transaction: a job that goes from one state to the other is counted.
            try inboxes.reduce(0) { sum, inbox in
                try sum
                    + (Int.fetchOne(
                        db, sql: "SELECT sum(jobs) FROM tally WHERE state IN ('queued', 'processing') AND inbox = ?",
                        arguments: [inbox.data]) ?? 0)
            }
        }
    }

    /// When a transcript was last delivered, in seconds since 1970; nil: never, as far as is known.
    package func lastDelivery() async throws -> Int64? {
        try await database.readNow { db in
            try Int64.fetchOne(
                db,
                sql: """
                    SELECT finished_at FROM job WHERE finished_at IS NOT NULL AND +state IN ('delivered', 'partial')
                    ORDER BY finished_at DESC LIMIT 1
                    """)
        }
    }

    /// When the oldest recording was found that has no transcript yet and has not failed, in seconds since 1970; nil: there
    /// is none. Throws at once while the journal cannot be read.
    package func oldestOpen() async throws -> Int64? {
        try await database.readNow { db in
            try Int64.fetchOne(db, sql: "SELECT min(found_at) FROM job WHERE state IN ('queued', 'processing')")
        }
    }

    /// The same of one inbox, where it is not more often asked for than at a start.
    package func lastDelivery(of inbox: RawName) async throws -> Int64? {
        try await database.readNow { db in
            try Int64.fetchOne(
                db,
                sql: "SELECT max(finished_at) FROM job WHERE state IN ('delivered', 'partial') AND inbox = ?",
                arguments: [inbox.data])
        }
    }

    /// What waits in an inbox: how many are queued, how many of these until a time of their own, and when the oldest was
    /// found that has no transcript. Throws at once while the journal cannot be read.
    package func waiting(in inbox: RawName, now: Int64) async throws -> (queued: Int, later: Int, oldest: Int64?) {
        try await database.readNow { db in
            let count = "SELECT count(*) FROM job WHERE state = 'queued' AND inbox = ? AND not_before > ?"
            let queued = try Int.fetchOne(db, sql: count, arguments: [inbox.data, -1]) ?? 0
            let later = try Int.fetchOne(db, sql: count, arguments: [inbox.data, now]) ?? 0
            let oldest = try Int64.fetchOne(
                db, sql: "SELECT min(found_at) FROM job WHERE state IN ('queued', 'processing') AND inbox = ?",
                arguments: [inbox.data])
            return (queued, later, oldest)
        }
    }

    /// The queued jobs by their numbers, each with how many are before it.
    package func queueOrder() async throws -> [Int64: Int] {
        try await database.read { db in
            let ids = try Int64.fetchAll(db, sql: "SELECT id FROM job WHERE state = 'queued' ORDER BY not_before, id")
            return Dictionary(uniqueKeysWithValues: ids.enumerated().map { ($0.element, $0.offset) })
        }
    }

    /// How many jobs are in each state. Throws at once while the journal cannot be read.
    package func counts() async throws -> [Job.State: Int] {
        try await database.readNow { db in
            var out: [Job.State: Int] = [:]
            for row in try Row.fetchAll(db, sql: "SELECT state, sum(jobs) AS n FROM tally GROUP BY state") {
                let (name, count): (String, Int) = (row["state"], row["n"])
                if let state = Job.State(rawValue: name), count > 0 { out[state] = count }
            }
            return out
        }
    }
}
