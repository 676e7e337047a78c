import AudioContainers
import Glibc
package import Logging
import Subprocess
package import SystemPackage
package import SystemSupport
package import Transcription

/// Decodes in a process of its own and cuts into chunks: what crashes a decoder costs one recording, never the service.
///
/// A recording is whole when the decoder says so. A run that ends otherwise is begun again, from the start of the file; what
/// an earlier run gave is passed over. What the last run (`DecodingEnd.attempts`) did not come to is a gap.
package struct DecodingAudioSource: AudioSource {
    private let executable: FilePath
    private let ffmpeg: @Sendable () -> FilePath?
    private let maximumStall: Duration
    private let logger: Logger
    private let sleep: @Sendable (Duration) async throws -> Void

    /// - Parameters:
    ///   - executable: the program whose subcommand `DecoderProcess.subcommand` is the decoder; this one by default.
    ///   - maximumStall: a decoder that stands still for so long is ended.
    ///   - sleep: pauses before a recording that could not be read is tried again; a test's clock replaces it.
    ///   - ffmpeg: the program for formats that no library here reads (`installedFFmpeg()`); nil without one. Asked for each
    ///     recording that needs it: it may be installed meanwhile.
    package init(
        executable: FilePath = "/proc/self/exe", maximumStall: Duration = .seconds(120),
        ffmpeg: @escaping @autoclosure @Sendable () -> FilePath?, logger: Logger,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.executable = executable
        self.maximumStall = maximumStall
        self.logger = logger
        self.sleep = sleep
        self.ffmpeg = ffmpeg
    }

    package func withChunks<Value: Sendable>(
        of recording: Recording, language: String?, plan: (AudioProperties) throws -> ChunkPlan,
        knownCuts: @escaping @Sendable (Digest) async -> [RecordingCuts],
        _ body: (AudioProperties, any ChunkReader) async throws -> Value
    ) async throws -> Value {
        let feed = DecoderFeed(recording, knownCuts: knownCuts, logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await decode(recording, language, into: feed)
                    feed.close()
                } catch {
                    feed.close(throwing: error)
                }
            }
            defer { group.cancelAll() }
            guard let properties = try await feed.properties.take() else { throw CancellationError() }
            try await feed.plan.put(try plan(properties))
            return try await body(properties, feed.reader)
        }
    }

    package func reading(of recording: Recording) -> String {
        // The number is that of the rules for tracks, levels and channels: what was heard by older ones is heard again.
        "reading 2 " + (Self.fileExtension(of: recording) ?? "")
    }

    /// The ending of the file's name, where that says how sound without a header is stored.
    private static func fileExtension(of recording: Recording) -> String? {
        recording.path.extension.map { $0.lowercased() }.flatMap { RawCoding(fileExtension: $0) == nil ? nil : $0 }
    }

    /// Before a recording that could not be read is tried again: disks and servers take their time to come back.
    private static let backoff = Backoff(first: .seconds(1), maximum: .seconds(30))

    private func decode(_ recording: Recording, _ language: String?, into feed: DecoderFeed) async throws {
        var cutter = SampleCutter()
        var program = Self.fileExtension(of: recording).map { [DecoderProcess.nameArgument, $0] } ?? []
        var readings = 0
        var attempt = 1
        var farthest = RunReport(logger: logger)
        var wasDoubtful = false
        while true {
            var (end, report) = try await run(recording, program: program, feed, &cutter)
            if case .needs(let needed) = end, readings < Self.maximumReadings {
                if report.isDoubtful, !wasDoubtful {
                    // What was found out may be what a disk withheld.
                    wasDoubtful = true
                    try await sleep(Self.backoff.pause(after: 1))
                    continue
                }
                readings += 1
                program = try await ffmpegArguments(needed, recording, language)
                continue
            }
            if cutter.isBehind {
                // Whatever it says: an earlier run has shown that there is more.
                if end.isOwnWord { end = .stopped("it gave less than before") }
            } else {
                farthest = report
            }
            if report.isDoubtful, end.isOwnWord, !wasDoubtful {
                // A fault of reading passes, a fault of the file does not.
                wasDoubtful = true
                try await sleep(Self.backoff.pause(after: 1))
                continue
            }
            guard attempt < end.attempts else { return try await feed.finish(&cutter, farthest, end) }
            logger.notice(
                "decoder ended before the recording did, trying again",
                metadata: ["file": "\(recording.displayName)", "end": "\(end)", "attempt": "\(attempt)"])
            if case .unreadable = end { try await sleep(Self.backoff.pause(after: attempt)) }
            attempt += 1
        }
    }

    /// How often ffmpeg may find that it is to read the file in another way: one for each track that is no use (a hall has
    /// booths for thirty languages), one for the level.
    private static let maximumReadings = 100

    private func ffmpegArguments(
        _ needed: ProgramNeeded, _ recording: Recording, _ language: String?
    ) async throws -> [String] {
        guard let ffmpeg = await BlockingPool.files.run(ffmpeg) else {
            throw TranscriptionError(
                .unsupportedFormat,
                "\(recording.displayName) is \(needed.title), which needs ffmpeg: install it (apt install ffmpeg) "
                    + "and try again.")
        }
        return ExternalDecoder.arguments(ffmpeg.string, needed, language: language)
    }

    /// One run of the decoder.
    private func run(
        _ recording: Recording, program: [String], _ feed: DecoderFeed, _ cutter: inout SampleCutter
    ) async throws -> (DecodingEnd, RunReport) {
        try DescriptorHeadroom.check()
        do {
            return try await runProcess(recording, program: program, feed, &cutter)
        } catch let error as SubprocessError {
            // No fault of the recording: too many open files or processes, no memory.
            guard let errno = error.underlyingError else { throw error }
            throw SystemError("posix_spawn", executable.printable, errno: errno)
        }
    }

    private func runProcess(
        _ recording: Recording, program: [String], _ feed: DecoderFeed, _ cutter: inout SampleCutter
    ) async throws -> (DecodingEnd, RunReport) {
        let stall = StallWatch(limit: maximumStall)
        var options = PlatformOptions()
        // A signal to the process group of the service, or of a terminal, is not meant for it.
        options.createSession = true
        let outcome = try await Subprocess.run(
            .path(executable), arguments: Arguments([DecoderProcess.subcommand] + program),
            // A crash handler would take minutes and megabytes to say what the signal says.
            environment: .custom(["SWIFT_BACKTRACE": "enable=no"]), platformOptions: options,
            input: .fileDescriptor(recording.descriptor, closeAfterSpawningProcess: false), output: .sequence,
            error: .discarded
        ) { execution in
            let process = execution.processIdentifier.value
            let output = execution.standardOutput
            // With whatever it has started.
            defer { kill(-process, SIGKILL) }
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await stall.watch(process) }
                defer { group.cancelAll() }
                let report = try await feed.read(output, into: &cutter, stall)
                let status = report.end == nil && !report.isGarbled ? await endOfProcess(process) : nil
                return (report, status)
            }
        }
        let (report, status) = outcome.closureResult
        if report.isGarbled { return (.crashed("it wrote what is no sound"), report) }
        if let end = report.end { return (end, report) }
        if stall.hasStalled { return (.stopped("it stood still for \(maximumStall.components.seconds) s"), report) }
        return (.unexplained(status: status), report)
    }

    /// Longer than a process takes to end that has closed its output.
    private static let endPatience = 10

    /// How the process ended, without reaping it: the exit status, or the negative number of the signal; nil where it lives on.
    private func endOfProcess(_ process: pid_t) async -> Int32? {
        await BlockingPool.files.run {
            for _ in 0..<(Self.endPatience * 100) {
                var info = siginfo_t()
                let status = waitid(P_PID, id_t(process), &info, WEXITED | WNOWAIT | WNOHANG)
                if status == 0, info._sifields._sigchld.si_pid == process {
                    let value = info._sifields._sigchld.si_status
                    return info.si_code == 1 ? value : -value
                }
                usleep(10_000)
            }
            return nil
        }
    }
}

extension DecodingAudioSource {
    /// Where ffmpeg is, by this process's PATH; nil when it is not installed.
    package static func installedFFmpeg() -> FilePath? {
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        for folder in path.split(separator: ":") where folder.hasPrefix("/") {
            let candidate = FilePath(String(folder)).appending("ffmpeg")
            let isProgram = candidate.withPlatformString { access($0, X_OK) == 0 }
            if isProgram, (try? FileStatus(at: candidate))?.kind == .regular { return candidate }
        }
        return nil
    }
}
