package import Logging
import Synchronization
import SystemSupport

/// Takes a recording all the way from its bytes to its merged transcript: decodes, cuts, asks the cache, sends what is
/// missing to the engine in parallel, and puts the results in order.
///
/// Streams with back-pressure: the first chunk is sent while the rest is still being decoded, and no more chunks are in
/// memory than `slots` has places.
package struct ParallelOrchestrator: Sendable {
    package let source: any AudioSource
    package let engine: any Transcriber
    package let store: any TranscriptStore
    package let controller: ConcurrencyController
    package let slots: ChunkSlots
    package let sizing: DynamicChunkSizer.Settings
    package let retry: RetrySettings
    package let logger: Logger
    /// Pauses between attempts; a test's clock replaces it.
    package var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    /// 0..<1, for jitter.
    package var random: @Sendable () -> Double = { Double.random(in: 0..<1) }
    /// Asked for a chunk that `engine` failed at, in this order.
    package var fallbacks: [EngineLink] = []
    /// That of `engine`.
    package var outage = EngineOutage()

    package init(
        source: any AudioSource, engine: any Transcriber, store: any TranscriptStore,
        controller: ConcurrencyController, slots: ChunkSlots, sizing: DynamicChunkSizer.Settings, retry: RetrySettings,
        logger: Logger
    ) {
        self.source = source
        self.engine = engine
        self.store = store
        self.controller = controller
        self.slots = slots
        self.sizing = sizing
        self.retry = retry
        self.logger = logger
    }

    /// Transcribes one recording.
    /// - Parameters:
    ///   - id: tells this recording's requests from those of others, for fairness.
    ///   - observe: is called for each step, from several tasks; must be quick.
    /// - Returns: the transcript, with gaps where chunks failed for good.
    /// - Throws: `TranscriptionError` when nothing could be heard at all (not audio, engine unusable),
    ///   `CancellationError`. What finished before is in the cache then.
    package func transcribe(
        _ recording: Recording, id: RecordingID, options: TranscriptionOptions,
        observe: @escaping @Sendable (ChunkEvent) -> Void
    ) async throws -> Transcript {
        let digest = try await Self.digest(of: recording)
        let limits = engine.limits
        let key = CacheKey(
            recording: digest, engine: engine.identity, options: options,
            plan: ["\(sizing)", "\(limits)"])
        if var known = await store.transcript(for: key) {
            known.markAsCached(name: recording.displayName, engine: engine.identity.name)
            observe(.answeredFromCache(samples: known.sampleCount, chunks: known.chunks.count))
            return known
        }
        let transcript = try await source.withChunks(of: recording) { properties in
            let plan = DynamicChunkSizer(settings: sizing, limits: limits).plan(
                byteCount: recording.byteCount, estimatedSampleCount: properties.estimatedSampleCount)
            observe(
                .planned(expectedChunks: plan.expectedChunks, expectedSamples: properties.estimatedSampleCount))
            return plan
        } _: { properties, reader in
            let source = Transcript.Source(
                name: recording.displayName, byteCount: recording.byteCount, sha256: digest,
                format: properties.format, sampleRate: properties.sampleRate, channels: properties.channels)
            let outcomes = try await run(reader, id: id, options: options, observe: observe)
            let summary = reader.summary
            let merger = ResultMerger(
                ResultMerger.Facts(
                    sampleCount: summary.sampleCount, warnings: summary.warnings, source: source,
                    engine: engine.identity.name, model: engine.identity.model))
            return await BlockingPool.files.run { merger.merge(outcomes) }
        }
        if recording.hasChanged() {
            throw TranscriptionError(
                .recordingChanged, "\(recording.displayName) was written to while it was being transcribed.")
        }
        // What a fallback said is asked for again when its time has passed.
        if !transcript.isPartial, transcript.chunks.allSatisfy({ $0.engine == nil }) {
            await store.store(transcript, for: key)
        }
        return transcript
    }

    private static func digest(of recording: Recording) async throws -> Digest {
        let flag = CancellationFlag()
        return try await withTaskCancellationHandler {
            try await BlockingPool.files.run { try recording.digest(isCancelled: { flag.isSet }) }
        } onCancel: {
            flag.set()
        }
    }

    private func run(
        _ reader: any ChunkReader, id: RecordingID, options: TranscriptionOptions,
        observe: @escaping @Sendable (ChunkEvent) -> Void
    ) async throws -> [ChunkOutcome] {
        let fate = RecordingFate()
        do {
            let outcomes = try await outcomes(reader, id: id, options: options, fate: fate, observe: observe)
            if let failure = fate.firstFailure, outcomes.allSatisfy({ $0.isFailed || $0.isSilent }) {
                throw try await nothingHeard(failure, id: id)
            }
            return outcomes
        } catch {
            // Chunks that were called off for it may be heard of before the one that ended the recording.
            throw fate.end ?? error
        }
    }

    private func outcomes(
        _ reader: any ChunkReader, id: RecordingID, options: TranscriptionOptions, fate: RecordingFate,
        observe: @escaping @Sendable (ChunkEvent) -> Void
    ) async throws -> [ChunkOutcome] {
        try await withThrowingTaskGroup(of: ChunkOutcome.self) { group in
            while !fate.isOver {
                try await slots.acquire(for: id)
                let chunk: Chunk?
                do {
                    chunk = try await reader.next()
                } catch {
                    slots.release(of: id)
                    fate.end(with: error)
                    throw error
                }
                guard let chunk, !fate.isOver else {
                    slots.release(of: id)
                    break
                }
                observe(.cut(index: chunk.index, owned: chunk.owned, hash: chunk.hash))
                group.addTask {
                    defer { slots.release(of: id) }
                    do {
                        return try await outcome(of: chunk, id: id, options: options, fate: fate, observe: observe)
                    } catch {
                        fate.end(with: error)
                        throw error
                    }
                }
            }
            if !fate.isOver { observe(.decoded(samples: reader.summary.sampleCount)) }
            var outcomes: [ChunkOutcome] = []
            for try await outcome in group { outcomes.append(outcome) }
            return outcomes
        }
    }

    /// Every chunk failed: that is no transcript with gaps. It is the recording's fault where the engine answers others,
    /// and the engine's where it answers nobody; `remedy` says then whether it may be tried again later.
    /// - Throws: `CancellationError`.
    private func nothingHeard(_ failure: TranscriptionError, id: RecordingID) async throws -> TranscriptionError {
        guard failure.code != .languageNotSupported else {
            return TranscriptionError(.languageNotSupported, failure.message, cause: failure)
        }
        let cause = failure.cause as? TranscriptionError
        guard let cause, case .retry = cause.remedy else {
            let code = failure.code == .engineUnavailable ? failure.code : .requestFailed
            return TranscriptionError(code, failure.message, cause: failure)
        }
        if try await isAnsweringOthers(id) {
            return TranscriptionError(.requestFailed, failure.message, cause: failure)
        }
        return TranscriptionError(.engineUnavailable, failure.message, cause: failure, remedy: .retry(after: nil))
    }

    /// The last engine that was asked has answered before, or answers a second of sound.
    private func isAnsweringOthers(_ id: RecordingID) async throws -> Bool {
        let last = fallbacks.last ?? EngineLink(engine: engine, controller: controller, outage: outage)
        guard !last.controller.engine.hasAnswered else { return true }
        return try await last.controller.withPermit(for: id, cost: SampleClock.rate) { turn in
            try await last.engine.absence(turn: turn) == nil
        }
    }

    /// - Throws: only what ends the whole recording.
    private func outcome(
        of chunk: Chunk, id: RecordingID, options: TranscriptionOptions, fate: RecordingFate,
        observe: @escaping @Sendable (ChunkEvent) -> Void
    ) async throws -> ChunkOutcome {
        let attempts = SharedCounter()
        do {
            var heard = ChunkTranscript(language: nil, segments: [])
            var fromCache = false
            if !chunk.speech.isEmpty {
                (heard, fromCache) = try await answer(to: chunk, options: options, attempts: attempts) {
                    // With fallbacks the end of one engine is not the end of the recording, nor of the next engine.
                    ChunkTranscription(
                        engine: $0.engine, controller: $0.controller, retry: retry, options: options, recording: id,
                        fate: fallbacks.isEmpty ? fate : RecordingFate(), outage: $0.outage,
                        begun: fallbacks.isEmpty ? fate.begun : .now, sleep: sleep, random: random, logger: logger,
                        observe: observe)
                }
            }
            heard = await BlockingPool.files.run { [heard] in
                TranscriptGuard.withoutPhantoms(heard, speech: chunk.speech)
            }
            let answering = chunk.speech.isEmpty ? nil : heard.engine ?? engine.identity.name
            observe(.finished(index: chunk.index, fromCache: fromCache, engine: answering))
            return ChunkOutcome(
                of: chunk, result: .transcript(heard), fromCache: fromCache, attempts: attempts.value)
        } catch let error as TranscriptionError where error.remedy != .giveUpRecording && !error.isAway && !fate.isOver
        {
            fate.note(error)
            observe(.failed(index: chunk.index, error: error.code))
            logger.info(
                "chunk failed for good",
                metadata: ["chunk.index": "\(chunk.index)", "error": "\(error.message)"])
            return ChunkOutcome(
                of: chunk, result: .failed(reason: error.message), fromCache: false, attempts: attempts.value)
        }
    }
}

extension Transcript {
    /// As it is told when the cache answered: nothing was asked, and the file may have another name today.
    fileprivate mutating func markAsCached(name: String, engine: String) {
        source.name = name
        self.engine = engine
        for at in chunks.indices {
            chunks[at].fromCache = true
            chunks[at].attempts = 0
        }
    }
}

extension ChunkOutcome {
    fileprivate var isFailed: Bool {
        if case .failed = result { true } else { false }
    }

    /// Nothing to hear in it: the engine was not asked.
    fileprivate var isSilent: Bool {
        if case .transcript(let heard) = result { heard.segments.isEmpty && attempts == 0 && !fromCache } else { false }
    }
}
