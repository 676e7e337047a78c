import SystemSupport

/// The state of a service in one line, as monitoring plugins print it (Monitoring Plugins' guidelines): a word, a text,
/// and figures behind a bar.
package struct MonitoringResult: Sendable, Hashable {
    /// The raw values are exit statuses.
    package enum Level: Int32, Sendable, Comparable {
        case ok = 0
        case warning
        case critical
        /// Nothing is known.
        case unknown

        package var word: String {
            switch self {
            case .ok: "OK"
            case .warning: "WARNING"
            case .critical: "CRITICAL"
            case .unknown: "UNKNOWN"
            }
        }

        package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    }

    /// From which figures on something is said.
    package struct Thresholds: Sendable {
        /// How long the oldest recording waits, in seconds.
        package var oldest: (warning: Int64, critical: Int64)
        /// Recordings that wait.
        package var waiting: (warning: Int?, critical: Int?)

        package init(
            oldest: (warning: Int64, critical: Int64) = (3600, 4 * 3600),
            waiting: (warning: Int?, critical: Int?) = (nil, nil)
        ) {
            self.oldest = oldest
            self.waiting = waiting
        }
    }

    package let level: Level
    package let line: String

    /// - Parameter why: nothing is known.
    package init(unknown why: String) {
        level = .unknown
        line = "PARLOGRAPH UNKNOWN - \(Self.clean(why))"
    }

    /// - Parameter now: seconds since 1970.
    package init(_ service: ServiceReport, _ thresholds: Thresholds, now: Int64) {
        self.init(service.standing, service.status, remark: service.remark, thresholds, now: now)
    }

    package init(
        _ standing: ServiceReport.Standing, _ status: ServiceStatus?, remark: String?, _ thresholds: Thresholds,
        now: Int64
    ) {
        guard standing == .running, let status else {
            level = standing == .starting ? .warning : .critical
            let words = remark ?? (standing == .starting ? "The service starts." : "The service is not running.")
            line = "PARLOGRAPH \(level.word) - \(Self.clean(words))"
            return
        }
        let found = Self.findings(status, thresholds, now: now)
        level = found.map(\.level).max() ?? .ok
        // The order within a level stays.
        let worst = [Level.critical, .warning].flatMap { one in found.filter { $0.level == one }.map(\.text) }
        let text =
            worst.isEmpty
            ? "\(CountedText.text(status.running.count, "recording")) in work, \(status.queued) waiting"
            : worst.map(Self.clean).joined(separator: "; ")
        line = "PARLOGRAPH \(level.word) - \(text) | \(Self.figures(status, thresholds, now: now))"
    }

    private static func age(_ status: ServiceStatus, now: Int64) -> Int64 {
        status.oldestWaitingAt.map { max(0, now - $0) } ?? 0
    }

    private static func findings(
        _ status: ServiceStatus, _ thresholds: Thresholds, now: Int64
    ) -> [(level: Level, text: String)] {
        var out: [(level: Level, text: String)] = []
        let age = age(status, now: now)
        if age >= thresholds.oldest.warning {
            out.append(
                (age >= thresholds.oldest.critical ? .critical : .warning, "a recording has waited for \(age / 60) min")
            )
        }
        if let level = level(status.queued, thresholds.waiting.warning, thresholds.waiting.critical) {
            out.append((level, "\(CountedText.text(status.queued, "recording")) wait"))
        }
        for outbox in status.outboxes ?? [] {
            out.append((.critical, "outbox \(outbox.path) cannot be written to: \(outbox.cause)"))
        }
        for folder in status.shortOfSpace ?? [] { out.append((.critical, "too little space at \(folder)")) }
        for (name, engine) in status.engines.sorted(by: { $0.key < $1.key }) {
            switch engine.state {
            case .ok, .paused: break
            case .waiting: out.append((.warning, "engine \(name) \(engine.words)"))
            case .refused: out.append((.critical, "engine \(name) \(engine.words)"))
            }
        }
        for fault in status.faults ?? [] {
            // Recordings that nobody finds are lost to people; the rest is a matter for office hours.
            out.append((fault.kind == .inbox ? .critical : .warning, fault.cause))
        }
        return out
    }

    private static func level(_ count: Int, _ warning: Int?, _ critical: Int?) -> Level? {
        if let critical, count >= critical { return .critical }
        if let warning, count >= warning { return .warning }
        return nil
    }

    /// `label=value[unit];warning;critical;minimum`
    private static func figures(_ status: ServiceStatus, _ thresholds: Thresholds, now: Int64) -> String {
        func text(_ number: Int?) -> String { number.map { "\($0)" } ?? "" }
        return [
            "oldest=\(age(status, now: now))s;\(thresholds.oldest.warning);\(thresholds.oldest.critical);0",
            "waiting=\(status.queued);\(text(thresholds.waiting.warning));\(text(thresholds.waiting.critical));0",
            "running=\(status.running.count);;;0", "arriving=\(status.settling);;;0",
            "delivered=\(status.delivered);;;0", "partial=\(status.partial);;;0", "failed=\(status.failed);;;0",
        ].joined(separator: " ")
    }

    /// A bar would end the text; so would a line.
    private static func clean(_ text: String) -> String { text.printable.replacing("|", with: "/") }
}
