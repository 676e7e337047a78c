package import Inbox
package import Logging
package import SystemPackage
package import TranscriptCache
package import Transcription

/// All settings of a process, read and checked.
package struct Settings: Sendable {
    /// `[processing]`.
    package struct Processing: Sendable, Hashable {
        package let maxConcurrentChunks: Int
        /// Of the recording's bytes, as the file has them.
        package let chunkSizeMinMB: Int
        package let chunkSizeMaxMB: Int
        package let retry: RetrySettings
        package let progressInterval: Duration
        package let shutdown: Duration
        /// 0: never mind.
        package let minimumFreeMB: Int
    }

    /// One `[engines.NAME]`.
    package struct EngineEntry: Sendable, Equatable {
        package var engine: any EngineKind
        /// nil: what the server's profile says; 0: no limit.
        package var requestsPerMinute: Int?
        /// nil: what the server's profile says; 0: no limit.
        package var audioSecondsPerHour: Int?
        /// The engine that is asked where this one fails.
        package var fallback: String?
        /// nil: engines of this kind need none.
        package var key: EngineKey?

        /// The limits on requests and audio make it no other engine.
        func isSameEngine(as other: EngineEntry) -> Bool {
            engine.isEqual(to: other.engine) && fallback == other.fallback && key == other.key
        }

        package static func == (a: EngineEntry, b: EngineEntry) -> Bool {
            a.isSameEngine(as: b) && a.requestsPerMinute == b.requestsPerMinute
                && a.audioSecondsPerHour == b.audioSecondsPerHour
        }
    }

    /// The engine that is there without a section, and that is asked where no other is named.
    static let defaultEngine = "offline"

    package var stateDirectory: FilePath
    package var logLevel: Logger.Level
    /// Nil: figures are written to the state directory alone.
    package var metricsFile: FilePath?
    package var inboxes: [InboxSettings]
    package var processing: Processing
    package var cache: CacheSettings
    package var engines: [String: EngineEntry]
    /// Every key the code asked for, with its default: what the manual and the default file must hold.
    package var knownKeys: [SettingsKey]
    /// What is no fault but hardly meant, in sentences for a person.
    package var warnings: [String]
    /// Where the settings came from, for messages.
    package var origin: String

    /// - Throws: `ConfigurationFault` when no such engine is configured.
    package func engine(_ name: String) throws -> EngineEntry {
        guard let entry = engines[name] else {
            let known = engines.keys.sorted().joined(separator: ", ")
            throw ConfigurationFault("\(origin): there is no engine \"\(name)\"; configured are: \(known).")
        }
        return entry
    }

    /// The engine and its fallbacks, in the order in which they are asked.
    package func chain(of name: String) -> [String] {
        var chain = [name]
        while let next = engines[chain[chain.count - 1]]?.fallback, !chain.contains(next) { chain.append(next) }
        return chain
    }

    /// The engines of the inboxes, and all that they fall back to.
    package var usedEngines: Set<String> { Set(inboxes.flatMap { chain(of: $0.engine) }) }

    /// For the service, which needs the keys of the engines that it uses.
    /// - Throws: `ConfigurationFault` for the first of these engines, by name, that has none, and for a webhook without a
    ///   secret.
    package func requireKeys() throws {
        let faults = usedEngines.sorted().compactMap { engines[$0]?.key?.fault }
        if let first = faults.first { throw first }
        let ofWebhooks = inboxes.compactMap(\.hooks.webhook?.secretFault)
        if let first = ofWebhooks.first { throw ConfigurationFault(first) }
    }
}

