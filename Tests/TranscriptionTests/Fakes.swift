import Logging
import SystemPackage
import SystemSupport
import TestSupport
import Transcription

/// Says what a test tells it to say.
struct FakeTranscriber: Transcriber {
    var limits = EngineLimits()
    /// With the chunk, its options and how many requests came before.
    var answer: @Sendable (Chunk, TranscriptionOptions, Int) async throws -> ChunkTranscript
    let requests = SharedCounter()
    /// Why it answers nobody.
    var isAway: @Sendable () -> TranscriptionError? = { nil }
    let questions = SharedCounter()
    /// Whether it takes a request, by how many came before, though nothing may come of it.
    var takes: @Sendable (Int) -> Bool = { _ in false }
    var patience = Duration.zero
    var name = "fake"

    var identity: EngineIdentity { EngineIdentity(name: name, kind: "openai", model: "m", settings: []) }
    var traits: EngineTraits { EngineTraits(repeatsItself: false, expectedRate: 30) }

    func transcribe(_ chunk: Chunk, options: TranscriptionOptions, turn: RequestContext) async throws -> ChunkTranscript
    {
        let number = requests.add(1) - 1
        if takes(number) { turn.noteTaken() }
        return try await answer(chunk, options, number)
    }

    func absence(turn: RequestContext) async throws -> TranscriptionError? {
        questions.add(1)
        return isAway()
    }

    func patience(forSamples count: Int64) -> Duration { patience }

    func check() async throws -> EngineReport { EngineReport(works: "") }
}

/// A recording of chunks of equal length, each of them different.
func chunks(_ count: Int, seconds length: Double = 1, isSilent: (Int) -> Bool = { _ in false }) -> [Chunk] {
    (0..<count).map { index in
        let samples = [Int16](repeating: Int16(index + 1), count: Int(seconds(length)))
        let start = Int64(index) * seconds(length)
        let range = SampleRange(start, start + seconds(length))
        return Chunk(
            index: index, range: range, owned: range, hash: digest("chunk \(index)"),
            speech: isSilent(index) ? [] : [SampleRange(0, range.count)], audio: ChunkAudio(samples))
    }
}

/// What an engine says that hears the chunk's number.
func numbered(_ chunk: Chunk) -> ChunkTranscript {
    ChunkTranscript(
        language: "en",
        segments: [Segment(range: SampleRange(0, chunk.range.count), text: "chunk \(chunk.index)")])
}

/// An orchestrator of fakes, with a recording on disk.
struct FakeWay {
    var source: FakeSource
    var engine: FakeTranscriber
    var fallback: FakeTranscriber?
    var store: any TranscriptStore = FakeStore()
    var concurrency = 4
    var slots: Int?
    var retry = RetrySettings(maximumRetries: 3, delay: .seconds(5))
    var firstAlone = Duration.zero
    var detector: (any SpeechDetector)?
    let clock = ManualClock()
    let events = Guarded<[ChunkEvent]>([])
    let pauses = Guarded<[Duration]>([])
    /// Is run on the recording's file before the transcript is put together.
    var onDecoded: @Sendable (FilePath) throws -> Void = { _ in }

    func run(options: TranscriptionOptions = TranscriptionOptions()) async throws -> Transcript {
        try await withTemporaryDirectory { folder in
            let path = folder.appending("talk.wav")
            try TestAudioFile.write(Array("recording".utf8), to: path)
            let controller = ConcurrencyController(
                ConcurrencyController.Settings(
                    ceiling: concurrency, firstAlone: firstAlone, waitsForEngine: fallback == nil), clock: clock)
            let second = fallback.map {
                EngineLink(
                    engine: $0,
                    controller: ConcurrencyController(
                        ConcurrencyController.Settings(ceiling: concurrency), clock: self.clock),
                    outage: FallbackCooldown())
            }
            var orchestrator = ParallelOrchestrator(
                source: source,
                engines: [EngineLink(engine: engine, controller: controller, outage: FallbackCooldown(clock: clock))]
                    + (second.map { [$0] } ?? []),
                store: store, slots: ChunkSlots(count: slots ?? concurrency + 2), sizing: .usual(),
                retry: retry, detector: detector,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let (clock, pauses, events, onDecoded) = (clock, pauses, events, onDecoded)
            orchestrator.sleep = { pause in
                try Task.checkCancellation()
                pauses.change { $0.append(pause) }
                clock.advance(by: pause)
                await Task.yield()
            }
            orchestrator.random = { 0.5 }
            return try await orchestrator.transcribe(
                try Recording(opening: path, followingLinks: false), id: RecordingID(1), options: options
            ) { event in
                events.change { $0.append(event) }
                if case .decoded = event { try? onDecoded(path) }
            }
        }
    }
}
