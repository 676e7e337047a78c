import Glibc
import Inbox
import SystemPackage
import SystemSupport
import TranscriptCache

/// What `check` says of the service's folders. Blocks.
struct FolderFindings {
    private let settings: Settings
    private let user: String?
    private let isServed: Bool
    private let mounts = MountTable.ofMachine()

    /// - Parameters:
    ///   - user: whose rights the process has at the moment; nil: its own.
    ///   - isServed: a service runs, which makes no folders any more.
    init(_ settings: Settings, user: String?, isServed: Bool) {
        self.settings = settings
        self.user = user
        self.isServed = isServed
    }

    /// Of each inbox, and of the service's own folders.
    var all: [Diagnostics.Finding] {
        let links = FolderCheck.rootLinks(settings)
        return settings.inboxes.flatMap { inbox in
            FolderCheck.folders(of: inbox).map { path, name in
                FolderCheck.linkFault(at: path, links).map { .fault("\(name) \(path.printable)", $0, .configuration) }
                    ?? folder(
                        path, as: name, isInbox: name == "inbox",
                        need: name == "outbox" ? .work : name == "inbox" ? .none : .move)
            }
        } + [
            folder(settings.stateDirectory, as: "state_directory", need: .work),
            folder(settings.cache.directory, as: "cache_directory", need: .work, mayBeMissing: true),
        ] + (settings.metricsFile.map { [metrics($0)] } ?? [])
    }

    /// Of `metrics_file`.
    private func metrics(_ file: FilePath) -> Diagnostics.Finding {
        let (subject, folder) = ("metrics_file \(file.printable)", file.removingLastComponent())
        if let fault = unmounted(folder, subject) { return fault }
        guard (try? FileStatus(at: folder))?.kind == .directory else {
            return .fault(
                subject,
                "cannot be written: \(folder.printable) is no folder, or \(user ?? "this user") may not see it. Make it: "
                    + "install -d -g parlograph -m 2775 \(folder.printable.shellWord)", .configuration)
        }
        guard FolderRights.canWrite(folder) else {
            return .fault(
                subject, "its folder \(FolderRights.obstacle(at: folder, user: user)). \(Self.access(to: folder))",
                .configuration)
        }
        return .fine(subject, "its folder is writable")
    }

    /// What space is needed for.
    private enum Need {
        case none
        /// No recording is begun with less than `min_free_space_mb`.
        case work
        /// Finished recordings are moved there.
        case move
    }

    /// - Parameter mayBeMissing: it is made when it is needed.
    private func folder(
        _ path: FilePath, as name: String, isInbox: Bool = false, need: Need, mayBeMissing: Bool = false
    ) -> Diagnostics.Finding {
        let subject = "\(name) \(path.printable)"
        if let fault = unmounted(path, subject) { return fault }
        guard let status = try? FileStatus(at: path) else {
            return missing(path, subject, mayBeMissing: mayBeMissing)
        }
        guard status.kind == .directory else {
            return .fault(
                subject, "is not a folder. Choose another path, or move away what lies there.", .configuration)
        }
        guard FolderRights.canWrite(path) else {
            return .fault(
                subject, "\(FolderRights.obstacle(at: path, user: user)). \(Self.access(to: path))", .configuration)
        }
        guard let file = try? OwnedDescriptor(opening: path, flags: O_RDONLY | O_DIRECTORY) else {
            return .fault(
                subject, "cannot be read by \(user ?? "this user"). \(Self.access(to: path))", .configuration)
        }
        var text = "writable, \(FileSystemKind.name(of: file.descriptor))"
        if let free = FileSystemKind.freeBytes(file.descriptor) {
            if let fault = shortage(free, need) { return .fault(subject, fault, .cannotCreate) }
            text += ", \(ByteCount.text(free)) free"
        }
        if isInbox, FileSystemKind.isOnNetwork(file.descriptor) {
            text += "; changes made on other machines give no events here: it is scanned"
        }
        return .fine(subject, text)
    }

    /// What is told of a folder whose file system should be mounted; nil: it is, or has none.
    private func unmounted(_ path: FilePath, _ subject: String) -> Diagnostics.Finding? {
        mounts.missingMount(above: path).map { point in
            .fault(
                subject,
                "lies on \(point.printable), which /etc/fstab names and which is not mounted. Mount it: mount "
                    + point.printable.shellWord, .configuration)
        }
    }

    private func missing(_ path: FilePath, _ subject: String, mayBeMissing: Bool) -> Diagnostics.Finding {
        if mayBeMissing || (canMake(path) && !isServed) {
            return .note(subject, "does not exist; the service makes it if it may")
        }
        let what = isServed ? "is not there any more, and the running service does not make it" : "does not exist"
        return .fault(
            subject,
            "\(what). Mount it, put it back, or make it: install -d -o parlograph -g parlograph -m 2775 "
                + "\(path.printable.shellWord)",
            .configuration)
    }

    private static func access(to path: FilePath) -> String {
        "Let the service's user in: chgrp parlograph \(path.printable.shellWord); chmod g+rwxs \(path.printable.shellWord)"
    }

    private static let minimumToMove: Int64 = 1 << 20

    private static func left(_ free: Int64) -> String { free > 0 ? "only \(ByteCount.text(free)) free" : "full" }

    /// What is said of too little space; nil: there is enough.
    private func shortage(_ free: Int64, _ need: Need) -> String? {
        let least = settings.processing.minimumFreeMB
        switch need {
        case .none: return nil
        case .move:
            guard free < Self.minimumToMove else { return nil }
            return
                "\(Self.left(free)): finished recordings cannot be moved there, and stay in the inbox. "
                + "Free some space."
        case .work:
            guard free < max(1, Int64(least) << 20) else { return nil }
            guard least > 0 else { return "full: nothing can be written there. Free some space." }
            return "\(Self.left(free)): no recording is begun with less than \(least) MB "
                + "(min_free_space_mb of [processing]). Free some space."
        }
    }

    private func canMake(_ path: FilePath) -> Bool {
        var at = path.removingLastComponent()
        while (try? FileStatus(at: at)) == nil, !at.components.isEmpty { at = at.removingLastComponent() }
        return FolderRights.canWrite(at)
    }
}