/// The text of one configuration together with the environment: reads sections into `Settings`.
package struct SettingsParser {
    let text: ConfigurationText
    let environment: [String: String]
    let overrides: [SettingsOverride]
    private var keys: [SettingsKey] = []
    private(set) var variables: Set<String> = []
    var warnings: [String] = []

    init(_ text: ConfigurationText, environment: [String: String], overrides: [SettingsOverride] = []) {
        self.text = text
        self.environment = environment.merging(overrides.map { ($0.variable, $0.value) }) { $1 }
        self.overrides = overrides
    }

    /// - Throws: `ConfigurationFault` for the first thing that is wrong; an engine whose key cannot be read has that in
    ///   its entry.
    package static func parse(
        _ text: ConfigurationText, environment: [String: String], overrides: [SettingsOverride] = []
    ) throws -> Settings {
        var parser = SettingsParser(text, environment: environment, overrides: overrides)
        return try parser.parse()
    }

    private mutating func parse() throws -> Settings {
        let top = SectionReader(
            "", values: text.root, text: text, environment: environment, options: options,
            sections: ["inbox", "processing", "cache", "engines"])
        let state = try top.path("state_directory", default: SettingsLoader.defaultStateDirectory.string)
        let cacheDirectory = try top.optionalPath("cache_directory", otherwise: DefaultCacheDirectory.words)
        let logLevel = try top.choice("log_level", default: Logger.Level.info)
        let metricsFile = try top.optionalPath("metrics_file", .absolutePathEnding(".prom"), otherwise: .nothing)
        if let name = metricsFile?.lastComponent?.string, !name.hasSuffix(".prom") {
            throw top.fault("metrics_file", "must end in \".prom\": collectors read no other files.")
        }
        try finish(top)
        let processing = try readProcessing()
        let engines = try readEngines(processing)
        let inboxes = try readInboxes(engines: engines)
        let cache = try readCache(cacheDirectory ?? DefaultCacheDirectory.path(environment))
        try checkOverrides(among: engines)
        let settings = Settings(
            stateDirectory: state, logLevel: logLevel, metricsFile: metricsFile, inboxes: inboxes,
            processing: processing, cache: cache, engines: engines, knownKeys: keys,
            warnings: warnings + unknownVariables(), origin: text.name)
        return settings
    }

    mutating func finish(_ reader: SectionReader) throws {
        try reader.finish()
        keys += reader.keys
        variables.formUnion(reader.variables)
    }

    private func table(
        _ name: String, in root: [String: ConfigurationValue], at section: String = ""
    ) throws -> [String: ConfigurationValue] {
        guard let value = root[name] else { return [:] }
        guard case .table(let table) = value else {
            let place = text.place(of: section.isEmpty ? name : "\(section).\(name)")
            let form = section.isEmpty ? "[\(name)]" : "\(name) = { … }"
            throw ConfigurationFault("\(place): \(name) must be a section, \(form).")
        }
        return table
    }

    func reader(_ path: String, _ values: [String: ConfigurationValue]) -> SectionReader {
        SectionReader(path, values: values, text: text, environment: environment, options: options)
    }

    private mutating func readProcessing() throws -> Settings.Processing {
        let reader = reader("processing", try table("processing", in: text.root))
        let concurrent = try reader.integer("max_concurrent_chunks", default: 4, in: 1...256)
        let minimum = try reader.integer("chunk_size_min_mb", default: 10, in: 1...4096, .megabytes)
        let maximum = try reader.integer("chunk_size_max_mb", default: 25, in: 1...4096, .megabytes)
        guard minimum <= maximum else {
            throw reader.fault(
                reader.isSet("chunk_size_min_mb") ? "chunk_size_min_mb" : "chunk_size_max_mb",
                "chunk_size_min_mb, \(minimum), is more than chunk_size_max_mb, \(maximum).")
        }
        let retry = RetrySettings(
            maximumRetries: try reader.integer("max_chunk_retries", default: 3, in: 0...100),
            delay: .seconds(try reader.seconds("chunk_retry_delay_seconds", default: 5, in: 0...3600)))
        let progress = try reader.seconds("progress_update_interval_seconds", default: 1, in: 0.1...3600)
        let shutdown = try reader.seconds("shutdown_seconds", default: 20, in: 0...3600)
        let free = try reader.integer("min_free_space_mb", default: 100, in: 0...16_777_216, .megabytes)
        try finish(reader)
        return Settings.Processing(
            maxConcurrentChunks: concurrent, chunkSizeMinMB: minimum, chunkSizeMaxMB: maximum, retry: retry,
            progressInterval: .seconds(progress), shutdown: .seconds(shutdown), minimumFreeMB: free)
    }

    private mutating func readCache(_ directory: FilePath) throws -> CacheSettings {
        let reader = reader("cache", try table("cache", in: text.root))
        let memory = try reader.integer("memory_mb", default: 64, in: 0...65536, .megabytes)
        let disk = try reader.integer("disk_mb", default: 1024, in: 0...16_777_216, .megabytes)
        let ttl = try reader.integer("ttl_seconds", default: 86400, in: 0...3_153_600_000, .seconds)
        try finish(reader)
        return CacheSettings(
            directory: directory, memoryBytes: Int64(memory) << 20, diskBytes: Int64(disk) << 20,
            timeToLiveSeconds: Int64(ttl))
    }

    private mutating func readInboxes(engines: [String: Settings.EngineEntry]) throws -> [InboxSettings] {
        var tables: [[String: ConfigurationValue]] = [[:]]
        switch text.root["inbox"] {
        case nil: break
        case .array(let items):
            tables = try items.enumerated().map { index, item in
                guard case .table(let table) = item else {
                    throw ConfigurationFault("\(text.name): inbox \(index + 1) must be a section, [[inbox]].")
                }
                return table
            }
        default:
            throw ConfigurationFault(
                "\(text.place(of: "inbox")): an inbox is written with two brackets, [[inbox]], since there may be several."
            )
        }
        return try tables.enumerated().map { try readInbox($0.offset, $0.element, engines: engines) }
    }

    private mutating func readInbox(
        _ index: Int, _ values: [String: ConfigurationValue], engines: [String: Settings.EngineEntry]
    ) throws -> InboxSettings {
        let place = "inbox[\(index)]"
        let reader = SectionReader(
            place, values: values, text: text, environment: environment, sections: ["webhook"])
        let path = try reader.path("path", default: "/srv/parlograph/inbox")
        let outbox = try reader.path("outbox", default: "/srv/parlograph/outbox")
        let done = try reader.path("done", default: "/srv/parlograph/done")
        let failed = try reader.path("failed", default: "/srv/parlograph/failed")
        let after = try reader.choice("after", default: InboxSettings.After.move)
        let engine = try reader.string("engine", default: Settings.defaultEngine, .text("the name of an engine"))
        guard engines[engine] != nil else {
            throw reader.fault(
                "engine",
                "there is no [engines.\(engine)]; configured are: \(engines.keys.sorted().joined(separator: ", ")).")
        }
        let language = try reader.language("language", default: "auto")
        let prompt = try reader.optionalString("prompt")
        let formats = try reader.strings("formats", default: ["txt", "srt", "json"], .listOf(SidecarFormat.self))
        let watch = try reader.choice("watch", default: InboxSettings.Watch.auto)
        let settle = Duration.seconds(try reader.seconds("settle_seconds", default: 2, in: 0.05...3600))
        let rescan = try reader.optionalNumber(
            "rescan_seconds", in: 1...86400, .seconds, otherwise: .words("60, or 5 where there are no events")
        ).map { Duration.seconds($0) }
        var settings = InboxSettings(
            path: path, outbox: outbox, done: done, failed: failed, after: after, engine: engine,
            options: TranscriptionOptions(language: language, prompt: prompt),
            formats: try Self.formats(formats) { reader.fault("formats", $0) }, watch: watch, settle: settle,
            rescan: rescan)
        settings.glossary = try reader.words("glossary")
        let fitting = SpeechHint.fitting(prompt: prompt, glossary: settings.glossary)
        if fitting < settings.glossary.count {
            let fault = reader.fault(
                "glossary",
                "only the first \(fitting) of \(settings.glossary.count) words are sent: with the prompt they may have "
                    + "\(SpeechHint.maximumCharacters) characters.")
            warnings.append(fault.description)
        }
        settings.languageFromPath = try reader.boolean("language_from_path", default: settings.languageFromPath)
        settings.style = try Self.style(reader)
        settings.ignored = IgnoredNames(
            try reader.namePatterns("ignore"), allSidecars: settings.isItsOwnOutbox)
        let largest = try reader.integer("max_recording_mb", default: 20480, in: 0...16_777_216, .megabytes)
        settings.maximumRecording = largest == 0 ? nil : Int64(largest) << 20
        settings.showsStatusPage = try reader.boolean("status_page", default: settings.showsStatusPage)
        // What lies beside a recording is called as it is: players look for that.
        let portableNames = try reader.boolean("portable_names", default: settings.portableNames)
        settings.portableNames = portableNames && !settings.isItsOwnOutbox
        settings.foreignFiles = try reader.choice("foreign_files", default: settings.foreignFiles)
        settings.skipsSubtitled = try reader.boolean("skip_subtitled", default: settings.skipsSubtitled)
        settings.hooks = try readHooks(
            reader, webhook: try table("webhook", in: values, at: place), at: "\(place).webhook",
            hasText: settings.formats.contains(.txt))
        try finish(reader)
        return settings
    }

    private static func style(_ reader: SectionReader) throws -> SidecarStyle {
        let byDefault = SidecarStyle()
        return SidecarStyle(
            speakers: try reader.choice("speaker_labels", default: byDefault.speakers),
            textTimes: try reader.choice("txt_times", default: byDefault.textTimes),
            sounds: try reader.choice("sounds", default: byDefault.sounds),
            subtitles: SubtitleLimits(
                columns: try reader.optionalInteger(
                    "subtitle_columns", in: 12...120, otherwise: .words("as the language has it")),
                rate: try reader.optionalInteger(
                    "subtitle_rate", in: 2...100, otherwise: .words("as the language has it"))),
            subtitleFiles: SubtitleFiles(
                names: try reader.choice("subtitle_names", default: byDefault.subtitleFiles.names),
                hasByteOrderMark: try reader.boolean(
                    "subtitle_bom", default: byDefault.subtitleFiles.hasByteOrderMark),
                lineEnds: try reader.choice("subtitle_line_ends", default: byDefault.subtitleFiles.lineEnds)))
    }

    /// - Throws: what `fault` makes of an unknown or missing format.
    static func formats<Fault: Error>(_ names: [String], fault: (String) -> Fault) throws -> [SidecarFormat] {
        let known = SidecarFormat.allCases.map(\.rawValue).joined(separator: ", ")
        var out: [SidecarFormat] = []
        for name in names {
            guard let format = SidecarFormat(rawValue: name) else {
                throw fault("\"\(name)\" is no sidecar format; known are: \(known).")
            }
            if !out.contains(format) { out.append(format) }
        }
        guard !out.isEmpty else { throw fault("at least one format is needed: \(known).") }
        return out
    }

    private mutating func readEngines(_ processing: Settings.Processing) throws -> [String: Settings.EngineEntry] {
        var tables = try table("engines", in: text.root)
        if tables[Settings.defaultEngine] == nil { tables[Settings.defaultEngine] = .table([:]) }
        var engines: [String: Settings.EngineEntry] = [:]
        var readers: [String: SectionReader] = [:]
        for (name, value) in tables.sorted(by: { $0.key < $1.key }) {
            guard case .table(let values) = value else {
                throw ConfigurationFault("\(text.place(of: "engines.\(name)")): must be a section, [engines.\(name)].")
            }
            let reader = reader("engines.\(name)", values)
            engines[name] = try EngineSection(name: name, reader: reader).entry()
            try finish(reader)
            readers[name] = reader
        }
        for (name, reader) in readers.sorted(by: { $0.key < $1.key }) {
            try EngineSection(name: name, reader: reader).checkFallback(among: engines)
        }
        return engines
    }
}

