import ArgumentParser
import FoundationEssentials
import Glibc
import Inbox
import SystemPackage
import SystemSupport
import Transcription

/// `parlograph status`
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "What the running service is doing.")

    @OptionGroup var common: CommonOptions

    @Flag(help: "Show it again every second, until Ctrl-C.")
    var follow = false

    @Flag(help: "As JSON, one object a line.")
    var json = false

    @Flag(help: "The figures for monitoring, in the text format of Prometheus.")
    var metrics = false

    @OptionGroup var monitoring: MonitoringOptions

    func validate() throws {
        guard [monitoring.check, metrics, follow || json].count(where: { $0 }) <= 1 else {
            throw ValidationError("--check and --metrics go with no other way of showing.")
        }
        try monitoring.validateThresholds()
    }

    func run() async throws {
        if monitoring.check { return try await runCheck() }
        if metrics { return try await showMetrics() }
        let (directory, _, fault) = try await common.loadToShow()
        let shown = await SignalCancellation.run { await show(directory, fault) }
        if !shown { throw ExitCode(Exit.unavailable) }
    }

    /// What the service has counted, not older than some seconds.
    private func showMetrics() async throws {
        let (directory, _, _) = try await common.loadToShow()
        let (service, bytes) = await BlockingPool.files.run {
            let file = ServiceMetrics.file(in: directory)
            return (ServiceReport(of: directory), try? SmallFile.read(file, limit: 16 << 20))
        }
        guard let bytes, service.standing == .running else {
            Exit.say(
                "parlograph: \(service.remark ?? "the service of \(directory.printable) does not tell figures now.")")
            throw ExitCode(Exit.unavailable)
        }
        let text = String(decoding: bytes, as: UTF8.self)
        text.split(separator: "\n").forEach { StandardOutput.print(String($0)) }
    }

    /// As a monitoring plugin.
    private func runCheck() async throws {
        let result: MonitoringResult
        do {
            let (directory, _, _) = try await common.loadToShow()
            result = await BlockingPool.files.run {
                let service = ServiceReport(of: directory)
                return service.process == nil && AccessAdvice.isClosed(directory)
                    ? MonitoringResult(
                        unknown: "What the service does cannot be seen by this user. "
                            + AccessAdvice.sentence("status", for: directory))
                    : MonitoringResult(service, monitoring.thresholds, now: UnixTime.now())
            }
        } catch {
            // What is wrong with the configuration stands on standard error.
            result = MonitoringResult(
                unknown: error is ExitCode ? "The configuration cannot be read." : "\(error)")
        }
        StandardOutput.print(result.line)
        if result.level != .ok { throw ExitCode(result.level.rawValue) }
    }

    /// - Parameter fault: of the configuration as it is now, which the service may not have been asked to read.
    /// - Returns: false when no service runs, or one that does not report.
    private func show(_ directory: FilePath, _ fault: ConfigurationFault?) async -> Bool {
        var wasRunning = false
        repeat {
            let service = await BlockingPool.files.run { ServiceReport(of: directory) }
            switch service.standing {
            case .running, .silent: wasRunning = wasRunning || service.standing == .running
            case .starting where follow: continue
            case .starting, .stopped:
                guard let status = service.status, service.standing == .stopped, !wasRunning else {
                    Exit.say("parlograph: \(await Self.whyNothing(directory, service.process))")
                    return wasRunning
                }
                print(status, service, fault)
                return false
            }
            if let status = service.status { print(status, service, fault) }
            guard follow else { return wasRunning }
        } while (try? await Task.sleep(for: .seconds(1))) != nil
        return true
    }

    private func print(_ status: ServiceStatus, _ service: ServiceReport, _ fault: ConfigurationFault?) {
        var status = status
        if let fault {
            let file = common.configurationFile ?? SettingsLoader.defaultPath.string
            status.add(settingsFault: "\(fault)", of: file, now: UnixTime.now())
        }
        (status.service, status.remark) = (service.standing, service.remark)
        if service.standing != .running { status.forgetTimesLeft() }
        guard json else { return Self.describe(status).forEach { StandardOutput.print($0) } }
        StandardOutput.print(json: Self.line(status))
    }

    /// - Parameter process: of a service that has the folder, and has not reported.
    private static func whyNothing(_ directory: FilePath, _ process: Int32?) async -> String {
        if let process {
            return "the service of \(directory.printable) (process \(process)) has not reported yet: it starts, or "
                + "waits for its job journal; its log tells."
        }
        return await BlockingPool.files.run {
            AccessAdvice.isClosed(directory)
                ? "whether a service runs for \(directory.printable) cannot be seen by this user. "
                    + AccessAdvice.sentence("status", for: directory)
                : "no service is running for \(directory.printable)."
        }
    }

    private static func line(_ status: ServiceStatus) -> String {
        var status = status
        status.oldestWaitingSeconds = status.oldestWaitingAt.map { max(0, UnixTime.now() - $0) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let data = try? encoder.encode(status) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }

    private static func describe(_ status: ServiceStatus) -> [String] {
        var lines = [
            "service     "
                + (status.remark
                    ?? "process \(status.processID), running since \(LocalTime.moment(status.startedAt))"),
            "recordings  \(status.running.count) running, \(status.queued) queued, \(status.settling) arriving; "
                + "\(status.delivered) delivered, \(status.partial) partial, \(status.failed) failed",
        ]
        if let foreign = status.foreign {
            lines.append(
                "other       \(CountedText.text(foreign, "file")) in the inboxes that are no recordings, left there")
        }
        if let subtitled = status.subtitled {
            lines.append(
                "subtitled   \(CountedText.text(subtitled, "recording")) with subtitles beside them, left alone")
        }
        for running in status.running {
            lines.append("  " + ProgressLine.draw(running.progress, width: 100, isTerminal: true))
        }
        if let oldest = status.oldestWaitingAt {
            lines.append("oldest      waits for its transcript since \(LocalTime.moment(oldest))")
        }
        for fault in status.faults ?? [] {
            lines.append("fault       since \(LocalTime.moment(fault.since)): \(fault.cause)")
        }
        for folder in status.shortOfSpace ?? [] {
            lines.append("waiting     too little space is left at \(folder): free some, or lower min_free_space_mb")
        }
        for outbox in status.outboxes ?? [] {
            lines.append(
                "waiting     outbox \(outbox.path) since \(LocalTime.moment(outbox.since)): \(outbox.cause) Tried again at "
                    + "\(LocalTime.moment(outbox.nextTry)).")
        }
        for (name, engine) in status.engines.sorted(by: { $0.key < $1.key }) where engine.state != .ok {
            lines.append("waiting     engine \(name) \(engine.words)")
        }
        if let cache = status.cache {
            lines.append(
                "cache       \(CountedText.text(cache.hits, "hit")), \(CountedText.text(cache.misses, "miss", "misses")); \(ByteCount.text(Int64(cache.memoryBytes))) in memory, "
                    + "\(ByteCount.text(Int64(cache.diskBytes))) on disk")
        }
        for (name, engine) in status.engines.sorted(by: { $0.key < $1.key }) {
            guard let inFlight = engine.inFlight, let limit = engine.limit, let ceiling = engine.ceiling else {
                continue
            }
            lines.append(
                "engine      \(name): \(CountedText.text(inFlight, "request")) under way (limit \(limit) of "
                    + "\(ceiling)), \(engine.requestsInLastMinute ?? 0) begun in the last minute")
        }
        return lines
    }
}
