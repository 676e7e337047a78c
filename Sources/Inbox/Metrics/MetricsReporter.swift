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
    let logger: Logger
    /// In the text format of Prometheus.
    let text: @Sendable () -> String
    private let calls = TimedCalls()

    init(
        current: ActiveSettings, journal: JobJournal, intakes: IntakeSupervisor, backoff: DependencyBackoff,
        space: FreeSpace, logger: Logger, text: @escaping @Sendable () -> String
    ) {
        self.current = current
        self.journal = journal
        self.intakes = intakes
        self.backoff = backoff
        self.space = space
        self.logger = logger
        self.text = text
    }

    /// Until the task is cancelled.
    func run() async {
        var known: Set<RawName> = []
        var told: [FilePath: String] = [:]
        while !Task.isCancelled {
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
            await write(&told)
            try? await Task.sleep(for: Self.pause)
        }
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

    /// - Parameter told: what was said of files that could not be written.
    private func write(_ told: inout [FilePath: String]) async {
        let bytes = Array(text().utf8)
        let settings = current.settings
        for path in [ServiceMetrics.file(in: settings.stateDirectory), settings.metricsFile].compactMap(\.self) {
            let fault = await calls.run(on: .folder(path), within: Self.maximumWrite) { Self.write(bytes, to: path) }
            guard let fault else { continue }
            if let fault, told[path] != fault {
                logger.warning(
                    "metrics cannot be written", metadata: ["file": "\(path.printable)", "error": "\(fault)"])
            }
            told[path] = fault
        }
    }

    /// Written beside and renamed. Blocks.
    /// - Returns: why it cannot be; nil: it was.
    private static func write(_ bytes: [UInt8], to path: FilePath) -> String? {
        guard let name = path.lastComponent else { return "It is no file." }
        do {
            // Who collects them is another user.
            try AtomicFile.write(bytes, named: name, in: path.removingLastComponent(), rights: .init(mode: 0o644))
            return nil
        } catch {
            return "\(error)"
        }
    }
}

extension ServiceMetrics {
    /// Where the service keeps its figures for `parlograph status --metrics`.
    package static func file(in stateDirectory: FilePath) -> FilePath { stateDirectory.appending("metrics.prom") }
}
