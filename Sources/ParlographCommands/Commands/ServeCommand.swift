import ArgumentParser
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
        discussion:
            "SIGTERM stops it: running recordings may finish for shutdown_seconds, the rest goes on at the next start.")

    @OptionGroup var common: CommonOptions

    @Flag(help: "Empty the inboxes, then exit.")
    var once = false

    func run() async throws {
        let settings = try common.load()
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

    private func serve(_ settings: Settings, logger: Logger) async throws {
        try await FolderCheck.prepare(settings, logger: logger)
        let lock = try InstanceLock(in: settings.stateDirectory)
        let journal = try await JobJournal.open(in: settings.stateDirectory, logger: logger)
        let room = EngineRoom(settings, usesCache: true, logger: logger)
        for inbox in settings.inboxes { _ = try room.transcriber(inbox.engine) }
        let service = InboxService(
            settings: InboxService.Settings(
                inboxes: settings.inboxes, stateDirectory: settings.stateDirectory,
                parallelRecordings: settings.processing.maxConcurrentChunks, shutdown: settings.processing.shutdown,
                progressInterval: settings.processing.progressInterval, once: once),
            journal: journal, logger: logger,
            tracker: { name, inbox in room.tracker(name, engine: inbox.engine) }
        ) { recording, id, inbox, tracker in
            let orchestrator = try room.orchestrator(engine: inbox.engine, logger: logger)
            return try await orchestrator.transcribe(recording, id: id, options: inbox.options) { tracker.observe($0) }
        } figures: {
            (await room.cacheFigures(), room.figures)
        } ready: {
            logger.notice("ready", metadata: ["inboxes": "\(settings.inboxes.count)", "version": "\(Version.current)"])
        }
        let reload = ReloadRequest(check: { _ = try common.read() }, logger: logger)
        var configuration = ServiceGroupConfiguration(
            services: [
                .init(service: reload),
                .init(
                    service: service, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .cancelGroup),
            ],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = nil
        try await ServiceGroup(configuration: configuration).run()
        withExtendedLifetime(lock) {}
        guard once else { return }
        let summary = service.summary
        StandardOutput.print(
            "\(summary.delivered) delivered, \(summary.partial) partial, \(summary.failed) failed")
        if summary.failed > 0 {
            // A fault of the surroundings outweighs recordings that cannot be decoded.
            let statuses = summary.failures.map { Exit.status(for: TranscriptionError($0, "")) }
            throw ExitCode(statuses.max() ?? Exit.software)
        }
        if summary.partial > 0 { throw ExitCode(Exit.temporaryFailure) }
    }
}
