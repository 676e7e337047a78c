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

        package init(name: String, progress: ProgressSnapshot) {
            self.name = name
            self.progress = progress
        }
    }

    /// Entries and bytes of the cache, and how often it answered.
    package struct CacheFigures: Sendable, Codable, Hashable {
        package var hits: Int
        package var misses: Int
        package var memoryBytes: Int
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
    package var updatedAt: Int64
    /// Recordings seen but not complete yet.
    package var settling: Int
    package var queued: Int
    package var running: [Running]
    package var delivered: Int
    package var partial: Int
    package var failed: Int
    package var cache: CacheFigures?
    /// Figures of each engine in use, by its name.
    package var engines: [String: ConcurrencyController.Figures]
    /// Folders with so little space that recordings wait; nil when there are none.
    package var shortOfSpace: [String]?

    package init(
        processID: Int32, startedAt: Int64, updatedAt: Int64, settling: Int, queued: Int, running: [Running],
        delivered: Int, partial: Int, failed: Int, cache: CacheFigures?,
        engines: [String: ConcurrencyController.Figures]
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
        return parts.joined(separator: "; ")
    }
}
