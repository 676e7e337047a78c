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
    /// The one that was asked for, and its fallbacks, which are asked in this order for a chunk that those before failed at.
    /// At least one.
    package let engines: [EngineLink]
    package let store: any TranscriptStore
    package let slots: ChunkSlots
    package let sizing: DynamicChunkSizer.Settings
    package let retry: RetrySettings
    /// Says where somebody speaks, where text is missing; nil: there is none, and the sound's energy has to do.
    package let detector: (any SpeechDetector)?
    package let logger: Logger
    /// Pauses between attempts; a test's clock replaces it.
    package var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    /// 0..<1, for jitter.
    package var random: @Sendable () -> Double = { Double.random(in: 0..<1) }

    package init(
        source: any AudioSource, engines: [EngineLink], store: any TranscriptStore, slots: ChunkSlots,
        sizing: DynamicChunkSizer.Settings, retry: RetrySettings, detector: (any SpeechDetector)? = nil, logger: Logger
    ) {
        precondition(!engines.isEmpty)
        self.source = source
        self.engines = engines
        self.store = store
        self.slots = slots
        self.sizing = sizing
        self.retry = retry
        self.detector = detector
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
        let digest = try await recording.digest()
        let engine = engines[0].engine
        await engine.meet()
        let limits = engine.limits
        if let most = limits.maximumConcurrency { engines[0].controller.lowerCeiling(to: most) }
        let key = CacheKey(
            recording: digest, engine: engine.identity, options: engine.heeded(options),
            plan: ["\(sizing)", "\(limits)", source.reading(of: recording)] + (detector.map { [$0.identity] } ?? []))
        if var known = await store.transcript(for: key) {
            known.markAsCached(name: recording.displayName, engine: engine.identity.name)
            observe(.answeredFromCache(samples: known.sampleCount, chunks: known.chunks.count))
            return known
        }
        let sizer = DynamicChunkSizer(settings: sizing, limits: limits)
        let cuts = CutMemory(store: store, maximumLength: sizer.maximumLength) { opening in
            CacheKey(
                cuts: opening, engine: engine.identity, options: engine.heeded(options),
                plan: ["\(sizing)", "\(limits)"])
        }
        let (transcript, isSettled) = try await source.withChunks(of: recording, language: options.language) {
            properties in
            let plan = sizer.plan(
                byteCount: recording.byteCount, estimatedSampleCount: properties.estimatedSampleCount)
            cuts.expect(length: properties.estimatedSampleCount)
            observe(
                .planned(expectedChunks: plan.expectedChunks, expectedSamples: properties.estimatedSampleCount))
            return plan
        } knownCuts: { opening in
            await cuts.recall(opening)
        } _: { properties, reader in
            let source = Transcript.Source(
                name: recording.displayName, byteCount: recording.byteCount, sha256: digest,
                format: properties.format, sampleRate: properties.sampleRate, channels: properties.channels,
                track: properties.track, gainDecibels: properties.gainDecibels)
            let outcomes = try await outcomes(
                reader,
                of: Run(id: id, options: options, firstFailure: FirstFailureLatch(), cuts: cuts, observe: observe))
            let merger = ResultMerger(
                ResultMerger.Facts(
                    decoded: reader.summary, source: source, engine: engine.identity.name,
                    model: engine.identity.model))
            return (await BlockingPool.files.run { merger.merge(outcomes) }, outcomes.allSatisfy(\.isSettled))
        }
        if await BlockingPool.files.run(on: recording.storage, { recording.hasChanged() }) {
            throw TranscriptionError(
                .recordingChanged, "\(recording.displayName) was written to while it was being transcribed.")
        }
        await cuts.remember(isAnswered: transcript.chunks.allSatisfy { $0.attempts == 0 })
        // What a fallback said is asked for again when its time has passed, and so is what could not be looked at twice.
        if !transcript.isPartial, isSettled, transcript.chunks.allSatisfy({ $0.engine == nil }) {
            await store.store(transcript, for: key)
        }
        return transcript
    }

    /// What belongs to one recording's way through the engines.
    struct Run: Sendable {
        let id: RecordingID
        let options: TranscriptionOptions
        let firstFailure: FirstFailureLatch
        let cuts: CutMemory
        let order = SecondLookOrder()
        let observe: @Sendable (ChunkEvent) -> Void
    }

    private func outcomes(_ reader: any ChunkReader, of run: Run) async throws -> [ChunkOutcome] {
        do {
            let outcomes = try await cutAndAsk(reader, run)
            if let failure = run.firstFailure.first, outcomes.allSatisfy({ $0.isFailed || $0.isSilent }) {
                throw try await nothingHeard(failure, id: run.id)
            }
            return outcomes
        } catch {
            // Chunks that were called off for it may be heard of before the one that ended the recording.
            throw run.firstFailure.end ?? error
        }
    }

    private func cutAndAsk(_ reader: any ChunkReader, _ run: Run) async throws -> [ChunkOutcome] {
        try await withThrowingTaskGroup(of: ChunkOutcome.self) { group in
            while !run.firstFailure.isOver {
                try await slots.acquire(for: run.id)
                let chunk: Chunk?
                do {
                    chunk = try await reader.next()
                } catch {
                    slots.release(of: run.id)
                    run.firstFailure.end(with: error)
                    throw error
                }
                guard let chunk, !run.firstFailure.isOver else {
                    slots.release(of: run.id)
                    break
                }
                run.cuts.note(chunk)
                run.observe(.cut(index: chunk.index, owned: chunk.owned, hash: chunk.hash))
                group.addTask {
                    defer { slots.release(of: run.id) }
                    do {
                        return try await outcome(of: chunk, run)
                    } catch {
                        run.firstFailure.end(with: error)
                        throw error
                    }
                }
            }
            if !run.firstFailure.isOver { run.observe(.decoded(samples: reader.summary.sampleCount)) }
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
        let last = engines[engines.count - 1]
        guard !last.controller.engine.hasAnswered else { return true }
        return try await last.controller.withPermit(for: id, cost: SampleClock.rate) { turn in
            try await last.engine.absence(turn: turn) == nil
        }
    }

    /// - Throws: only what ends the whole recording.
    private func outcome(of chunk: Chunk, _ run: Run) async throws -> ChunkOutcome {
        let attempts = SharedCounter()
        var settlement = SecondLookOrder.Settlement()
        defer { run.order.settle(chunk.index, settlement) }
        do {
            var checked = AnswerCheck.Checked(
                transcript: ChunkTranscript(language: nil, segments: []), suppressed: [])
            var fromCache = false
            if !chunk.speech.isEmpty {
                (checked, fromCache) = try await answer(to: chunk, run, attempts: attempts) { request(to: $0, run) }
            }
            settlement = checked.settlement
            let answering =
                chunk.speech.isEmpty ? nil : checked.transcript.engine ?? engines[0].engine.identity.name
            run.observe(.finished(index: chunk.index, fromCache: fromCache, engine: answering))
            return ChunkOutcome(of: chunk, checked, fromCache: fromCache, attempts: attempts.value)
        } catch let error as TranscriptionError
            where error.remedy != .giveUpRecording && !error.isAway && !run.firstFailure.isOver
        {
            run.firstFailure.record(error)
            run.observe(.failed(index: chunk.index, error: error.code))
            logger.info(
                "chunk failed for good",
                metadata: ["chunk.index": "\(chunk.index)", "error": "\(error.message)"])
            return ChunkOutcome(
                of: chunk, result: .failed(reason: error.message), fromCache: false, attempts: attempts.value)
        }
    }

    /// A chunk's way through one engine. With fallbacks the end of one engine is not the end of the recording, nor of the
    /// next engine.
    private func request(to link: EngineLink, _ run: Run) -> ChunkTranscription {
        let isOnlyOne = engines.count == 1
        return ChunkTranscription(
            link: link, retry: retry, options: run.options, recording: run.id,
            firstFailure: isOnlyOne ? run.firstFailure : FirstFailureLatch(),
            begun: isOnlyOne ? run.firstFailure.begun : .now,
            sleep: sleep, random: random, logger: logger, observe: run.observe)
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
