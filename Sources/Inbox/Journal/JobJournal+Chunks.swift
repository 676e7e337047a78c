import FoundationEssentials
import GRDB
import SystemSupport
import Transcription

// The chunks of recordings in work, and of those that did not come out whole.
extension JobJournal {
    /// How far jobs are, in one transaction; of one that is not in work any more nothing is noted.
    /// - Parameter ledgers: are asked for their news within the transaction, so that an older state never follows a newer.
    package func note(_ chunks: [Int64: Job.Chunks], _ ledgers: [Int64: ChunkLedger] = [:]) async throws {
        let written = try await database.write { db in
            for (id, state) in chunks {
                try db.execute(
                    sql: """
                        UPDATE job SET chunks = ?, chunks_done = ?, chunks_failed = ?
                        WHERE id = ? AND state = 'processing'
                        """,
                    arguments: [state.expected, state.done, state.failed, id])
            }
            var revisions: [Int64: Int] = [:]
            for (id, ledger) in ledgers {
                let news = ledger.news
                revisions[id] = news.revision
                let state = try String.fetchOne(db, sql: "SELECT state FROM job WHERE id = ?", arguments: [id])
                guard state == Job.State.processing.rawValue else { continue }
                for record in news.records { try Self.write(record, of: id, db) }
            }
            return revisions
        }
        for (id, revision) in written { ledgers[id]?.wrote(through: revision) }
    }

    private static func write(_ record: ChunkRecord, of id: Int64, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO chunk (job, number, state, attempts, error_code, start_sample, end_sample, hash,
                  engine, from_cache, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            id, record.index, record.state.rawValue, record.attempts, record.errorCode?.rawValue, record.range.start,
            record.range.end, Data(record.hash.bytes), record.engine, record.isFromCache, record.changedAt,
        ])
    }

    /// The chunks of a job that are on record, in the order of the recording.
    /// - Parameter onlyFailed: those that became gaps.
    package func chunks(of id: Int64, onlyFailed: Bool = false) async throws -> [ChunkRecord] {
        try await database.read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM chunk WHERE job = ? AND (state = 'failed' OR NOT ?) ORDER BY number",
                arguments: [id, onlyFailed]
            ).map(ChunkRecord.init)
        }
    }

    /// Rows of chunks, over all jobs.
    private static let maximumChunks = 50_000

    /// A job is over: of one that came out whole its `.json` tells all, of one with gaps all but why.
    static func tidyChunks(of id: Int64, as state: Job.State, maximum: Int = maximumChunks, _ db: Database) throws {
        switch state {
        case .partial: try db.execute(sql: "DELETE FROM chunk WHERE job = ? AND state != 'failed'", arguments: [id])
        case .failed: break
        case .delivered, .queued, .processing:
            try db.execute(sql: "DELETE FROM chunk WHERE job = ?", arguments: [id])
        }
        let isKept = try Bool.fetchOne(db, sql: "SELECT EXISTS(SELECT 1 FROM chunk WHERE job = ?)", arguments: [id])
        guard isKept == true else { return }
        let past = try Int64.fetchOne(
            db, sql: "SELECT job FROM chunk ORDER BY job DESC, number DESC LIMIT 1 OFFSET ?", arguments: [maximum])
        guard let past else { return }
        try db.execute(
            sql: """
                DELETE FROM chunk WHERE job <= ?1 AND job != ?2
                  AND EXISTS(SELECT 1 FROM job WHERE id = chunk.job AND finished_at IS NOT NULL)
                """, arguments: [past, id])
    }
}

extension ChunkRecord {
    fileprivate init(_ row: Row) {
        let (state, hash): (String, Data) = (row["state"], row["hash"])
        self.init(
            index: row["number"], state: State(rawValue: state) ?? .failed,
            range: SampleRange(row["start_sample"], row["end_sample"]), hash: Digest(bytes: Array(hash)),
            attempts: row["attempts"],
            errorCode: (row["error_code"] as String?).flatMap(TranscriptionError.Code.init), engine: row["engine"],
            isFromCache: row["from_cache"], changedAt: row["changed_at"])
    }
}
