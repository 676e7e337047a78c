import FoundationEssentials
package import SystemPackage
import SystemSupport
package import Transcription

/// What `parlograph status` shows: written by the service to `status.json` in the state directory, whenever it changed.
package struct ServiceStatus: Sendable, Codable, Hashable {
    /// One recording on its way.
    package struct Running: Sendable, Codable, Hashable {
        /// Printable, relative to the inbox.
        package var name: String
        package var progress: ProgressSnapshot
        /// `Job.id`.
        package var job: Int64?

        package init(name: String, progress: ProgressSnapshot, job: Int64? = nil) {
            self.name = name
            self.progress = progress
            self.job = job
        }
    }

    /// Entries and bytes of the cache, and how often it answered.
    package struct CacheFigures: Sendable, Codable, Hashable {
        package var hits: Int
        package var misses: Int
        /// In use.
        package var memoryBytes: Int
        /// In use.
        package var diskBytes: Int

        package init(hits: Int, misses: Int, memoryBytes: Int, diskBytes: Int) {
            self.hits = hits
            self.misses = misses
            self.memoryBytes = memoryBytes
            self.diskBytes = diskBytes
        }
    }

    package var processID: Int32
    /// Seconds since 1970.
    package var startedAt: Int64
    /// Unix time.
    package var updatedAt: Int64
    /// Recordings seen but not complete yet.
    package var settling: Int
    /// Files in the inboxes that are no recordings and were left; nil: there are none.
    package var foreign: Int?
    /// Recordings that were left since they have subtitles beside them; nil: there are none.
    package var subtitled: Int?
    package var queued: Int
    package var running: [Running]
    package var delivered: Int
    package var partial: Int
    package var failed: Int
    package var cache: CacheFigures?
    /// Each engine in use, by its name.
    package var engines: [String: EngineStatus]
    /// Folders with so little space that recordings wait; nil when there are none.
    package var shortOfSpace: [String]?
    /// The inboxes that are served.
    package var inboxes: [Inbox]?
    /// Outboxes that cannot be written to.
    package var outboxes: [OutboxStatus]?
    /// What somebody has to put right besides engines and outboxes.
    package var faults: [Fault]?
    /// Whether these figures are of now; is filled in by who prints them.
    package var service: ServiceReport.Standing?
    /// What `service` means, as a sentence; nil: they are of now.
    package var remark: String?
    /// Recordings that were looked at and are not complete yet, the first of them.
    package var arriving: [ArrivingRecording]?
    /// When the oldest recording was found that has no transcript yet and has not failed, in seconds since 1970.
    package var oldestWaitingAt: Int64?
    /// For how long that one has waited; is filled in by who prints it, since the file gets old.
    package var oldestWaitingSeconds: Int64?
    /// When a transcript was last delivered, in seconds since 1970.
    package var lastDeliveryAt: Int64?

    private enum CodingKeys: String, CodingKey {
        case processID, startedAt, updatedAt, settling, foreign, queued, running, delivered, partial, failed, cache,
            engines
        case subtitled, shortOfSpace, inboxes, outboxes, arriving, faults, service, remark
        case oldestWaitingAt = "oldest_waiting_at"
        case oldestWaitingSeconds = "oldest_waiting_seconds"
        case lastDeliveryAt = "last_delivery_at"
    }

    package init(
        processID: Int32, startedAt: Int64, updatedAt: Int64, settling: Int, queued: Int, running: [Running],
        delivered: Int, partial: Int, failed: Int, cache: CacheFigures?,
        engines: [String: EngineStatus]
    ) {
        self.processID = processID
        self.startedAt = startedAt
        self.updatedAt = updatedAt
        self.settling = settling
        self.queued = queued
        self.running = running
        self.delivered = delivered
        self.partial = partial
        self.failed = failed
        self.cache = cache
        self.engines = engines
    }

    /// Of figures that are not of now.
    package mutating func forgetTimesLeft() {
        for index in running.indices {
            running[index].progress.remainingSeconds = nil
            running[index].progress.engineWaitSeconds = nil
        }
    }

    private static let fileName: FilePath.Component = "status.json"

    /// Writes the file. Blocks.
    /// - Throws: `SystemError`.
    package func write(to directory: FilePath) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        let data = try encoder.encode(self)
        try AtomicFile.write(Array(data) + [0x0A], named: Self.fileName, in: directory, rights: .init(mode: 0o644))
    }

    /// What the service wrote last; nil when there is nothing readable. Blocks.
    package static func read(from directory: FilePath) -> ServiceStatus? {
        guard let bytes = try? SmallFile.read(directory.appending(fileName), limit: 16 << 20) else { return nil }
        return BoundedJSON.decode(from: bytes)
    }
}

extension ServiceStatus {
    /// One line for `systemctl status`: figures of the queue, and progress of what is worked on.
    package var line: String {
        var parts = ["\(running.count) running, \(queued) queued, \(settling) arriving, \(failed) failed"]
        for recording in running.prefix(3) {
            parts.append(ProgressLine.draw(recording.progress, width: 0, isTerminal: false))
        }
        for (name, engine) in engines.sorted(by: { $0.key < $1.key }) where engine.state != .ok {
            parts.append("engine \(name): \(engine.words)")
        }
        // Every user of the machine may read this line, and what is wrong with settings may quote them.
        parts += (faults ?? []).prefix(3).map { fault in
            fault.kind == .settings
                ? "The settings of \(fault.place) were refused: see parlograph status." : fault.cause
        }
        return parts.joined(separator: "; ")
    }
}
