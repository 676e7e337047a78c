import Glibc
import Logging
import Subprocess
import Synchronization
import SystemSupport
import Transcription

/// The parent's end of the decoder: reads its messages, cuts the samples, hands over chunks.
final class DecoderFeed: Sendable {
    /// The properties go this way, the plan that way, then chunks.
    let properties = Rendezvous<AudioProperties>()
    let plan = Rendezvous<ChunkPlan>()
    private let chunks = Rendezvous<Chunk>()
    private let summary = Mutex(DecodeSummary(sampleCount: 0, warnings: []))
    private let recording: String
    private let process: pid_t

    /// - Parameters:
    ///   - recording: its name, for messages.
    ///   - process: the decoder's id; valid as long as `run` runs.
    init(recording: String, process: pid_t) {
        self.recording = recording
        self.process = process
    }

    var reader: any ChunkReader { Reader(feed: self) }

    private struct Reader: ChunkReader {
        let feed: DecoderFeed
        func next() async throws -> Chunk? { try await feed.chunks.take() }
        var summary: DecodeSummary { feed.summary.withLock { $0 } }
    }

    /// Reads to the end of `output`; errors reach whoever waits for properties or chunks.
    func run(_ output: SubprocessOutputSequence) async {
        do {
            try await read(output)
            properties.close()
            chunks.close()
        } catch {
            properties.close(throwing: error)
            plan.close(throwing: error)
            chunks.close(throwing: error)
        }
    }

    private func read(_ output: SubprocessOutputSequence) async throws {
        var parser = MessageParser()
        var state = FeedState()
        var splitter: AudioSplitter?
        for try await buffer in output {
            var done: [Chunk] = []
            if splitter == nil {
                state.begin(buffer, &parser)
                if let found = state.properties {
                    try await properties.put(found)
                    guard let plan = try await plan.take() else { throw CancellationError() }
                    splitter = AudioSplitter(plan: plan)
                    state.replay { done += splitter?.push($0) ?? [] }
                }
            } else {
                state.consume(buffer, &parser) { done += splitter?.push($0) ?? [] }
            }
            for chunk in done { try await deliver(chunk) }
            if state.isGarbled {
                kill(process, SIGKILL)
                break
            }
        }
        try Task.checkCancellation()
        try await finish(state, splitter)
    }

    private func deliver(_ chunk: Chunk) async throws {
        summary.withLock { $0.sampleCount = max($0.sampleCount, chunk.range.end) }
        try await chunks.put(chunk)
    }

    private func finish(_ state: FeedState, _ last: consuming AudioSplitter?) async throws {
        var warnings = state.warnings
        if let needed = state.needed { throw needed }
        let chunk = last?.finish()
        let heard = chunk != nil || summary.withLock { $0.sampleCount > 0 }
        if let failure = state.failure {
            guard heard else { throw error(failure) }
            warnings.append("The rest of the file cannot be decoded: it \(failure.message)")
        } else if !state.isComplete {
            let end = await endOfProcess()
            guard heard else {
                throw TranscriptionError(
                    .undecodable,
                    "The decoder stopped (\(end)) while reading \(recording); the file is damaged in a way it cannot handle."
                )
            }
            warnings.append(
                "The decoder stopped (\(end)) before the end of the file; what it had decoded has been transcribed.")
        }
        summary.withLock { $0.warnings = warnings }
        if let chunk { try await deliver(chunk) }
    }

    private func error(_ failure: DecodingFailure) -> TranscriptionError {
        let code: TranscriptionError.Code =
            switch failure.code {
            case .notARecording: .notARecording
            case .unsupportedFormat: .unsupportedFormat
            case .undecodable: .undecodable
            }
        return TranscriptionError(code, "\(recording) \(failure.message)")
    }

    /// How the process ended, in words; waits for it without reaping it, a second at the most.
    private func endOfProcess() async -> String {
        let process = process
        return await BlockingPool.files.run {
            for _ in 0..<100 {
                var info = siginfo_t()
                let status = waitid(P_PID, id_t(process), &info, WEXITED | WNOWAIT | WNOHANG)
                if status == 0, info._sifields._sigchld.si_pid == process {
                    let value = info._sifields._sigchld.si_status
                    if info.si_code == 1 { return "status \(value)" }
                    return value == SIGXCPU ? "it took more time than any honest file needs" : "signal \(value)"
                }
                usleep(10_000)
            }
            kill(process, SIGKILL)
            return "no answer"
        }
    }
}

/// What the decoder has said so far.
struct FeedState {
    private let logger = Logger(label: "parlograph.audio")
    private(set) var warnings: [String] = []
    private(set) var failure: DecodingFailure?
    private(set) var needed: ProgramNeeded?
    private(set) var isComplete = false
    /// What came is not from our decoder.
    private(set) var isGarbled = false
    private(set) var properties: AudioProperties?
    private var early: [Int16] = []

    init() {}

    /// Takes a buffer before the plan is known: the properties, and samples behind them that are kept for `replay`.
    mutating func begin(_ buffer: SubprocessOutputSequence.Buffer, _ parser: inout MessageParser) {
        var samples: [Int16] = []
        consume(buffer, &parser) { samples.append(contentsOf: $0) }
        early += samples
        if properties == nil, !early.isEmpty { isGarbled = true }
    }

    /// Takes a buffer of the decoder's output.
    mutating func consume(
        _ buffer: SubprocessOutputSequence.Buffer, _ parser: inout MessageParser,
        onSamples: (UnsafeBufferPointer<Int16>) -> Void
    ) {
        do {
            try buffer.withUnsafeBytes { bytes in
                try parser.consume(bytes, onSamples: onSamples, onMessage: { note($0) })
            }
        } catch {
            isGarbled = true
        }
    }

    /// Gives the samples that came together with the properties.
    mutating func replay(_ body: (UnsafeBufferPointer<Int16>) -> Void) {
        early.withUnsafeBufferPointer(body)
        early = []
    }

    /// Takes a message that is no sample.
    mutating func note(_ message: DecoderMessage) {
        switch message {
        case .properties(let found): properties = found
        case .warning(let text): if warnings.count < 100 { warnings.append(text) }
        case .debug(let text): logger.debug("decoder", metadata: ["decoder.note": "\(text)"])
        case .end: isComplete = true
        case .failure(let found): failure = found
        case .needsProgram(let demuxer, let format, let title):
            needed = ProgramNeeded(demuxer: demuxer, format: format, title: title)
        }
    }
}
