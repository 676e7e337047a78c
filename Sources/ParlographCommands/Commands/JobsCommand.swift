import ArgumentParser
import FoundationEssentials
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
                if json {
                    StandardOutput.print(try Self.line(job))
                } else {
                    Self.describe(job).forEach { StandardOutput.print($0) }
                }
            }
        }

        private static func describe(_ job: Job) -> [String] {
            var state = job.state.rawValue
            state += String(repeating: " ", count: max(0, 11 - state.count))
            var line = "\(LocalTime.moment(job.finishedAt ?? job.foundAt))  \(state) \(job.path.printable)"
            if job.state == .partial { line += " (\(job.chunks.failed) of \(job.chunks.done) chunks are missing)" }
            return job.errorMessage.map { [line, "    \($0)"] } ?? [line]
        }

        private struct Row: Encodable {
            let id: Int64
            let inbox: String
            let name: String
            let state: String
            let attempts: Int
            let bytes: Int64
            let found_at: Int64
            let begun_at: Int64?
            let finished_at: Int64?
            let engine: String?
            let language: String?
            let formats: [String]?
            let chunks: Int?
            let chunks_done: Int
            let chunks_failed: Int
            let error_code: String?
            let error: String?
        }

        private static func line(_ job: Job) throws -> String {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let row = Row(
                id: job.id, inbox: job.inbox.printable, name: job.path.printable, state: job.state.rawValue,
                attempts: job.attempts, bytes: job.identity.byteCount, found_at: job.foundAt, begun_at: job.begunAt,
                finished_at: job.finishedAt, engine: job.options?.engine, language: job.options?.language,
                formats: job.options?.formats, chunks: job.chunks.expected, chunks_done: job.chunks.done,
                chunks_failed: job.chunks.failed, error_code: job.errorCode, error: job.errorMessage)
            return String(decoding: try encoder.encode(row), as: UTF8.self)
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
            var status: Int32 = 0
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
                        status = Exit.noInput
                        continue
                    }
                    try await JobsCommand.retry(job, journal, settings)
                    StandardOutput.print("\(job.path.printable): is tried again within a minute, if the service runs")
                } catch {
                    Exit.say("parlograph: \(wanted.printable): \(error)")
                    status = Exit.worse(status, Exit.status(for: error))
                }
            }
            if status != 0 { throw ExitCode(status) }
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
        if job.source == .moved {
            try await BlockingPool.files.run {
                let source = (job.sourcePlace ?? RawName(inbox.failed.pushing(job.path.path))).path
                guard (try? FileStatus(at: source, followingLinks: false)) != nil else {
                    throw SystemError("stat", source.printable, errno: .noSuchFileOrDirectory)
                }
                let folder = try FileMover.makeFolders(job.path.folder, below: inbox.path)
                _ = try FileMover.move(source, to: folder, named: job.path.last)
            }
            try await journal.forget(job.id)
        } else {
            let source = inbox.path.pushing(job.path.path)
            let now = await BlockingPool.files.run { try? FileStatus(at: source, followingLinks: false) }
            guard job.source != .deleted, now?.identity == job.identity else {
                throw TranscriptionError(
                    .noSuchInput, "the recording is no longer in its inbox. Put it there again to have it transcribed.")
            }
            try await journal.retry(job.id)
        }
    }
}
