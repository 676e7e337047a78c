import Glibc
package import SystemPackage
import SystemSupport

/// A key that the command line gives a value, which wins over environment and file.
package struct SettingsOverride: Sendable, Hashable {
    /// As people type it, for messages: `--model`.
    let option: String
    /// `engines.cloud`.
    let section: String
    let key: String
    /// As a variable of the environment would have it.
    let value: String
    /// A section without that key is no fault.
    var isWish = false

    var variable: String { SettingsKey.variable(section: section, name: key) }
}

/// Finds and reads the configuration file.
package enum SettingsLoader {
    /// The file an installed service reads.
    package static let defaultPath = FilePath("/etc/parlograph/parlograph.toml")
    /// Made for the service by its package.
    package static let defaultStateDirectory = FilePath("/var/lib/parlograph")
    private static let stateVariable = "PARLOGRAPH_STATE_DIRECTORY"
    private static let maximumBytes = 1 << 20

    /// Reads the file, those of `conf.d` beside it over that, then the environment.
    /// - Parameters:
    ///   - path: from `--config`; nil: the default file if it is there, no file otherwise.
    ///   - environment: `PARLOGRAPH_<SECTION>_<KEY>` win over the file.
    ///   - overrides: win over both.
    /// - Throws: `ConfigurationFault`, also for an override of a key that its section does not have.
    package static func load(
        _ path: FilePath?, environment: [String: String] = ProcessEnvironment.all, overrides: [SettingsOverride] = []
    ) throws -> Settings {
        let hasFile = path != nil || (try? FileStatus(at: defaultPath)) != nil
        let text = try text(at: path ?? defaultPath, isThere: hasFile)
        return try SettingsParser.parse(text, environment: environment, overrides: overrides)
    }

    /// A file with those of its folder laid over it.
    /// - Parameter isThere: false: only those of its folder.
    /// - Throws: `ConfigurationFault`.
    static func text(at path: FilePath, isThere: Bool = true) throws -> ConfigurationText {
        var text = isThere ? try parsed(path) : ConfigurationText()
        let folder = ConfigurationFolder(beside: path)
        let files = try folder.files()
        for file in files { text.overlay(try parsed(file)) }
        return files.isEmpty ? text : text.named("\(text.name) and \(folder.path.printable)")
    }

    /// Where the service keeps its state as far as a configuration tells that has a fault elsewhere: the service goes on
    /// with the settings it has.
    /// - Returns: nil where there is no file that can be read at all.
    package static func stateDirectory(
        ofFaulty path: FilePath?, environment: [String: String] = ProcessEnvironment.all
    ) -> FilePath? {
        if let named = environment[stateVariable] { return FilePath(named) }
        let main = path ?? defaultPath
        let texts = ([main] + ((try? ConfigurationFolder(beside: main).files()) ?? [])).compactMap { try? read($0) }
        guard !texts.isEmpty else { return nil }
        return texts.reversed().lazy.compactMap(stateDirectory(in:)).first ?? defaultStateDirectory
    }

    private static func stateDirectory(in text: String) -> FilePath? {
        for line in text.split(whereSeparator: \.isNewline) {
            if line.drop(while: \.isWhitespace).hasPrefix("[") { break }
            if let found = line.wholeMatch(of: /\s*state_directory\s*=\s*["'](\/[^"']+)["']\s*(#.*)?/) {
                return FilePath(String(found.output.1))
            }
        }
        return nil
    }

    private static func parsed(_ path: FilePath) throws -> ConfigurationText {
        let text = try read(path)
        try TOMLPreflight.check(text, name: path.printable)
        return try ConfigurationText(parsing: text, name: path.printable)
    }

    private static func read(_ path: FilePath) throws -> String {
        do {
            guard let text = String(validating: try SmallFile.read(path, limit: maximumBytes), as: UTF8.self) else {
                throw ConfigurationFault("\(path.printable): is not UTF-8 text.")
            }
            return text
        } catch let error as SystemError {
            throw ConfigurationFault("\(path.printable) cannot be read: \(error.errno).")
        }
    }
}

/// The process's environment, as it was at the start.
package enum ProcessEnvironment {
    /// Names and values; what is not UTF-8 is repaired.
    package static let all: [String: String] = {
        var out: [String: String] = [:]
        var at = environ
        while let entry = at.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                out[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            at += 1
        }
        return out
    }()
}

/// What the process may do in a folder.
package enum FolderRights {
    /// Exists and can be written to.
    package static func canWrite(_ path: FilePath) -> Bool {
        path.withPlatformString { faccessat(AT_FDCWD, $0, W_OK | X_OK, AT_EACCESS) } == 0
    }

    /// Why `canWrite` says no, as the end of a sentence.
    /// - Parameter user: whose rights were looked at; nil: those of this process.
    static func obstacle(at path: FilePath, user: String? = nil) -> String {
        guard path.withPlatformString({ faccessat(AT_FDCWD, $0, W_OK | X_OK, AT_EACCESS) }) != 0, errno == EROFS else {
            return "cannot be written to by \(user ?? "this user")"
        }
        return "is read-only here: mounted so, or not among the ReadWritePaths= of the systemd unit"
    }
}
