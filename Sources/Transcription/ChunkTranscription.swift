import Logging
import SystemSupport

/// One chunk's way through the engine: attempts, pauses, and cutting again what is too large for the server.
struct ChunkTranscription: Sendable {
    let engine: any Transcriber
    let controller: ConcurrencyController
    let retry: RetrySettings
    var options: TranscriptionOptions
    let recording: RecordingID
    let fate: RecordingFate
    let sleep: @Sendable (Duration) async throws -> Void
    let random: @Sendable () -> Double
    let logger: Logger
    let observe: @Sendable (ChunkEvent) -> Void
    /// It asks again about a chunk that the engine got stuck in.
    var isSecondLook = false

    /// Half of it is still long enough to be understood.
    private static let shortestSecondLook = 4 * SampleClock.rate
    /// Below this a chunk is not cut again: 1 s.
    private static let shortest = SampleClock.rate

    /// - Parameter attempts: counts the requests that are sent for it, over its parts where it is cut again.
    /// - Returns: the chunk's text.
    /// - Throws: `TranscriptionError`: `giveUpChunk` when the attempts are used up, `giveUpRecording` as the engine says;
    ///   `CancellationError`.
    func run(_ chunk: Chunk, attempts: SharedCounter) async throws -> ChunkTranscript {
        if let most = engine.limits.maximumChunkSamples, chunk.range.count > most {
            return try await runSplit(chunk, maximumSamples: most, attempts: attempts)
        }
        var retries = 0
        var heldBack = Duration.zero
        while true {
            do {
                return try await heard(chunk, attempts: attempts)
            } catch let error as TranscriptionError {
                switch error.remedy {
                case .giveUpChunk, .giveUpRecording: throw error
                case .split(let most):
                    return try await runSplit(chunk, maximumSamples: most, attempts: attempts)
                case .retry(let told):
                    if error.pressure == .refused { try checkPatience(after: error) }
                    let hint = told.flatMap { $0 > .zero ? $0 : nil }
                    if error.pressure == .refused, let hint, heldBack + hint <= retry.patience {
                        heldBack += hint
                    } else {
                        retries += 1
                        try allowRetry(retries, hint: hint, after: error)
                    }
                    let pause = retry.pause(before: max(1, retries), hint: hint, random: random())
                    observe(
                        .retrying(
                            index: chunk.index, attempt: attempts.value, after: pause, error: error.code))
                    logger.info(
                        "request failed, trying again",
                        metadata: [
                            "chunk.index": "\(chunk.index)", "pause": "\(pause)", "error": "\(error.message)",
                        ])
                    try await sleep(pause)
                }
            }
        }
    }

    /// One attempt, and another one in two halves where the engine got stuck in a loop.
    private func heard(_ chunk: Chunk, attempts: SharedCounter) async throws -> ChunkTranscript {
        let first = try await request(chunk, attempts: attempts)
        guard TranscriptGuard.isLooping(first) else { return first }
        var second: ChunkTranscript?
        if !isSecondLook, chunk.range.count >= Self.shortestSecondLook, controller.takeRetry() {
            logger.info("the engine repeats itself, asking again", metadata: ["chunk.index": "\(chunk.index)"])
            do {
                var another = self
                another.isSecondLook = true
                another.options.prompt = nil
                let half = chunk.range.count * 5 / 9 + 1
                second = try await another.runSplit(chunk, maximumSamples: half, attempts: attempts)
            } catch let error as TranscriptionError where error.remedy != .giveUpRecording && !fate.isOver {
                // What there is is better than nothing.
            }
        }
        return isSecondLook ? first : TranscriptGuard.collapsingLoops(in: second ?? first)
    }

    /// One attempt. What ends the recording is known to the others before the next one of them may send.
    private func request(_ chunk: Chunk, attempts: SharedCounter) async throws -> ChunkTranscript {
        try await controller.withPermit(for: recording, cost: chunk.range.count) {
            !fate.isOver
        } _: {
            observe(.sent(index: chunk.index, attempt: attempts.add(1)))
            do {
                return try await engine.transcribe(chunk, options: options)
            } catch let error as TranscriptionError where error.remedy == .giveUpRecording {
                fate.end(with: error)
                throw error
            }
        }
    }

    /// An engine that has refused everything for too long is away: the recording waits for it instead of losing its chunks
    /// one by one.
    private func checkPatience(after error: TranscriptionError) throws {
        let refusing = controller.refusing
        guard refusing >= retry.patience else { return }
        let away = TranscriptionError(
            .engineUnavailable, "\(error.message) It has been so for \(refusing.components.seconds / 60) minutes.",
            cause: error, remedy: .retry(after: nil))
        fate.end(with: away)
        throw away
    }

