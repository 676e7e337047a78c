import GRDB
import Logging
import SystemPackage
import SystemSupport

/// Reads what can be read of a damaged journal: kept recordings would be transcribed again without it, and delivered
/// sidecars not be known as ours.
struct JournalSalvage: Sendable {
    let journal: FilePath
    let aside: FilePath
    let reason: String
    /// How many were saved.
    let jobs: Int

    /// - Parameter error: that of the call that met the damage, if it is not the one of opening the file.
    func log(_ error: (any Error)?, _ logger: Logger) {
        logger.error(
            "job journal is damaged; it was set aside and begun anew",
            metadata: [
                "journal": "\(journal.printable)", "aside": "\(aside.printable)",
                "error": "\(error.map { "\($0)" } ?? reason)", "jobs_saved": "\(jobs)",
            ])
    }

    /// Copies jobs that are not there yet, from both ends of the table up to the damage, and their chunks. Blocks.
    /// - Returns: how many jobs.
    static func copyJobs(from damaged: FilePath, to journal: DatabaseQueue) -> Int {
        var configuration = Configuration()
        configuration.readonly = true
        guard let source = try? DatabaseQueue(path: damaged.string, configuration: configuration) else { return 0 }
        defer { try? source.close() }
        let orders = ["ASC", "DESC"]
        let jobs = orders.reduce(0) { $0 + copy("job", by: "id \($1)", from: source, to: journal) }
        // Those of jobs that were lost are refused by their foreign key; a journal of an older version has none.
        for order in orders { _ = copy("hook_call", by: "id \(order)", from: source, to: journal) }
        for order in orders { _ = copy("chunk", by: "job \(order), number \(order)", from: source, to: journal) }
        return jobs
    }

    private static func copy(
        _ table: String, by order: String, from source: DatabaseQueue, to journal: DatabaseQueue
    ) -> Int {
        var copied = 0
        _ = try? source.read { old in
            // By the table itself: an index may be what is damaged.
            let rows = try Row.fetchCursor(old, sql: "SELECT * FROM \(table) NOT INDEXED ORDER BY \(order)")
            try journal.write { new in
                while let row = try? rows.next() {
                    let columns = row.columnNames.joined(separator: ", ")
                    let marks = row.columnNames.map { _ in "?" }.joined(separator: ", ")
                    // A row that does not fit the table is part of the damage.
                    try? new.execute(
                        sql: "INSERT OR IGNORE INTO \(table) (\(columns)) VALUES (\(marks))",
                        arguments: StatementArguments(row.databaseValues))
                    copied += new.changesCount
                }
            }
        }
        return copied
    }
}
