import Subprocess
import Synchronization
import SystemPackage
package import SystemSupport
package import Transcription

/// An engine that is a program: it is given a WAV file and prints a transcript, as text or in any form that
/// `TranscriptionResponseParser` reads.
package struct CommandTranscriber: Transcriber {
    /// What the configuration and the cache's keys call engines of this kind.
    package static let kind = "command"
    package let identity: EngineIdentity
    private let settings: CommandEngineSettings
    private let pool: BlockingPool
    private let hasTidied = CancellationFlag()

    /// More on standard output fails the chunk; of standard error the end is kept.
    private static let maximumOutput = 32 << 20
    private static let errorTail = 4096
    /// - Parameter pool: where chunks are written to disk and answers are read.
    /// - Throws: `TranscriptionError` with code `configuration` where no program is named.
    package init(settings: CommandEngineSettings, pool: BlockingPool) throws {
        guard let program = settings.command.first, !program.isEmpty else {
            throw TranscriptionError(.configuration, "[engines.\(settings.name)] has no command: name the program.")
        }
        self.settings = settings
        self.pool = pool
        identity = EngineIdentity(
            name: settings.name, kind: Self.kind, model: settings.model,
            settings: settings.command.enumerated().map { "argument\($0.offset)=\($0.element)" })
    }

    package var limits: EngineLimits {
        EngineLimits(
            targetChunkSamples: settings.chunkTargetSeconds.map(SampleClock.samples(seconds:)),
            maximumChunkSamples: settings.chunkMaxSeconds.map(SampleClock.samples(seconds:)),
            maximumConcurrency: settings.maximumConcurrency)
    }

    /// Stands for the language with its region.
    private static let tagPlaceholder = "{language_tag}"

    package func heeded(_ options: TranscriptionOptions) -> TranscriptionOptions {
        let isToldAll = settings.command.contains { $0.contains(Self.tagPlaceholder) }
        return isToldAll ? options : options.withPlainLanguage
    }

    package func transcribe(
        _ chunk: Chunk, options: TranscriptionOptions, turn: RequestContext
    ) async throws -> ChunkTranscript {
        try Task.checkCancellation()
        let audio = chunk.audio
        let directory = settings.temporaryDirectory
        let file: FilePathOwner
        do {
            file = try await pool.run { [hasTidied] in
                if !hasTidied.isSet {
                    hasTidied.set()
                    PrivateFile.removeLeftovers(in: directory)
                }
                return FilePathOwner(
                    try PrivateFile(holding: WAVEncoder.encode(audio.samples()), suffix: ".wav", in: directory))
            }
        } catch {
            throw TranscriptionError(
                .cannotWrite,
                "A chunk for engine \(settings.name) cannot be written: \("\(error)".withoutEnd). Check temporary_directory of "
                    + "[engines.\(settings.name)].",
                cause: error, remedy: .giveUpRecording)
        }
        defer { withExtendedLifetime(file) {} }
        let output = try await run(on: file.file.path, language: options.language)
        let parser = TranscriptionResponseParser(
            sampleCount: audio.sampleCount, speech: chunk.speech, audio: audio, acceptsPlainText: true)
        do {
            return try await pool.run { try parser.parse(output) }
        } catch let ResponseFault.message(message) {
            throw failure("reports an error: \(message.text)", .giveUpChunk)
        } catch let ResponseFault.notUnderstood(reason) {
            throw failure("printed something that \(reason)", .giveUpChunk)
        }
    }

    /// The same second: a program that fails at it fails at everything.
    package func absence(turn: RequestContext) async throws -> TranscriptionError? {
        do {
            _ = try await transcribe(Chunk.sample, options: TranscriptionOptions(), turn: turn)
            return nil
        } catch let error as TranscriptionError {
            return error
        }
    }

    /// Runs the program on a second of sound.
    package func check() async throws -> EngineReport {
        _ = try await transcribe(Chunk.sample, options: TranscriptionOptions())
        return EngineReport(
            works: "Engine \(settings.name) (\(settings.command[0])) runs and prints what is understood.")
    }

    // MARK: The program

    private struct TooMuchOutput: Error {}

    private func run(on file: FilePath, language: String?) async throws -> [UInt8] {
        var program = GuardedProgram([settings.command[0]] + arguments(file: file, language: language))
        program.file = file
        let (output, errors) = (Collected(), Collected())
        let ending: GuardedProgram.Ending
        do {
            ending = try await program.run(within: settings.timeout) { piece in
                guard output.append(piece) <= Self.maximumOutput else { throw TooMuchOutput() }
            } errors: {
                errors.append($0, keeping: Self.errorTail)
            }
        } catch is GuardedProgram.TimedOut {
            throw failure("did not finish within \(settings.timeout)", .retry(after: nil), pressure: .strained)
        } catch is TooMuchOutput {
            throw failure("printed more than \(Self.maximumOutput >> 20) MiB", .giveUpChunk)
        } catch let error where error is SubprocessError || error is SystemError {
            try Task.checkCancellation()
            let errno = (error as? SubprocessError)?.underlyingError ?? (error as? SystemError)?.errno
            if let errno,
                [.tooManyOpenFiles, .tooManyOpenFilesInSystem, .resourceTemporarilyUnavailable].contains(errno)
            {
                throw failure("cannot be started now: \(errno)", .retry(after: nil))
            }
            throw TranscriptionError(
                .engineUnavailable,
                "Engine \(settings.name) cannot run \(settings.command[0]): \("\(error)".withoutEnd). Check command of "
                    + "[engines.\(settings.name)].", cause: error, remedy: .giveUpRecording)
        }
        try Task.checkCancellation()
        guard ending == .exited(0) else {
            let last = ServerMessage(text: String(Self.lastLine(errors.bytes)))
            let status =
                switch ending {
                case .exited(let code): "ended with status \(code)"
                case .killed(let signal): "was killed by signal \(signal)"
                }
            throw failure(last.text.isEmpty ? status : "\(status): \(last.text)", .retry(after: nil))
        }
        return output.bytes
    }

    private func arguments(file: FilePath, language: String?) -> [String] {
        let path = String(decoding: file)
        let code = language.map { LanguageTag($0)?.codes.first ?? $0 } ?? "auto"
        let filled = settings.command.dropFirst().map {
            $0.replacing("{file}", with: path).replacing("{language}", with: code)
                .replacing(Self.tagPlaceholder, with: language ?? "auto")
        }
        return settings.command.dropFirst().contains { $0.contains("{file}") } ? filled : filled + [path]
    }

    private static func lastLine(_ bytes: [UInt8]) -> Substring {
        let text = String(decoding: bytes.suffix(errorTail), as: UTF8.self)
        let lines = text.split(whereSeparator: \.isNewline)
        return lines.last { !$0.allSatisfy(\.isWhitespace) } ?? ""
    }

    private func failure(
        _ words: String, _ remedy: TranscriptionError.Remedy, pressure: TranscriptionError.Pressure? = nil
    ) -> TranscriptionError {
        let end = words.last.map { ".!?…".contains($0) } == true ? "" : "."
        return TranscriptionError(
            .requestFailed, "Engine \(settings.name) (\(settings.command[0])) \(words)\(end)", remedy: remedy,
            pressure: pressure)
    }
}

/// Shares one private file between a thread of the pool and the task that waits for it.
private final class FilePathOwner: Sendable {
    let file: PrivateFile
    init(_ file: consuming PrivateFile) { self.file = file }
}

/// What a program has printed.
private final class Collected: Sendable {
    private let state = Mutex<[UInt8]>([])
    var bytes: [UInt8] { state.withLock { $0 } }

    /// - Parameter tail: of more than a few times as much only so much of the end is kept; nil: all is.
    /// - Returns: how many bytes it holds.
    @discardableResult
    func append(_ piece: [UInt8], keeping tail: Int? = nil) -> Int {
        state.withLock { kept in
            kept += piece
            if let tail, kept.count > 4 * tail { kept.removeFirst(kept.count - tail) }
            return kept.count
        }
    }
}
