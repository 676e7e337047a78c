import ArgumentParser
import Glibc
import SystemPackage
import SystemSupport

/// `parlograph init`
struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Write a first configuration, by asking four questions or from options.",
        discussion:
            "What an option answers is not asked; without a terminal nothing is asked, and the defaults hold. A file "
            + "that is there is never changed.")

    @OptionGroup var common: CommonOptions

    @Option(help: ArgumentHelp("Where people put recordings.", valueName: "dir"), completion: .directory)
    var inbox: String?

    @Option(help: ArgumentHelp("Where transcripts appear.", valueName: "dir"), completion: .directory)
    var outbox: String?

    @Option(
        help: ArgumentHelp("offline, or the address of a server with OpenAI's interface.", valueName: "engine"))
    var engine: String?

    @Option(help: ArgumentHelp("Language of the speech: a code, a name, or auto.", valueName: "xx"))
    var language: String?

    func run() async throws {
        do {
            let (file, text) = try await BlockingPool.files.run { try written() }
            let isServices = geteuid() == 0 && common.configurationFile == nil
            let option = isServices ? "" : " --config \(file.string.shellWord)"
            StandardOutput.print(file)
            StandardError.write("\n" + text.printableLines + "\n")
            Exit.say("Next: parlograph check --fix\(option)")
            Exit.say("then: \(isServices ? "systemctl restart parlograph" : "parlograph serve\(option)")")
        } catch {
            throw Exit.failure(error)
        }
    }

    /// - Throws: `ConfigurationFault` for an answer that is none, `TranscriptionError` where the file is there.
    private func written() throws -> (FilePath, String) {
        let file = try target()
        let configuration = try answers()
        try Self.check(configuration, in: file)
        let folder = file.removingLastComponent()
        if !folder.isEmpty, (try? FileStatus(at: folder)) == nil {
            // Whatever the umask says: the service reads it as a user of its own.
            guard folder.withPlatformString({ mkdir($0, 0o755) == 0 && chmod($0, 0o755) == 0 }) else {
                throw SystemError("mkdir", folder.printable, errno: Errno(rawValue: errno))
            }
        }
        do {
            let new = try OwnedDescriptor(opening: file, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644)
            _ = try new.descriptor.writeAll(configuration.text.utf8)
            fchmod(new.descriptor.rawValue, 0o644)
        } catch let error as SystemError where error.errno == .fileExists {
            throw Self.exists(file)
        }
        return (file, configuration.text)
    }

    /// With all that will be read beside it.
    /// - Throws: `ConfigurationFault` where a service could not start with that.
    private static func check(_ configuration: FirstConfiguration, in file: FilePath) throws {
        var text = try ConfigurationText(parsing: configuration.text, name: "the new configuration")
        let isOverlay = file.removingLastComponent() == ConfigurationFolder(beside: SettingsLoader.defaultPath).path
        if isOverlay { text = try SettingsLoader.text(at: SettingsLoader.defaultPath).overlaid(with: text) }
        try FolderCheck.refuseCircles(try SettingsParser.parse(text, environment: [:]).inboxes)
    }

    /// That of `--config`; for root the one that the service reads, or where the package has put one, a file of `conf.d`; for
    /// others one in the working directory.
    private func target() throws -> FilePath {
        if let given = common.configurationFile {
            let file = RawArguments.path(for: given)
            if (try? FileStatus(at: file, followingLinks: false)) != nil { throw Self.exists(file) }
            return file
        }
        let usual = geteuid() == 0 ? SettingsLoader.defaultPath : FilePath("parlograph.toml")
        guard (try? FileStatus(at: usual, followingLinks: false)) != nil else { return usual }
        guard geteuid() == 0 else { throw Self.exists(usual) }
        let own = ConfigurationFolder(beside: usual).path.appending("local.toml")
        if (try? FileStatus(at: own, followingLinks: false)) != nil { throw Self.exists(own) }
        return own
    }

    private static func exists(_ file: FilePath) -> SystemError {
        Exit.say(
            "parlograph: \(file.printable) is there already and stays as it is: edit it, or name another with --config."
        )
        return SystemError("open", file.printable, errno: .fileExists)
    }

    private func answers() throws -> FirstConfiguration {
        let home = ProcessEnvironment.all["HOME"] ?? "/"
        let isService = geteuid() == 0
        let base = FilePath(isService ? "/srv/parlograph" : "\(home)/parlograph")
        let inbox = try folder("Where do people put recordings?", inbox, base.appending("inbox"))
        let beside = inbox.removingLastComponent().appending("outbox")
        let outbox = try folder("Where shall transcripts appear?", outbox, beside)
        let engine = try Self.engine(
            Self.answer("What listens: offline, or the address of a server with OpenAI's interface?", engine, "offline")
        )
        let language = Self.answer("What language is spoken: a code, a name, or auto?", language, "auto")
        return FirstConfiguration(
            inbox: inbox, outbox: outbox, engine: engine, language: language,
            stateDirectory: isService ? nil : FilePath("\(home)/.local/state/parlograph"))
    }

    private func folder(_ question: String, _ given: String?, _ usual: FilePath) throws -> FilePath {
        let answer = FilePath(Self.answer(question, given, usual.string))
        guard !answer.isAbsolute else { return answer.lexicallyNormalized() }
        guard let here = getcwd(nil, 0) else { throw SystemError("getcwd", ".", errno: Errno(rawValue: errno)) }
        defer { free(here) }
        return FilePath(platformString: here).pushing(answer).lexicallyNormalized()
    }

    private static func engine(_ answer: String) throws -> FirstConfiguration.Engine {
        if answer == Settings.defaultEngine { return .offline }
        guard answer.hasPrefix("http://") || answer.hasPrefix("https://") else {
            throw ConfigurationFault(
                "\"\(answer)\" is neither offline nor an address, which begins with http:// or https://.")
        }
        return .server(answer)
    }

    /// - Parameter given: from an option; then nothing is asked.
    private static func answer(_ question: String, _ given: String?, _ usual: String) -> String {
        if let given { return given }
        guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else { return usual }
        StandardError.write("\(question) [\(usual.printable)] ")
        let line = (readLine() ?? "").trimmingSpaces()
        return line.isEmpty ? usual : String(line)
    }
}
