package import ArgumentParser
import Glibc
import Logging
import SystemPackage
import SystemSupport
import Transcription

/// `parlograph`.
package struct ParlographCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "parlograph",
        abstract: "Turns recordings into transcripts: drop one into the inbox, find its transcript in the outbox.",
        discussion: Exit.overview,
        version: Version.current,
        subcommands: [
            ServeCommand.self, TranscribeCommand.self, StatusCommand.self, JobsCommand.self, CacheCommand.self,
            CheckCommand.self, ModelsCommand.self, InitCommand.self,
        ])

    package init() {}
}

/// The program's version, also of the Debian package.
package enum Version {
    package static let current = "0.1.0"
}

/// What every command takes.
struct CommonOptions: ParsableArguments {
    @Option(
        name: .customLong("config"),
        help: ArgumentHelp("Configuration file (default: /etc/parlograph/parlograph.toml).", valueName: "file"),
        completion: .file())
    var configurationFile: String?

    init() {}

    /// Reads the settings.
    /// - Throws: `ConfigurationFault`.
    func read(overriding overrides: [SettingsOverride] = []) async throws -> Settings {
        let file = configurationFile.map { RawArguments.path(for: $0) }
        return try await BlockingPool.files.run { try SettingsLoader.load(file, overrides: overrides) }
    }

    /// Reads the settings and says what is odd about them; a fault ends the process with 78.
    func load(overriding overrides: [SettingsOverride] = []) async throws -> Settings {
        do {
            let settings = try await read(overriding: overrides)
            for warning in settings.warnings { Exit.say("parlograph: \(warning)") }
            return settings
        } catch let fault as ConfigurationFault {
            throw Exit.failure(fault)
        }
    }

    /// For commands that show what the service does. A file that has become faulty does not keep them from that: the
    /// service goes on with the settings it has; the fault is told.
    /// - Returns: where the service keeps its state, and the settings where they can be read, else what is wrong with them.
    func loadToShow() async throws -> (stateDirectory: FilePath, settings: Settings?, fault: ConfigurationFault?) {
        do {
            let settings = try await read()
            for warning in settings.warnings { Exit.say("parlograph: \(warning)") }
            return (settings.stateDirectory, settings, nil)
        } catch let fault as ConfigurationFault {
            let file = configurationFile.map { RawArguments.path(for: $0) }
            let directory = await BlockingPool.files.run { SettingsLoader.stateDirectory(ofFaulty: file) }
            guard let directory else { throw Exit.failure(fault) }
            Exit.say("parlograph: \(fault)")
            Exit.say(
                "parlograph: the configuration has a fault; what follows is of the service in \(directory.printable), which "
                    + "goes on with the settings it has.")
            return (directory, nil, fault)
        }
    }

    /// A logger for standard error at the configured level, or a quieter one.
    func makeLogger(_ settings: Settings?, atLeast least: Logger.Level = .trace) -> Logger {
        let level = max(settings?.logLevel ?? .warning, least)
        return Logger(label: "parlograph") { _ in
            SystemdLogHandler(level: level, style: SystemdLogHandler.detectedStyle)
        }
    }
}

/// The arguments as the kernel gave them: file names are bytes, and Swift's own list repairs what is not UTF-8.
enum RawArguments {
    /// The path that a parsed argument stands for. Two arguments that look the same after repair are told apart by
    /// nobody; the first one is taken.
    static func path(for argument: String) -> FilePath {
        guard argument.unicodeScalars.contains("\u{FFFD}") else { return FilePath(argument) }
        for index in 1..<max(1, Int(CommandLine.argc)) {
            guard let raw = CommandLine.unsafeArgv[index], String(cString: raw) == argument else { continue }
            return FilePath(platformString: raw)
        }
        return FilePath(argument)
    }
}

/// Standard output, unbuffered.
enum StandardOutput {
    /// A line for people.
    static func print(_ line: String) { writeLine(Array(line.printable.utf8)) }
    /// A line for programs.
    static func print(json line: String) { writeLine(Array(line.printableJSON.utf8)) }
    /// The bytes of the name as they are, for programs; a terminal gets what it can show.
    static func print(_ path: FilePath) {
        writeLine(isatty(STDOUT_FILENO) == 1 ? Array(path.printable.utf8) : RawName(path).bytes)
    }

    private static func writeLine(_ bytes: [UInt8]) { _ = try? write(bytes + [0x0A]) }

    /// Bytes as they are. That whoever reads them has gone is no error.
    /// - Throws: `TranscriptionError` with code `cannotWrite`.
    static func write(_ bytes: [UInt8]) throws {
        if isatty(STDOUT_FILENO) == 1 { StandardError.eraseDrawn() }
        do {
            _ = try FileDescriptor.standardOutput.writeAll(bytes)
        } catch let error as Errno where error != .brokenPipe {
            throw TranscriptionError(.cannotWrite, "Standard output cannot be written to: \(error).", cause: error)
        }
    }
}
