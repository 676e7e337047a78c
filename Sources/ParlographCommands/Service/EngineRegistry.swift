import AudioInput
import Engines
import Glibc
import Inbox
import Logging
import Synchronization
import SystemPackage
import SystemSupport
import TranscriptCache
import Transcription

/// Everything that a process needs once to transcribe: the cache, the decoder, and for each engine in use the
/// transcriber and its concurrency controller.
final class EngineRegistry: Sendable {
    private struct Entry: Sendable {
        let transcriber: any Transcriber
        var controller: ConcurrencyController
        var outage = FallbackCooldown()
        /// How often it was made.
        var generation = 1

        var link: EngineLink { EngineLink(engine: transcriber, controller: controller, outage: outage) }
    }

    let cache: MultiLevelCache?
    private let settings: Settings
    private let source: DecodingAudioSource
    private let slots: ChunkSlots
    /// Nil where the offline engine is not installed.
    private let detector: VoiceDetector?
    private let resources: EngineResources
    private let state = Mutex(State())
    private let logger: Logger

    private struct State {
        var entries: [String: Entry] = [:]
        /// Engines at the same server have the same one.
        var controllers: [EngineGroup: ConcurrencyController] = [:]
        /// Other rates of controllers that go on, for when these settings are in force.
        var rates: [(ConcurrencyController, ConcurrencyController.Settings)] = []

        mutating func controller(of group: EngineGroup) -> ConcurrencyController {
            if let known = controllers[group] { return known }
            let made = ConcurrencyController(group.limits)
            controllers[group] = made
            return made
        }
    }

    /// - Parameter usesCache: false: nothing is looked up or stored.
    init(_ settings: Settings, usesCache: Bool, logger: Logger) {
        self.settings = settings
        self.logger = logger
        cache = usesCache ? MultiLevelCache(settings: settings.cache, logger: logger) : nil
        source = DecodingAudioSource(ffmpeg: DecodingAudioSource.installedFFmpeg(), logger: logger)
        resources = EngineResources(
            loop: CurlLoop(),
            encoding: BlockingPool(name: "encoding", limit: max(2, sysconf(CInt(_SC_NPROCESSORS_ONLN)))))
        slots = Self.slots(settings)
        detector = VoiceDetector()
    }

    private static func slots(_ settings: Settings) -> ChunkSlots {
        ChunkSlots(count: settings.processing.maxConcurrentChunks + 2, forNewcomers: 2)
    }

    /// For new settings: the cache stays open, and an engine whose settings are what they were goes on, with what it has
    /// learnt and with its limits of requests. `old` serves the recordings that are being worked on. Blocks.
    init(_ settings: Settings, after old: EngineRegistry) {
        self.settings = settings
        logger = old.logger
        cache = old.cache
        source = DecodingAudioSource(ffmpeg: DecodingAudioSource.installedFFmpeg(), logger: logger)
        resources = old.resources
        let isAsWide = settings.processing.maxConcurrentChunks == old.settings.processing.maxConcurrentChunks
        slots = isAsWide ? old.slots : Self.slots(settings)
        detector = old.detector
        guard isAsWide else { return }
        var known = old.state.withLock { $0 }
        // A file that is of no use is to be told at the reload that was to take it up.
        known.entries = known.entries.filter { $0.value.transcriber.isCurrent }
        let unchanged = Set(
            settings.engines.filter { name, entry in
                old.settings.engines[name].map { $0.isSameEngine(as: entry) } ?? false
            }.keys)
        state.withLock { state in
            // Who joins engines that go on, or leaves them, makes no new server.
            for group in Set(settings.engines.keys.compactMap(settings.group)) {
                let before = unchanged.intersection(group.names).compactMap(old.settings.group)
                    .first { $0.limits.differsOnlyInRates(from: group.limits) && known.controllers[$0] != nil }
                guard let before, let controller = known.controllers[before] else { continue }
                state.controllers[group] = controller
                if before.limits != group.limits { state.rates.append((controller, group.limits)) }
            }
            for (name, entry) in known.entries where unchanged.contains(name) {
                var entry = entry
                // It is asked again, whatever it said before.
                entry.outage = FallbackCooldown()
                // Its neighbours at the server may be others now.
                if let group = settings.group(of: name) { entry.controller = state.controller(of: group) }
                state.entries[name] = entry
            }
        }
    }

    /// These settings are in force: their rates count, for recordings in work as well.
    func comeIntoForce() {
        let rates = state.withLock { state in
            defer { state.rates = [] }
            return state.rates
        }
        for (controller, settings) in rates { controller.setRates(settings) }
    }

    /// These engines are asked again, whatever they said before.
    func forgetOutages(of names: [String]) {
        state.withLock { state in
            for name in names { state.entries[name]?.outage = FallbackCooldown() }
        }
    }

    /// The engine of this name, made at the first call, which may read its files, and made anew when its model was
    /// replaced. Blocks.
    /// - Throws: `ConfigurationFault` when there is none, `TranscriptionError` when it cannot be made.
    func transcriber(_ name: String) throws -> any Transcriber { try entry(name).transcriber }

