import FoundationEssentials
import GRDB
import SystemSupport

extension Job {
    init(_ row: Row) {
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
            sidecarDigests: JobJournal.decode(row["sidecar_digests"]),
            outcome: (row["outcome"] as String?).flatMap(State.init(rawValue:)),
            source: SourceDisposal(rawValue: source) ?? .pending,
            sourcePlace: (row["source_place"] as Data?).map { RawName(bytes: $0) }, sourceFault: row["source_fault"],
            notBefore: row["not_before"], foundAt: row["found_at"], begunAt: row["begun_at"],
            finishedAt: row["finished_at"], lostSampleCount: row["lost_samples"], coverage: row["coverage"],
            options: (row["engine"] as String?).map { engine in
                Options(
                    engine: engine, language: row["language"],
                    formats: (row["formats"] as String? ?? "").split(separator: ",").map(String.init))
            }, chunks: Chunks(expected: row["chunks"], done: row["chunks_done"], failed: row["chunks_failed"]))
    }
}
