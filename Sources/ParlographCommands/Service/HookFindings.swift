import Glibc
import Inbox
import SystemPackage
import SystemSupport

/// What `check` says of the hooks of inboxes. No program is run and nobody is told anything.
struct HookFindings {
    private let inboxes: [InboxSettings]
    private let view: ServiceView

    /// - Parameter view: whose rights count.
    init(_ inboxes: [InboxSettings], _ view: ServiceView) {
        self.inboxes = inboxes
        self.view = view
    }

    var all: [Diagnostics.Finding] {
        get async {
            var findings: [Diagnostics.Finding] = []
            for inbox in inboxes {
                for event in HookCall.Event.allCases {
                    guard let command = event == .delivered ? inbox.hooks.onDelivered : inbox.hooks.onFailed else {
                        continue
                    }
                    findings.append(await finding(of: command, "\(event.key) of \(inbox.path.printable)"))
                }
                if let webhook = inbox.hooks.webhook {
                    findings.append(await finding(of: webhook, "webhook of \(inbox.path.printable)"))
                }
            }
            return findings
        }
    }

    private func finding(of command: [String], _ subject: String) async -> Diagnostics.Finding {
        do {
            let path = try await GuardedProgram(command).programPath()
            try await BlockingPool.files.run { [view] in
                try AssumedUser.run(as: view.user) { try GuardedProgram.requireRunnable(path) }
            }
            return .fine(subject, "\(path.printable)")
        } catch {
            let who = view.user.map { " by \($0.name), as whom the service runs" } ?? ""
            return .fault(
                subject,
                "\(command[0]) cannot be run\(who): \("\(error)".printable). Check the path, and that the service's user "
                    + "may run it: chmod a+rx, and a+x for the folders above it.",
                .configuration)
        }
    }

    private func finding(of webhook: WebhookSettings, _ subject: String) async -> Diagnostics.Finding {
        guard let fault = webhook.secretFault else {
            let hidden = await BlockingPool.files.run { [view] in Self.hidden(webhook, subject, view) }
            return hidden ?? .fine(subject, "\(webhook.host), signed")
        }
        // Outside of the service, and without the rights of root, its credentials are not to be had.
        let mayBeHad = ProcessEnvironment.all["CREDENTIALS_DIRECTORY"] != nil || geteuid() == 0
        return mayBeHad ? .fault(subject, fault, .configuration) : .note(subject, fault)
    }

    /// Of a secret that this process has and the service may not have. Blocks.
    private static func hidden(
        _ webhook: WebhookSettings, _ subject: String, _ view: ServiceView
    ) -> Diagnostics.Finding? {
        guard let file = webhook.secretFile.map({ FilePath($0) }), let name = file.lastComponent?.string else {
            return nil
        }
        // systemd reads these for the service.
        guard file.removingLastComponent() != EngineKey.folder else { return nil }
        if case .given = view.key(of: name) { return nil }
        return view.unreadable(file.string, "secret_file", subject)
    }
}