    /// Says that the engine works, and what limits are kept.
    /// - Throws: as `transcriber`; `TranscriptionError` when it does not work.
    func check(_ name: String) async throws -> EngineReport {
        let entry = try await BlockingPool.files.run { try self.entry(name) }
        var report = try await entry.transcriber.check()
        let pace = entry.controller.settings.pace
        if !report.works.isEmpty, !pace.isEmpty { report.works += " \(pace)" }
        return report
    }

    /// The parts of one recording's way, put together for an engine. That is asked first what it is, where nothing tells:
    /// what a request may hold decides how a recording is cut, and by that it is found in the cache.
    /// - Throws: as `transcriber`.
    func orchestrator(engine name: String, logger: Logger) async throws -> ParallelOrchestrator {
        let chain = settings.chain(of: name)
        let entries = try await BlockingPool.files.run { [self] in try chain.map { try entry($0) } }
        let main = entries[0].transcriber
        await main.meet()
        let processing = settings.processing
        let sizing = DynamicChunkSizer.Settings(
            minimumMegabytes: processing.chunkSizeMinMB, maximumMegabytes: processing.chunkSizeMaxMB,
            maximumConcurrentChunks: processing.maxConcurrentChunks,
            apiLimitMegabytes: main.limits.maximumRequestBytes.map { max(1, $0 >> 20) })
        return ParallelOrchestrator(
            source: source, engines: entries.map(\.link), store: cache ?? NoStore(), slots: slots, sizing: sizing,
            retry: processing.retry, detector: detector, logger: logger)
    }

    /// A tracker for a recording that the engine is to transcribe. Blocks, as `transcriber`.
    func tracker(_ recording: String, engine name: String) -> ProgressTracker {
        let rate = (try? transcriber(name))?.traits.expectedRate
        let controller = state.withLock { $0.entries[name]?.controller }
        return ProgressTracker(
            name: recording, expectedSamples: nil, expectedChunks: nil,
            concurrency: controller?.figures.limit ?? 1,
            priorRate: rate ?? 1,
            engineWait: { controller?.heldFor }, engineAway: { controller?.absence?.lasted },
            requestsPerMinute: { controller?.settings.requestsPerMinute })
    }

    /// For `status`.
    func cacheFigures() async -> ServiceStatus.CacheFigures? {
        guard let figures = await cache?.statistics() else { return nil }
        return ServiceStatus.CacheFigures(
            hits: figures.hits, misses: figures.misses, memoryBytes: Int(figures.memoryBytes),
            diskBytes: Int(figures.diskBytes))
    }

    /// Of each engine used so far.
    var figures: [String: ConcurrencyController.Figures] {
        state.withLock { $0.entries }.mapValues { $0.controller.figures }
    }

    private func entry(_ name: String) throws -> Entry {
        let before = state.withLock { $0.entries[name] }
        if let before, before.transcriber.isCurrent { return before }
        let transcriber: any Transcriber
        do {
            transcriber = try make(name)
        } catch {
            guard let before else { throw error }
            logger.warning(
                "engine cannot be made anew, it goes on as it is",
                metadata: ["engine": "\(name)", "error": "\(error)"])
            return before
        }
        let group = settings.group(of: name)
        let own = try settings.engine(name)
        let most = settings.processing.maxConcurrentChunks
        let waits = settings.chain(of: name).count == 1
        return state.withLock { state in
            let known = state.entries[name]
            // Somebody else was faster.
            if let known, known.generation != before?.generation { return known }
            let controller =
                known?.controller ?? group.map { state.controller(of: $0) }
                ?? ConcurrencyController(
                    ConcurrencyController.Settings(
                        ceiling: min(most, transcriber.limits.maximumConcurrency ?? most),
                        requestsPerMinute: own.requestsPerMinute, audioSecondsPerHour: own.audioSecondsPerHour,
                        waitsForEngine: waits))
            var entry = Entry(transcriber: transcriber, controller: controller)
            if let known { entry.generation = known.generation + 1 }
            state.entries[name] = entry
            return entry
        }
    }

    private func make(_ name: String) throws -> any Transcriber {
        let entry = try settings.engine(name)
        if let fault = entry.key?.fault { throw fault }
        return try entry.engine.makeTranscriber(key: entry.key, with: resources)
    }
}

/// `--no-cache`: remembers nothing.
struct NoStore: TranscriptStore {
    func chunkTranscript(
        for key: CacheKey, orMake make: @Sendable () async throws -> ChunkTranscript
    ) async throws -> (transcript: ChunkTranscript, fromCache: Bool) {
        (try await make(), false)
    }

    func transcript(for key: CacheKey) async -> Transcript? { nil }
    func store(_ transcript: Transcript, for key: CacheKey) async {}
    func cuts(for key: CacheKey) async -> [RecordingCuts] { [] }
    func store(_ cuts: [RecordingCuts], for key: CacheKey) async {}
}
