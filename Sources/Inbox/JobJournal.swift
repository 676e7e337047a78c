import FoundationEssentials
import GRDB
import Glibc
package import Logging
package import SystemPackage
package import SystemSupport

/// The jobs of a state directory, in SQLite: what must be remembered over a crash. All calls run on GRDB's own queue.
package struct JobJournal: Sendable {
    private let database: DatabaseQueue

    /// Opens `jobs.sqlite` in `directory`. A damaged file is set aside, with a warning, and begun anew: what lies in the
    /// inboxes is found again.
    /// - Throws: `SystemError` or GRDB's `DatabaseError` when the folder cannot be used at all.
    package static func open(in directory: FilePath, logger: Logger) async throws -> JobJournal {
        let path = directory.appending("jobs.sqlite")
        return try await BlockingPool.files.run {
            do {
                return try JobJournal(path: path)
            } catch let error as DatabaseError where error.isCorruption {
                let aside = try setAside(path)
                logger.error(
                    "job journal is damaged; it was set aside and begun anew",
                    metadata: ["journal": "\(path.printable)", "aside": "\(aside.printable)", "error": "\(error)"])
                return try JobJournal(path: path)
            }
        }
    }

    private init(path: FilePath) throws {
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(10)
        configuration.label = "journal"
        database = try DatabaseQueue(path: path.string, configuration: configuration)
        try database.read { db in
            guard try String.fetchOne(db, sql: "PRAGMA quick_check(1)") == "ok" else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "quick_check failed")
            }
        }
        do {
            try Self.migrator.migrate(database)
        } catch {
            // Another process that opened the same new file may have been quicker.
            guard try database.read(Self.migrator.hasCompletedMigrations) else { throw error }
        }
    }

    private static func setAside(_ path: FilePath) throws -> FilePath {
        var number = 1
        while true {
            let aside = FilePath(path.string + ".damaged-\(number)")
            if (try? FileStatus(at: aside, followingLinks: false)) == nil {
                for suffix in ["", "-wal", "-shm"] { rename(path.string + suffix, aside.string + suffix) }
                return aside
            }
            number += 1
        }
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 jobs") { db in
            try db.execute(
                sql: """
                    CREATE TABLE job (
                      id INTEGER PRIMARY KEY AUTOINCREMENT,
                      inbox BLOB NOT NULL, path BLOB NOT NULL,
                      device INTEGER NOT NULL, inode INTEGER NOT NULL, bytes INTEGER NOT NULL, modified INTEGER NOT NULL,
                      sidecar_base BLOB NOT NULL,
                      state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
                      error_code TEXT, error_message TEXT,
                      sidecar_digests TEXT NOT NULL DEFAULT '[]',
                      source TEXT NOT NULL DEFAULT 'pending', source_place BLOB,
                      not_before INTEGER NOT NULL DEFAULT 0,
                      found_at INTEGER NOT NULL, finished_at INTEGER
                    ) STRICT;
                    CREATE INDEX job_by_path ON job(inbox, path);
                    CREATE INDEX job_by_base ON job(inbox, sidecar_base);
                    CREATE INDEX job_by_state ON job(state, id);
                    """)
        }
        return migrator
    }

    /// Writes down a new job, unless this very file is known already.
    /// - Parameter base: is asked for the sidecars' base name; it gets a closure that tells whether a base belongs to
    ///   another recording of this inbox or of `others`, the inboxes with the same outbox.
    /// - Returns: nil when a job for the same path and identity is on record and its source was not taken away: a
    ///   recording that was moved to `failed/` or `done/` and is put back is a new job.
    package func enqueue(
        inbox: RawName, sharingOutbox others: [RawName] = [], path: RawName, identity: FileIdentity, now: Int64,
        base: @escaping @Sendable ((RawName) throws -> Bool) throws -> RawName
    ) async throws -> Job? {
        try await database.write { db in
            let known = try Row.fetchOne(
                db,
                sql: """
                    SELECT id FROM job WHERE inbox = ? AND path = ? AND device = ? AND inode = ? AND bytes = ?
                      AND modified = ? AND source IN ('pending', 'kept')
                    """,
                arguments: [
                    inbox.data, path.data, Int64(bitPattern: identity.device), Int64(bitPattern: identity.inode),
                    identity.byteCount, identity.modified,
                ])
            guard known == nil else { return nil }
            let base = try base { candidate in
                for one in Set(others + [inbox]) {
                    let isTaken = try Bool.fetchOne(
                        db,
                        sql: """
                            SELECT EXISTS(SELECT 1 FROM job WHERE inbox = ? AND sidecar_base = ?
                              AND NOT (inbox = ? AND path = ?))
                            """,
                        arguments: [one.data, candidate.data, inbox.data, path.data])
                    if isTaken ?? false { return true }
                }
                return false
            }
            var job = Job(
                id: 0, inbox: inbox, path: path, identity: identity, sidecarBase: base, state: .queued, attempts: 0,
                errorCode: nil, errorMessage: nil, sidecarDigests: [], source: .pending, sourcePlace: nil, foundAt: now,
                finishedAt: nil)
            try db.execute(
                sql: """
                    INSERT INTO job (inbox, path, device, inode, bytes, modified, sidecar_base, state, found_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', ?)
                    """,
                arguments: [
                    inbox.data, path.data, Int64(bitPattern: identity.device), Int64(bitPattern: identity.inode),
                    identity.byteCount, identity.modified, base.data, now,
                ])
            job.id = db.lastInsertedRowID
            return job
        }
    }

    /// The oldest queued job that may begin now, marked as being processed.
    /// - Parameter now: seconds since 1970.
    package func takeNext(now: Int64 = .max) async throws -> Job? {
        try await database.write { db in
            guard
                let row = try Row.fetchOne(
                    db, sql: "SELECT * FROM job WHERE state = 'queued' AND not_before <= ? ORDER BY id LIMIT 1",
                    arguments: [now])
            else { return nil }
            var job = Job(row)
            job.state = .processing
            job.attempts += 1
            try db.execute(
                sql: "UPDATE job SET state = 'processing', attempts = ? WHERE id = ?",
                arguments: [job.attempts, job.id])
            return job
        }
    }

    /// After a stop or a crash: what was being processed is queued again.
    /// - Returns: how many.
    package func requeueInterrupted() async throws -> Int {
        try await database.write { db in
            try db.execute(sql: "UPDATE job SET state = 'queued' WHERE state = 'processing'")
            let interrupted = db.changesCount
            // What was waiting for an engine or an outbox may find it again after a restart.
            try db.execute(sql: "UPDATE job SET not_before = 0 WHERE state = 'queued' AND not_before > 0")
            return interrupted
        }
    }

    /// Back into the queue, to be begun again later: the outbox or the engine is away.
    /// - Parameter until: seconds since 1970.
    package func postpone(_ id: Int64, until: Int64) async throws {
        try await database.write { db in
            try db.execute(
                sql: "UPDATE job SET state = 'queued', not_before = ? WHERE id = ? AND state = 'processing'",
                arguments: [until, id])
        }
    }

    /// When the first of the postponed jobs may begin; nil when none is queued.
    package func nextDue() async throws -> Int64? {
        try await database.read { db in
            try Int64.fetchOne(db, sql: "SELECT min(not_before) FROM job WHERE state = 'queued'")
        }
    }

    /// Back into the queue, for instance because the service stops.
    package func requeue(_ id: Int64) async throws {
        try await database.write { db in
            try db.execute(
                sql: "UPDATE job SET state = 'queued' WHERE id = ? AND state = 'processing'", arguments: [id])
        }
    }

    /// A failed or partial job whose recording still lies in its inbox is queued again.
    package func retry(_ id: Int64) async throws {
        try await database.write { db in
            try db.execute(
                sql: """
                    UPDATE job SET state = 'queued', source = 'pending', error_code = NULL, error_message = NULL,
                      finished_at = NULL WHERE id = ? AND state IN ('failed', 'partial')
                    """, arguments: [id])
        }
    }

    /// Forgets a job whose recording went away or changed before it was done; the file is found anew.
    package func forget(_ id: Int64) async throws {
        try await database.write { db in try db.execute(sql: "DELETE FROM job WHERE id = ?", arguments: [id]) }
    }

    /// Before sidecars are renamed into place: remembers their digests, so that after a crash they are known as ours.
    package func recordDelivery(_ id: Int64, digests: [Digest]) async throws {
        let text = Self.encode(digests)
        try await database.write { db in
            try db.execute(sql: "UPDATE job SET sidecar_digests = ? WHERE id = ?", arguments: [text, id])
        }
    }

    /// Digests of everything that was delivered under this base name, by any job.
    package func knownDigests(inbox: RawName, base: RawName) async throws -> Set<Digest> {
        try await database.read { db in
            let rows = try String.fetchAll(
                db, sql: "SELECT sidecar_digests FROM job WHERE inbox = ? AND sidecar_base = ?",
                arguments: [inbox.data, base.data])
            return Set(rows.flatMap(Self.decode))
        }
    }

    /// Whether another job with this base name delivered a recording of the inbox already.
    package func hasEarlierDelivery(than job: Job) async throws -> Bool {
        try await database.read { db in
            try Bool.fetchOne(
                db,
                sql: """
                    SELECT EXISTS(SELECT 1 FROM job WHERE inbox = ? AND sidecar_base = ? AND id != ?
                      AND state IN ('delivered', 'partial'))
                    """,
                arguments: [job.inbox.data, job.sidecarBase.data, job.id]) ?? false
        }
    }

    /// The sidecars or the error note are on disk.
    package func finish(_ id: Int64, state: Job.State, error: (code: String, message: String)?, now: Int64) async throws
    {
        let code = error?.code
        let message = error?.message
        try await database.write { db in
            try db.execute(
                sql: "UPDATE job SET state = ?, error_code = ?, error_message = ?, finished_at = ? WHERE id = ?",
                arguments: [state.rawValue, code, message, now, id])
            guard state != .failed else { return }
            // Earlier failures of the same recording are over.
            try db.execute(
                sql: """
                    DELETE FROM job WHERE state = 'failed' AND id < ?1
                      AND (inbox, path) = (SELECT inbox, path FROM job WHERE id = ?1)
                    """, arguments: [id])
        }
    }

    /// What became of the source.
    /// - Parameter place: where it lies now, if it was moved.
    package func markSource(_ id: Int64, _ disposal: Job.SourceDisposal, place: RawName? = nil) async throws {
        try await database.write { db in
            try db.execute(
                sql: "UPDATE job SET source = ?, source_place = ? WHERE id = ?",
                arguments: [disposal.rawValue, place?.data, id])
        }
    }

    /// Finished jobs whose source still lies in the inbox though it should not: a crash came between.
    package func withPendingSource() async throws -> [Job] {
        try await database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM job WHERE source = 'pending' AND state IN ('delivered', 'partial', 'failed')
                    ORDER BY id
                    """
            ).map(Job.init)
        }
    }

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

    /// How many jobs are in each state.
    package func counts() async throws -> [Job.State: Int] {
        try await database.read { db in
            var out: [Job.State: Int] = [:]
            for row in try Row.fetchAll(db, sql: "SELECT state, count(*) AS n FROM job GROUP BY state") {
                let name: String = row["state"]
                if let state = Job.State(rawValue: name) { out[state] = row["n"] }
            }
            return out
        }
    }

    private static func encode(_ digests: [Digest]) -> String {
        "[" + digests.map { "\"\($0)\"" }.joined(separator: ",") + "]"
    }

    private static func decode(_ text: String) -> [Digest] {
        (try? JSONDecoder().decode([Digest].self, from: Data(text.utf8))) ?? []
    }

    fileprivate static func digests(_ text: String) -> [Digest] { decode(text) }
}

extension DatabaseError {
    fileprivate var isCorruption: Bool {
        resultCode == .SQLITE_CORRUPT || resultCode == .SQLITE_NOTADB
    }
}

extension RawName {
    /// As a BLOB: names are bytes, not text.
    fileprivate var data: Data { Data(bytes) }
}

extension Job {
    fileprivate init(_ row: Row) {
        let inbox: Data = row["inbox"]
        let path: Data = row["path"]
        let base: Data = row["sidecar_base"]
        let device: Int64 = row["device"]
        let inode: Int64 = row["inode"]
        let state: String = row["state"]
        let source: String = row["source"]
        self.init(
            id: row["id"], inbox: RawName(bytes: inbox), path: RawName(bytes: path),
            identity: FileIdentity(
                device: UInt64(bitPattern: device), inode: UInt64(bitPattern: inode), byteCount: row["bytes"],
                modified: row["modified"]),
            sidecarBase: RawName(bytes: base), state: State(rawValue: state) ?? .failed, attempts: row["attempts"],
            errorCode: row["error_code"], errorMessage: row["error_message"],
            sidecarDigests: JobJournal.digests(row["sidecar_digests"]),
            source: SourceDisposal(rawValue: source) ?? .pending,
            sourcePlace: (row["source_place"] as Data?).map { RawName(bytes: $0) },
            foundAt: row["found_at"], finishedAt: row["finished_at"])
    }
}
