import Glibc
import Subprocess
import Synchronization
package import SystemPackage
import SystemSupport
package import Transcription

/// Decodes in a process of its own and cuts into chunks: what crashes a decoder costs one recording, never the service.
package struct DecodingAudioSource: AudioSource {
    private let executable: FilePath
    private let ffmpeg: @Sendable () -> FilePath?

    /// - Parameters:
    ///   - executable: the program whose subcommand `DecoderProcess.subcommand` is the decoder; this one by default.
    ///   - ffmpeg: the program for formats that no library here reads (`installedFFmpeg()`); nil without one. Asked for each
    ///     recording that needs it: it may be installed meanwhile.
    package init(
        executable: FilePath = "/proc/self/exe", ffmpeg: @escaping @autoclosure @Sendable () -> FilePath?
    ) {
        self.executable = executable
        self.ffmpeg = ffmpeg
    }

    package func withChunks<Value: Sendable>(
        of recording: Recording, plan: (AudioProperties) throws -> ChunkPlan,
        _ body: (AudioProperties, any ChunkReader) async throws -> Value
    ) async throws -> Value {
        do {
            return try await decode(recording, program: [], plan: plan, body)
        } catch let needed as ProgramNeeded {
            guard let ffmpeg = await BlockingPool.files.run(ffmpeg) else {
                throw TranscriptionError(
                    .unsupportedFormat,
                    "\(recording.displayName) is \(needed.title), which needs ffmpeg: install it (apt install ffmpeg) "
                        + "and try again.")
            }
            return try await decode(
                recording, program: [ffmpeg.string, needed.demuxer, needed.format, needed.title], plan: plan, body)
        }
    }

    private func decode<Value: Sendable>(
        _ recording: Recording, program: [String], plan: (AudioProperties) throws -> ChunkPlan,
        _ body: (AudioProperties, any ChunkReader) async throws -> Value
    ) async throws -> Value {
        try DescriptorHeadroom.check()
        do {
            return try await runDecoder(recording, program: program, plan: plan, body)
        } catch let error as SubprocessError {
            // No fault of the recording: too many open files or processes, no memory.
            guard let errno = error.underlyingError else { throw error }
            throw SystemError("posix_spawn", executable.printable, errno: errno)
        }
    }

    private func runDecoder<Value: Sendable>(
        _ recording: Recording, program: [String], plan: (AudioProperties) throws -> ChunkPlan,
        _ body: (AudioProperties, any ChunkReader) async throws -> Value
    ) async throws -> Value {
        let outcome = try await run(
            .path(executable), arguments: Arguments([DecoderProcess.subcommand] + program),
            // A crash handler would take minutes and megabytes to say what the signal says.
            environment: .custom(["SWIFT_BACKTRACE": "enable=no"]),
            input: .fileDescriptor(recording.descriptor, closeAfterSpawningProcess: false), output: .sequence,
            error: .discarded
        ) { execution in
            let feed = DecoderFeed(
                recording: recording.displayName, process: execution.processIdentifier.value)
            let output = execution.standardOutput
            defer { kill(execution.processIdentifier.value, SIGKILL) }
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await feed.run(output) }
                defer { group.cancelAll() }
                guard let properties = try await feed.properties.take() else { throw CancellationError() }
                try await feed.plan.put(try plan(properties))
                return try await body(properties, feed.reader)
            }
        }
        return outcome.closureResult
    }
}

/// The decoder process cannot read the format; ffmpeg may.
struct ProgramNeeded: Error {
    let demuxer: String
    let format: String
    let title: String
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
