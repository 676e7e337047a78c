import ArgumentParser
import Engines
import Glibc
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
            let settings = try await common.load()
            let places = ModelsCommand.places(settings)
            let target = ModelsCommand.target(settings)
            let (found, parts) = await BlockingPool.files.run {
                (places.map { InstalledModel.all(in: $0) }, ModelInstallation.parts(in: target))
            }
            var shown: Set<String> = []
            for (models, folder) in zip(found, places) {
                for (name, result) in models where shown.insert(name).inserted {
                    switch result {
                    case .success(let model):
                        StandardOutput.print(
                            "installed  \(name)  \(model.layout.family.title), \(ByteCount.text(model.byteCount)), "
                                + "\(model.languagesText), in \(folder.printable)")
                    case .failure(let fault): StandardOutput.print("unusable   \(name)  \(fault.message)")
                    }
                }
            }
            for part in parts {
                StandardOutput.print(
                    "fetching   \(part.name)  \(ByteCount.text(part.byteCount)) so far, in \(target.printable): the same "
                        + "models add goes on, models remove \(part.name) gives it up")
            }
            for model in KnownModel.all where !shown.contains(model.name) {
                let languages = model.languages.isEmpty ? "" : ", \(model.languages.joined(separator: " "))"
                StandardOutput.print(
                    "available  \(model.name)  \(model.use)\(languages); \(model.family.title), "
                        + "\(ByteCount.text(model.byteCount)) to fetch, about \(model.memoryMegabytes) MB of memory, licence \(model.licence)"
                )
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
        @Argument(help: ArgumentHelp("Name, folder, .tar.bz2, .tar.gz, .zip or address.", valueName: "source"))
        var source: String
        @Option(help: ArgumentHelp("Name of the model's folder (default: told by the source).", valueName: "name"))
        var name: String?
        @Option(help: ArgumentHelp("SHA-256 that the archive must have.", valueName: "hex"))
        var hash: String?

        func validate() throws {
            guard let hash else { return }
            guard hash.utf8.count == 64, hash.allSatisfy(\.isHexDigit) else {
                throw ValidationError("--hash takes the 64 hexadecimal digits of a SHA-256.")
            }
        }

        func run() async throws {
            let settings = try await common.load()
            let code = await SignalCancellation.run { await add(settings) }
            if code != .done { throw ExitCode(code) }
        }

        private func add(_ settings: Settings) async -> Exit {
            let target = ModelsCommand.target(settings)
            var line: FetchLine?
            do {
                let source = try await BlockingPool.files.run { [source] in
                    try ModelSource(source, at: RawArguments.path(for: source))
                }
                let name = name ?? source.modelName
                let fetching = FetchLine(name)
                line = fetching
                let installation = ModelInstallation(target: target, progress: { fetching.show($0, of: $1) }) {
                    folder in
                    fetching.end()
                    _ = try await OfflineTranscriber(OfflineEngineSettings(model: folder.string, threads: 1)).check()
                }
                let added = try await installation.add(source, as: name, archiveHash: hash)
                StandardOutput.print(added.model.folder)
                ModelsCommand.tellAbout(added, settings)
                return .done
            } catch {
                line?.end()
                guard !Task.isCancelled else {
                    let hasPart = await BlockingPool.files.run { !ModelInstallation.parts(in: target).isEmpty }
                    let advice = hasPart ? " What was fetched of a file is kept; the same command goes on there." : ""
                    Exit.say("parlograph: Stopped.\(advice)")
                    return .interrupted
                }
                return ModelsCommand.failure(error)
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
            let settings = try await common.load()
            do {
                let target = ModelsCommand.target(settings)
                let places = ModelsCommand.places(settings)
                let users = try await BlockingPool.files.run { [name] in
                    try ModelInstallation(target: target) { _ in }.remove(name, unlessIn: places)
                    return ModelsCommand.engines(of: settings).filter {
                        $0.model == name && (try? InstalledModel.find($0)) == nil
                    }
                }
                for engine in users {
                    Exit.say(
                        "parlograph: The engine \(engine.name) is set to \(name): what it has to do waits until there is "
                            + "a model of that name again.")
                }
            } catch {
                throw ExitCode(ModelsCommand.failure(error))
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
            let settings = try await common.load()
            let places = ModelsCommand.places(settings)
            let all = await BlockingPool.files.run {
                places.flatMap { place in InstalledModel.all(in: place).map { place.appending($0.name).string } }
            }
            let asked = name.map { [$0] } ?? all
            if asked.isEmpty {
                Exit.say("parlograph: No model is installed: parlograph models list shows which there are.")
            }
            var isWell = !asked.isEmpty
            for model in asked {
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

    /// The offline engines of the configuration, `offline` first.
    private static func engines(of settings: Settings) -> [OfflineEngineSettings] {
        func rank(_ name: String) -> (Int, String) { (name == Settings.defaultEngine ? 0 : 1, name) }
        return settings.engines.sorted { rank($0.key) < rank($1.key) }
            .compactMap { ($0.value.engine as? OfflineEngine)?.settings }
    }

    /// The `models_directory` of the engine `offline`, or of the first other one that has one.
    private static func configured(_ settings: Settings) -> FilePath? {
        engines(of: settings).lazy.compactMap(\.modelsDirectory).first
    }

    private static func places(_ settings: Settings) -> [FilePath] {
        EngineFiles.modelFolders(first: configured(settings))
    }

    /// Where models are added: the configured folder, for root that of the machine, otherwise that of the user.
    private static func target(_ settings: Settings) -> FilePath {
        if let folder = configured(settings) { return folder }
        guard geteuid() != 0, let home = EngineFiles.home else { return "/var/lib/parlograph/models" }
        return home.appending(".local/share/parlograph/models")
    }

    private static func failure(_ error: any Error) -> Exit {
        Exit.say("parlograph: \(error)")
        return switch error {
        case is ModelInstallation.Failure: .dataError
        case is FileDownload.Failure, is ModelInstallation.MissingProgram: .unavailable
        default: Exit(error)
        }
    }

    /// What a person does next, and what he should know.
    private static func tellAbout(_ added: ModelInstallation.Added, _ settings: Settings) {
        let model = added.model
        if !added.wasKnown {
            Exit.say("parlograph: The hashes of \(model.name) were not known; those of today stand in its model.toml.")
        }
        if model.languages.isEmpty {
            Exit.say(
                "parlograph: Its languages are not known, so none is refused. If you know them, write them into "
                    + "\(model.folder.appending(ModelManifest.fileName).printable): languages = [\"de\", \"fr\"].")
        }
        let shared = EngineFiles.modelFolders(first: configured(settings), home: nil)
        if !shared.contains(where: { model.folder.starts(with: $0) }) {
            Exit.say(
                "parlograph: It is there for you alone; the service looks in \(shared[0].printable), where root adds "
                    + "models.")
        }
    }
}
