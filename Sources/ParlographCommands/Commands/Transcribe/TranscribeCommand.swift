import ArgumentParser
import Logging
import SystemSupport
import Transcription

/// `parlograph transcribe FILE...`
struct TranscribeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transcribe", abstract: "Transcribe recordings and write sidecars beside them.",
        discussion:
            "The paths of the sidecars go to standard output, progress to standard error. With - for a recording, "
            + "standard input is transcribed, and its text goes to standard output.")

    @OptionGroup var common: CommonOptions

    @Argument(help: "Recordings; folders with -r; - for standard input.", completion: .file())
    var file: [String]

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Folder for the sidecars, made if it is missing; - for standard output, which takes one format.",
            valueName: "dir"), completion: .directory)
    var outputDirectory: String?

    @Option(
        help: ArgumentHelp(
            "Sidecar formats, separated by commas, or all: \(Self.formatNames.joined(separator: ", ")) "
                + "(default: \(Self.defaultFormats)).", valueName: "list"),
        completion: .list(Self.formatNames + ["all"]))
    var formats: String?

    @Option(
        help: ArgumentHelp("One of the configured engines (default: \(Settings.defaultEngine)).", valueName: "name"),
        completion: .custom { _, _, _ in await ConfiguredNames.engines() })
    var engine: String?

    @Option(help: ArgumentHelp("Language of the speech: a code, a name, or auto.", valueName: "xx"))
    var language: String?

    @Option(help: ArgumentHelp("Another model of the engine, for this run.", valueName: "name"))
    var model: String?

    @Option(help: ArgumentHelp("Names and words that the engine shall expect, for this run.", valueName: "text"))
    var prompt: String?

    @Option(
        help: ArgumentHelp(
            "Where sidecars say who speaks, if the engine tells: "
                + "\(SpeakerLabels.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "when"))
    var speakerLabels = SpeakerLabels.change

    @Option(
        help: ArgumentHelp(
            "What becomes of remarks about sounds, such as [MUSIC]: "
                + "\(SoundRemarkChoice.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "what"))
    var sounds = SoundRemarkChoice.drop

    @Option(
        help: ArgumentHelp(
            "Where txt, md, docx and odt tell times: "
                + "\(TextTimes.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "where"))
    var txtTimes = TextTimes.none

    @Flag(name: .shortAndLong, help: "Of a folder, all recordings that are in it and below it.")
    var recursive = false

    @Flag(help: "Ask the engine even for what the cache knows, and remember nothing.")
    var noCache = false

    @Flag(help: "No progress; warnings and errors are still shown.")
    var quiet = false

    @OptionGroup var whisper: WhisperOptions

    private static let formatNames = SidecarFormat.allCases.map(\.rawValue)
    private static let defaultFormats = "txt,srt,json"

    func validate() throws {
        _ = try chosenLanguage()
        _ = try chosenFormats()
        _ = try overrides()
        if arguments.contains(.standardInput), arguments.count > 1, outputFolder == nil {
            throw ValidationError("With - and other recordings, name a folder for the sidecars with -o.")
        }
        if arguments.filter({ $0 == .standardInput }).count > 1 {
            throw ValidationError("Standard input can be transcribed once: - is given twice.")
        }
    }

    private var arguments: [RecordingArgument] { file.map { RecordingArgument($0) } }
    private var chosenEngine: String { engine ?? Settings.defaultEngine }
    private var outputFolder: String? { outputDirectory ?? whisper.outputDirectory }

    private func chosenLanguage() throws -> String? {
        try language.flatMap { text in try Language.read(text) { ValidationError("--language: \($0)") } }
    }

    private func output() -> TranscribeOutput {
        switch outputFolder {
        case nil: arguments.contains(.standardInput) ? .standardOutput : .besideRecording
        case "-": .standardOutput
        case let folder?: .folder(RawArguments.path(for: folder))
        }
    }

    /// Of standard output the text alone where nothing else was asked for: a set of files cannot be told apart there.
    private func chosenFormats() throws -> [SidecarFormat] {
        let isPrinted = output() == .standardOutput
        guard let list = formats ?? whisper.outputFormat else {
            return isPrinted ? [.txt] : try Self.formats(Self.defaultFormats, "--formats")
        }
        let option = formats == nil ? "--output-format" : "--formats"
        let chosen = list == "all" ? SidecarFormat.allCases : try Self.formats(list, option)
        guard !isPrinted || chosen.count == 1 else {
            throw ValidationError(
                "Standard output takes one format, not \(chosen.count): name one with \(option), or a folder with -o.")
        }
        return chosen
    }

    private static func formats(_ list: String, _ option: String) throws -> [SidecarFormat] {
        let names = list.split(separator: ",").map { String($0.trimmingSpaces()) }
        return try SettingsParser.formats(names) { ValidationError("\(option): \($0)") }
    }

    /// What the options say of the engine's section.
    private func overrides() throws -> [SettingsOverride] {
        try whisper.requirePossibleTask()
        let given: [(option: String, key: String, value: String?)] = [
            ("--model", "model", model),
            (prompt == nil ? "--initial-prompt" : "--prompt", "prompt", prompt ?? whisper.initialPrompt),
            ("--threads", "threads", whisper.threads.map { "\($0)" }),
            // Engines that are not asked for them give them by themselves, or cannot.
            ("--word-timestamps", "word_timestamps", try whisper.wantsWordTimes() ? "true" : nil),
        ]
        return given.compactMap { option, key, value in
            value.map {
                SettingsOverride(
                    option: option, section: "engines.\(chosenEngine)", key: key, value: $0,
                    isWish: key == "word_timestamps")
            }
        }
    }

    func run() async throws {
        let settings = try await common.load(overriding: try overrides())
        let logger = common.makeLogger(settings, atLeast: .warning)
        let engine = chosenEngine
        let room = EngineRegistry(settings, usesCache: !noCache, logger: logger)
        let recordings: [RecordingArgument.Found]
        let orchestrator: ParallelOrchestrator
        do {
            recordings = try await BlockingPool.files.run { [arguments, recursive] in
                try RecordingArgument.find(arguments, recursive: recursive)
            }
            orchestrator = try await room.orchestrator(engine: engine, logger: logger)
        } catch {
            throw Exit.failure(error)
        }
        let choices = TranscribeChoices(
            output: output(), formats: try chosenFormats(),
            options: TranscriptionOptions(language: try chosenLanguage()),
            style: SidecarStyle(speakers: speakerLabels, textTimes: txtTimes, sounds: sounds), engine: engine,
            remembers: !noCache, isQuiet: quiet || whisper.isSilent)
        let run = TranscribeRun(recordings, choices, room: room, orchestrator: orchestrator)
        let status = await SignalCancellation.run { await run.all() }
        if status != .done { throw ExitCode(status) }
    }
}

extension SpeakerLabels: ExpressibleByArgument {}
extension SoundRemarkChoice: ExpressibleByArgument {}
extension TextTimes: ExpressibleByArgument {}
