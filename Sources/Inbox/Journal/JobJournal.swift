import FoundationEssentials
import GRDB
import Glibc
package import Logging
package import SystemPackage
package import SystemSupport
package import Transcription

/// The jobs of a state directory, in SQLite: what must be remembered over a crash. All calls run on GRDB's own queue.
package struct JobJournal: Sendable {
    let database: JournalFile

    /// The file was written by a later version of the program.
    package struct NewerVersion: Error, CustomStringConvertible {
        let path: FilePath
        package var description: String {
            "\(path.printable) was written by a newer version of parlograph. Install that version again, or move the file "
                + "away: what lies in the inboxes is found again then."
        }
    }

    /// The file is damaged, and not ours to mend.
    package struct Damaged: Error, CustomStringConvertible {
        let path: FilePath
        let reason: String
        package var description: String {
            "\(path.printable) is damaged (\(reason)). The service sets it aside when it starts, and goes on with what "
                + "can be read of it."
        }
    }

    /// The file cannot be used for now, for a reason that lies outside of it.
    package struct Unusable: Error, CustomStringConvertible {
        let path: FilePath
        let reason: String
        package var description: String {
            "\(path.printable) cannot be used: \(reason). Check its disk, the space there, and the rights of the file and "
                + "its folder."
        }
    }

    /// Opens `jobs.sqlite` in `directory`.
    /// - Parameters:
    ///   - patience: for a service, which waits where a command fails: for the file to be usable, now and later.
    ///   - mends: for the service, to which the file belongs: a damaged one is set aside, with a warning, and begun anew
    ///     with what can still be read of it; what lies in the inboxes is found again.
    ///   - waiting: is called before each pause, half a minute at most, until the file can be used.
    /// - Throws: `NewerVersion`, `Damaged`; `Unusable` without patience; `CancellationError` while it waits.
    package static func open(
        in directory: FilePath, patience: Patience? = nil, mends: Bool = true, logger: Logger,
        waiting: @Sendable () async -> Void = {}
    ) async throws -> JobJournal {
        let path = directory.appending("jobs.sqlite")
        let report = JournalFaultReport(path: path, logger: logger)
        while true {
            do {
                let (queue, salvage) = try await BlockingPool.files.run { try opened(path, mends: mends) }
                if let salvage { salvage.log(nil, logger) }
                report.noteRecovery()
                let file = JournalFile(queue, at: path, patience: patience, report: report, logger: logger)
                return JobJournal(database: file)
            } catch {
                guard let reason = PassingFault(error)?.reason else { throw error }
                guard let patience else { throw Unusable(path: path, reason: reason) }
                let failures = report.record(error)
                await waiting()
                try await patience.sleep(Patience.backoff.pause(after: failures))
            }
        }
    }

    private static func opened(_ path: FilePath, mends: Bool) throws -> (DatabaseQueue, JournalSalvage?) {
        guard !mends else { return try preparedOrSalvaged(path) }
        do {
            return (try prepared(path), nil)
        } catch let error as DatabaseError where error.isCorruption {
            throw Damaged(path: path, reason: "\(error)")
        }
    }

    private init(database: JournalFile) { self.database = database }

    /// As on a full disk: the file does not grow beyond these pages; for tests.
    package func limitPages(to count: Int) async throws { try await database.limitPages(to: count) }

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
                    SELECT id FROM job WHERE inbox = ? AND path = ? AND inode = ? AND bytes = ? AND modified = ?
                      AND source IN ('pending', 'leaving', 'kept')
                    """,
                arguments: [
                    inbox.data, path.data, Int64(bitPattern: identity.inode), identity.byteCount, identity.modified,
                ])
            guard known == nil else { return nil }
            let base = try base { candidate in
                for one in Set(others + [inbox]) {
                    let isTaken = try Bool.fetchOne(
                        db,
                        sql: """
                            SELECT EXISTS(SELECT 1 FROM job WHERE inbox = ? AND base_key = ?
                              AND NOT (inbox = ? AND path = ?))
                            """,
                        arguments: [one.data, candidate.caseFolded.data, inbox.data, path.data])
                    if isTaken ?? false { return true }
                }
                return false
            }
            var job = Job(
                id: 0, inbox: inbox, path: path, identity: identity, sidecarBase: base, state: .queued, attempts: 0,
                errorCode: nil, errorMessage: nil, sidecarDigests: [], outcome: nil, source: .pending, sourcePlace: nil,
                foundAt: now, finishedAt: nil)
            try db.execute(
                sql: """
                    INSERT INTO job (inbox, path, device, inode, bytes, modified, sidecar_base, base_key, state, found_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?)
                    """,
                arguments: [
                    inbox.data, path.data, Int64(bitPattern: identity.device), Int64(bitPattern: identity.inode),
                    identity.byteCount, identity.modified, base.data, base.caseFolded.data, now,
                ])
            job.id = db.lastInsertedRowID
            return job
        }
    }

    /// The next queued job that may begin, marked as being processed: the oldest of those that never waited, then the one
    /// that has waited longest.
    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - inboxes: jobs of others stay where they are; nil: of all.
    package func takeNext(now: Int64 = .max, of inboxes: [RawName]? = nil) async throws -> Job? {
        try await database.write { db in
            var next: (due: Int64, id: Int64)?
            for inbox in try inboxes?.map(\.data) ?? Self.inboxes(db) {
                // One index look-up each, however many are queued.
                let row = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT not_before, id FROM job WHERE state = 'queued' AND inbox = ?
                        ORDER BY not_before, id LIMIT 1
                        """, arguments: [inbox])
                // A pause that is longer than any comes of a clock that was set back.
                guard let row else { continue }
                let found: (due: Int64, id: Int64) = (row["not_before"], row["id"])
                guard found.due <= now || found.due - now > Self.maximumPause else { continue }
                if next.map({ (found.due, found.id) < ($0.due, $0.id) }) ?? true { next = found }
            }
            guard let next, let row = try Row.fetchOne(db, sql: "SELECT * FROM job WHERE id = ?", arguments: [next.id])
            else { return nil }
            var job = Job(row)
            job.state = .processing
            job.attempts += 1
            (job.errorCode, job.errorMessage) = (nil, nil)
            try db.execute(
                sql: """
                    UPDATE job SET state = 'processing', attempts = ?, error_code = NULL, error_message = NULL WHERE id = ?
                    """,
                arguments: [job.attempts, job.id])
            return job
        }
    }

    /// No job is postponed for longer, in seconds.
    static let maximumPause: Int64 = 600

    private static func inboxes(_ db: Database) throws -> [Data] {
        try Data.fetchAll(db, sql: "SELECT inbox FROM tally WHERE state = 'queued' AND jobs > 0")
    }

    private static let release = "UPDATE job SET not_before = 0, error_code = NULL, error_message = NULL"

    /// After a stop or a crash: what was being processed is queued again.
    /// - Returns: how many.
    package func requeueInterrupted() async throws -> Int {
        try await database.write { db in
            try db.execute(sql: "UPDATE job SET state = 'queued' WHERE state = 'processing'")
            let interrupted = db.changesCount
            try db.execute(sql: "UPDATE job SET source = 'pending' WHERE source = 'leaving'")
            // What was waiting for an engine or an outbox may find it again after a restart.
            try db.execute(sql: "\(Self.release) WHERE state = 'queued' AND not_before > 0")
            return interrupted
        }
    }

    /// Back into the queue, to be begun again later: the outbox or the engine is away.
    /// - Parameters:
    ///   - until: seconds since 1970.
    ///   - cause: why, for who lists the jobs.
    package func postpone(_ id: Int64, until: Int64, cause: TranscriptionError? = nil) async throws {
        let (code, message) = (cause?.code.rawValue, cause?.message)
        try await database.write { db in
            try db.execute(
                sql: """
                    UPDATE job SET state = 'queued', not_before = ?, error_code = ?, error_message = ?
                    WHERE id = ? AND state = 'processing'
                    """, arguments: [until, code, message, id])
        }
    }

    /// When the first of the queued jobs may begin; nil when none is queued.
    /// - Parameter inboxes: nil: of all.
    package func nextDue(of inboxes: [RawName]? = nil) async throws -> Int64? {
        try await database.read { db in
            try (inboxes?.map(\.data) ?? Self.inboxes(db)).compactMap { inbox in
                try Int64.fetchOne(
                    db, sql: "SELECT min(not_before) FROM job WHERE state = 'queued' AND inbox = ?",
                    arguments: [inbox])
            }.min()
        }
    }

    /// What these inboxes' jobs waited for is back: they may begin at once.
    package func endWaiting(of inboxes: [RawName]) async throws {
        try await database.write { db in
            for inbox in inboxes {
                try db.execute(
                    sql: "\(Self.release) WHERE state = 'queued' AND inbox = ? AND not_before > 0",
                    arguments: [inbox.data])
            }
        }
    }

    /// Back into the queue, for instance because the service stops.
    package func requeue(_ id: Int64) async throws {
        try await database.write { db in
            try db.execute(
                sql: "UPDATE job SET state = 'queued' WHERE id = ? AND state = 'processing'", arguments: [id])
        }
    }

    /// A failed or partial job whose recording still lies in its inbox is queued again, as if it had not been worked on;
    /// the digests stay, so that its sidecars are known as ours.
    /// - Parameter isAlone: no service takes recordings out; asked while none can begin to. One that it began to take out
    ///   and did not is tried again, then.
    /// - Returns: false when it is no such job, or its recording is being taken out of the inbox, or was.
    package func retry(_ id: Int64, isAlone: @escaping @Sendable () -> Bool = { false }) async throws -> Bool {
        try await database.write { db in
            let leaving = isAlone() ? ", 'leaving'" : ""
            try db.execute(
                sql: """
                    UPDATE job SET state = 'queued', source = 'pending', error_code = NULL, error_message = NULL,
                      finished_at = NULL, outcome = NULL, attempts = 0, not_before = 0 WHERE id = ? AND state IN ('failed', 'partial')
                      AND source IN ('pending', 'kept'\(leaving))
                    """, arguments: [id])
            return db.changesCount > 0
        }
    }

    /// Forgets a job whose recording went away or changed before it was done; the file is found anew.
    package func forget(_ id: Int64) async throws {
        try await database.write { db in try db.execute(sql: "DELETE FROM job WHERE id = ?", arguments: [id]) }
    }

    /// Work on a job begins with these options.
    /// - Parameter isOnlyToBeDelivered: its chunks were done with before, and what is known of them stays.
    package func noteBegin(
        _ id: Int64, _ options: Job.Options, isOnlyToBeDelivered: Bool = false, now: Int64
    ) async throws {
        let formats = options.formats.joined(separator: ",")
        try await database.write { db in
            try db.execute(
                sql: "UPDATE job SET begun_at = ?, engine = ?, language = ?, formats = ? WHERE id = ?",
                arguments: [now, options.engine, options.language, formats, id])
            guard !isOnlyToBeDelivered else { return }
            try db.execute(
                sql: "UPDATE job SET chunks = NULL, chunks_done = 0, chunks_failed = 0 WHERE id = ?", arguments: [id])
            try db.execute(sql: "DELETE FROM chunk WHERE job = ?", arguments: [id])
        }
    }
}
