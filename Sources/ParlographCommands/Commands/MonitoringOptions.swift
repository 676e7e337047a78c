import ArgumentParser
import Inbox

/// `status --check`, for monitoring systems that run plugins.
struct MonitoringOptions: ParsableArguments {
    @Flag(
        help: ArgumentHelp(
            "As a monitoring plugin: one line, with exit status 0 (OK), 1 (WARNING), 2 (CRITICAL) or 3 (UNKNOWN)."))
    var check = false

    @Option(
        name: .customLong("warning-oldest"),
        help: ArgumentHelp("Seconds that the oldest recording may wait before --check warns.", valueName: "seconds"))
    var warningOldest: Int64 = 3600

    @Option(
        name: .customLong("critical-oldest"),
        help: ArgumentHelp("The same before it is critical.", valueName: "seconds"))
    var criticalOldest: Int64 = 14400

    @Option(
        name: .customLong("warning-waiting"),
        help: ArgumentHelp("Recordings that wait, from which on --check warns.", valueName: "number"))
    var warningWaiting: Int?

    @Option(
        name: .customLong("critical-waiting"),
        help: ArgumentHelp("The same from which on it is critical.", valueName: "number"))
    var criticalWaiting: Int?

    /// - Throws: `ValidationError`.
    func validateThresholds() throws {
        guard warningOldest > 0, warningOldest <= criticalOldest else {
            throw ValidationError("--warning-oldest must be at least 1 and not more than --critical-oldest.")
        }
        guard (warningWaiting ?? 1) > 0, (criticalWaiting ?? 1) > 0,
            (warningWaiting ?? 0) <= (criticalWaiting ?? .max)
        else { throw ValidationError("--warning-waiting must be at least 1 and not more than --critical-waiting.") }
    }

    var thresholds: MonitoringResult.Thresholds {
        MonitoringResult.Thresholds(
            oldest: (warningOldest, criticalOldest), waiting: (warningWaiting, criticalWaiting))
    }
}
