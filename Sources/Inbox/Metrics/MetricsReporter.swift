import Logging
package import SystemPackage
import SystemSupport
import Transcription

/// Brings the figures that are states up to date and writes all of them where a collector finds them: `metrics_file`, and
/// `metrics.prom` in the state directory, for `parlograph status --metrics`.
struct MetricsReporter: Sendable {
    /// Prometheus asks every 15 s to a minute.
    private static let pause = Duration.seconds(10)
    static let maximumWrite = Duration.seconds(5)

    let current: ActiveSettings
    let journal: JobJournal
    let intakes: IntakeSupervisor
    let backoff: DependencyBackoff
    let space: FreeSpace
    let faults: StandingFaults
    let logger: Logger
    /// In the text format of Prometheus.
    let text: @Sendable () -> String
    private let calls = TimedCalls()

    init(
        current: ActiveSettings, journal: JobJournal, intakes: IntakeSupervisor, backoff: DependencyBackoff,
        space: FreeSpace, faults: StandingFaults, logger: Logger, text: @escaping @Sendable () -> String
    ) {
        self.current = current
        self.journal = journal
        self.intakes = intakes
        self.backoff = backoff
        self.space = space
        self.faults = faults
        self.logger = logger
        self.text = text
    }

    /// Until the task is cancelled.
    func run() async {
        var known: Set<RawName> = []
        var faulty: Set<FilePath> = []
        while !Task.isCancelled {
            await update(&known)
            await write(&faulty, calls)
            try? await Task.sleep(for: Self.pause)
        }
    }

    /// The figures of a service that ends: they stay, and what came since the last ones would never be told.
    func writeLast() async {
        var known = Set(current.settings.inboxes.map(\.id))
        var faulty: Set<FilePath> = []
        await update(&known)
        // The one before, cut short by the end, may still be under way: this one is not left out for it.
        await write(&faulty, TimedCalls())
    }

    /// - Parameter known: the inboxes whose figures were brought up to date before.
    private func update(_ known: inout Set<RawName>) async {
        let inboxes = current.settings.inboxes
        for gone in known.subtracting(inboxes.map(\.id)) { ServiceMetrics.forget(gone.printable) }
        for inbox in inboxes {
            if !known.contains(inbox.id), let at = try? await journal.lastDelivery(of: inbox.id) {
                ServiceMetrics.noteDelivery(in: inbox.id.printable, at: at)
            }
            if let figures = try? await figures(of: inbox) {
                ServiceMetrics.note(figures, of: inbox.id.printable)
            }
        }
        known = Set(inboxes.map(\.id))
    }

    private func figures(of inbox: InboxSettings) async throws -> ServiceMetrics.InboxFigures {
        let now = UnixTime.now()
        let (queued, later, oldest) = try await journal.waiting(in: inbox.id, now: now)
        let settings = current.settings
        let isShort = [settings.stateDirectory, settings.cacheDirectory, inbox.outbox].contains {
            space.shortFolders.contains($0)
        }
        let isAway = backoff.contains(.outbox(inbox.outbox))
        var waiting = ["arriving": intakes.settlingCount(of: [inbox.id])]
        if isShort {
            waiting["space"] = queued
        } else if isAway {
            waiting["outbox"] = queued
        } else if backoff.contains(.engine(inbox.engine)) {
            waiting["engine"] = queued
        } else {
            (waiting["later"], waiting["turn"]) = (later, queued - later)
        }
        return ServiceMetrics.InboxFigures(
            waiting: waiting, oldest: oldest.map { max(0, now - $0) } ?? 0, isWritable: !isAway)
    }

    /// - Parameter faulty: files that could not be written.
    private func write(_ faulty: inout Set<FilePath>, _ calls: TimedCalls) async {
        let bytes = Array(text().utf8)
        let settings = current.settings
        let files = [ServiceMetrics.file(in: settings.stateDirectory), settings.metricsFile].compactMap(\.self)
        // The configuration names another file by now.
        for path in faulty.subtracting(files) { faults.set(.metrics, at: path.printable, cause: nil) }
        faulty.formIntersection(files)
        for path in files {
            let fault = await calls.run(on: .folder(path), within: Self.maximumWrite) { Self.write(bytes, to: path) }
            guard let fault else { continue }
            let isNews = faults.set(.metrics, at: path.printable, cause: fault.map { Self.cause($0, of: path) })
            guard let fault else {
                faulty.remove(path)
                continue
            }
            faulty.insert(path)
            if isNews {
                logger.warning(
                    "metrics cannot be written", metadata: ["file": "\(path.printable)", "error": "\(fault)"])
            }
        }
    }

    private static func cause(_ fault: String, of path: FilePath) -> String {
        "The figures for monitoring cannot be written to \(path.printable): \(fault). Its folder must exist, and the "
            + "service's user and its unit (ReadWritePaths=) must be allowed to write there."
    }

    /// Written beside and renamed. Blocks.
    /// - Returns: why it cannot be, the same each time: without the temporary file's name; nil: it was.
    private static func write(_ bytes: [UInt8], to path: FilePath) -> String? {
        guard let name = path.lastComponent else { return "it is no file" }
        do {
            // Who collects them is another user.
            try AtomicFile.write(bytes, named: name, in: path.removingLastComponent(), rights: .init(mode: 0o644))
            return nil
        } catch let error as SystemError {
            return "\(error.errno)"
        } catch {
            return "\(error)"
        }
    }
}

extension ServiceMetrics {
    /// Where the service keeps its figures for `parlograph status --metrics`.
    package static func file(in stateDirectory: FilePath) -> FilePath { stateDirectory.appending("metrics.prom") }
}
