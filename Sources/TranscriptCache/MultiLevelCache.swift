import FoundationEssentials
import Glibc
package import Logging
import Synchronization
import SystemSupport
package import Transcription

/// The multi-level cache: an LRU in memory over SQLite on disk, and one flight at a time for equal chunks.
///
/// Results are stored as JSON with sorted keys in both levels. SQLite runs on a thread of its own, and a result that was
/// paid for is stored even when the task that asked for it is cancelled meanwhile.
package final class MultiLevelCache: TranscriptStore {
    private struct State {
        var memory: MemoryCache
        var memoryHits = 0
        var diskHits = 0
        var sharedHits = 0
        var misses = 0
    }

    private let settings: CacheSettings
    private let disk: DiskCache?
    private let flights = SingleFlight()
    private let threads = BlockingPool(name: "cache", limit: 1)
    private let state: Mutex<State>
    private let logger: Logger
    private let now: @Sendable () -> Int64

    /// Opens nothing: the first look-up does.
    /// - Parameter now: seconds since 1970.
    package convenience init(
        settings: CacheSettings, logger: Logger, now: @escaping @Sendable () -> Int64 = { UnixTime.now() }
    ) {
        self.init(settings: settings, logger: logger, now: now, maximumPages: nil)
    }

    /// - Parameter maximumPages: the disk level behaves as on a full disk beyond; for tests.
    package init(settings: CacheSettings, logger: Logger, now: @escaping @Sendable () -> Int64, maximumPages: Int?) {
        self.settings = settings
        self.logger = logger
        self.now = now
        state = Mutex(State(memory: MemoryCache(boundBytes: settings.memoryBytes)))
        disk =
            settings.diskBytes > 0
            ? DiskCache(settings: settings, logger: logger, now: now, maximumPages: maximumPages) : nil
    }

    // MARK: TranscriptStore

    package func chunkTranscript(
        for key: CacheKey, orMake make: @Sendable () async throws -> ChunkTranscript
    ) async throws -> (transcript: ChunkTranscript, fromCache: Bool) {
        while true {
            if let transcript: ChunkTranscript = recalled(key) { return (transcript, true) }
            switch try await flights.join(key) {
            case .wait(.made(let transcript)):
                state.withLock { $0.sharedHits += 1 }
                CacheMetrics.note(.shared)
                return (transcript, true)
            case .wait(.abandoned):
                continue
            case .make:
                break
            }
            do {
                let (transcript, fromCache) = try await fetchOrMake(key, make)
                flights.end(key, .made(transcript))
                return (transcript, fromCache)
            } catch {
                flights.end(key, .abandoned)
                throw error
            }
        }
    }

    package func transcript(for key: CacheKey) async -> Transcript? {
        if let transcript: Transcript = recalled(key) { return transcript }
        let found: Transcript? = await fetched(key, .recording)
        if found == nil { noteMiss() }
        return found
    }

    package func store(_ transcript: Transcript, for key: CacheKey) async {
        guard !transcript.isPartial else { return }
        await keep(transcript, for: key, .recording)
    }

    package func cuts(for key: CacheKey) async -> [RecordingCuts] {
        if let cuts: [RecordingCuts] = recalled(key, isCounted: false) { return cuts }
        return await fetched(key, .cuts, isCounted: false) ?? []
    }

    package func store(_ cuts: [RecordingCuts], for key: CacheKey) async { await keep(cuts, for: key, .cuts) }

    // MARK: For the commands

    /// Counts; a damaged or missing file shows as empty, with the reason.
    package func statistics() async -> CacheStatistics {
        var statistics = state.withLock { state in
            var statistics = CacheStatistics()
            statistics.memoryEntries = state.memory.count
            statistics.memoryBytes = state.memory.byteCount
            statistics.memoryHits = state.memoryHits
            statistics.diskHits = state.diskHits
            statistics.sharedHits = state.sharedHits
            statistics.misses = state.misses
            return statistics
        }
        guard let disk else { return statistics }
        statistics = await threads.run { [statistics] in
            var statistics = statistics
            disk.addFigures(to: &statistics)
            return statistics
        }
        return statistics
    }

    /// Removes what is expired or over the bounds and makes the file smaller. Counts what was removed from disk.
    package func prune() async -> CacheRemoval {
        let now = now()
        state.withLock { state in
            state.memory.removeExpired { settings.isFresh(created: $0, now: now) }
        }
        guard let disk else { return CacheRemoval() }
        return await threads.run { disk.prune() }
    }

    /// Forgets everything. Counts what was removed from disk.
    package func clear() async -> CacheRemoval {
        state.withLock { $0.memory.removeAll() }
        guard let disk else { return CacheRemoval() }
        return await threads.run { disk.clear() }
    }

    /// Calls that wait for an equal chunk at the moment; for tests.
    package var waiting: Int { flights.waiting }

    // MARK: Levels

    private func noteMiss() {
        state.withLock { $0.misses += 1 }
        CacheMetrics.note(.none)
    }

    private func fetchOrMake(
        _ key: CacheKey, _ make: @Sendable () async throws -> ChunkTranscript
    ) async throws -> (ChunkTranscript, Bool) {
        // An earlier flight may have ended between the look into memory and the start of this one.
        if let transcript: ChunkTranscript = recalled(key) { return (transcript, true) }
        if let transcript: ChunkTranscript = await fetched(key, .chunk) { return (transcript, true) }
        try Task.checkCancellation()
        noteMiss()
        let transcript = try await make()
        await keep(transcript, for: key, .chunk)
        return (transcript, false)
    }

    /// From level 1.
    /// - Parameter isCounted: as a hit; only what spares somebody a transcription is one.
    private func recalled<Value: Decodable>(_ key: CacheKey, isCounted: Bool = true) -> Value? {
        let now = now()
        let entry = state.withLock { state -> MemoryCache.Entry? in
            guard let entry = state.memory.entry(for: key) else { return nil }
            guard settings.isFresh(created: entry.created, now: now) else {
                state.memory.remove(key)
                return nil
            }
            return entry
        }
        guard let entry, let value: Value = Self.decoded(entry.value) else { return nil }
        if isCounted {
            state.withLock { $0.memoryHits += 1 }
            CacheMetrics.note(.memory)
        }
        return value
    }

    /// From level 2, into level 1.
    private func fetched<Value: Decodable & Sendable>(
        _ key: CacheKey, _ kind: CacheFile.Kind, isCounted: Bool = true
    ) async -> Value? {
        guard let disk else { return nil }
        let found = await threads.run { () -> (Value, MemoryCache.Entry)? in
            guard let row = disk.row(for: key, kind: kind) else { return nil }
            guard let value: Value = Self.decoded(row.value) else {
                disk.remove(key)
                return nil
            }
            return (value, MemoryCache.Entry(value: row.value, created: row.created))
        }
        guard let (value, entry) = found else { return nil }
        state.withLock { state in
            state.memory.store(entry, for: key)
            if isCounted { state.diskHits += 1 }
        }
        if isCounted { CacheMetrics.note(.disk) }
        return value
    }

    /// Into both levels. Not cancelled with the calling task.
    private func keep(_ value: some Encodable & Sendable, for key: CacheKey, _ kind: CacheFile.Kind) async {
        let created = now()
        await threads.run { [self] in
            guard let bytes = Self.encoded(value) else { return }
            state.withLock { $0.memory.store(MemoryCache.Entry(value: bytes, created: created), for: key) }
            disk?.store(bytes, for: key, kind: kind)
        }
    }

    private static func encoded(_ value: some Encodable) -> [UInt8]? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return (try? encoder.encode(value)).map { [UInt8]($0) }
    }

    private static func decoded<Value: Decodable>(_ bytes: [UInt8]) -> Value? {
        BoundedJSON.decode(from: bytes)
    }
}
