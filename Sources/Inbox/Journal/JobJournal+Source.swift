import GRDB
package import SystemSupport

// What becomes of the sources of finished jobs.
extension JobJournal {
    /// The source of a finished job is about to be taken out of the inbox: from now on `retry` leaves the job alone. It never
    /// touches one that is delivered, so that nothing is written for that: the disk may be full until its source is gone.
    /// - Returns: false when the job is not finished, or no longer.
    package func beginDisposal(_ id: Int64) async throws -> Bool {
        guard let job = try await finished(id) else { return false }
        guard job.state != .delivered else { return true }
        return try await database.write { db in
            try db.execute(
                sql: """
                    UPDATE job SET source = 'leaving'
                    WHERE id = ? AND source IN ('pending', 'leaving') AND finished_at IS NOT NULL
                    """, arguments: [id])
            return db.changesCount > 0
        }
    }

    /// The source of a finished job stays in the inbox, because the service stops.
    package func endDisposal(_ id: Int64) async throws {
        try await database.writeNow { db in
            try db.execute(
                sql: "UPDATE job SET source = 'pending' WHERE id = ? AND source = 'leaving'", arguments: [id])
        }
    }

    /// What became of the source.
    /// - Parameter place: where it lies now, if it was moved.
    package func markSource(_ id: Int64, _ disposal: Job.SourceDisposal, place: RawName? = nil) async throws {
        try await database.write { db in
            try db.execute(
                sql: "UPDATE job SET source = ?, source_place = ?, source_fault = NULL WHERE id = ?",
                arguments: [disposal.rawValue, place?.data, id])
        }
    }

    /// The recording of a finished job cannot be taken out of the inbox now. Nothing is written where that is known.
    package func noteStuck(_ id: Int64, because fault: String) async throws {
        try await database.write { db in
            try db.execute(
                sql: """
                    UPDATE job SET source = 'pending', source_fault = ?1
                    WHERE id = ?2 AND (source != 'pending' OR source_fault IS NOT ?1)
                    """, arguments: [fault, id])
        }
    }

    /// Finished jobs whose source still lies in the inbox though it should not: a crash came between.
    package func withPendingSource() async throws -> [Job] {
        try await database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM job WHERE source = 'pending' AND finished_at IS NOT NULL ORDER BY id
                    """
            ).map(Job.init)
        }
    }

    /// A job of `withPendingSource`; nil when it is none, as after `retry`.
    package func finished(_ id: Int64) async throws -> Job? {
        try await database.read { db in
            try Row.fetchOne(
                db,
                sql: "SELECT * FROM job WHERE id = ? AND source IN ('pending', 'leaving') AND finished_at IS NOT NULL",
                arguments: [id]
            ).map(Job.init)
        }
    }
}
