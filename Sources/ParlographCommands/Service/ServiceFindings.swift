import Inbox
import SystemSupport

/// What `check` says of the service that runs: what it has found itself, which a command cannot see.
struct ServiceFindings {
    /// Empty where none runs.
    let all: [Diagnostics.Finding]

    init(_ service: ServiceReport) {
        switch (service.standing, service.status) {
        case (.running, let status?): all = Self.findings(of: status)
        case (.silent, _): all = [.fault("service", service.remark ?? "does not report", .unavailable)]
        case (.starting, _):
            all = [.note("service", "It starts, or waits for its job journal: journalctl -u parlograph tells.")]
        case (.stopped, .some):
            all = [.note("service", "It is not running. Start it: systemctl start parlograph")]
        case (.stopped, nil), (.running, nil): all = []
        }
    }

    private static func findings(of status: ServiceStatus) -> [Diagnostics.Finding] {
        var out = (status.faults ?? []).map { fault -> Diagnostics.Finding in
            let text = "Since \(LocalTime.moment(fault.since)): \(fault.cause)"
            return fault.kind == .watch ? .note("service", text) : .fault("service", text, exit(fault.kind))
        }
        out += (status.outboxes ?? []).map { outbox in
            .fault(
                "service", "The outbox \(outbox.path) is away since \(LocalTime.moment(outbox.since)): \(outbox.cause)",
                .cannotCreate)
        }
        out += status.engines.sorted { $0.key < $1.key }.filter { $0.value.state != .ok }.map { name, engine in
            engine.state == .paused
                ? .note("service", "Engine \(name) \(engine.words)")
                : .fault("service", "Engine \(name) \(engine.words)", .unavailable)
        }
        return out.isEmpty ? [.fine("service", "process \(status.processID) runs, and has found no fault")] : out
    }

    private static func exit(_ kind: ServiceStatus.Fault.Kind) -> Exit {
        switch kind {
        case .settings, .key, .inbox, .folder, .watch: .configuration
        case .source, .metrics: .cannotCreate
        case .hook, .webhook: .unavailable
        }
    }
}
