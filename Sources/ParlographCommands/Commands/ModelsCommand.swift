import ArgumentParser
import Engines
import Glibc
import Synchronization
import SystemPackage
import SystemSupport
import Transcription

/// `parlograph models`
struct ModelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models", abstract: "Look after the models of the offline engine.",
        subcommands: [List.self, Add.self, Remove.self, Check.self])

    /// `models list`
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What is installed, and what can be had.")
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let places = ModelsCommand.places(try common.load())
            let (models, folders) = await BlockingPool.files.run {
                (places.map { InstalledModel.all(in: $0) }, places.map(\.printable))
            }
            var shown: Set<String> = []
            for (found, folder) in zip(models, folders) {
                for model in found where shown.insert(model.name).inserted {
                    let languages = model.languages.isEmpty ? "any language" : model.languages.joined(separator: " ")
                    StandardOutput.print(
                        "installed  \(model.name)  \(model.layout.family.title), \(ByteCount.text(model.byteCount)), "
                            + "\(languages), in \(folder)")
                }
            }
            for model in KnownModel.all where !shown.contains(model.name) {
                let languages = model.languages.isEmpty ? "" : ", \(model.languages.joined(separator: " "))"
                StandardOutput.print(
                    "available  \(model.name)  \(model.use)\(languages); \(model.family.title), \(model.megabytes) MB to "
                        + "fetch, about \(model.memoryMegabytes) MB of memory, licence \(model.licence)")
                StandardOutput.print("           \(model.url)")
            }
        }
    }

    /// `models add`
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a model: by its name in the list, from an address, an archive or a folder.",
            discussion: "It is tried before it is said to be there.")
        @OptionGroup var common: CommonOptions
        @Argument(help: ArgumentHelp("Name, folder, .tar.bz2, .tar.gz or address.", valueName: "source"))
        var source: String
        @Option(help: ArgumentHelp("Name of the model's folder (default: told by the source).", valueName: "name"))
        var name: String?

        func run() async throws {
            let settings = try common.load()
            do {
                let source = try await BlockingPool.files.run { [source] in try ModelInstallation.source(source) }
                let name = name ?? ModelInstallation.name(of: source)
                let line = FetchLine(name)
                let target = ModelsCommand.target(settings)
                let installation = ModelInstallation(target: target, progress: { line.show($0) }) { folder in
                    line.end()
                    _ = try await OfflineTranscriber(OfflineEngineSettings(model: folder.string, threads: 1)).check()
                }
                let (model, wasKnown) = try await installation.add(source, as: name)
                StandardOutput.print(model.folder)
                if !wasKnown {
                    Exit.say(
                        "parlograph: The hashes of \(name) were not known; those of today stand in its model.toml.")
                }
            } catch {
                throw ModelsCommand.failure(error)
            }
        }
    }

    /// `models remove`
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Remove a model that was added.")
        @OptionGroup var common: CommonOptions
        @Argument(help: ArgumentHelp("As in the list.", valueName: "name"))
        var name: String

        func run() async throws {
            let settings = try common.load()
            do {
                let target = ModelsCommand.target(settings)
                try await BlockingPool.files.run { [name] in
                    try ModelInstallation(target: target) { _ in }.remove(name)
                }
            } catch {
                throw ModelsCommand.failure(error)
            }
        }
    }

    /// `models check`
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compare the files of models with their hashes, and load them.")
        @OptionGroup var common: CommonOptions
        @Argument(help: ArgumentHelp("As in the list (default: all that are installed).", valueName: "name"))
        var name: String?

        func run() async throws {
            let settings = try common.load()
            let places = ModelsCommand.places(settings)
            let all = await BlockingPool.files.run {
                places.flatMap { InstalledModel.all(in: $0).map(\.folder.string) }
            }
            var isWell = true
            for model in name.map({ [$0] }) ?? all {
                let engine = OfflineTranscriber(
                    OfflineEngineSettings(model: model, modelsDirectory: places.first, threads: 1))
                do {
                    let report = try await engine.check()
                    StandardOutput.print("ok    \(report.works)")
                    for note in report.notes { StandardOutput.print("note  \(note)") }
                } catch {
                    StandardOutput.print("FAIL  \(error)")
                    isWell = false
                }
            }
            if !isWell { throw ExitCode(Exit.unavailable) }
        }
    }

    /// The `models_directory` of the engine `offline`, or of the first other one that has one.
    private static func configured(_ settings: Settings) -> FilePath? {
        settings.engines.sorted { ($0.key != "offline" ? 1 : 0, $0.key) < ($1.key != "offline" ? 1 : 0, $1.key) }
            .lazy.compactMap { if case .offline(let engine) = $0.value.engine { engine.modelsDirectory } else { nil } }
            .first
    }

    private static func places(_ settings: Settings) -> [FilePath] {
        EngineFiles.modelFolders(first: configured(settings))
    }

    /// Where models are added: the configured folder, for root that of the machine, otherwise that of the user.
    private static func target(_ settings: Settings) -> FilePath {
        if let folder = configured(settings) { return folder }
        let home = getenv("HOME").map { FilePath(String(cString: $0)) }
        guard geteuid() != 0, let home, home.isAbsolute else { return "/var/lib/parlograph/models" }
        return home.appending(".local/share/parlograph/models")
    }

    private static func failure(_ error: any Error) -> ExitCode {
        Exit.say("parlograph: \(error)")
        return switch error {
        case is ModelInstallation.Failure: ExitCode(Exit.dataError)
        case is FileDownload.Failure, is ModelInstallation.MissingProgram: ExitCode(Exit.unavailable)
        default: ExitCode(Exit(error))
        }
    }
}

/// How much of a download is there: drawn over on a terminal, a line for every 20 MB otherwise.
private final class FetchLine: Sendable {
    private let name: String
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let shown = Mutex(Int64(-1))

    init(_ name: String) { self.name = name }

    func show(_ bytes: Int64) {
        let step: Int64 = isTerminal ? 1 << 20 : 20 << 20
        let isNews = shown.withLock { shown in
            guard bytes / step != shown else { return false }
            shown = bytes / step
            return true
        }
        guard isNews else { return }
        let line = "\(name)  \(ByteCount.text(bytes)) fetched"
        JournalLogHandler.toStandardError(isTerminal ? "\r\u{1B}[K\(line)" : line + "\n")
    }

    func end() {
        if isTerminal, shown.withLock({ $0 >= 0 }) { JournalLogHandler.toStandardError("\r\u{1B}[K") }
    }
}
