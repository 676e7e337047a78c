import FoundationEssentials
import GRDB
package import SystemSupport

// A journal that does not grow for ever.
extension JobJournal {
    /// Forgets jobs that finished long ago: those whose recording left the inbox, and those whose recording was kept and
    /// is gone or another one now. One that is still kept is remembered for ever, or it would be transcribed again.
    /// - Parameters:
    ///   - limit: seconds since 1970.
    ///   - maximum: of finished jobs whose recording left the inbox, not more than so many are remembered.
    ///   - isKept: whether this very recording still lies in its inbox; blocks.
    /// - Returns: how many.
    package func prune(
        finishedBefore limit: Int64, maximum: Int = 100_000, isKept: @escaping @Sendable (Job) -> Bool
    ) async throws -> Int {
        let past = try await database.read { db in
            try Int64.fetchOne(
                db,
                sql: """
                    SELECT finished_at FROM job WHERE finished_at IS NOT NULL AND source IN ('moved', 'deleted')
                    ORDER BY finished_at DESC LIMIT 1 OFFSET ?
                    """, arguments: [maximum])
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
            var gone: [Int64] = []
            for (inbox, jobs) in Dictionary(grouping: jobs, by: \.inbox) {
                gone += await BlockingPool.files.run(on: .folder(inbox.path)) {
                    jobs.filter { !isKept($0) }.map(\.id)
                }
            }
            let removable = gone
            try await database.write { db in
                for id in removable { try db.execute(sql: "DELETE FROM job WHERE id = ?", arguments: [id]) }
            }
            removed += gone.count
        }
    }
}

// Recordings that lie in an inbox and are not whole, of which a person was told.
extension JobJournal {
    package func noteShort(_ path: RawName, _ identity: FileIdentity, in inbox: RawName) async throws {
        try await database.write { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO short VALUES (?, ?, ?, ?, ?)",
                arguments: [
                    inbox.data, path.data, Int64(bitPattern: identity.inode), identity.byteCount, identity.modified,
                ])
        }
    }

    package func forgetShort(_ path: RawName, in inbox: RawName) async throws {
        try await database.write { db in
            try db.execute(sql: "DELETE FROM short WHERE inbox = ? AND path = ?", arguments: [inbox.data, path.data])
        }
    }

    /// For each inbox what is known of them, and where they lay.
    package func shortOnes() async throws -> [RawName: [FileIdentity: RawName]] {
        try await database.read { db in
            var out: [RawName: [FileIdentity: RawName]] = [:]
            for row in try Row.fetchAll(db, sql: "SELECT * FROM short LIMIT \(Self.maximumShort)") {
                let (inbox, path, inode): (Data, Data, Int64) = (row["inbox"], row["path"], row["inode"])
                let identity = FileIdentity(
                    device: 0, inode: UInt64(bitPattern: inode), byteCount: row["bytes"], modified: row["modified"])
                out[RawName(bytes: inbox), default: [:]][identity] = RawName(bytes: path)
            }
            return out
        }
    }

    private static let maximumShort = 1000
}
