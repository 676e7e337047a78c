import GRDB
import Glibc
import Logging
import Synchronization
import SystemPackage
import SystemSupport

/// The open `jobs.sqlite`. With patience, a fault of the surroundings (disk full, read-only, input/output errors, locked
/// by another process) makes calls wait instead of failing: it is said once, with its cause, and once when it is over.
final class JournalFile: Sendable {
    private struct State {
        var queue: DatabaseQueue
        /// Is called before each pause.
        var waiting: @Sendable () -> Void = {}
        /// For tests of a full disk.
        var maximumPages: Int?
    }

    private let path: FilePath
    private let logger: Logger
    private let patience: JobJournal.Patience?
    private let report: JournalFaultReport
    private let state: Mutex<State>

    init(
        _ queue: DatabaseQueue, at path: FilePath, patience: JobJournal.Patience?, report: JournalFaultReport,
        logger: Logger
    ) {
        self.path = path
        self.report = report
        self.patience = patience
        self.logger = logger
        state = Mutex(State(queue: queue))
    }

    /// One transaction. It may be run again when it failed, so `body` changes nothing but the database.
    func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        try await patiently { try await $0.write(body) }
    }

    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        try await patiently { try await $0.read(body) }
    }

    /// Does not wait for the file, and is done also for a task that is cancelled.
    func writeNow<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        let queue = queue
        return try await BlockingPool.files.run { try queue.write(body) }
    }

    /// For figures that may as well be left out: throws at once.
    func readNow<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        try await queue.read(body)
    }

    /// As on a full disk: the file does not grow beyond these pages; for tests.
    func limitPages(to count: Int) async throws {
        state.withLock { $0.maximumPages = count }
        try await readNow { try Self.limitPages(to: count, $0) }
    }

    private static func limitPages(to count: Int, _ db: Database) throws {
        _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(count)")
    }

    /// See `JobJournal.whileWaiting`.
    func whileWaiting(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.waiting = body } }

    private func pause(_ patience: JobJournal.Patience, after failures: Int) async throws {
        state.withLock { $0.waiting }()
        try await patience.sleep(JobJournal.Patience.backoff.pause(after: failures))
    }

    private var queue: DatabaseQueue { state.withLock { $0.queue } }

    private func patiently<Value: Sendable>(_ body: (DatabaseQueue) async throws -> Value) async throws -> Value {
        var failures = 0
        while true {
            do {
                let value = try await body(queue)
                report.noteRecovery()
                return value
            } catch let error as DatabaseError where error.mayPass {
                guard let patience else { throw error }
                failures += 1
                report.record(error)
                try await pause(patience, after: failures)
                // Gives the write-ahead log back: on a small disk it may be what fills it.
                if error.resultCode == .SQLITE_FULL {
                    try? await queue.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
                }
                // A file system that was mounted again leaves descriptors behind that fail for ever.
                if failures > 1 { await reopen() }
            } catch let error as DatabaseError where error.isDamage {
                guard let patience else { throw error }
                failures += 1
                if failures > 1 { try await pause(patience, after: failures) }
                try await replaceIfDamaged(after: error)
            }
        }
    }

    /// Takes another connection, if the file in place is the journal: never makes one.
    private func reopen() async {
        let (path, maximumPages) = (path, state.withLock { $0.maximumPages })
        let fresh = await BlockingPool.files.run { () -> DatabaseQueue? in
            guard (try? FileStatus(at: path))?.kind == .regular, let queue = try? JobJournal.connect(to: path)
            else { return nil }
            let isOurs = try? queue.read { try JobJournal.migrator.hasCompletedMigrations($0) }
            if let maximumPages { try? queue.read { try Self.limitPages(to: maximumPages, $0) } }
            return isOurs == true ? queue : nil
        }
        if let fresh { use(fresh) }
    }

    /// Looks at the file anew; if it is damaged indeed, goes on with what can be read of it.
    private func replaceIfDamaged(after error: DatabaseError) async throws {
        let path = path
        let (fresh, saved) = try await BlockingPool.files.run { try JobJournal.preparedOrSalvaged(path) }
        if let saved { saved.log(error, logger) }
        use(fresh)
    }

    private func use(_ fresh: DatabaseQueue) {
        let old = state.withLock { state in
            defer { state.queue = fresh }
            return state.queue
        }
        try? old.close()
    }
}

extension JobJournal {
    /// - Parameter body: is called while calls wait for the file, before each pause of half a minute at most.
    package func whileWaiting(_ body: @escaping @Sendable () -> Void) { database.whileWaiting(body) }

    /// How long calls wait for a journal that cannot be used, until their task is cancelled.
    package struct Patience: Sendable {
        let sleep: @Sendable (Duration) async throws -> Void

        /// - Parameter sleep: replaced in tests.
        package init(sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }) {
            self.sleep = sleep
        }

        static let backoff = Backoff(first: .milliseconds(500), maximum: .seconds(30))
    }
}

extension DatabaseError {
    /// The database is fine, its surroundings are not.
    var mayPass: Bool {
        switch resultCode {
        case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_READONLY, .SQLITE_CANTOPEN,
            .SQLITE_PERM, .SQLITE_NOMEM, .SQLITE_PROTOCOL:
            true
        default: false
        }
    }

    /// Pages of the file are not what they should be.
    fileprivate var isDamage: Bool { resultCode == .SQLITE_CORRUPT || resultCode == .SQLITE_NOTADB }

    /// The content of the file is not what it should be.
    var isCorruption: Bool {
        // SQLITE_ERROR: the tables are not the ones that the file says it has.
        [.SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR, .SQLITE_SCHEMA].contains(resultCode)
    }
}
