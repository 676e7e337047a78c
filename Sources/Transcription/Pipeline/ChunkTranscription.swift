import Logging
import SystemSupport

/// One chunk's way through the engine: attempts, pauses, and cutting again what is too large for the server.
struct ChunkTranscription: Sendable {
    let link: EngineLink
    let retry: RetrySettings
    var options: TranscriptionOptions
    let recording: RecordingID
    let firstFailure: FirstFailureLatch
    /// When the recording was begun, or with fallbacks the chunk: a refusal from before is not asked for again.
    let begun: ContinuousClock.Instant
    let sleep: @Sendable (Duration) async throws -> Void
    let random: @Sendable () -> Double
    let logger: Logger
    let observe: @Sendable (ChunkEvent) -> Void

    private var engine: any Transcriber { link.engine }
    private var controller: ConcurrencyController { link.controller }
    private var outage: FallbackCooldown { link.outage }

    /// Where nobody has ever answered and there is another engine, pauses between attempts may take so much together.
    private static let patienceWithNobody = Duration.milliseconds(2500)
    /// Below this a chunk is not cut again: 1 s.
    private static let minimumSamples = SampleClock.rate

    /// - Parameter attempts: counts the requests that are sent for it, over its parts where it is cut again.
    /// - Returns: the chunk's text.
    /// - Throws: `TranscriptionError`: `giveUpChunk` when the attempts are used up, `giveUpRecording` as the engine says;
    ///   `CancellationError`.
    func run(_ chunk: Chunk, attempts: SharedCounter) async throws -> ChunkTranscript {
        if let most = engine.limits.maximumChunkSamples, chunk.range.count > most {
            return try await runSplit(chunk, maximumSamples: most, attempts: attempts)
        }
        var state = RetryState()
        var paused = Duration.zero
        while true {
            let error: TranscriptionError
            let decision: RetryDecision
            do {
                return try await request(
                    chunk, isLastAttempt: state.retries >= retry.maximumRetries, attempts: attempts)
            } catch let failure as AttemptFailure {
                error = failure.error
                decision = state.decide(failure, retry)
            } catch let failure as TranscriptionError {
                error = failure
                let known = RetryState.EngineState(
                    isAway: controller.engine.isOpen, refusing: controller.refusing)
                decision = state.decide(failure, known, retry)
            }
            var pause: Duration
            switch decision {
            case .fail: throw error
            case .split(let most):
                return try await runSplit(chunk, maximumSamples: most, after: error, attempts: attempts)
            case .waitForEngine:
                let patience = engine.patience(forSamples: chunk.range.count)
                pause = try pauseForEngine(after: error, attempts: attempts.value, patienceWithFirst: patience)
            case .engineUnavailable: throw unavailable(after: error)
            case .giveUp(let reason): throw Self.givingUp(after: error, reason: reason)
            case .again(let number, let hint, let isBudgeted):
                pause = try pauseForChunk(number, hint: hint, isBudgeted: isBudgeted, after: error)
                if isNobodyThere(error) {
                    guard paused < Self.patienceWithNobody else {
                        throw Self.givingUp(after: error, reason: "nothing has ever answered there")
                    }
                    pause = min(pause, Self.patienceWithNobody - paused)
                }
            }
            paused += pause
            observe(
                .retrying(
                    index: chunk.index, attempt: attempts.value, after: pause, error: error.code, cause: error.message,
                    isBusy: error.pressure == .refused))
            logger.info(
                "request failed, trying again",
                metadata: [
                    "chunk.index": "\(chunk.index)", "pause": "\(pause)", "error": "\(error.message)",
                ])
            try await sleep(pause)
        }
    }

    /// Asks for the chunk in two parts, without a prompt.
    /// - Parameter cut: where it is cut, in samples from its start.
    /// - Throws: as `run`.
    func run(_ chunk: Chunk, cutAt cut: Int64, attempts: SharedCounter) async throws -> ChunkTranscript {
        logger.info("the engine's answer is doubtful, asking again", metadata: ["chunk.index": "\(chunk.index)"])
        var another = self
        another.options.prompt = ""
        var joined: [(offset: Int64, transcript: ChunkTranscript)] = []
        for place in [SampleRange(0, cut), SampleRange(cut, chunk.range.count)] where !place.isEmpty {
            let part = try await BlockingPool.files.run {
                Self.part(of: chunk, at: place, try chunk.audio.samples(in: Int(place.start)..<Int(place.end)))
            }
            // Nothing is to be heard in it, and nothing is invented.
            guard !part.speech.isEmpty else { continue }
            joined.append((place.start, try await another.run(part, attempts: attempts)))
        }
        return Self.join(joined)
    }

