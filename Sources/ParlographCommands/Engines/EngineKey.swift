package import Engines
import Glibc
import SystemPackage
import SystemSupport

/// An engine's key as this process can have it.
package struct EngineKey: Sendable, Hashable {
    /// nil: there is none, or it cannot be had.
    package var secret: Secret?
    package var origin: KeyOrigin
    /// Why the key file that the configuration names is of no use: no fault of the settings while nobody asks the engine.
    package var fault: ConfigurationFault?
    /// Keys lie where this user may not look: there may be one, and the service may have it.
    var isHidden = false
    /// Of the file it was read from, as it was then.
    var identity: FileIdentity?
    /// What is odd about its file, in sentences.
    var notes: [String] = []

    /// Where the unit's LoadCredential= takes keys from; root may read it, for `check`.
    static let folder = FilePath("/etc/parlograph/credentials")

    /// What systemd gave to this process for the engine, and outside of a service, what it would give. Blocks.
    static func credential(of engine: String) -> EngineKey {
        let source = folder.appending(engine)
        if let given = ProcessEnvironment.all["CREDENTIALS_DIRECTORY"] {
            guard let secret = Self.given(engine, in: FilePath(given)) else {
                return EngineKey(origin: .lacksCredential(source: source.string))
            }
            return EngineKey(secret: secret, origin: .credential(source: source.string))
        }
        do {
            return EngineKey(secret: try secret(source), origin: .file(source.string))
        } catch {
            let isHidden = (error as? SystemError)?.errno == .permissionDenied
            return EngineKey(origin: .setting, isHidden: isHidden)
        }
    }

    /// The engine's key in a folder of credentials: a file of its name, or one from a folder of such
    /// (`LoadCredential=engine:FOLDER` puts `engine_` in front). Blocks.
    static func given(_ engine: String, in folder: FilePath) -> Secret? {
        for name in [engine, "engine_\(engine)"] {
            if let secret = try? secret(folder.appending(name)) { return secret }
        }
        return nil
    }

    /// The content of a key file; nil where it is empty. Blocks.
    /// - Throws: `SystemError`.
    static func secret(_ path: FilePath) throws -> Secret? { try EngineKey(file: path.string).secret }
}

extension EngineKey {
    /// The content of a key file, and which file that was. Blocks.
    /// - Parameter again: what was read once by then; a pipe, which would have to be waited for, has no more to say.
    /// - Throws: `SystemError`.
    init(file: String, again: Bool = false) throws {
        let path = FilePath(file)
        let open = try OwnedDescriptor(opening: path, flags: again ? O_RDONLY | O_NONBLOCK : O_RDONLY)
        // Known before it is read: what is written into it meanwhile makes it another one.
        let status = try FileStatus(of: open.descriptor)
        guard !again || status.kind == .regular else {
            throw SystemError("read", path.printable, errno: .invalidArgument, saying: Self.isNoFile)
        }
        identity = status.identity
        let bytes = try SmallFile.read(open.descriptor, named: path.printable, limit: 64 << 10)
        secret = Secret(String(decoding: bytes, as: UTF8.self))
        origin = .file(file)
    }

    private static let isNoFile = "It is no regular file"

    /// Why the key file of an engine in use cannot be read now, and the remedy; nil: it can. Blocks.
    static func fault(of engine: String, _ path: FilePath) -> String? {
        do {
            _ = try EngineKey(file: path.string, again: true)
            return nil
        } catch {
            return fault(of: engine, path, error as? SystemError)
        }
    }

    /// - Parameter error: nil: it does not answer.
    static func fault(of engine: String, _ path: FilePath, _ error: SystemError?) -> String {
        let cause = error.map { $0.sentence ?? "\($0.errno)" } ?? "its disk or server does not answer"
        let remedy =
            switch error?.errno {
            case .noSuchFileOrDirectory: "Put it there again"
            case .permissionDenied, .notPermitted:
                "Let the service's user read it: chown parlograph \(path.printable.shellWord); chmod 0400 \(path.printable.shellWord)"
            case .invalidArgument, .isDirectory, .fileTooLarge: "Put a file there that holds the key and nothing else"
            default: "Look at its disk or server"
            }
        return "The key file \(path.printable) of engine \(engine) cannot be read by the service: \(cause). "
            + "It goes on with the key it has, and will have none at its next start. \(remedy)"
    }
}

extension EngineSection {
    /// The engine's key, for a kind that needs one: `api_key` from the environment or the file, else the content of
    /// `api_key_file`, else (also where that cannot be read) a systemd credential. Blocks.
    /// - Throws: `ConfigurationFault` where the keys hold no texts.
    func key() throws -> EngineKey {
        let key = try reader.optionalString("api_key")
        let file = try reader.optionalString(
            "api_key_file", .text("a path"),
            otherwise: .words("the file called like the engine in CREDENTIALS_DIRECTORY, if there is one"))
        if let key { return EngineKey(secret: Secret(key), origin: .setting) }
        guard let file else { return EngineKey.credential(of: name) }
        var found = self.key(file: file)
        found.notes = EngineKey.note(onFile: file).map { [$0] } ?? []
        return found
    }

    private func key(file: String) -> EngineKey {
        do {
            return try EngineKey(file: file)
        } catch {
            // The package's folder of keys is closed to the service, which gets them as credentials.
            var found = EngineKey.credential(of: name)
            guard found.secret == nil else { return found }
            let reason = (error as? SystemError).map { "\($0.errno)" } ?? "\(error)"
            found.fault = reader.fault("api_key_file", "\(file) cannot be read: \(reason).")
            return found
        }
    }
}

extension EngineKey {
    fileprivate static func note(onFile file: String) -> String? {
        guard let status = try? FileStatus(at: FilePath(file)) else { return nil }
        if status.mode & 0o004 != 0 {
            return "Its api_key_file, \(file), can be read by every user of this machine: chmod o-rwx \(file.shellWord)"
        }
        return status.identity.byteCount == 0 ? "Its api_key_file, \(file), is empty." : nil
    }
}

extension Settings {
    /// The key files that engines have their keys from, by the engines' names. What systemd gave to the service is not
    /// among them: it does not change.
    var keyFiles: [String: FilePath] {
        engines.compactMapValues { entry in
            guard case .file(let path)? = entry.key?.origin else { return nil }
            return FilePath(path)
        }
    }

    /// The same settings with these keys as they are now; one whose file cannot be read stays. Blocks.
    package func readingAgain(keysOf names: some Sequence<String>) -> Settings {
        var settings = self
        for name in names {
            guard let path = keyFiles[name], let reading = try? EngineKey(file: path.string, again: true) else {
                continue
            }
            settings.engines[name]?.key?.identity = reading.identity
            if let secret = reading.secret { settings.give(secret, to: name) }
        }
        return settings
    }

    /// Engines whose key file can be read and is not the one that their key was read from, by name. Blocks.
    package var enginesWithOtherKeyFiles: [String] {
        keyFiles.filter { name, path in
            guard let now = try? FileStatus(at: path).identity, now != engines[name]?.key?.identity else {
                return false
            }
            return (try? EngineKey(file: path.string, again: true)) != nil
        }.keys.sorted()
    }

    /// An engine's key is this one. Nothing is done for an engine that needs none.
    mutating func give(_ secret: Secret, to name: String) {
        engines[name]?.key?.secret = secret
        engines[name]?.key?.fault = nil
        engines[name]?.key?.isHidden = false
    }
}
