import AudioInput
import Engines
import Glibc
import Inbox
import Logging
import SystemPackage
import SystemSupport
import TranscriptCache
import Transcription

/// Looks at what the service needs around it, without changing anything.
struct Surroundings {
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
        var findings = [Finding.fine("configuration", settings.origin)]
        findings += settings.warnings.map { .note("configuration", $0) }
        findings += settings.inboxes.compactMap { inbox in
            Self.languageFault(of: inbox, settings).map {
                .fault("inbox \(inbox.path.printable)", $0, .configuration)
            }
        }
        findings += await BlockingPool.files.run {
            settings.inboxes.flatMap { inbox in
                FolderCheck.folders(of: inbox).map { Self.folder($0.0, as: $0.1, isInbox: $0.1 == "inbox") }
            } + [
                Self.folder(settings.stateDirectory, as: "state_directory", isInbox: false),
                Self.folder(settings.cache.directory, as: "cache_directory", isInbox: false, mayBeMissing: true),
                Self.inotify(),
            ]
        }
        do {
            try await BlockingPool.files.run { try FolderCheck.refuseCircles(settings.inboxes) }
        } catch {
            findings.append(.fault("folders", "\(error)", .configuration))
        }
        if let program = DecodingAudioSource.installedFFmpeg() {
            findings.append(.fine("decoders", "libsndfile, libmpg123, and \(program.printable) for other formats"))
        } else {
            findings.append(
                .note(
                    "decoders", "libsndfile and libmpg123; m4a, wma, amr and the like need ffmpeg: apt install ffmpeg"))
        }
        let room = EngineRoom(settings, usesCache: false, logger: logger)
        for (name, entry) in settings.engines.sorted(by: { $0.key < $1.key }) {
            findings += entry.keyNotes.map { .note("engine \(name)", $0) }
            do {
                if let fault = entry.keyFault { throw fault }
                let report = try await room.check(name)
                if !report.works.isEmpty { findings.append(.fine("engine \(name)", report.works)) }
                findings += report.notes.map { .note("engine \(name)", $0) }
            } catch {
                findings.append(
                    settings.usedEngines.contains(name)
                        ? .fault("engine \(name)", "\(error)", Exit(error))
                        : .note("engine \(name)", "\(error) No inbox uses it."))
            }
        }
        return findings
    }

    /// - Throws: `ConfigurationFault` for the first inbox in whose language its engine will transcribe nothing. A model that
    ///   is not installed yet is not judged.
    static func requireLanguages(_ settings: Settings) throws {
        for inbox in settings.inboxes {
            guard let fault = languageFault(of: inbox, settings) else { continue }
            throw ConfigurationFault("inbox \(inbox.path.printable): \(fault)")
        }
    }

    /// Why an inbox's engine will transcribe nothing in the language of the inbox; nil when it will.
    static func languageFault(of inbox: InboxSettings, _ settings: Settings) -> String? {
        guard let language = inbox.options.language, case .offline(let engine) = settings.engines[inbox.engine]?.engine,
            let model = try? InstalledModel.find(engine), !model.understands(language)
        else { return nil }
        return "language is \"\(language)\", but the model of its engine \"\(inbox.engine)\", \(model.name), knows "
            + "\(model.languages.joined(separator: ", ")) only: every recording would fail. Choose another engine for this "
            + "inbox, or a model that knows it (parlograph models list)."
    }

    private static func folder(_ path: FilePath, as name: String, isInbox: Bool, mayBeMissing: Bool = false) -> Finding
    {
        let subject = "\(name) \(path.printable)"
        guard let status = try? FileStatus(at: path) else {
            let text = "does not exist; the service makes it if it may"
            return mayBeMissing || canMake(path)
                ? .note(subject, text) : .fault(subject, "does not exist", .configuration)
        }
        guard status.kind == .directory else { return .fault(subject, "is not a folder", .configuration) }
        guard FolderRights.canWrite(path) else {
            return .fault(subject, FolderRights.obstacle(at: path), .configuration)
        }
        guard let file = try? OwnedDescriptor(opening: path, flags: O_RDONLY | O_DIRECTORY) else {
            return .fault(subject, "cannot be read by this user", .configuration)
        }
        var text = "writable, \(FileSystemKind.name(of: file.descriptor))"
        if let free = FileSystemKind.freeBytes(file.descriptor) { text += ", \(ByteCount.text(free)) free" }
        if isInbox, FileLease.isOnNetwork(file.descriptor) {
            text += "; changes made on other machines give no events here: it is scanned"
        }
        return .fine(subject, text)
    }

    private static func canMake(_ path: FilePath) -> Bool {
        var at = path.removingLastComponent()
        while (try? FileStatus(at: at)) == nil, !at.components.isEmpty { at = at.removingLastComponent() }
        return FolderRights.canWrite(at)
    }

    private static func inotify() -> Finding {
        func limit(_ name: String) -> Int? {
            let bytes = try? SmallFile.read(FilePath("/proc/sys/fs/inotify/\(name)"), limit: 64)
            return bytes.flatMap { Int(String(decoding: $0.prefix { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self)) }
        }
        guard let watches = limit("max_user_watches"), let instances = limit("max_user_instances") else {
            return .note("inotify", "its limits cannot be read; inboxes are scanned if watching fails")
        }
        let instance = inotify_init1(CInt(IN_CLOEXEC))
        guard instance >= 0 else {
            return .note(
                "inotify",
                "no instance is free (fs.inotify.max_user_instances = \(instances)); inboxes are scanned instead")
        }
        close(instance)
        return .fine("inotify", "\(watches) watches (one for each folder), \(instances) instances allowed")
    }
}
