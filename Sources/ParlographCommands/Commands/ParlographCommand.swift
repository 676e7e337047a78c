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
        discussion: """
            Exit status: 0 done; 64 usage; 65 a recording could not be decoded; 66 no such input; 69 engine unavailable; \
            70 internal error; 73 cannot write output; 75 partial transcript (some chunk failed for good); 78 configuration.
            """,
        version: Version.current,
        subcommands: [
            ServeCommand.self, TranscribeCommand.self, StatusCommand.self, JobsCommand.self, CacheCommand.self,
            CheckCommand.self,
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
    /// - Parameter toleratingKeyFaults: see `SettingsParser.parse`.
    /// - Throws: `ConfigurationFault`.
    func read(toleratingKeyFaults: Bool = false) throws -> Settings {
        try SettingsLoader.load(
            configurationFile.map { RawArguments.path(for: $0) }, toleratingKeyFaults: toleratingKeyFaults)
    }

    /// Reads the settings and says what is odd about them; a fault ends the process with 78, but for a key that cannot be
    /// read: that is a fault of the engine, if it is used.
    func load() throws -> Settings {
        do {
            let settings = try read(toleratingKeyFaults: true)
            for warning in settings.warnings { Exit.say("parlograph: \(warning)") }
            return settings
        } catch let fault as ConfigurationFault {
            throw Exit.failure(fault)
        }
    }

    /// A logger for standard error at the configured level, or a quieter one.
    func makeLogger(_ settings: Settings, atLeast least: Logger.Level = .trace) -> Logger {
        let level = max(Logger.Level(rawValue: settings.logLevel) ?? .info, least)
        return Logger(label: "parlograph") { _ in
            JournalLogHandler(level: level, style: JournalLogHandler.detectedStyle)
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

/// Ends of the process, by sysexits.h.
enum Exit {
    static let dataError: Int32 = 65
    static let noInput: Int32 = 66
    static let unavailable: Int32 = 69
    static let software: Int32 = 70
    static let cannotCreate: Int32 = 73
    static let temporaryFailure: Int32 = 75
    static let configuration: Int32 = 78

    /// The status that stands for an error.
    static func status(for error: any Error) -> Int32 {
        switch error {
        case is ConfigurationFault: return configuration
        case let error as TranscriptionError:
            switch error.code {
            case .noSuchInput: return noInput
            case .notARecording, .unsupportedFormat, .undecodable, .tooLarge, .recordingChanged: return dataError
            case .engineUnavailable, .languageNotSupported, .requestFailed: return unavailable
            case .cannotWrite: return cannotCreate
            case .configuration: return configuration
            case .internalFault: return software
            }
        case is SystemError: return cannotCreate
        default: return software
        }
    }

    /// Says the error on standard error and gives the code to throw.
    static func failure(_ error: any Error) -> ExitCode {
        say("parlograph: \(error)")
        return ExitCode(status(for: error))
    }

    /// A line on standard error.
    static func say(_ line: String) { JournalLogHandler.toStandardError(line + "\n") }
}

/// Standard output, unbuffered and with the bytes of file names as they are.
enum StandardOutput {
    static func print(_ line: String) { write(Array(line.utf8)) }
    static func print(_ path: FilePath) { write(RawName(path).bytes) }

    private static func write(_ bytes: [UInt8]) {
        var rest = (bytes + [0x0A])[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
