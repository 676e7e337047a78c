import AudioContainers
import Glibc
import Logging
import Subprocess
import Synchronization
import SystemSupport
import Transcription

/// The parent's end of the decoder: cuts its samples and hands over chunks, over all the runs that a recording takes.
final class DecoderFeed: Sendable {
    /// The properties go this way, the plan that way, then chunks.
    let properties = Rendezvous<AudioProperties>()
    let plan = Rendezvous<ChunkPlan>()
    private let chunks = Rendezvous<Chunk>()
    private let summary = Mutex(DecodeSummary(sampleCount: 0, warnings: []))
    private let recording: Recording
    private let knownCuts: @Sendable (Digest) async -> [RecordingCuts]
    private let logger: Logger

    /// - Parameter knownCuts: as for `AudioSource.withChunks`.
    init(
        _ recording: Recording, knownCuts: @escaping @Sendable (Digest) async -> [RecordingCuts], logger: Logger
    ) {
        self.recording = recording
        self.knownCuts = knownCuts
        self.logger = logger
    }

    var reader: any ChunkReader { Reader(feed: self) }

    private struct Reader: ChunkReader {
        let feed: DecoderFeed
        func next() async throws -> Chunk? { try await feed.chunks.take() }
        var summary: DecodeSummary { feed.summary.withLock { $0 } }
    }

    /// Whoever waits for properties or chunks is told that none come any more, and why.
    func close(throwing error: (any Error)? = nil) {
        properties.close(throwing: error)
        if let error { plan.close(throwing: error) }
        chunks.close(throwing: error)
    }

    /// Reads one run of the decoder to the end of its output.
    /// - Parameters:
    ///   - cutter: what earlier runs gave; the samples that they gave already are passed over.
    ///   - watch: is told when something of the decoder is waited for, and when it has come.
    /// - Returns: what the run said, the last word about its end included if there was one.
    /// - Throws: what the reader of properties and chunks closed with; `CancellationError`.
    func read(
        _ output: SubprocessOutputSequence, into cutter: inout SampleCutter, _ watch: StallWatch
    ) async throws -> RunReport {
        var parser = MessageParser()
        var report = RunReport(logger: logger)
        cutter.beginRun()
        watch.waits(true)
        for try await buffer in output {
            watch.waits(false)
            let done = cutter.take(buffer, &parser, &report)
            if let program = report.program { watch.includes(program) }
            if let found = report.properties, !cutter.isPlanned {
                try await properties.put(found)
                guard let plan = try await plan.take() else { throw CancellationError() }
                cutter.accept(plan)
            }
            if cutter.isOpened, !cutter.isCutting { try await begin(&cutter) }
            for chunk in done { try await deliver(chunk) }
            if report.isGarbled || report.end != nil { break }
            watch.waits(true)
        }
        watch.waits(false)
        try Task.checkCancellation()
        return report
    }

    /// Enough has come to tell whether the recording was cut before.
    private func begin(_ cutter: inout SampleCutter) async throws {
        let known = await knownCuts(cutter.opening)
        for chunk in cutter.begin(known: known) { try await deliver(chunk) }
    }

    private func deliver(_ chunk: Chunk) async throws {
        summary.withLock { $0.sampleCount = max($0.sampleCount, chunk.range.end) }
        try await chunks.put(chunk)
    }

    /// Hands over the last chunk: no further run follows.
    /// - Parameters:
    ///   - report: of the run that came farthest.
    ///   - end: of the last run.
    /// - Throws: `TranscriptionError` when nothing at all was decoded, or the recording cannot be read; as `read`.
    func finish(_ cutter: inout SampleCutter, _ report: RunReport, _ end: DecodingEnd) async throws {
        let heard = cutter.sampleCount
        if case .unreadable(let errno) = end { throw recording.cannotBeRead(errno) }
        guard heard > 0 else { throw error(end) }
        if !cutter.isCutting { try await begin(&cutter) }
        var result = DecodeSummary(sampleCount: heard, warnings: report.warnings, gaps: report.losses)
        switch end {
        case .complete, .needs, .unreadable: break
        case .failed(let failure):
            result.warnings.append("The rest of the file cannot be decoded: it \(failure.message)")
        case .crashed(let reason), .stopped(let reason):
            let place = TimeText.clock(seconds: SampleClock.seconds(heard))
            result.warnings.append(
                "Reading the file was cut short at \(place), also when it was tried again (\(reason)); what comes behind is "
                    + "not transcribed.")
            result.gaps.removeAll { $0.range.end > heard }
            result.gaps.append(gap(behind: heard, declared: report.properties?.declaredSampleCount, reason))
        }
        result.gaps = result.gaps.separated()
        let last = cutter.finish()
        summary.withLock { $0 = result }
        for chunk in last { try await deliver(chunk) }
    }

    private func gap(behind heard: Int64, declared: Int64?, _ reason: String) -> Transcript.Gap {
        let end = declared.flatMap { declared in
            let isBelieved = PlausibleLength.isBelievable(
                SampleClock.seconds(declared), heard: SampleClock.seconds(heard), byteCount: recording.byteCount)
            return declared > heard && isBelieved ? declared : nil
        }
        return Transcript.Gap(
            range: SampleRange(heard, end ?? heard), reason: "Reading the file was cut short here (\(reason)).",
            cause: .interruption, isOpenEnded: end == nil)
    }

    /// Why there is nothing.
    private func error(_ end: DecodingEnd) -> TranscriptionError {
        let name = recording.displayName
        return switch end {
        case .complete: TranscriptionError(.notARecording, "\(name) holds no audio that can be decoded.")
        case .needs:
            TranscriptionError(
                .undecodable,
                "\(name) has more tracks of sound than are looked through here, and nothing is to be heard in "
                    + "the first of them: put the one that is meant into a file of its own.")
        case .unreadable(let errno): recording.cannotBeRead(errno)
        case .failed(let failure): TranscriptionError(code(of: failure), "\(name) \(failure.message)")
        case .crashed(let reason):
            TranscriptionError(
                .undecodable,
                "The decoder stopped (\(reason)) while reading \(name); the file is damaged in a way it cannot handle."
            )
        case .stopped(let reason):
            TranscriptionError(
                .decodingInterrupted,
                "Reading \(name) was cut short before anything was heard, also when it was tried again (\(reason)). "
                    + "That is no fault of the file: try it again later.")
        }
    }

    private func code(of failure: DecodingFailure) -> TranscriptionError.Code {
        switch failure.code {
        case .notARecording: .notARecording
        case .unsupportedFormat: .unsupportedFormat
        case .undecodable: .undecodable
        }
    }
}