extension SectionReader {
    /// - Throws: `ConfigurationFault` when it is not an absolute path.
    func path(_ name: String, default value: String) throws -> FilePath {
        try absolute(try string(name, default: value, .absolutePath), name)
    }

    /// nil where the key is missing or empty.
    /// - Throws: `ConfigurationFault` when it is not an absolute path.
    func optionalPath(
        _ name: String, _ allowed: AllowedValues = .absolutePath, otherwise: SettingsKey.Default
    ) throws -> FilePath? {
        try optionalString(name, allowed, otherwise: otherwise).map { try absolute($0, name) }
    }

    /// PATH_MAX of Linux, less the zero byte.
    private static let maximumPath = 4095

    private func absolute(_ text: String, _ name: String) throws -> FilePath {
        guard text.utf8.count <= Self.maximumPath else {
            throw fault(name, "may have \(Self.maximumPath) bytes, not \(text.utf8.count).")
        }
        let path = FilePath(text).lexicallyNormalized()
        guard path.isAbsolute else { throw fault(name, "must be an absolute path, one that begins with \"/\".") }
        return path
    }

    /// A list of texts without those that are empty.
    /// - Throws: `ConfigurationFault` when it is anything else.
    func words(_ name: String, _ allowed: AllowedValues = .texts()) throws -> [String] {
        try strings(name, default: [], allowed).map { String($0.trimmingSpaces()) }.filter { !$0.isEmpty }
    }

    /// Patterns of file names.
    /// - Throws: `ConfigurationFault` when one could never match, or matches everything.
    func namePatterns(_ name: String) throws -> [NamePattern] {
        try words(name, .texts("a list of patterns")).map { text in
            guard !text.contains("/") else {
                throw fault(name, "\"\(text)\" has a slash in it; patterns are of names, of files or of folders.")
            }
            guard text.contains(where: { $0 != "*" }) else {
                throw fault(name, "\"\(text)\" would leave out every recording.")
            }
            return NamePattern(text)
        }
    }

    /// The `description` of a `LanguageTag`; nil for `auto`.
    /// - Throws: `ConfigurationFault` when it is neither, with the nearest that is one.
    func language(_ name: String, default value: String) throws -> String? {
        let text = try string(name, default: value, .language)
        return try Language.read(text) { fault(name, $0) }
    }
}
