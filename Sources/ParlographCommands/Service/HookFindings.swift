import Glibc
import Inbox
import SystemPackage
import SystemSupport

/// What `check` says of the hooks of inboxes. No program is run and nobody is told anything.
struct HookFindings {
    private let inboxes: [InboxSettings]
    private let user: AccountName?

    /// - Parameter user: whose rights count, as `ServiceView.user`.
    init(_ inboxes: [InboxSettings], user: AccountName?) {
        self.inboxes = inboxes
        self.user = user
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
                    findings.append(finding(of: webhook, "webhook of \(inbox.path.printable)"))
                }
            }
            return findings
        }
    }

    private func finding(of command: [String], _ subject: String) async -> Diagnostics.Finding {
        do {
            let path = try await GuardedProgram(command).programPath()
            try await BlockingPool.files.run { [user] in
                try AssumedUser.run(as: user) { try GuardedProgram.requireRunnable(path) }
            }
            return .fine(subject, "\(path.printable)")
        } catch {
            let who = user.map { " by \($0.name), as whom the service runs" } ?? ""
            return .fault(
                subject,
                "\(command[0]) cannot be run\(who): \("\(error)".printable). Check the path, and that the service's user "
                    + "may run it: chmod a+rx, and a+x for the folders above it.",
                .configuration)
        }
    }

    private func finding(of webhook: WebhookSettings, _ subject: String) -> Diagnostics.Finding {
        guard let fault = webhook.secretFault else { return .fine(subject, "\(webhook.host), signed") }
        // Outside of the service, and without the rights of root, its credentials are not to be had.
        let mayBeHad = ProcessEnvironment.all["CREDENTIALS_DIRECTORY"] != nil || geteuid() == 0
        return mayBeHad ? .fault(subject, fault, .configuration) : .note(subject, fault)
    }
}
