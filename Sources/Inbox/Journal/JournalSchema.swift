import FoundationEssentials
import GRDB
import Glibc
import SystemPackage
import SystemSupport

// How the file is opened and what is in it.
extension JobJournal {
    static func connect(to path: FilePath) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(10)
        configuration.label = "journal"
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA journal_size_limit = 4194304") }
        let queue = try DatabaseQueue(path: path.string, configuration: configuration)
        for suffix in ["", "-wal", "-shm"] { FileOwner.takeFromFolder(FilePath(path.string + suffix)) }
        return queue
    }

    /// Opened, looked over and with its tables up to date.
    static func prepared(_ path: FilePath) throws -> DatabaseQueue {
        let queue = try connect(to: path)
        try queue.read { db in
            guard try String.fetchOne(db, sql: "PRAGMA quick_check(1)") == "ok" else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "quick_check failed")
            }
            if try migrator.hasBeenSuperseded(db) { throw NewerVersion(path: path) }
        }
        do {
            try migrator.migrate(queue)
        } catch {
            // Another process that opened the same new file may have been quicker.
            guard try queue.read(migrator.hasCompletedMigrations) else { throw error }
        }
        try queue.read { db in
            _ = try Row.fetchOne(db, sql: "SELECT base_key, chunks, sha256 FROM job, tally, short LIMIT 1")
            _ = try Row.fetchOne(db, sql: "SELECT changed_at FROM chunk LIMIT 1")
            _ = try Row.fetchOne(db, sql: "SELECT failing_since FROM hook_call LIMIT 1")
        }
        return queue
    }

    /// A damaged file is set aside and begun anew with what can be read of it. Blocks.
    /// - Returns: what was saved; nil when the file was fine.
    static func preparedOrSalvaged(_ path: FilePath) throws -> (DatabaseQueue, JournalSalvage?) {
        do {
            // An empty one is new: whoever made it was killed before its first page was written. Not where that page was
            // written already, to the log beside it.
            if byteCount(path) == 0, byteCount(FilePath(path.string + "-wal")) ?? 0 > 0 {
                throw DatabaseError(resultCode: .SQLITE_NOTADB, message: "it was empty, its log was not")
            }
            return (try prepared(path), nil)
        } catch let error as DatabaseError where error.isCorruption {
            let aside = try setAside(path)
            let queue = try prepared(path)
            let saved = JournalSalvage.copyJobs(from: aside, to: queue)
            return (queue, JournalSalvage(journal: path, aside: aside, reason: "\(error)", jobs: saved))
        }
    }

    /// Nil where there is no such file.
    private static func byteCount(_ path: FilePath) -> Int64? {
        guard let status = try? FileStatus(at: path, followingLinks: false), status.kind == .regular else { return nil }
        return status.identity.byteCount
    }

    private static func setAside(_ path: FilePath) throws -> FilePath {
        var number = 1
        while true {
            let aside = FilePath(path.string + ".damaged-\(number)")
            if (try? FileStatus(at: aside, followingLinks: false)) == nil {
                guard rename(path.string, aside.string) == 0 else {
                    throw SystemError("rename", path.printable, errno: Errno(rawValue: errno))
                }
                for suffix in ["-wal", "-shm"] { rename(path.string + suffix, aside.string + suffix) }
                return aside
            }
            number += 1
        }
    }

    static var migrator: DatabaseMigrator {
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
        migrator.registerMigration("2 many jobs") { db in
            try db.execute(sql: manyJobs)
            let jobs = try Row.fetchAll(db, sql: "SELECT id, sidecar_base FROM job")
            for job in jobs {
                let base: Data = job["sidecar_base"]
                try db.execute(
                    sql: "UPDATE job SET base_key = ? WHERE id = ?",
                    arguments: [RawName(bytes: base).caseFolded.data, job["id"]])
            }
        }
        migrator.registerMigration("3 options, chunks, short recordings") { db in
            try db.execute(
                sql: """
                    ALTER TABLE job ADD COLUMN begun_at INTEGER;
                    ALTER TABLE job ADD COLUMN engine TEXT;
                    ALTER TABLE job ADD COLUMN language TEXT;
                    ALTER TABLE job ADD COLUMN formats TEXT;
                    ALTER TABLE job ADD COLUMN chunks INTEGER;
                    ALTER TABLE job ADD COLUMN chunks_done INTEGER NOT NULL DEFAULT 0;
                    ALTER TABLE job ADD COLUMN chunks_failed INTEGER NOT NULL DEFAULT 0;
                    CREATE TABLE short (
                      inbox BLOB NOT NULL, path BLOB NOT NULL,
                      inode INTEGER NOT NULL, bytes INTEGER NOT NULL, modified INTEGER NOT NULL,
                      PRIMARY KEY (inbox, path)
                    ) STRICT, WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("4 chunks") { db in
            try db.execute(
                sql: """
                    CREATE TABLE chunk (
                      job INTEGER NOT NULL REFERENCES job(id) ON DELETE CASCADE, number INTEGER NOT NULL,
                      state TEXT NOT NULL, attempts INTEGER NOT NULL, error_code TEXT,
                      start_sample INTEGER NOT NULL, end_sample INTEGER NOT NULL, hash BLOB NOT NULL,
                      engine TEXT, from_cache INTEGER NOT NULL, changed_at INTEGER NOT NULL,
                      PRIMARY KEY (job, number)
                    ) STRICT, WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("5 why a recording stays") { db in
            try db.execute(sql: "ALTER TABLE job ADD COLUMN source_fault TEXT")
        }
        migrator.registerMigration("6 digests of recordings") { db in
            try db.execute(
                sql: """
                    ALTER TABLE job ADD COLUMN sha256 BLOB;
                    ALTER TABLE job ADD COLUMN changed INTEGER;
                    """)
        }
        migrator.registerMigration("7 what a file has lost") { db in
            try db.execute(sql: "ALTER TABLE job ADD COLUMN lost_samples INTEGER NOT NULL DEFAULT 0")
        }
        migrator.registerMigration("8 how much has text") { db in
            try db.execute(sql: "ALTER TABLE job ADD COLUMN coverage REAL NOT NULL DEFAULT 1")
        }
        migrator.registerMigration("9 hooks") { db in
            try db.execute(
                sql: """
                    ALTER TABLE job ADD COLUMN hook_facts TEXT;
                    CREATE TABLE hook_call (
                      id INTEGER PRIMARY KEY AUTOINCREMENT,
                      job INTEGER NOT NULL, inbox BLOB NOT NULL, kind TEXT NOT NULL, event TEXT NOT NULL,
                      identifier TEXT NOT NULL, facts TEXT NOT NULL,
                      state TEXT NOT NULL DEFAULT 'waiting', attempts INTEGER NOT NULL DEFAULT 0,
                      not_before INTEGER NOT NULL DEFAULT 0, error TEXT, failing_since INTEGER
                    ) STRICT;
                    CREATE INDEX hook_call_due ON hook_call(state, inbox, kind, not_before, id);
                    CREATE INDEX hook_call_failing ON hook_call(failing_since) WHERE failing_since IS NOT NULL;
                    """)
        }
        return migrator
    }

    /// Every question that is asked for each job, each scan or each second is answered from an index; how many jobs are
    /// in each state is counted along.
    private static let manyJobs = """
        ALTER TABLE job ADD COLUMN outcome TEXT;
        ALTER TABLE job ADD COLUMN base_key BLOB NOT NULL DEFAULT x'';
        DROP INDEX job_by_state;
        CREATE INDEX job_by_state ON job(state, inbox, not_before, id);
        CREATE INDEX job_by_key ON job(inbox, base_key);
        CREATE INDEX job_by_end ON job(finished_at) WHERE finished_at IS NOT NULL;
        CREATE INDEX job_unsettled ON job(id) WHERE source = 'pending' AND finished_at IS NOT NULL;
        CREATE TABLE tally (
          inbox BLOB NOT NULL, state TEXT NOT NULL, jobs INTEGER NOT NULL, PRIMARY KEY (inbox, state)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO tally SELECT inbox, state, count(*) FROM job GROUP BY inbox, state;
        CREATE TRIGGER job_added AFTER INSERT ON job BEGIN
          INSERT INTO tally VALUES (NEW.inbox, NEW.state, 1) ON CONFLICT DO UPDATE SET jobs = jobs + 1;
        END;
        CREATE TRIGGER job_moved AFTER UPDATE OF state ON job WHEN OLD.state != NEW.state BEGIN
          UPDATE tally SET jobs = jobs - 1 WHERE inbox = OLD.inbox AND state = OLD.state;
          INSERT INTO tally VALUES (NEW.inbox, NEW.state, 1) ON CONFLICT DO UPDATE SET jobs = jobs + 1;
        END;
        CREATE TRIGGER job_removed AFTER DELETE ON job BEGIN
          UPDATE tally SET jobs = jobs - 1 WHERE inbox = OLD.inbox AND state = OLD.state;
        END;
        """
}

extension RawName {
    /// As a BLOB: names are bytes, not text.
    var data: Data { Data(bytes) }

    /// Equal for names that a share which does not tell upper from lower case shows as one.
    var caseFolded: RawName {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            return RawName(bytes: bytes.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 })
        }
        return RawName(bytes: text.lowercased().utf8)
    }
}
