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
            let journal = try await JobsCommand.open(common, try common.load())
            let jobs: [Job]
            do { jobs = try await journal.jobs(in: failed ? [.failed] : []) } catch { throw Exit.failure(error) }
            for job in jobs {
                // Job by job: all together may be many.
                let chunks: [ChunkRecord]
                do {
                    chunks = try await journal.chunks(of: job.id, onlyFailed: !json)
                } catch {
                    throw Exit.failure(error)
                }
                if json {
                    StandardOutput.print(json: try JobRow(job, chunks).line)
                } else {
                    Self.describe(job, gaps: chunks).forEach { StandardOutput.print($0) }
                }
            }
        }

        private static let mostGaps = 5

        private static func describe(_ job: Job, gaps: [ChunkRecord]) -> [String] {
            var state = job.state.rawValue
            state += String(repeating: " ", count: max(0, 11 - state.count))
            var line = "\(LocalTime.moment(job.finishedAt ?? job.foundAt))  \(state) \(job.path.printable)"
            if job.state == .partial { line += " (\(job.chunks.failed) of \(job.chunks.done) chunks are missing)" }
            var lines = [line] + (job.errorMessage.map { ["    \($0)"] } ?? [])
            if let fault = job.sourceFault { lines.append("    still in the inbox: \(fault)") }
            lines += gaps.prefix(Self.mostGaps).map(Self.describe)
            if gaps.count > Self.mostGaps { lines.append("    and \(gaps.count - Self.mostGaps) chunks more") }
            return lines
        }

        private static func describe(_ gap: ChunkRecord) -> String {
            let attempts = gap.attempts == 1 ? "1 attempt" : "\(gap.attempts) attempts"
            var text = "    \(Transcription.TimeText.clock(gap.range)) failed after \(attempts)"
            if let code = gap.errorCode { text += " (\(code.rawValue))" }
            if let engine = gap.engine { text += ", engine \(engine)" }
            return text
        }
    }

    /// `jobs retry NAME...`
    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have failed or partial recordings tried again: they are put back into their inbox.",
            discussion: "NAME is what \"parlograph jobs --failed\" shows, or just the file's name.")
        @OptionGroup var common: CommonOptions

        @Argument(help: "Recordings.")
        var name: [String]

        func run() async throws {
            let settings = try common.load()
            let journal = try await JobsCommand.open(common, settings)
            var status = Exit.done
            for name in name {
                let wanted = RawName(RawArguments.path(for: name))
                do {
                    let failed = try await journal.jobs(in: [.failed, .partial], limit: 100_000)
                    guard
                        let job = failed.last(where: {
                            $0.path == wanted || $0.path.last == wanted || $0.path.printable == name
                        })
                    else {
                        Exit.say("parlograph: no failed or partial recording is called \(wanted.printable).")
                        status = .noInput
                        continue
                    }
                    try await JobsCommand.retry(job, journal, settings)
                    StandardOutput.print("\(job.path.printable): is tried again within a minute, if the service runs")
                } catch {
                    Exit.say("parlograph: \(wanted.printable): \(error)")
                    status = Exit.worse(status, Exit(error))
                }
            }
            if status != .done { throw ExitCode(status) }
        }
    }

    private static func open(_ common: CommonOptions, _ settings: Settings) async throws -> JobJournal {
        guard (try? FileStatus(at: settings.stateDirectory.appending("jobs.sqlite"))) != nil else {
            Exit.say(
                "parlograph: there is no job journal in \(settings.stateDirectory.printable); has the service run yet?")
            throw ExitCode(Exit.noInput)
        }
        do {
            return try await JobJournal.open(
                in: settings.stateDirectory, mends: false, logger: common.makeLogger(settings))
        } catch {
            throw Exit.failure(error)
        }
    }

    /// A recording in `failed` goes back into its inbox, where it is found as new; one that was kept is queued again.
    private static func retry(_ job: Job, _ journal: JobJournal, _ settings: Settings) async throws {
        guard let inbox = settings.inboxes.first(where: { RawName($0.path) == job.inbox }) else {
            throw ConfigurationFault("its inbox \(job.inbox.printable) is no longer configured.")
        }
        let links = FolderCheck.rootLinks(settings)
        if job.source == .moved {
            try await BlockingPool.files.run {
                // Another folder than done or failed of today, if the configuration was changed since.
                let source = RawName((job.sourcePlace ?? RawName(inbox.failed.pushing(job.path.path))).path)
                let folder = try OpenFolder(root: source.folder.path, links: links)
                _ = try FileMover.move(
                    source.last, in: folder, to: OpenFolder(root: inbox.path, links: links).making(job.path.folder),
                    named: job.path.last)
            }
            try await journal.forget(job.id)
        } else {
            let now = await BlockingPool.files.run {
                try? OpenFolder(root: inbox.path, links: links).status(at: job.path)
            }
            guard job.source != .deleted, now?.identity == job.identity else {
                throw TranscriptionError(
                    .noSuchInput, "the recording is no longer in its inbox. Put it there again to have it transcribed.")
            }
            try await journal.retry(job.id)
        }
    }
}
