import SystemPackage
import SystemSupport

extension ServiceStatus {
    /// Inboxes and folders in them whose recordings the service cannot find.
    package var foldersOutOfReach: [Fault] { (faults ?? []).filter { $0.kind == .inbox || $0.kind == .folder } }

    /// Adds a fault of the configuration as it is now, unless the service has found one already.
    package mutating func add(settingsFault fault: String, of file: String, now: Int64) {
        let known = faults ?? []
        guard !known.contains(where: { $0.kind == .settings }) else { return }
        let cause =
            "The settings on disk have a fault, and those before are in force. Correct them before the service is reloaded or "
            + "started: \(fault)"
        faults = known + [Fault(.settings, at: file, since: now, cause: cause)]
    }

    /// What somebody has to put right besides engines and outboxes.
    package struct Fault: Sendable, Codable, Hashable {
        package enum Kind: String, Sendable, Codable, Comparable {
            /// A configuration that was refused.
            case settings
            /// The file of an engine's key.
            case key
            /// An inbox as a whole.
            case inbox
            /// A folder in an inbox.
            case folder
            /// An inbox that is only scanned.
            case watch
            /// Finished recordings that cannot be taken out of their inbox.
            case source
            /// A program of `on_delivered` or `on_failed`.
            case hook
            case webhook
            /// A file of figures for monitoring that cannot be written.
            case metrics

            package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
        }

        package var kind: Kind
        /// What it is about, a printable path.
        package var place: String
        /// Seconds since 1970.
        package var since: Int64
        /// The fault and its remedy in sentences.
        package var cause: String

        package init(_ kind: Kind, at place: String, since: Int64, cause: String) {
            (self.kind, self.place, self.since, self.cause) = (kind, place, since, cause)
        }

        /// - Parameter inbox: that the fault was found in.
        init(_ fault: FolderFault, in inbox: FilePath, since: Int64) {
            let folder = inbox.pushing(fault.folder.path)
            let (root, path) = (inbox.printable, folder.printable)
            let isInbox = fault.folder.bytes.isEmpty
            let (kind, cause): (Kind, String) =
                switch fault.kind {
                case .unreadable(let errno) where isInbox:
                    (
                        .inbox,
                        "The inbox \(root) cannot be read by the service: \(errno). \(Self.remedy(errno, inbox: root))"
                    )
                case .unreadable(let errno):
                    (
                        .folder,
                        "The folder \(path) cannot be read by the service: \(errno). No recording in it is found. "
                            + Self.remedy(errno, folder: path, in: root)
                    )
                case .unmounted:
                    (
                        .inbox,
                        "The inbox \(root) is not mounted any more: its recordings are out of reach, and what is put there "
                            + "now lies below the mount point. Mount it again: mount \(root.shellWord) (or, if it is to be "
                            + "a plain folder from now on, run: systemctl restart parlograph)"
                    )
                case .replaced:
                    (
                        .inbox,
                        "Another folder lies at \(root) than when the service began: mounted over it, or put there. What was "
                            + "in the one before is not seen. If that is not meant, unmount it or put the old one back; if "
                            + "it is, run: systemctl reload parlograph"
                    )
                case .unwatched:
                    (
                        .watch,
                        "The inbox \(root) cannot be watched as a whole, it is scanned: recordings are found some seconds "
                            + "later. Raise the limits of inotify: sysctl fs.inotify.max_user_watches=524288 "
                            + "fs.inotify.max_user_instances=512, then run: systemctl restart parlograph"
                    )
                }
            self.init(kind, at: path, since: since, cause: cause)
        }

        /// - Parameter isOff: its server wants no more calls.
        init(_ trouble: HookTrouble, isOff: Bool) {
            let inbox = trouble.inbox.printable
            let subject =
                trouble.kind == .program
                ? "A program of on_delivered or on_failed of the inbox \(inbox)" : "The webhook of the inbox \(inbox)"
            var end =
                trouble.waiting == 0
                ? ""
                : " It is tried again for \(CountedText.text(trouble.waiting, "recording")), and at once after a reload."
            if isOff {
                end =
                    " It is switched off until the next reload; \(CountedText.text(trouble.waiting, "call")) "
                    + "\(trouble.waiting == 1 ? "waits" : "wait") for it. Take it out of the configuration, or set the new address."
            }
            if trouble.givenUp > 0 {
                end +=
                    " Given up for \(CountedText.text(trouble.givenUp, "recording")): a reload tries those of the last 7 days again."
            }
            self.init(
                trouble.kind == .program ? .hook : .webhook, at: inbox, since: trouble.since,
                cause: "\(subject) fails; the transcripts are not touched by that. \(trouble.cause)"
                    + (trouble.cause.last.map { ".!?".contains($0) } == true ? "" : ".") + end)
        }

        private static func remedy(_ errno: Errno, inbox: String) -> String {
            switch errno {
            case .permissionDenied, .notPermitted:
                "Let its user in: chgrp parlograph \(inbox.shellWord); chmod g+rwxs \(inbox.shellWord) (and g+x for the folders above it)"
            case .noSuchFileOrDirectory, .notDirectory:
                "It was moved or deleted, or its disk or share is not mounted: mount it, or make it again: install -d -o "
                    + "parlograph -g parlograph -m 2775 \(inbox.shellWord)"
            default: "Look at its disk or server."
            }
        }

        private static func remedy(_ errno: Errno, folder: String, in inbox: String) -> String {
            switch errno {
            case .permissionDenied, .notPermitted:
                "Let the group of the inbox in: chgrp --reference=\(inbox.shellWord) \(folder.shellWord); chmod g+rwxs "
                    + "\(folder.shellWord)"
            default: "Look at its disk or server."
            }
        }
    }
}

extension FolderFault {
    /// For people who use the folders and not the machine; nil: it is none of their business.
    package var forOffice: String? {
        switch kind {
        case .unreadable where folder.bytes.isEmpty:
            "The inbox cannot be looked into: recordings that are put there wait."
        case .unreadable:
            "The folder \"\(folder.last.printable)\" in the inbox cannot be looked into: recordings that are put there wait."
        case .unmounted: "The disk or share of the inbox is away: the recordings on it wait."
        // Recordings are found there.
        case .replaced, .unwatched: nil
        }
    }
}
