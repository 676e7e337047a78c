import AudioInput
import Inbox
import Logging
import Synchronization
import SystemPackage
import SystemSupport
import TranscriptCache
import Transcription

/// What `serve` runs with: settings, and the engines made for them. Both are replaced by a reload, as one.
final class LiveSettings: Sendable {
    /// More recordings are in work than requests under way, so that a memo gets its share of the requests beside as many
    /// hearings. Each costs a decoder process, which waits, and up to two chunks that are cut.
    private static let placesForNewcomers = 4

    private let once: Bool
    private let logger: Logger
    private let state: Mutex<State>

    private struct State {
        var settings: Settings
        var room: EngineRegistry
        /// Counts reloads.
        var version = 0
    }

    /// The same settings with keys that have changed.
    struct KeyChange {
        let settings: Settings
        /// Whose keys they are.
        let engines: [String]
        /// What the settings were made from.
        let version: Int
    }

    /// - Throws: as `EngineRegistry.transcriber`, when an inbox's engine cannot be made.
    init(_ settings: Settings, once: Bool, logger: Logger) throws {
        self.once = once
        self.logger = logger
        let room = EngineRegistry(settings, usesCache: true, logger: logger)
        for inbox in settings.inboxes { _ = try room.transcriber(inbox.engine) }
        state = Mutex(State(settings: settings, room: room))
        sayWhatIsOdd(settings)
    }

    /// For the service.
    var forService: (settings: ServiceSettings, backend: TranscriptionBackend) {
        let (settings, room) = state.withLock { ($0.settings, $0.room) }
        return (serviceSettings(settings), backend(settings, room))
    }

    /// What has come of the key files since they were read; nil: nothing. Blocks.
    func changeOfKeys() -> KeyChange? {
        let (settings, version) = state.withLock { ($0.settings, $0.version) }
        let changed = settings.enginesWithOtherKeyFiles
        guard !changed.isEmpty else { return nil }
        return KeyChange(settings: settings.readingAgain(keysOf: changed), engines: changed, version: version)
    }

    /// The key files of engines in use, by the engines' names.
    var usedKeyFiles: [String: FilePath] {
        let settings = state.withLock { $0.settings }
        return settings.keyFiles.filter { settings.usedEngines.contains($0.key) }
    }

    /// What these engines find in place for them. Blocks.
    /// - Parameter engines: nil: those in use.
    func setups(of engines: [String]? = nil) -> [String: EngineSetup] {
        let settings = state.withLock { $0.settings }
        let entries = (engines ?? settings.usedEngines.sorted()).compactMap { name in
            settings.engines[name].map { (name, $0.engine.setup()) }
        }
        return Dictionary(uniqueKeysWithValues: entries)
    }

    /// These engines are asked again, whatever they said before.
    func forgetOutages(of engines: [String]) { state.withLock { $0.room }.forgetOutages(of: engines) }

    /// Gives new settings to the service. Recordings that are being worked on keep the old ones.
    /// - Parameters:
    ///   - version: the settings were made from those; nothing is done where others have come since.
    ///   - service: is asked when they are in place; nil: it is not made yet, and will be made with them.
    /// - Throws: `ConfigurationFault` or `TranscriptionError` that says what is wrong; nothing has changed then.
    func reload(_ new: Settings, replacing version: Int? = nil, into service: () -> InboxService?) async throws {
        let (old, room) = state.withLock { ($0.settings, $0.room) }
        guard new.origin == old.origin || new.origin != ConfigurationText().name else {
            throw ConfigurationFault("\(old.origin) is not there any more.")
        }
        for (key, before, now) in [
            ("state_directory", old.stateDirectory, new.stateDirectory),
            ("cache_directory", old.cache.directory, new.cache.directory),
        ] where before != now {
            throw ConfigurationFault(
                "\(new.origin): \(key) is \(now.printable) now and was \(before.printable): that needs a restart.")
        }
        try await FolderCheck.prepare(new, only: new.inboxes.filter { !old.inboxes.contains($0) })
        let newRoom = try await BlockingPool.files.run {
            let newRoom = EngineRegistry(new, after: room)
            for inbox in new.inboxes { _ = try newRoom.transcriber(inbox.engine) }
            return newRoom
        }
        let isTaken = state.withLock { state in
            guard version == nil || version == state.version else { return false }
            state = State(settings: new, room: newRoom, version: state.version + 1)
            return true
        }
        guard isTaken else { return }
        newRoom.comeIntoForce()
        await service()?.apply(serviceSettings(new), backend(new, newRoom))
        if new.cache != old.cache { logger.warning("new settings of [cache] need a restart") }
        if new.logLevel != old.logLevel { logger.warning("a new log_level needs a restart") }
        sayWhatIsOdd(new)
        func count(_ inboxes: [InboxSettings], notIn others: [InboxSettings]) -> Int {
            inboxes.count { inbox in !others.contains { $0.path == inbox.path } }
        }
        logger.notice(
            "configuration loaded again, for recordings that begin from now on",
            metadata: [
                "inboxes": "\(new.inboxes.count)", "added": "\(count(new.inboxes, notIn: old.inboxes))",
                "removed": "\(count(old.inboxes, notIn: new.inboxes))",
                "changed":
                    "\(new.inboxes.count { !old.inboxes.contains($0) } - count(new.inboxes, notIn: old.inboxes))",
            ])
    }

    private func sayWhatIsOdd(_ settings: Settings) {
        for warning in settings.warnings {
            logger.warning("odd configuration", metadata: ["warning": "\(warning)"])
        }
        for (name, entry) in settings.engines.sorted(by: { $0.key < $1.key }) {
            // Those in use have their keys, or the service would not run.
            guard let fault = entry.key?.fault else { continue }
            logger.warning(
                "engine that no inbox uses has no key", metadata: ["engine": "\(name)", "error": "\(fault)"])
        }
    }

    private func serviceSettings(_ settings: Settings) -> ServiceSettings {
        var out = ServiceSettings(
            inboxes: settings.inboxes, stateDirectory: settings.stateDirectory,
            cacheDirectory: settings.cache.directory,
            parallelRecordings: settings.processing.maxConcurrentChunks + Self.placesForNewcomers,
            shutdown: settings.processing.shutdown, progressInterval: settings.processing.progressInterval,
            minimumFreeBytes: Int64(settings.processing.minimumFreeMB) << 20, once: once)
        out.metricsFile = settings.metricsFile
        return out
    }

    private func backend(_ settings: Settings, _ room: EngineRegistry) -> TranscriptionBackend {
        let logger = logger
        return TranscriptionBackend(
            tracker: { name, inbox in room.tracker(name, engine: inbox.engine) },
            pipeline: { recording, id, inbox, observe in
                let orchestrator = try await room.orchestrator(engine: inbox.engine, logger: logger)
                return try await orchestrator.transcribe(recording, id: id, options: inbox.options, observe: observe)
            }, isSound: { AudioFormatSniffer.isSound($0) },
            figures: { (await room.cacheFigures(), room.figures) })
    }
}
