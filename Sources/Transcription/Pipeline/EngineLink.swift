import Logging
import SystemSupport

/// One engine of a chain: the one that was asked for, or a fallback of the one before.
package struct EngineLink: Sendable {
    package let engine: any Transcriber
    package let controller: ConcurrencyController
    /// Shared by all recordings that use the engine.
    package let outage: FallbackCooldown

    package init(engine: any Transcriber, controller: ConcurrencyController, outage: FallbackCooldown) {
        self.engine = engine
        self.controller = controller
        self.outage = outage
    }

    /// The same link with an engine that is not asked while its outage lasts: a chunk that waits for its turn, or for its
    /// next attempt, goes on to the fallback instead.
    var sparing: EngineLink {
        EngineLink(engine: SparingTranscriber(engine: engine, outage: outage), controller: controller, outage: outage)
    }
}

private struct SparingTranscriber: Transcriber {
    /// A longer pause that the engine asks for is an outage: the fallback has the text sooner.
    private static let maximumPause = Duration.seconds(60)

    let engine: any Transcriber
    let outage: FallbackCooldown

    var identity: EngineIdentity { engine.identity }
    var limits: EngineLimits { engine.limits }
    var traits: EngineTraits { engine.traits }
    var isCurrent: Bool { engine.isCurrent }

    func heeded(_ options: TranscriptionOptions) -> TranscriptionOptions { engine.heeded(options) }

    func transcribe(_ chunk: Chunk, options: TranscriptionOptions, turn: RequestContext) async throws -> ChunkTranscript
    {
        do {
            try outage.check()
        } catch let error as TranscriptionError {
            throw AttemptFailure.notSent(error)
        }
        do {
            return try await engine.transcribe(chunk, options: options, turn: turn)
        } catch let error as TranscriptionError {
            guard error.pressure == .refused, case .retry(let pause?) = error.remedy, pause > Self.maximumPause else {
                throw error
            }
            // No pressure: what waits for its turn is to go on to the fallback, not to wait for the end of the pause.
            let busy = TranscriptionError(
                .engineUnavailable, "\(error.message) It asks for a pause of \(pause.components.seconds) s.",
                cause: error, remedy: .giveUpChunk)
            outage.begin(busy, for: pause)
            throw busy
        }
    }

    func compact(_ audio: ChunkAudio) async { await engine.compact(audio) }
    func prepare(_ audio: ChunkAudio) async { await engine.prepare(audio) }
    func meet() async { await engine.meet() }
    func patience(forSamples count: Int64) -> Duration { engine.patience(forSamples: count) }
    func absence(turn: RequestContext) async throws -> TranscriptionError? { try await engine.absence(turn: turn) }
    func check() async throws -> EngineReport { try await engine.check() }
}

extension ParallelOrchestrator {
    /// The text of a chunk: from the engine, or from the first of its fallbacks that has one. Each engine's answer is
    /// cached as its own, so that a fallback's does not outlive the failure that led to it. What it was asked for a second time
    /// is remembered beside it.
    /// - Parameter request: the way through the engine of a link.
    /// - Throws: when all engines have failed; `giveUpRecording` only where all would fail for every chunk.
    func answer(
        to chunk: Chunk, _ run: Run, attempts: SharedCounter, request: (EngineLink) -> ChunkTranscription
    ) async throws -> (checked: AnswerCheck.Checked, fromCache: Bool) {
        let options = run.options
        var failures: [TranscriptionError] = []
        for (at, link) in engines.enumerated() {
            let next = at + 1 < engines.count ? engines[at + 1] : nil
            let request = request(next == nil ? link : link.sparing)
            do {
                let key = CacheKey(
                    chunk: chunk.hash, engine: link.engine.identity, options: link.engine.heeded(options))
                let (heard, fromCache) = try await store.chunkTranscript(for: key) {
                    if next != nil { try link.outage.check() }
                    return try await request.run(chunk, attempts: attempts)
                }
                let asked = attempts.value
                let check = AnswerCheck(
                    chunk: chunk, language: options.language, detector: detector, order: run.order,
                    repeatsItself: link.engine.traits.repeatsItself)
                var checked = try await check.check(heard) { cut in
                    try await secondAnswer(to: chunk, cutAt: cut, run, attempts: attempts, request: request)
                }
                if let failure = failures.first {
                    checked.transcript.tell(link.engine.identity, answeredAfter: failure)
                }
                return (checked, fromCache && attempts.value == asked)
            } catch let error as TranscriptionError {
                failures.append(error)
                guard let next else { break }
                let isNews = error.code == .engineUnavailable && link.outage.begin(error)
                logger.log(
                    level: isNews ? .warning : .info, "engine failed, asking its fallback",
                    metadata: [
                        "chunk.index": "\(chunk.index)", "fallback": "\(next.engine.identity.name)",
                        "error": "\(error.message)",
                    ])
            }
        }
        throw Self.combined(failures)
    }

    /// What the engine says to the two parts of a chunk.
    /// - Throws: what ends the recording; any other failure leaves what there is.
    private func secondAnswer(
        to chunk: Chunk, cutAt cut: Int64, _ run: Run, attempts: SharedCounter, request: ChunkTranscription
    ) async throws -> AnswerCheck.SecondAnswer {
        let engine = request.link.engine
        var options = run.options
        options.prompt = ""
        let key = CacheKey(
            secondLook: chunk.hash, cutAt: cut, engine: engine.identity, options: engine.heeded(options))
        do {
            return .transcript(
                try await store.chunkTranscript(for: key) {
                    try await request.run(chunk, cutAt: cut, attempts: attempts)
                }.transcript)
        } catch let error as TranscriptionError
            where error.remedy != .giveUpRecording && !run.firstFailure.isOver
        {
            return .failed(error.message)
        }
    }

    private static func combined(_ failures: [TranscriptionError]) -> TranscriptionError {
        guard let last = failures.last, failures.count > 1 else {
            return failures.first ?? TranscriptionError(.internalFault, "No engine was asked.")
        }
        // What passes by itself on one of them is worth waiting for.
        let passing = failures.first { $0.isPassing }
        let isHopeless = failures.allSatisfy { $0.remedy == .giveUpRecording }
        // The last one is away: the recording waits for it.
        if last.isAway {
            return TranscriptionError(
                last.code, failures.map(\.message).joined(separator: " "), cause: last.cause, remedy: last.remedy)
        }
        return TranscriptionError(
            last.code, failures.map(\.message).joined(separator: " "), cause: passing?.cause ?? last.cause,
            remedy: isHopeless ? .giveUpRecording : .giveUpChunk)
    }
}

extension ChunkTranscript {
    /// A fallback gave it.
    fileprivate mutating func tell(_ engine: EngineIdentity, answeredAfter failure: TranscriptionError) {
        self.engine = engine.name
        model = engine.model
        warnings.append("Transcribed by engine \(engine.name) instead: \(failure.message)")
    }
}

extension TranscriptionError {
    /// No failure of a chunk, but of an engine that was waited for long enough.
    var isAway: Bool { engineFault == .away }

    /// Another attempt was worth it, they were only used up.
    fileprivate var isPassing: Bool {
        guard let cause = cause as? TranscriptionError, case .retry = cause.remedy else { return false }
        return true
    }
}
