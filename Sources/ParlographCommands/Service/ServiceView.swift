import Engines
import Glibc
import Inbox
import SystemPackage
import SystemSupport

/// What the installed service has that a command has not: its user, and the keys that systemd gave it.
struct ServiceView: Sendable {
    /// The user that the service runs as, where this process is root and may look at things as that user; nil: as itself.
    let user: AccountName?
    /// Where the running service may have its credentials; empty: none is known.
    private let credentials: [FilePath]

    /// Blocks.
    /// - Parameter stateDirectory: of the service.
    init(stateDirectory: FilePath) {
        let process = InstanceLock.holder(in: stateDirectory)
        let place = process.map { FilePath("/proc/\($0)") } ?? stateDirectory
        let owner = geteuid() == 0 ? (try? FileStatus(at: place))?.owner : nil
        user = owner.flatMap { $0 == 0 ? nil : AccountName(id: $0) }
        credentials = process.map(Self.credentials(of:)) ?? []
    }

    /// Where systemd puts the credentials of the unit that a process is in: seen by that process, and by others.
    private static func credentials(of process: Int32) -> [FilePath] {
        guard let bytes = try? SmallFile.read(FilePath("/proc/\(process)/cgroup"), limit: 64 << 10) else { return [] }
        let group = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).last ?? ""
        guard let unit = group.split(separator: "/").last, unit.hasSuffix(".service") else { return [] }
        return ["/proc/\(process)/root/run/credentials", "/run/credentials"].map {
            FilePath($0).appending(String(unit))
        }
    }

    /// Whether the service has an engine's key.
    enum Key: Sendable {
        case given(Secret)
        case missing
        /// It has, or has not: this user may not look.
        case hidden
    }

    /// What systemd gave to the running service for an engine; nil: there is no such service. Blocks.
    func key(of engine: String) -> Key? {
        var isHidden = false
        for folder in credentials {
            do {
                _ = try OwnedDescriptor(opening: folder, flags: O_RDONLY | O_DIRECTORY)
                return EngineKey.given(engine, in: folder).map { .given($0) } ?? .missing
            } catch {
                isHidden = isHidden || (error as? SystemError)?.errno == .permissionDenied
            }
        }
        return isHidden ? .hidden : nil
    }

    /// What is told of a file with a secret that the service's user cannot read; nil: it can, or nobody knows. Blocks.
    /// - Parameter key: that names the file.
    func unreadable(_ path: String, _ key: String, _ subject: String) -> Diagnostics.Finding? {
        guard let user else { return nil }
        do {
            try AssumedUser.run(as: user) { _ = try OwnedDescriptor(opening: FilePath(path), flags: O_RDONLY) }
            return nil
        } catch {
            return .fault(
                subject,
                "Its \(key), \(path), cannot be read by \(user.name), as whom the service runs. Give it the right to, or "
                    + "put it into \(EngineKey.folder).", .configuration)
        }
    }
}

/// An engine's key as `check` sees it: what this user can read against what the service has.
struct KeyCheck {
    /// To be told of the key; empty: nothing.
    var findings: [Diagnostics.Finding] = []
    /// The key that the service has and this user could not read itself.
    var secret: Secret?
    /// Without the key nothing comes of asking the engine.
    var mayAsk = true

    /// Blocks.
    init(of name: String, _ entry: Settings.EngineEntry, _ view: ServiceView) {
        guard let key = entry.key else { return }
        let subject = "engine \(name)"
        let source = EngineKey.folder.appending(name)
        switch (view.key(of: name), key.origin) {
        case (.given(let secret), _) where key.isHidden: self.secret = secret
        case (_, _) where key.isHidden:
            mayAsk = false
            findings = [
                .note(
                    subject,
                    "Keys lie in \(EngineKey.folder), which only root may read; systemd gives them to the service. Run this "
                        + "as root to have the engine asked with its key.")
            ]
        case (.given(let secret), .file(source.string)) where secret != key.secret:
            findings = [
                .fault(subject, "The running service has another key than \(source): \(Self.restart)", .unavailable)
            ]
        case (.missing, .file(source.string)):
            findings = [
                .fault(subject, "The running service has not got the key in \(source): \(Self.restart)", .unavailable)
            ]
        case (_, .file(let path)) where path != source.string:
            findings = view.unreadable(path, "api_key_file", subject).map { [$0] } ?? []
        default: break
        }
    }

    private static let restart = "systemd hands out keys when a service starts. Run: systemctl restart parlograph"
}
