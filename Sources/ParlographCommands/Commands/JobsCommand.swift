import ArgumentParser
import Glibc
import Inbox
import Logging
import SystemPackage
import SystemSupport
import Transcription

/// `parlograph jobs`
struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "List the recordings the service knows, or have failed ones tried again.",
        subcommands: [List.self, Retry.self], defaultSubcommand: List.self)

    /// `jobs list`, which is also what `jobs` alone does.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the newest thousand recordings.")
        @OptionGroup var common: CommonOptions

        @Flag(help: "Only those that failed.")
        var failed = false

        @Flag(help: "As JSON, one object a line.")
        var json = false

        func run() async throws {
            let (directory, settings, _) = try await common.loadToShow()
            let journal = try await JobsCommand.open(directory, common.makeLogger(settings), "jobs")
            let (jobs, order, calls): ([Job], [Int64: Int], [Int64: [HookCall]])
            do {
                jobs = try await journal.jobs(in: failed ? [.failed] : [])
                order = try await journal.queueOrder()
                calls = try await journal.hookCalls()
            } catch {
                throw Exit.failure(error)
            }
            let service = await BlockingPool.files.run { ServiceReport(of: directory) }
            if let remark = service.remark { Exit.say("parlograph: \(remark)") }
            let status = service.current
            for job in jobs {
                // Job by job: all together may be many.
                let chunks: [ChunkRecord]
                do {
                    chunks = try await journal.chunks(of: job.id, onlyFailed: !json)
                } catch {
                    throw Exit.failure(error)
                }
                let reason = Self.reason(of: job, service, order)
                if json {
                    StandardOutput.print(json: try JobRow(job, chunks, reason, calls[job.id] ?? []).line)
                } else {
                    Self.describe(job, gaps: chunks, reason, status).forEach { StandardOutput.print($0) }
                    for call in calls[job.id] ?? [] where call.error != nil {
                        StandardOutput.print("    \(HookCallRow(call).sentence)")
                    }
                }
            }
            guard !failed else { return }
            for fault in status?.foldersOutOfReach ?? [] {
                if json {
                    StandardOutput.print(json: try UnreadRow(fault).line)
                } else {
                    StandardOutput.print(Self.head(fault.since, "unread", fault.place))
                    StandardOutput.print("    \(fault.cause)")
                }
            }
            for recording in status?.arriving ?? [] {
                if json {
                    StandardOutput.print(json: try ArrivingRow(recording).line)
                } else {
                    Self.describe(recording).forEach { StandardOutput.print($0) }
                }
            }
        }

        /// Nil: it does not wait.
        private static func reason(of job: Job, _ service: ServiceReport, _ order: [Int64: Int]) -> WaitingReason? {
            switch job.state {
            case .queued: WaitingReason(of: job, service, position: order[job.id] ?? 0, now: UnixTime.now())
            case .processing: service.current == nil ? WaitingReason(of: job, service, position: 0, now: 0) : nil
            case .delivered, .partial, .failed: nil
            }
        }

        private static let maximumGaps = 5

        private static func describe(
            _ job: Job, gaps: [ChunkRecord], _ reason: WaitingReason?, _ status: ServiceStatus?
        ) -> [String] {
            var line = head(job.finishedAt ?? job.foundAt, job.state.rawValue, job.path.printable)
            if job.state == .partial {
                line +=
                    job.chunks.failed > 0
                    ? " (\(job.chunks.failed) of \(CountedText.text(job.chunks.done, "chunk")) "
                        + "\(job.chunks.failed == 1 ? "is" : "are") missing)"
                    : " (it could not be read to its end)"
            }
            let remark = OutboxNotices.remark([
                OutboxNotices.damage(lostSamples: job.lostSampleCount), OutboxNotices.uncovered(job.coverage),
            ])
            if let remark { line += " (\(remark))" }
            var lines = [line]
            if let reason {
                lines.append("    \(reason.sentence)")
            } else if let running = status?.running.first(where: { $0.job == job.id }) {
                lines += progress(running.progress)
            } else if let message = job.errorMessage {
                lines.append("    \(message)")
            }
            if let fault = job.sourceFault { lines.append("    still in the inbox: \(fault)") }
            lines += gaps.prefix(Self.maximumGaps).map(Self.describe)
            if gaps.count > Self.maximumGaps {
                lines.append("    and \(CountedText.text(gaps.count - Self.maximumGaps, "chunk")) more")
            }
            return lines
        }

        private static func head(_ time: Int64, _ state: String, _ name: String) -> String {
            let padding = String(repeating: " ", count: max(0, 11 - state.count))
            return "\(LocalTime.moment(time))  \(state)\(padding) \(name)"
        }

        private static func progress(_ progress: ProgressSnapshot) -> [String] {
            var progress = progress
            // It stands in the line above.
            progress.name = "Progress"
            let line = "    \(ProgressLine.draw(progress, width: 0, isTerminal: false))"
            return [line] + (progress.stall?.cause.map { ["    \($0)"] } ?? [])
        }

        private static func describe(_ recording: ServiceStatus.ArrivingRecording) -> [String] {
            [
                head(recording.foundAt, "arriving", recording.name),
                "    Seen for \(TimeText.length(seconds: UnixTime.seconds(since: recording.foundAt))). \(recording.sentence)",
            ]
        }

        private static func describe(_ gap: ChunkRecord) -> String {
            let attempts = CountedText.text(gap.attempts, "attempt")
            var text = "    \(TimeText.clock(gap.range)) failed after \(attempts)"
            if let code = gap.errorCode { text += " (\(code.rawValue))" }
            if let engine = gap.engine { text += ", engine \(engine)" }
            return text
        }
    }

    /// `jobs retry`
    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have failed or partial recordings tried again: they are put back into their inbox.",
            discussion: """
                NAME is what "parlograph jobs --failed" shows, or just the file's name, and means the newest of that name; \
                in a pattern, * stands for any characters and ? for one, and all that fit are meant.
                """)
        @OptionGroup var common: CommonOptions

        @Flag(help: "All that failed.")
        var all = false

        @Option(
            name: .customLong("failed-since"),
            help: ArgumentHelp(
                "Those that failed since then: 2026-11-27, 2026-11-27T08:00, or so long ago: 30min, 2h, 3d.",
                valueName: "time"))
        var failedSince: String?

        @Argument(
            help: "Recordings, or patterns of their names.",
            completion: .custom { _, _, _ in await ConfiguredNames.failedRecordings() })
        var name: [String] = []

        func validate() throws {
            guard all || failedSince != nil || !name.isEmpty else {
                throw ValidationError("Name the recordings, or say --all or --failed-since TIME.")
            }
            guard !all || name.isEmpty else { throw ValidationError("--all takes no names: leave out one of them.") }
            if let failedSince, since == nil {
                throw ValidationError(
                    "\"\(failedSince)\" is no time. Write a day, 2026-11-27, a moment, 2026-11-27T08:00, or how long ago: "
                        + "30min, 2h, 3d.")
            }
        }

        private var since: Int64? { failedSince.flatMap { PointInTime.seconds($0, now: UnixTime.now()) } }

        func run() async throws {
            let (directory, settings, _) = try await common.loadToShow()
            let journal = try await JobsCommand.open(
                directory, common.makeLogger(settings), "jobs retry", isToBeChanged: true)
            let wanted = name.map { RetrySelection.Wanted(name: RawName(RawArguments.path(for: $0)), text: $0) }
            let (chosen, unknown): ([Job], [String])
            do {
                (chosen, unknown) = RetrySelection(wanted: wanted, since: since).chosen(
                    from: try await journal.jobs(in: [.failed, .partial], limit: 100_000))
            } catch {
                throw Exit.failure(error)
            }
            var status = Exit.done
            for name in unknown {
                Exit.say("parlograph: no failed or partial recording is called \(name).")
                status = .noInput
            }
            if chosen.isEmpty, unknown.isEmpty { StandardOutput.print("There is nothing that failed.") }
            for job in chosen {
                do {
                    try await JobsCommand.retry(job, journal, in: directory, settings)
                    StandardOutput.print("\(job.path.printable): is tried again within a minute, if the service runs")
                } catch {
                    let isRights = (error as? SystemError)?.errno == .permissionDenied
                    let advice = isRights ? " " + AccessAdvice.sentence("jobs retry", for: directory) : ""
                    Exit.say("parlograph: \(job.path.printable): \(error)\(advice)")
                    status = Exit.worse(status, Exit(error))
                }
            }
            if status != .done { throw ExitCode(status) }
        }
    }

    /// - Parameters:
    ///   - command: behind `parlograph`, for advice.
    ///   - isToBeChanged: reading is not enough.
    private static func open(
        _ directory: FilePath, _ logger: Logger, _ command: String, isToBeChanged: Bool = false
    ) async throws -> JobJournal {
        let file = directory.appending("jobs.sqlite")
        do {
            _ = try await BlockingPool.files.run { try FileStatus(at: file) }
        } catch let error as SystemError where error.errno == .permissionDenied {
            Exit.say(
                "parlograph: the job journal in \(directory.printable) cannot be seen by this user. "
                    + AccessAdvice.sentence(command, for: directory))
            throw ExitCode(Exit.noInput)
        } catch {
            Exit.say("parlograph: there is no job journal in \(directory.printable); has the service run yet?")
            throw ExitCode(Exit.noInput)
        }
        guard !isToBeChanged || AccessAdvice.mayChange(file) else {
            Exit.say(
                "parlograph: \(file.printable) cannot be written to by this user. "
                    + AccessAdvice.sentence(command, for: directory))
            throw ExitCode(Exit.cannotCreate)
        }
        do {
            return try await JobJournal.open(in: directory, mends: false, logger: logger)
        } catch {
            throw Exit.failure(error)
        }
    }

    /// A recording in `failed` goes back into its inbox, where it is found as new; one that was kept is queued again.
    /// - Parameter settings: nil: they have a fault; the journal knows the folders.
    private static func retry(
        _ job: Job, _ journal: JobJournal, in directory: FilePath, _ settings: Settings?
    ) async throws {
        let configured = settings?.inboxes.first { $0.id == job.inbox }
        guard settings == nil || configured != nil else {
            throw ConfigurationFault("its inbox \(job.inbox.printable) is no longer configured.")
        }
        let links = settings.map(FolderCheck.rootLinks) ?? .trusted
        if job.source == .moved {
            let usual = configured.map { RawName($0.failed.pushing(job.path.path)) }
            guard let source = (job.sourcePlace ?? usual)?.path else {
                throw ConfigurationFault("it is not known where it lies: put the configuration right.")
            }
            try await BlockingPool.files.run {
                // Another folder than done or failed of today, if the configuration was changed since.
                let name = RawName(source)
                let folder = try OpenFolder(root: name.folder.path, links: links)
                _ = try FileMover.move(
                    name.last, in: folder,
                    to: OpenFolder(root: job.inbox.path, links: links).making(job.path.folder), named: job.path.last)
            }
            try await journal.forget(job.id)
        } else {
            let now = await BlockingPool.files.run {
                try? OpenFolder(root: job.inbox.path, links: links).status(at: job.path)
            }
            guard job.source != .deleted, now?.identity == job.identity else {
                throw TranscriptionError(
                    .noSuchInput, "the recording is no longer in its inbox. Put it there again to have it transcribed.")
            }
            guard try await journal.retry(job.id, isAlone: { InstanceLock.isFree(in: directory) }) else {
                throw TranscriptionError(
                    .noSuchInput, "the service is just taking it out of its inbox. Try again in a moment.")
            }
        }
    }
}