    /// One attempt. What ends the recording is known to the others before the next one of them may send.
    /// - Throws: besides, where it failed and it matters whose fault that is: `AttemptFailure`.
    private func request(_ chunk: Chunk, isLastAttempt: Bool, attempts: SharedCounter) async throws -> ChunkTranscript {
        await engine.prepare(chunk.audio)
        let heard: ChunkTranscript
        do {
            heard = try await controller.withPermit(for: recording, cost: chunk.range.count) {
                !firstFailure.isOver && outage.refusal(ofBegun: begun) == nil
            } _: { turn in
                try await send(chunk, turn, isLastAttempt: isLastAttempt, attempts: attempts)
            }
        } catch let error as CancellationError {
            // What another recording was told while this one waited for its turn.
            guard !Task.isCancelled, !firstFailure.isOver, let refusal = outage.refusal(ofBegun: begun) else {
                throw error
            }
            firstFailure.end(with: refusal)
            throw refusal
        }
        outage.accept()
        if let outage = controller.takeRecovery() {
            logger.notice("engine answers again", metadata: metadata(["after": "\(outage.components.seconds) s"]))
        }
        return heard
    }

    /// - Throws: as `request`.
    private func send(
        _ chunk: Chunk, _ turn: RequestContext, isLastAttempt: Bool, attempts: SharedCounter
    ) async throws -> ChunkTranscript {
        let sent = { @Sendable in
            observe(.sent(index: chunk.index, attempt: attempts.add(1), engine: engine.identity.name))
        }
        sent()
        do {
            return try await engine.transcribe(chunk, options: options, turn: turn.counting(sent))
        } catch let error as TranscriptionError where error.remedy == .giveUpRecording {
            if error.engineFault == .refused { outage.refuse(error) }
            firstFailure.end(with: error)
            throw error
        } catch let error as TranscriptionError where error.isPassing && error.pressure != .refused {
            let known = controller.engine
            // Of those that fail together one asks.
            if known.isOpen, !turn.isProbe { throw AttemptFailure.engineAway(error) }
            guard controller.waitsForEngine, isLastAttempt || turn.isProbe || known.isDoubtful else { throw error }
            guard try await engine.absence(turn: turn) == nil else { throw AttemptFailure.engineAway(error) }
            throw AttemptFailure.chunkFault(error)
        }
    }

    private func metadata(_ more: Logger.Metadata) -> Logger.Metadata {
        more.merging(["engine": "\(engine.identity.name)"]) { $1 }
    }

    /// The engine cannot be reached, never could, and another one is asked instead.
    private func isNobodyThere(_ error: TranscriptionError) -> Bool {
        !controller.waitsForEngine && error.code == .engineUnavailable && error.isPassing
            && !controller.engine.hasAnswered && !controller.engine.hasTaken
    }

    /// An engine that is away is waited for: what fails meanwhile is no chunk's fault.
    /// - Parameter patienceWithFirst: how long, where it took a request before and was gone before it answered any: its
    ///   first answer may take that long after it is back.
    /// - Throws: what ends the recording: the engine has been away for too long, or has never been there.
    private func pauseForEngine(
        after error: TranscriptionError, attempts: Int, patienceWithFirst: Duration
    ) throws -> Duration {
        // It may be back meanwhile.
        let absence = controller.absence
        let known = controller.engine
        let hasAnswered = known.hasAnswered
        // One that takes every request and answers none is something else than an engine.
        let wasThere = known.hasTaken && error.code == .engineUnavailable
        let patience = hasAnswered ? retry.patienceWithOutage : wasThere ? patienceWithFirst : .zero
        if (absence?.lasted ?? .zero) < patience {
            if controller.takeNewsOfOutage() {
                logger.warning(
                    "engine does not answer, waiting for it",
                    metadata: metadata([
                        "error": "\(error.message)", "at_most": "\(patience.components.seconds) s",
                    ]))
            }
            return absence?.nextTry ?? .zero
        }
        let words =
            hasAnswered
            ? "It has been so for \(Self.minutes(absence?.lasted ?? .zero))."
            : "It was asked \(CountedText.text(attempts, "time"))."
        let away = TranscriptionError(
            .engineUnavailable, "\(error.message) \(words)", cause: error, remedy: .retry(after: nil))
        firstFailure.end(with: away)
        throw away
    }

    private static func minutes(_ time: Duration) -> String {
        CountedText.text(max(1, time.components.seconds / 60), "minute")
    }

    /// What ends the recording when the engine has refused everything for too long.
    private func unavailable(after error: TranscriptionError) -> TranscriptionError {
        let away = TranscriptionError(
            .engineUnavailable, "\(error.message) It has been so for \(Self.minutes(controller.refusing)).",
            cause: error,
            remedy: .retry(after: nil))
        firstFailure.end(with: away)
        return away
    }

    /// - Throws: where so many requests fail that another one would only be a burden.
    private func pauseForChunk(
        _ number: Int, hint: Duration?, isBudgeted: Bool, after error: TranscriptionError
    ) throws -> Duration {
        let pause = retry.pause(before: number, hint: hint, random: random())
        // A refusal costs nothing, and the controller spaces them out: the budget is for what may have cost something.
        guard isBudgeted, !controller.takeRetry() else { return pause }
        guard controller.waitsForEngine else {
            throw Self.givingUp(after: error, reason: "too many requests failed in a row")
        }
        return max(pause, retry.maximumPause(before: number))
    }

