import FoundationEssentials
import GRDB
package import SystemSupport

// What becomes of a job, and what is known of its sidecars.
extension JobJournal {
    /// Before sidecars are renamed into place: remembers their digests, so that after a crash they are known as ours.
    /// - Parameters:
    ///   - outcome: what the job is once they are in place.
    ///   - lostSamples: `Transcript.lostSampleCount`.
    ///   - coverage: `Transcript.coverage`.
    ///   - facts: what hooks are told of it when it is finished; nil: nothing.
    package func recordDelivery(
        _ id: Int64, digests: [Digest], outcome: Job.State, lostSamples: Int64 = 0, coverage: Double = 1,
        facts: HookFacts? = nil
    ) async throws {
        let text = Self.encode(digests)
        let told = try facts.map(Self.encode)
        try await database.write { db in
            try db.execute(
                sql: """
                    UPDATE job SET sidecar_digests = ?, outcome = ?, lost_samples = ?, coverage = ?, hook_facts = ?
                    WHERE id = ?
                    """, arguments: [text, outcome.rawValue, lostSamples, coverage, told, id])
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

    /// The base name that the last job of a recording had; nil: none is on record.
    package func lastBase(of path: RawName, in inbox: RawName) async throws -> RawName? {
        try await database.read { db in
            try Data.fetchOne(
                db, sql: "SELECT sidecar_base FROM job WHERE inbox = ? AND path = ? ORDER BY id DESC LIMIT 1",
                arguments: [inbox.data, path.data]
            ).map { RawName(bytes: $0) }
        }
    }

    /// Whether this very file waits or is in work under another name, too.
    package func hasAnotherName(_ job: Job) async throws -> Bool {
        try await database.read { db in
            try Bool.fetchOne(
                db,
                sql: """
                    SELECT EXISTS(SELECT 1 FROM job WHERE inbox = ? AND inode = ? AND bytes = ? AND modified = ?
                      AND path != ? AND state IN ('queued', 'processing'))
                    """,
                arguments: [
                    job.inbox.data, Int64(bitPattern: job.identity.inode), job.identity.byteCount,
                    job.identity.modified, job.path.data,
                ]) ?? false
        }
    }

    /// The sidecars or the error note are on disk.
    /// - Parameter hooks: who is to be told of it.
    package func finish(
        _ id: Int64, state: Job.State, error: (code: String, message: String)?, hooks: HookOrder? = nil, now: Int64
    ) async throws {
        let code = error?.code
        let message = error?.message
        try await database.write { db in
            try db.execute(
                sql: "UPDATE job SET state = ?, error_code = ?, error_message = ?, finished_at = ? WHERE id = ?",
                arguments: [state.rawValue, code, message, now, id])
            try Self.tidyChunks(of: id, as: state, db)
            try hooks?.write(id, db)
            guard state != .failed else { return }
            // Earlier failures of the same recording are over.
            try db.execute(
                sql: """
                    DELETE FROM job WHERE +state = 'failed' AND id < ?1
                      AND inbox = (SELECT inbox FROM job WHERE id = ?1) AND path = (SELECT path FROM job WHERE id = ?1)
                    """, arguments: [id])
        }
    }

    private static func encode(_ digests: [Digest]) -> String {
        "[" + digests.map { "\"\($0)\"" }.joined(separator: ",") + "]"
    }

    static func decode(_ text: String) -> [Digest] {
        BoundedJSON.decode(from: text.utf8) ?? []
    }
}
