import GRDB
import SystemSupport

// A journal that does not grow for ever.
extension JobJournal {
    /// Forgets jobs that finished long ago: those whose recording left the inbox, and those whose recording was kept and
    /// is gone or another one now. One that is still kept is remembered for ever, or it would be transcribed again.
    /// - Parameters:
    ///   - limit: seconds since 1970.
    ///   - most: of finished jobs whose recording left the inbox, not more than so many are remembered.
    ///   - isKept: whether this very recording still lies in its inbox; blocks.
    /// - Returns: how many.
    package func prune(
        finishedBefore limit: Int64, most: Int = 100_000, isKept: @escaping @Sendable (Job) -> Bool
    ) async throws -> Int {
        let past = try await database.read { db in
            try Int64.fetchOne(
                db,
                sql: """
                    SELECT finished_at FROM job WHERE finished_at IS NOT NULL AND source IN ('moved', 'deleted')
                    ORDER BY finished_at DESC LIMIT 1 OFFSET ?
                    """, arguments: [most])
        }
        let bound = max(limit, past.map { $0 + 1 } ?? limit)
        var removed = 0
        while true {
            let count = try await database.write { db in
                try db.execute(
                    sql: """
                        DELETE FROM job WHERE id IN (SELECT id FROM job WHERE finished_at < ?
                          AND source IN ('moved', 'deleted') ORDER BY finished_at LIMIT \(Self.batch))
                        """, arguments: [bound])
                return db.changesCount
            }
            removed += count
            if count < Self.batch { break }
        }
        return try await removed + pruneKept(finishedBefore: limit, isKept: isKept)
    }

    /// Rows of one transaction: others never wait long.
    private static let batch = 500

    private func pruneKept(
        finishedBefore limit: Int64, isKept: @escaping @Sendable (Job) -> Bool
    ) async throws -> Int {
        var (removed, last) = (0, Int64(0))
        while true {
            let from = last
            let jobs = try await database.read { db in
                try Row.fetchAll(
                    db,
                    sql: """
                        SELECT * FROM job WHERE id > ? AND source = 'kept' AND finished_at < ? ORDER BY id
                        LIMIT \(Self.batch)
                        """, arguments: [from, limit]
                ).map(Job.init)
            }
            guard let end = jobs.last?.id else { return removed }
            last = end
            let gone = await BlockingPool.files.run { jobs.filter { !isKept($0) }.map(\.id) }
            try await database.write { db in
                for id in gone { try db.execute(sql: "DELETE FROM job WHERE id = ?", arguments: [id]) }
            }
            removed += gone.count
        }
    }
}