    private static func givingUp(after error: TranscriptionError, reason: String? = nil) -> TranscriptionError {
        let message = reason.map { "\(error.message) (not tried again: \($0))" } ?? error.message
        return TranscriptionError(error.code, message, cause: error, remedy: .giveUpChunk, pressure: nil)
    }

    /// Cuts the chunk in its pauses into equal parts that fit and joins what the engine says to them.
    private func runSplit(
        _ chunk: Chunk, maximumSamples: Int64?, after failure: TranscriptionError? = nil, attempts: SharedCounter
    ) async throws -> ChunkTranscript {
        let total = chunk.range.count
        let limit = min(maximumSamples ?? total / 2, total - 1)
        guard limit >= Self.minimumSamples else {
            if let failure, failure.pressure == .strained { throw Self.givingUp(after: failure) }
            throw Self.tooLittle(of: total, named: maximumSamples, after: failure)
        }
        let count = max(2, Int((total + limit * 9 / 10 - 1) / max(1, limit * 9 / 10)))
        logger.info(
            "chunk too large for the server, cut again",
            metadata: ["chunk.index": "\(chunk.index)", "parts": "\(count)"])
        var joined: [(offset: Int64, transcript: ChunkTranscript)] = []
        var start: Int64 = 0
        // One part at a time is in memory, not all of them, and the whole as small as can be.
        await engine.compact(chunk.audio)
        while start < total {
            let (from, left) = (start, max(1, count - joined.count))
            let part = try await BlockingPool.files.run {
                try Self.part(of: chunk, from: from, partsLeft: left, limit: limit)
            }
            let transcript = try await run(part, attempts: attempts)
            joined.append((start, transcript))
            start += part.range.count
        }
        return Self.join(joined)
    }

    /// - Parameter most: the greatest length that the server takes, where it names one.
    private static func tooLittle(
        of total: Int64, named most: Int64?, after failure: TranscriptionError?
    ) -> TranscriptionError {
        let message =
            if let most, most < minimumSamples {
                (failure.map { "\($0.message) " } ?? "")
                    + "The server's limit leaves less than \(SampleClock.seconds(minimumSamples)) s of audio for a request: too "
                    + "little to cut a recording into."
            } else {
                "The server takes not even \(SampleClock.seconds(total)) seconds of audio at once."
            }
        return TranscriptionError(.requestFailed, message, remedy: .giveUpChunk)
    }

    /// The part that begins at `start`: as long as the others will be, but for a pause to cut in, and so that what is left
    /// fits into one part less.
    private static func part(of chunk: Chunk, from start: Int64, partsLeft: Int, limit: Int64) throws -> Chunk {
        let total = chunk.audio.sampleCount
        let length = (total - start) / Int64(partsLeft)
        var end = total
        var samples: [Int16]
        if partsLeft > 1 {
            let reach = max(1, min(length / 5, limit - length))
            let earliest = max(start + 1, start + length - reach, total - Int64(partsLeft - 1) * limit)
            let latest = min(total, start + length + reach, start + limit)
            samples = try chunk.audio.samples(in: Int(start)..<Int(max(latest, start + length)))
            let window = Int(earliest - start)..<Int(max(latest, earliest) - start)
            end = start + length
            if !window.isEmpty {
                end =
                    start
                    + Int64(PauseFinder.quietestCut(in: samples, near: Int(length), window: window).position)
            }
            samples.removeSubrange(Int(end - start)...)
        } else {
            samples = try chunk.audio.samples(in: Int(start)..<Int(total))
        }
        return Self.part(of: chunk, at: SampleRange(start, end), samples)
    }

    /// - Parameters:
    ///   - place: in samples from the chunk's start.
    ///   - samples: those of `place`.
    private static func part(of chunk: Chunk, at place: SampleRange, _ samples: [Int16]) -> Chunk {
        let own = place.shifted(by: chunk.range.start)
        let speech = chunk.speech.overlapping(place).map { $0.clamped(to: place).shifted(by: -place.start) }
        let hash = samples.withUnsafeBytes { SHA256.digest(of: $0) }
        return Chunk(index: chunk.index, range: own, owned: own, hash: hash, speech: speech, audio: ChunkAudio(samples))
    }

    private static func join(_ parts: [(offset: Int64, transcript: ChunkTranscript)]) -> ChunkTranscript {
        var out = ChunkTranscript(language: nil, segments: [])
        var heard: [String: Int64] = [:]
        var speakers = SpeakerNames()
        for (offset, part) in parts {
            var segments = part.segments
            speakers.distinguish(&segments, forPeople: false)
            for var segment in segments {
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

extension TranscriptionError {
    /// The same request may succeed later.
    fileprivate var isPassing: Bool {
        guard case .retry = remedy else { return false }
        return true
    }
}
