import ArgumentParser
import CoreMetrics
import Glibc
import Inbox
import Logging
import ServiceLifecycle
import SystemPackage
import SystemSupport
import Transcription
import UnixSignals

/// `parlograph serve`
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Watch the inboxes and transcribe what is put into them.",
        discussion: """
            SIGTERM stops it: running recordings may finish for shutdown_seconds, the rest goes on at the next start. \
            SIGHUP loads the configuration again, for recordings that begin from then on.
            """)

    @OptionGroup var common: CommonOptions

    @Flag(help: "Empty the inboxes, then exit.")
    var once = false

    func run() async throws {
        let settings: Settings
        do { settings = try await settingsToServe() } catch { throw Exit.failure(error) }
        let logger = common.makeLogger(settings)
        do {
            try await serve(settings, logger: logger)
        } catch let held as InstanceLock.Held {
            let who = held.processID.map { "process \($0)" } ?? "another process"
            throw Exit.failure(
                ConfigurationFault(
                    "\(who) serves \(settings.stateDirectory.printable) already; one service to a state_directory."))
        } catch let error as ExitCode {
            throw error
        } catch {
            throw Exit.failure(error)
        }
    }

    private func settingsToServe() async throws -> Settings {
        let settings = try await common.read()
        try settings.requireKeys()
        try await BlockingPool.files.run { try Diagnostics.requireLanguages(settings) }
        return settings
    }

    private func serve(_ settings: Settings, logger: Logger) async throws {
        try await FolderCheck.prepare(settings)
        let lock = try await BlockingPool.files.run { try InstanceLock(in: settings.stateDirectory) }
        let claims = try await Self.claim(settings.inboxes, logger: logger)
        await LeftoverSweep.run(settings, lock: lock, logger: logger)
        let notifier = ServiceNotifier(environment: ProcessEnvironment.all)
        let metrics = MetricsRegistry(ServiceMetrics.families)
        MetricsSystem.bootstrap(metrics)
        ServiceMetrics.noteBuild(version: Version.current)
        let once = once
        let faults = StandingFaults()
        let live = try await BlockingPool.files.run { try LiveSettings(settings, once: once, logger: logger) }
        let start = PatientStart(notifier: notifier) { waiting in
            try await JobJournal.open(
                in: settings.stateDirectory, patience: once ? nil : JobJournal.Patience(), mends: true, logger: logger,
                waiting: waiting)
        } make: { journal in
            let (forService, backend) = live.forService
            return InboxService(
                settings: forService, backend: backend, journal: journal, logger: logger,
                folderFile: { text in
                    try TOMLPreflight.check(text, name: "parlograph.toml")
                    return try FolderFileParser.parse(text)
                }, claims: claims, faults: faults, webhooks: WebhookTransport.sender(),
                metrics: { metrics.text }, notifier: notifier
            ) {
                logger.notice(
                    "ready", metadata: ["inboxes": "\(forService.inboxes.count)", "version": "\(Version.current)"])
            } abandon: {
                _exit(Exit.done.rawValue)
            }
        }
        let reload = ReloadRequest(
            reload: {
                guard !once else { throw ConfigurationFault("serve --once keeps the configuration it began with.") }
                try await live.reload(try await settingsToServe()) { start.service }
            },
            refused: { error in
                faults.set(
                    .settings, at: settings.origin,
                    cause: error.map {
                        "The settings of \(settings.origin) were refused, and the old ones are in force. Correct them, "
                            + "then run: systemctl reload parlograph. What is wrong: \($0)"
                    })
            }, logger: logger, notifier: notifier)
        let setups = SetupWatch(live: live, service: { start.service }, faults: faults, logger: logger)
        var configuration = ServiceGroupConfiguration(
            services: [
                .init(service: reload), .init(service: setups),
                .init(
                    service: start, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .cancelGroup),
            ],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = nil
        try await ServiceGroup(configuration: configuration).run()
        lock.endCleanly()
        guard once, let service = start.service else { return }
        try report(service.summary)
    }

    /// - Throws: `ConfigurationFault` when another process serves one of them, with a state directory of its own.
    private static func claim(_ inboxes: [InboxSettings], logger: Logger) async throws -> InboxLocks {
        try await BlockingPool.files.run {
            let claims = InboxLocks(logger: logger)
            for inbox in inboxes {
                do throws(FolderLock.Held) {
                    try claims.take(inbox.path)
                } catch {
                    let who = error.processID.map { "process \($0)" } ?? "another process"
                    throw ConfigurationFault(
                        """
                        \(who) serves the inbox \(inbox.path.printable) already, with another state_directory: its \
                        recordings would be transcribed twice. Stop one of them, or give each its own inbox.
                        """)
                }
            }
            return claims
        }
    }

    /// What `--once` did, on standard output and as exit status.
    private func report(_ summary: ServiceSummary) throws {
        var line = "\(summary.delivered) delivered, \(summary.partial) partial, \(summary.failed) failed"
        if summary.waiting > 0 { line += ", \(summary.waiting) still waiting" }
        if summary.incomplete > 0 { line += ", \(summary.incomplete) incomplete" }
        if summary.notTakenOut > 0 { line += ", \(summary.notTakenOut) could not be taken out of the inbox" }
        StandardOutput.print(line)
        for name in summary.failedNames { StandardOutput.print("failed: \(name.printable)") }
        if summary.failed > summary.failedNames.count {
            StandardOutput.print("failed: \(summary.failed - summary.failedNames.count) more")
        }
        var ends = summary.failures.map { Exit($0) }
        if summary.failed > 0, ends.isEmpty { ends = [.software] }
        if summary.waiting > 0 { ends.append(summary.waitsForEngine ? .unavailable : .cannotCreate) }
        if summary.notTakenOut > 0 { ends.append(.cannotCreate) }
        // A fault of the surroundings outweighs recordings that cannot be decoded.
        if let worst = ends.map(\.rawValue).max() { throw ExitCode(worst) }
        if summary.partial > 0 || summary.incomplete > 0 { throw ExitCode(Exit.temporaryFailure) }
    }
}
