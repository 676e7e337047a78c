import FoundationEssentials
import GRDB
import Glibc
package import SystemPackage
import SystemSupport
package import Transcription

/// The open `cache.sqlite`: every statement of the cache. Blocks, and throws GRDB's errors; `DiskCache` decides what
/// they mean.
///
/// One connection: a look-up takes some tens of microseconds, so readers of their own would only cost memory. WAL lets
/// another process read and write meanwhile.
package struct CacheFile: Sendable {
    /// What a row holds.
    package enum Kind: String {
        case chunk
        case recording
        case cuts
    }

    /// A row that was found.
    package struct Row {
        var value: [UInt8]
        var created: Int64
    }

    /// The tables were made by a later version of the program.
    struct NewerSchema: Error {}

    private let queue: DatabaseQueue
    private let path: FilePath
    /// Of the file that was opened; nil when it could not be asked for.
    private let identity: FileIdentity?

    /// How long a statement waits for another process to finish writing. Long, since what is not stored is paid for again.
    private static let busySeconds = 10.0
    /// How often at most "last used" of a row is written: hits stay reads.
    private static let touchSeconds: Int64 = 60
    /// Rows removed in one transaction, so that another process never waits long.
    private static let batch = 256

    /// Opens or makes the file and brings its tables up to date.
    /// - Parameter maximumPages: SQLite refuses to grow the file beyond, as on a full disk; nil: no limit.
    /// - Throws: `DatabaseError`, `NewerSchema`.
    package init(at path: FilePath, maximumPages: Int?) throws {
        self.path = path
        Self.makePrivate(path)
        do {
            queue = try Self.opened(path, maximumPages: maximumPages)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_READONLY {
            // What is stored may still be read.
            queue = try Self.openedForReading(path)
        }
        // Fails now, not at the first hit, when the file is some other program's.
        try queue.read { db in _ = try Int.fetchOne(db, sql: "SELECT byteCount FROM entry LIMIT 1") }
        identity = try? FileStatus(at: path).identity
    }

    private static func opened(_ path: FilePath, maximumPages: Int?) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "transcript cache"
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(busySeconds)
        configuration.prepareDatabase { db in
            // Takes effect on a new file only; free pages can be given back without rewriting the file.
            try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
            // KiB; a row is read once, so a large page cache would hold what is not asked for again.
            try db.execute(sql: "PRAGMA cache_size = -512")
            try db.execute(sql: "PRAGMA journal_size_limit = 4194304")
            if let maximumPages { try db.execute(sql: "PRAGMA max_page_count = \(maximumPages)") }
        }
        let queue = try DatabaseQueue(path: path.string, configuration: configuration)
        let migrator = Self.migrator
        let isCurrent = try queue.read { db in
            if try migrator.hasBeenSuperseded(db) { throw NewerSchema() }
            return try migrator.hasCompletedMigrations(db)
        }
        guard !isCurrent else { return queue }
        do {
            try migrator.migrate(queue)
        } catch {
            // Another process that opened the same new file may have been quicker.
            guard try queue.read(migrator.hasCompletedMigrations) else { throw error }
        }
        return queue
    }

    private static func openedForReading(_ path: FilePath) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "transcript cache"
        configuration.readonly = true
        configuration.busyMode = .timeout(busySeconds)
        return try DatabaseQueue(path: path.string, configuration: configuration)
    }

    /// False when the file was removed or replaced by another since it was opened; writing would go nowhere.
    var isInPlace: Bool {
        guard let identity, let now = try? FileStatus(at: path).identity else { return false }
        return now.device == identity.device && now.inode == identity.inode
    }

    /// Blocks. The file is of no use afterwards.
    package func close() { try? queue.close() }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: entries") { db in
            try db.execute(
                sql: """
                    CREATE TABLE entry (
                        id INTEGER PRIMARY KEY,
                        key BLOB NOT NULL UNIQUE,
                        kind TEXT NOT NULL,
                        byteCount INTEGER NOT NULL,
                        created INTEGER NOT NULL,
                        lastUsed INTEGER NOT NULL,
                        value BLOB NOT NULL
                    );
                    CREATE INDEX entryByUse ON entry (lastUsed, id, byteCount);
                    CREATE INDEX entryByAge ON entry (created);
                    """)
        }
        return migrator
    }

    /// Transcripts are nobody else's business: a new file is made readable by its owner only. SQLite gives `-wal` and
    /// `-shm` the same rights.
    private static func makePrivate(_ path: FilePath) {
        let file = path.withPlatformString { open($0, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
        if file >= 0 { Glibc.close(file) }
        FileOwner.takeFromFolder(path)
    }

    // MARK: Entries

    /// The row of `key`. Marks it as used when the last mark is older than a minute; a failing mark is no failure.
    func row(for key: CacheKey, kind: Kind, now: Int64) throws -> Row? {
        try queue.writeWithoutTransaction { db in
            let statement = try db.cachedStatement(
                sql: "SELECT id, value, created, lastUsed FROM entry WHERE key = ? AND kind = ?")
            guard
                let row = try GRDB.Row.fetchOne(
                    statement, arguments: [Data(key.digest.bytes), kind.rawValue])
            else { return nil }
            let (id, value, created): (Int64, Data, Int64) = (row["id"], row["value"], row["created"])
            let lastUsed: Int64 = row["lastUsed"]
            if now - lastUsed >= Self.touchSeconds {
                try? db.execute(sql: "UPDATE entry SET lastUsed = ? WHERE id = ?", arguments: [now, id])
            }
            return Row(value: [UInt8](value), created: created)
        }
    }

    /// Replaces what is there under the key. Blocks.
    /// - Throws: `DatabaseError`.
    package func store(_ value: [UInt8], for key: CacheKey, kind: Kind, now: Int64) throws {
        try queue.write { db in
            let statement = try db.cachedStatement(
                sql: """
                    INSERT OR REPLACE INTO entry (key, kind, byteCount, created, lastUsed, value)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """)
            try statement.execute(
                arguments: [Data(key.digest.bytes), kind.rawValue, value.count, now, now, Data(value)])
        }
    }

    func remove(_ key: CacheKey) throws {
        try queue.write { db in
            try db.execute(sql: "DELETE FROM entry WHERE key = ?", arguments: [Data(key.digest.bytes)])
        }
    }

    // MARK: Bounds

    /// Bytes of the pages in use: what the size bound counts, known without reading the table.
    func usedBytes() throws -> Int64 { try queue.read(Self.usedBytes) }

    private static func usedBytes(_ db: Database) throws -> Int64 {
        let pages = try Int64.fetchOne(db, sql: "PRAGMA page_count") ?? 0
        let free = try Int64.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
        let size = try Int64.fetchOne(db, sql: "PRAGMA page_size") ?? 0
        return (pages - free) * size
    }

    /// Removes entries stored before `limit` or after `future`, at most one batch unless `all`.
    /// - Returns: how many.
    func removeExpired(before limit: Int64, after future: Int64, all: Bool) throws -> Int {
        var removed = 0
        while true {
            let count = try queue.write { db in
                try db.execute(
                    sql: """
                        DELETE FROM entry WHERE id IN
                        (SELECT id FROM entry WHERE created <= ? OR created > ? LIMIT ?)
                        """, arguments: [limit, future, Self.batch])
                return db.changesCount
            }
            removed += count
            if count < Self.batch || !all { return removed }
        }
    }

    /// Removes least recently used entries until no more than `bound` bytes are in use.
    /// - Returns: how many.
    func evict(downTo bound: Int64) throws -> Int {
        var removed = 0
        while true {
            let count = try queue.write { db in
                let excess = try Self.usedBytes(db) - bound
                guard excess > 0 else { return 0 }
                var victims: [Int64] = []
                var bytes: Int64 = 0
                let rows = try GRDB.Row.fetchCursor(
                    db, sql: "SELECT id, byteCount FROM entry ORDER BY lastUsed, id LIMIT ?", arguments: [Self.batch])
                while bytes < excess, let row = try rows.next() {
                    victims.append(row["id"])
                    bytes += row["byteCount"]
                }
                for id in victims { try db.execute(sql: "DELETE FROM entry WHERE id = ?", arguments: [id]) }
                return victims.count
            }
            if count == 0 { return removed }
            removed += count
        }
    }

    /// Removes every entry.
    func removeAll() throws -> Int {
        try queue.write { db in
            try db.execute(sql: "DELETE FROM entry")
            return db.changesCount
        }
    }

    /// Gives free pages and the write-ahead log back to the file system.
    func shrink() throws {
        try queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA incremental_vacuum")
            _ = try? db.checkpoint(.truncate)
        }
    }

    // MARK: Figures

    func figures() throws -> (entries: Int, bytes: Int64, oldest: Int64?) {
        try queue.read { db in
            let entries = try Int.fetchOne(db, sql: "SELECT count(*) FROM entry") ?? 0
            let oldest = try Int64.fetchOne(db, sql: "SELECT min(created) FROM entry")
            return (entries, try Self.usedBytes(db), oldest)
        }
    }

    /// Bytes of the database with its companions, as they lie on disk.
    static func fileBytes(at path: FilePath) -> Int64 {
        companions(of: path).reduce(0) { sum, path in sum + ((try? FileStatus(at: path).identity.byteCount) ?? 0) }
    }

    /// The file itself, its write-ahead log and the log's index.
    static func companions(of path: FilePath) -> [FilePath] {
        ["", "-wal", "-shm"].map { FilePath(path.string + $0) }
    }
}
