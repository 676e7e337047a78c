import AudioInput
import Glibc
import Inbox
import Logging
import SystemPackage
import SystemSupport
import TranscriptCache
import Transcription

/// Looks at what the service needs around it, without changing anything.
struct Diagnostics {
    struct Finding: Sendable {
        enum Mark: String, Sendable { case fine = "ok  ", note, fault = "FAIL" }
        let mark: Mark
        let subject: String
        let text: String
        /// For a fault: what a command would exit with.
        var exitStatus: Exit?

        static func fine(_ subject: String, _ text: String) -> Finding {
            Finding(mark: .fine, subject: subject, text: text)
        }
        static func note(_ subject: String, _ text: String) -> Finding {
            Finding(mark: .note, subject: subject, text: text)
        }
        static func fault(_ subject: String, _ text: String, _ status: Exit) -> Finding {
            Finding(mark: .fault, subject: subject, text: text, exitStatus: status)
        }
    }

    private let settings: Settings
    private let logger: Logger

    init(_ settings: Settings, logger: Logger) {
        self.settings = settings
        self.logger = logger
    }

    func look() async -> [Finding] {
        let settings = settings
        let view = await BlockingPool.files.run { ServiceView(stateDirectory: settings.stateDirectory) }
        var findings = configuration + (await languages)
        findings += await BlockingPool.files.run {
            let service = ServiceReport(of: settings.stateDirectory)
            return AssumedUser.run(as: view.user) {
                FolderFindings(settings, user: view.user?.name, isServed: service.process != nil).all
            } + [Self.inotify()] + ServiceFindings(service).all
        }
        findings += await circles
        if let program = await BlockingPool.files.run(DecodingAudioSource.installedFFmpeg) {
            findings.append(.fine("decoders", "libsndfile, libmpg123, and \(program.printable) for other formats"))
        } else {
            findings.append(
                .note(
                    "decoders", "libsndfile and libmpg123; m4a, wma, amr and the like need ffmpeg: apt install ffmpeg"))
        }
        findings.append(await Self.confinement())
        findings += await HookFindings(settings.inboxes, view).all
        return findings + (await engines(view))
    }

    /// What keeps a running service from taking up the configuration at a reload, as far as this process can tell.
    func lookAtConfiguration() async -> [Finding] {
        let settings = settings
        let view = await BlockingPool.files.run { ServiceView(stateDirectory: settings.stateDirectory) }
        var findings = configuration + (await languages) + (await circles)
        findings += await HookFindings(settings.inboxes, view).all
        let room = EngineRegistry(settings, usesCache: false, logger: logger)
        // Outside of the service its keys are not to be had.
        let hasKeys = ProcessEnvironment.all["CREDENTIALS_DIRECTORY"] != nil
        for name in settings.usedEngines.sorted() {
            if let fault = settings.engines[name]?.key?.fault, !hasKeys {
                findings.append(.note("engine \(name)", "\(fault)"))
                continue
            }
            do {
                _ = try await BlockingPool.files.run { try room.transcriber(name) }
            } catch {
                findings.append(.fault("engine \(name)", "\(error)", .configuration))
            }
        }
        return findings
    }

    private var configuration: [Finding] {
        [.fine("configuration", settings.origin)] + settings.warnings.map { .note("configuration", $0) }
    }

    private var languages: [Finding] {
        get async {
            let settings = settings
            return await BlockingPool.files.run {
                settings.inboxes.compactMap { inbox in
                    Self.languageFault(of: inbox, settings).map {
                        .fault("inbox \(inbox.path.printable)", $0, .configuration)
                    }
                }
            }
        }
    }

    private var circles: [Finding] {
        get async {
            let inboxes = settings.inboxes
            do {
                try await BlockingPool.files.run { try FolderCheck.refuseCircles(inboxes) }
                return []
            } catch {
                return [.fault("folders", "\(error)", .configuration)]
            }
        }
    }

    private func engines(_ view: ServiceView) async -> [Finding] {
        var findings: [Finding] = []
        let keys = await BlockingPool.files.run { [settings] in
            Dictionary(uniqueKeysWithValues: settings.engines.map { ($0.key, KeyCheck(of: $0.key, $0.value, view)) })
        }
        var asService = settings
        for (name, key) in keys { if let secret = key.secret { asService.give(secret, to: name) } }
        let room = EngineRegistry(asService, usesCache: false, logger: logger)
        for (name, entry) in asService.engines.sorted(by: { $0.key < $1.key }) {
            findings += (entry.key?.notes ?? []).map { .note("engine \(name)", $0) }
            let isUsed = settings.usedEngines.contains(name)
            findings += (keys[name]?.findings ?? []).map { isUsed ? $0 : .note($0.subject, $0.text) }
            guard keys[name]?.mayAsk ?? true else { continue }
            do {
                if let fault = entry.key?.fault { throw fault }
                let report = try await WaitingLine.shown("engine \(name): waiting for its answer to a second of sound")
                {
                    try await room.check(name)
                }
                if !report.works.isEmpty { findings.append(.fine("engine \(name)", report.works)) }
                findings += report.notes.map { .note("engine \(name)", $0) }
            } catch {
                findings.append(
                    isUsed
                        ? .fault("engine \(name)", "\(error)", Exit(error))
                        : .note("engine \(name)", "\(error) No inbox uses it."))
            }
        }
        return findings
    }

    /// - Throws: `ConfigurationFault` for the first inbox in whose language its engine will transcribe nothing. A model that
    ///   is not installed yet is not judged. Blocks.
    static func requireLanguages(_ settings: Settings) throws {
        for inbox in settings.inboxes {
            guard let fault = languageFault(of: inbox, settings) else { continue }
            throw ConfigurationFault("inbox \(inbox.path.printable): \(fault)")
        }
    }

    /// Why an inbox's engine will transcribe nothing in the language of the inbox; nil when it will. Blocks.
    static func languageFault(of inbox: InboxSettings, _ settings: Settings) -> String? {
        inbox.options.language.flatMap { settings.engines[inbox.engine]?.engine.fault(ofLanguage: $0) }
    }

    private static func inotify() -> Finding {
        func limit(_ name: String) -> Int? {
            let bytes = try? SmallFile.read(FilePath("/proc/sys/fs/inotify/\(name)"), limit: 64)
            return bytes.flatMap { Int(String(decoding: $0.prefix { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self)) }
        }
        guard let watches = limit("max_user_watches"), let instances = limit("max_user_instances") else {
            return .note("inotify", "its limits cannot be read; inboxes are scanned if watching fails")
        }
        let remedy = "Raise them: sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512"
        let instance = inotify_init1(CInt(IN_CLOEXEC))
        guard instance >= 0 else {
            return .note(
                "inotify",
                "no instance is free (fs.inotify.max_user_instances = \(instances)); inboxes are scanned instead. "
                    + remedy)
        }
        defer { close(instance) }
        guard inotify_add_watch(instance, "/", UInt32(IN_DELETE_SELF)) >= 0 else {
            return .note(
                "inotify",
                "no watch is free (fs.inotify.max_user_watches = \(watches)); inboxes are scanned instead. " + remedy)
        }
        return .fine(
            "inotify",
            "\(CountedText.text(watches, "watch", "watches")) (one for each folder), "
                + "\(CountedText.text(instances, "instance")) allowed")
    }
}
