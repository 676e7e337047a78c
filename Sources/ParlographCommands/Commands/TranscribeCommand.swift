import ArgumentParser
import Glibc
import Inbox
import Logging
import Synchronization
import SystemPackage
import SystemSupport
import Transcription

/// `parlograph transcribe FILE...`
struct TranscribeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transcribe", abstract: "Transcribe recordings and write sidecars beside them.",
        discussion: "The paths of the sidecars go to standard output, progress to standard error.")

    @OptionGroup var common: CommonOptions

    @Argument(help: "Recordings.", completion: .file())
    var file: [String]

    @Option(
        name: .shortAndLong, help: ArgumentHelp("Folder for the sidecars.", valueName: "dir"), completion: .directory)
    var outputDirectory: String?

    @Option(
        help: ArgumentHelp(
            "Sidecar formats, separated by commas: "
                + "\(SidecarFormat.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "list"))
    var formats = "txt,srt,json"

    @Option(
        help: ArgumentHelp("One of the configured engines (default: \(Settings.defaultEngine)).", valueName: "name"))
    var engine: String?

    @Option(help: ArgumentHelp("Language of the speech: a code, a name, or auto.", valueName: "xx"))
    var language: String?

    @Option(
        help: ArgumentHelp(
            "Where sidecars say who speaks, if the engine tells: "
                + "\(SpeakerLabels.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "when"))
    var speakerLabels = SpeakerLabels.change

    @Flag(help: "Ask the engine even for what the cache knows, and remember nothing.")
    var noCache = false

    @Flag(help: "No progress; warnings and errors are still shown.")
    var quiet = false

    func validate() throws {
        _ = try chosenLanguage()
        _ = try chosenFormats()
    }

    private var chosenEngine: String { engine ?? Settings.defaultEngine }

    private func chosenLanguage() throws -> String? {
        try language.flatMap { text in try Language.read(text) { ValidationError("--language: \($0)") } }
    }

    private func chosenFormats() throws -> [SidecarFormat] {
        let names = formats.split(separator: ",").map { String($0.trimmingSpaces()) }
        return try SettingsParser.formats(names) { ValidationError("--formats: \($0)") }
    }

    func run() async throws {
        let settings = try await common.load()
        let logger = common.makeLogger(settings, atLeast: .warning)
        let engine = chosenEngine
        let room = EngineRegistry(settings, usesCache: !noCache, logger: logger)
        let orchestrator: ParallelOrchestrator
        do {
            orchestrator = try await BlockingPool.files.run { try room.orchestrator(engine: engine, logger: logger) }
        } catch {
            throw Exit.failure(error)
        }
        var worst = Exit.done
        let formats = try chosenFormats()
        let taken = TakenNames()
        for (number, argument) in file.enumerated() {
            let path = RawArguments.path(for: argument)
            let status = await SignalCancellation.run {
                await transcribe(path, number: number, formats: formats, taken: taken, room: room, by: orchestrator)
            }
            if status == .interrupted { throw ExitCode(status) }
            worst = Exit.worse(worst, status)
        }
        if worst != .done { throw ExitCode(worst) }
    }

    /// - Returns: the exit status that this recording alone would give.
    private func transcribe(
        _ path: FilePath, number: Int, formats: [SidecarFormat], taken: TakenNames, room: EngineRegistry,
        by orchestrator: ParallelOrchestrator
    ) async -> Exit {
        let started = ContinuousClock.now
        let engine = chosenEngine
        let tracker = await BlockingPool.files.run {
            room.tracker(path.lastComponent?.printable ?? path.printable, engine: engine)
        }
        let display = quiet ? nil : ProgressDisplay(tracker)
        do {
            let folder = try await outputFolder(for: path)
            let names = try await BlockingPool.files.run { try taken.names(for: RawName(path).last, in: folder) }
            let recording = try await BlockingPool.files.run { try Self.opened(path) }
            let options = TranscriptionOptions(language: try chosenLanguage())
            let transcript = try await withProgress(display) {
                do {
                    return try await orchestrator.transcribe(
                        recording, id: RecordingID(UInt64(number)), options: options
                    ) { tracker.observe($0) }
                } catch let error as SystemError {
                    throw Self.fault(of: error, reading: path)
                }
            }
            let run = RunFacts(processingTime: ContinuousClock.now - started)
            let written = try await BlockingPool.files.run {
                let rendered = Sidecar.renderSet(transcript, formats, run: run, speakers: speakerLabels)
                // What stands there and was not edited is replaced; an edited set stays and the new one gets a number.
                let known = SidecarRecord(names, in: try OpenFolder(root: folder, links: .anybodys))?.digests ?? []
                return try SidecarWriter(root: folder, links: .anybodys).write(
                    rendered, for: names.base, keepingExtension: true, overwrite: .ifUnedited(known))
            }
            for sidecar in written { StandardOutput.print(sidecar.path) }
            for warning in transcript.warnings { Exit.say("\(path.printable): \(warning)") }
            guard transcript.isPartial else { return .done }
            for gap in transcript.gaps {
                Exit.say("\(path.printable): no text for \(gap.place): \(gap.reason)")
            }
            return .temporaryFailure
        } catch is CancellationError {
            return .interrupted
        } catch {
            Exit.say("parlograph: \(path.printable): \(Self.withoutName(error, path))")
            if case .recordingChanged? = (error as? TranscriptionError)?.code {
                Exit.say("\(path.printable): run it again when nobody writes to it any more.")
            }
            if !noCache, tracker.snapshot().chunksDone > 0, case .retry? = (error as? TranscriptionError)?.remedy {
                Exit.say("\(path.printable): run it again later: what was done is in the cache.")
            }
            return Exit(error)
        }
    }

    /// Says so where somebody still writes it, as far as the kernel tells. Blocks.
    private static func opened(_ path: FilePath) throws -> Recording {
        let recording = try Recording(opening: path, followingLinks: true)
        if case .refused = FileLease.probe(recording.descriptor) {
            Exit.say(
                "\(path.printable): another program has it open for writing. What is there now is transcribed; it may not "
                    + "be all.")
        }
        return recording
    }

    /// Nothing is written before the transcript is there: what a system call failed at was the recording, or this machine.
    private static func fault(of error: SystemError, reading path: FilePath) -> TranscriptionError {
        switch error.errno {
        case .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory, .resourceTemporarilyUnavailable:
            TranscriptionError(
                .internalFault, "There is too little of something on this machine: \(error). Try again later.",
                cause: error)
        default:
            TranscriptionError(
                .noSuchInput, "\(path.printable) cannot be read: \(error.errno). Look at its disk or server.",
                cause: error)
        }
    }

    /// Many messages begin with the file's name already.
    private static func withoutName(_ error: any Error, _ path: FilePath) -> String {
        let text = "\(error)"
        for name in [path.printable, path.lastComponent?.printable ?? ""] where text.hasPrefix(name + " ") {
            return String(text.dropFirst(name.count + 1))
        }
        return text
    }

    private func outputFolder(for path: FilePath) async throws -> FilePath {
        let given = outputDirectory.map { RawArguments.path(for: $0) }
        return try await BlockingPool.files.run {
            if let given {
                if (try? FileStatus(at: given)) == nil {
                    guard given.withPlatformString({ mkdir($0, 0o777) }) == 0 else {
                        throw SystemError("mkdir", given.printable, errno: Errno(rawValue: errno))
                    }
                }
                return try Self.writable(given)
            }
            let folder = path.removingLastComponent()
            return try Self.writable(folder.isEmpty ? FilePath(".") : folder)
        }
    }

    /// Before anything is paid for.
    private static func writable(_ folder: FilePath) throws -> FilePath {
        guard try FileStatus(at: folder).kind == .directory else {
            throw TranscriptionError(
                .cannotWrite, "\(folder.printable), where the sidecars are to go, is not a folder.")
        }
        guard FolderRights.canWrite(folder) else {
            throw TranscriptionError(
                .cannotWrite, "The folder \(folder.printable) cannot be written to; choose another one with -o.")
        }
        return folder
    }

    private func withProgress<Result: Sendable>(
        _ display: ProgressDisplay?, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        guard let display else { return try await body() }
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                await display.run()
                return nil
            }
            defer { group.cancelAll() }
            while let finished = try await group.next() {
                if let result = finished { return result }
            }
            throw CancellationError()
        }
    }
}

/// The sidecar names that are given out: of two recordings with one stem the second gets `a.wav.txt`, whether the first
/// was transcribed in this run or left its set in the folder in an earlier one.
private final class TakenNames: Sendable {
    private struct SidecarLocation: Hashable {
        let folder: FilePath
        let base: RawName
    }

    private let taken = Mutex<Set<SidecarLocation>>([])

    func names(for recording: RawName, in folder: FilePath) throws -> SidecarNames {
        let open = try OpenFolder(root: folder, links: .anybodys)
        return taken.withLock { taken in
            var attempt = 0
            while true {
                let names = SidecarNames.candidate(attempt, for: recording)
                attempt += 1
                if let record = SidecarRecord(names, in: open), record.sourceName != recording.printable { continue }
                if taken.insert(SidecarLocation(folder: folder, base: names.base)).inserted { return names }
            }
        }
    }
}

extension FilePath.Component {
    fileprivate var printable: String { FilePath(root: nil, [self]).printable }
}

extension SpeakerLabels: ExpressibleByArgument {}
