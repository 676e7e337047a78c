import Glibc
import Inbox
import SystemPackage
import SystemSupport
import TranscriptCache

/// What `check` says of the service's folders. Blocks.
struct FolderFindings {
    private let settings: Settings
    private let user: String?

    /// - Parameter user: whose rights the process has at the moment; nil: its own.
    init(_ settings: Settings, user: String?) {
        self.settings = settings
        self.user = user
    }

    /// Of each inbox, and of the service's own folders.
    var all: [Surroundings.Finding] {
        settings.inboxes.flatMap { inbox in
            FolderCheck.folders(of: inbox).map { path, name in
                folder(path, as: name, isInbox: name == "inbox", needsSpace: name == "outbox")
            }
        } + [
            folder(settings.stateDirectory, as: "state_directory", needsSpace: true),
            folder(settings.cache.directory, as: "cache_directory", needsSpace: true, mayBeMissing: true),
        ]
    }

    /// - Parameters:
    ///   - needsSpace: no recording is begun with less than `min_free_space_mb` here.
    ///   - mayBeMissing: it is made when it is needed.
    private func folder(
        _ path: FilePath, as name: String, isInbox: Bool = false, needsSpace: Bool = false, mayBeMissing: Bool = false
    ) -> Surroundings.Finding {
        let subject = "\(name) \(path.printable)"
        guard let status = try? FileStatus(at: path) else {
            let text = "does not exist; the service makes it if it may"
            return mayBeMissing || canMake(path)
                ? .note(subject, text) : .fault(subject, "does not exist", .configuration)
        }
        guard status.kind == .directory else { return .fault(subject, "is not a folder", .configuration) }
        guard FolderRights.canWrite(path) else {
            return .fault(subject, FolderRights.obstacle(at: path, user: user), .configuration)
        }
        guard let file = try? OwnedDescriptor(opening: path, flags: O_RDONLY | O_DIRECTORY) else {
            return .fault(subject, "cannot be read by \(user ?? "this user")", .configuration)
        }
        var text = "writable, \(FileSystemKind.name(of: file.descriptor))"
        if let free = FileSystemKind.freeBytes(file.descriptor) {
            if needsSpace, let fault = shortage(free) { return .fault(subject, fault, .cannotCreate) }
            text += ", \(ByteCount.text(free)) free"
        }
        if isInbox, FileLease.isOnNetwork(file.descriptor) {
            text += "; changes made on other machines give no events here: it is scanned"
        }
        return .fine(subject, text)
    }

    private func shortage(_ free: Int64) -> String? {
        let least = settings.processing.leastFreeMB
        guard free < max(1, Int64(least) << 20) else { return nil }
        return "only \(ByteCount.text(free)) free: no recording is begun with less than \(least) MB "
            + "(min_free_space_mb of [processing]). Free some space."
    }

    private func canMake(_ path: FilePath) -> Bool {
        var at = path.removingLastComponent()
        while (try? FileStatus(at: at)) == nil, !at.components.isEmpty { at = at.removingLastComponent() }
        return FolderRights.canWrite(at)
    }
}
