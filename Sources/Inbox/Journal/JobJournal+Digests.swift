import FoundationEssentials
import GRDB
package import SystemSupport
import Transcription

// What a recording's contents are, so that a restart does not read it from its beginning again.
extension JobJournal {
    /// The digest of the recording's contents, if they are those of then.
    /// - Parameter changed: the file's `FileStatus.changed`; the rest of its identity is the job's.
    package func digest(of id: Int64, changed: Int64) async throws -> Digest? {
        try await database.read { db in
            let bytes = try Data.fetchOne(
                db, sql: "SELECT sha256 FROM job WHERE id = ? AND changed = ? AND length(sha256) = 32",
                arguments: [id, changed])
            return bytes.map { Digest(bytes: Array($0)) }
        }
    }

    /// Remembers the digest of the contents that a job's recording has now.
    /// - Parameter changed: as for `digest`.
    package func note(digest: Digest, of id: Int64, changed: Int64) async throws {
        try await database.write { db in
            try db.execute(
                sql: "UPDATE job SET sha256 = ?, changed = ? WHERE id = ?",
                arguments: [Data(digest.bytes), changed, id])
        }
    }
}

extension DigestMemory {
    /// Kept in the journal. What it does not tell, or does not take, is found out again.
    init(_ journal: JobJournal, _ job: Job) {
        self.init { changed in
            try? await journal.digest(of: job.id, changed: changed)
        } remember: { digest, changed in
            try? await journal.note(digest: digest, of: job.id, changed: changed)
        }
    }
}
