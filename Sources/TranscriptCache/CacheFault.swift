import GRDB
import SystemPackage
import SystemSupport

/// What is wrong with the disk level, what it means for its use, and what a person can do.
struct CacheFault: Equatable {
    enum Consequence {
        /// Try the next operation as if nothing had happened.
        case passing
        /// Reading may still work.
        case readOnly
        /// Nothing works for now.
        case closed
        /// The file has to be replaced.
        case damaged
    }

    let consequence: Consequence
    /// What the system or SQLite says.
    let reason: String
    /// For a person: what, why, what to do.
    let sentence: String

    private init(_ consequence: Consequence, reason: String, sentence: String) {
        self.consequence = consequence
        self.reason = reason
        self.sentence = sentence
    }

    static func busy(_ path: FilePath) -> CacheFault {
        CacheFault(
            .passing, reason: "busy",
            sentence: "\(path.printable) is in use by another process. Try again later.")
    }

    /// Sorts an error of `CacheFile` or of making its folder.
    init(_ error: any Error, at path: FilePath) {
        let name = path.printable
        let without = "Results are kept in memory only until then."
        if error is CacheFile.NewerSchema {
            self.init(
                .closed, reason: "newer schema",
                sentence: "\(name) was written by a newer version of this program. Delete it or set another "
                    + "cache_directory. \(without)")
            return
        }
        guard let error = error as? DatabaseError else {
            self.init(
                .closed, reason: "\(error)",
                sentence: "\(name) cannot be used: \(error). Check cache_directory and its permissions. \(without)")
            return
        }
        let reason = "\(error.message ?? "no message") (SQLite error \(error.extendedResultCode.rawValue))"
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_INTERRUPT:
            self = .busy(path)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR, .SQLITE_SCHEMA, .SQLITE_MISMATCH, .SQLITE_CONSTRAINT:
            // SQLITE_ERROR and the others: the tables are not the ones that the file says it has.
            self.init(.damaged, reason: reason, sentence: "\(name) is damaged: \(reason). Delete it. \(without)")
        case .SQLITE_FULL:
            self.init(
                .readOnly, reason: reason,
                sentence: "There is no space left to write \(name). Free some space or lower disk_mb. \(without)")
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
            self.init(
                .readOnly, reason: reason,
                sentence: "\(name) is read-only: \(reason). Check its owner and permissions. \(without)")
        default:
            self.init(
                .closed, reason: reason,
                sentence: "\(name) cannot be used: \(reason). Check cache_directory, its permissions and its disk. "
                    + without)
        }
    }
}
