package import Engines
import Glibc
import SystemPackage
import SystemSupport
package import Transcription

/// `kind = "command"`: a program on this machine.
package struct CommandEngine: EngineKind {
    package static let name = CommandTranscriber.kind

    package let settings: CommandEngineSettings

    package static func read(_ section: EngineSection) throws -> Settings.EngineEntry {
        let reader = section.reader
        let command = try reader.optionalStrings(
            "command", .texts("a list of a program and its arguments"), otherwise: .mustBeGiven)
        guard let command, !command.isEmpty else {
            throw reader.fault(
                "command", "is missing: a program and its arguments, for instance [\"/usr/bin/stt\", \"{file}\"].")
        }
        let settings = CommandEngineSettings(
            name: section.name, command: command, model: try reader.string("model", default: ""),
            timeout: .seconds(try reader.seconds("timeout_seconds", default: 1800, in: 1...86400)),
            temporaryDirectory: try reader.path("temporary_directory", default: "/tmp"),
            chunkTargetSeconds: try reader.seconds("chunk_target_seconds", default: 30, in: 1...86400),
            chunkMaxSeconds: try reader.optionalNumber(
                "chunk_max_seconds", in: 1...86400, .seconds, otherwise: .words("no limit")),
            maximumConcurrency: try reader.optionalInteger(
                "max_concurrent", in: 1...256, otherwise: .words("no limit of its own")))
        return Settings.EngineEntry(engine: CommandEngine(settings: settings), fallback: try section.fallback())
    }

    package func makeTranscriber(key: EngineKey?, with resources: EngineResources) throws -> any Transcriber {
        try CommandTranscriber(settings: settings, pool: resources.encoding)
    }

    /// A bare name is looked for as the engine does it: in the folders of PATH.
    package func setup() -> EngineSetup {
        let name = settings.command.first ?? ""
        let folders = (ProcessEnvironment.all["PATH"] ?? "/bin:/usr/bin").split(separator: ":").map {
            FilePath(String($0))
        }
        let places = name.contains("/") ? [FilePath(name)] : folders.filter(\.isAbsolute).map { $0.appending(name) }
        for place in places where place.withPlatformString({ access($0, X_OK) }) == 0 {
            if let status = try? FileStatus(at: place), status.kind == .regular { return EngineSetup(status.identity) }
        }
        return EngineSetup("no program")
    }
}