    /// - Throws: why the request is not tried again.
    private func allowRetry(_ number: Int, hint: Duration?, after error: TranscriptionError) throws {
        if let hint, hint > retry.patience {
            throw Self.givingUp(
                after: error, reason: "the pause asked for is longer than \(retry.patience.components.seconds) s")
        }
        guard number <= retry.maximumRetries else { throw Self.givingUp(after: error) }
        // A refusal costs nothing, and the controller spaces them out: the budget is for what may have cost something.
        guard error.pressure == .refused || controller.takeRetry() else {
            throw Self.givingUp(after: error, reason: "too many requests failed in a row")
        }
    }

    private static func givingUp(after error: TranscriptionError, reason: String? = nil) -> TranscriptionError {
        let message = reason.map { "\(error.message) (not tried again: \($0))" } ?? error.message
        return TranscriptionError(error.code, message, cause: error, remedy: .giveUpChunk, pressure: nil)
    }

    /// Cuts the chunk in its pauses into equal parts that fit and joins what the engine says to them.
    private func runSplit(
        _ chunk: Chunk, maximumSamples: Int64?, attempts: SharedCounter
    ) async throws -> ChunkTranscript {
        let total = chunk.range.count
        let limit = min(maximumSamples ?? total / 2, total - 1)
        guard limit >= Self.shortest else {
            throw TranscriptionError(
                .requestFailed, "The server takes not even \(SampleClock.seconds(total)) seconds of audio at once.",
                remedy: .giveUpChunk)
        }
        let parts = try await BlockingPool.files.run { try Self.parts(of: chunk, limit: limit) }
        logger.info(
            "chunk too large for the server, cut again",
            metadata: ["chunk.index": "\(chunk.index)", "parts": "\(parts.count)"])
        var joined: [(offset: Int64, transcript: ChunkTranscript)] = []
        for part in parts {
            let transcript = try await run(part, attempts: attempts)
            joined.append((part.range.start - chunk.range.start, transcript))
        }
        return Self.join(joined)
    }

    private static func parts(of chunk: Chunk, limit: Int64) throws -> [Chunk] {
        let samples = try chunk.audio.samples()
        let count = (Int64(samples.count) + limit * 9 / 10 - 1) / max(1, limit * 9 / 10)
        let length = Int64(samples.count) / max(2, count)
        var cuts: [Int] = [0]
        for number in 1..<max(2, Int(count)) {
            let near = Int(length) * number
            let reach = Int(min(length / 5, limit - length))
            let window = max(cuts[cuts.count - 1] + 1, near - reach)..<min(samples.count, near + max(1, reach))
            cuts.append(
                window.isEmpty ? near : PauseFinder.quietestCut(in: samples, near: near, window: window).position)
        }
        cuts.append(samples.count)
        return zip(cuts, cuts.dropFirst()).filter { $0 < $1 }.map { start, end in
            let piece = Array(samples[start..<end])
            let own = SampleRange(chunk.range.start + Int64(start), chunk.range.start + Int64(end))
            let bounds = SampleRange(Int64(start), Int64(end))
            let speech = chunk.speech.filter { $0.overlap(with: bounds) > 0 }
                .map { $0.clamped(to: bounds).shifted(by: -Int64(start)) }
            let hash = piece.withUnsafeBytes { SHA256.digest(of: $0) }
            return Chunk(
                index: chunk.index, range: own, owned: own, hash: hash, speech: speech, audio: ChunkAudio(piece))
        }
    }

    private static func join(_ parts: [(offset: Int64, transcript: ChunkTranscript)]) -> ChunkTranscript {
        var out = ChunkTranscript(language: nil, segments: [])
        var heard: [String: Int64] = [:]
        for (offset, part) in parts {
            for var segment in part.segments {
                segment.range = segment.range.shifted(by: offset)
                for at in segment.words.indices {
                    segment.words[at].range = segment.words[at].range.shifted(by: offset)
                }
                if let language = part.language { heard[language, default: 0] += segment.range.count }
                out.segments.append(segment)
            }
            out.timesAreEstimated = out.timesAreEstimated || part.timesAreEstimated
            out.warnings += part.warnings
            out.engine = out.engine ?? part.engine
            if out.language == nil { out.language = part.language }
        }
        if let most = heard.values.max() {
            out.language = parts.lazy.compactMap(\.transcript.language).first { heard[$0] == most } ?? out.language
        }
        return out
    }
}
