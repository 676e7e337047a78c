import Engines
import Logging
import SystemPackage
import SystemSupport
import TestSupport
import Transcription

/// A recording's whole way but for decoding: orchestrator, controller, engine, libcurl, sockets. Pauses between attempts
/// move the clock instead of taking time.
struct ServerWay {
    var chunks: [Chunk]
    var concurrency = 4
    var retries = 3
    var requestsPerMinute: Int?
    var firstAlone = Duration.zero
    let clock = ManualClock()
    let pauses = Guarded<[Duration]>([])

    func run(
        _ engine: OpenAITranscriber, options: TranscriptionOptions = TranscriptionOptions()
    ) async throws -> Transcript {
        try await withTemporaryDirectory { folder in
            let path = folder.appending("talk.wav")
            try TestAudioFile.write(Array("recording".utf8), to: path)
            let controller = ConcurrencyController(
                ConcurrencyController.Settings(
                    ceiling: concurrency, requestsPerMinute: requestsPerMinute, firstAlone: firstAlone), clock: clock)
            var orchestrator = ParallelOrchestrator(
                source: FakeSource(chunks: chunks),
                engines: [EngineLink(engine: engine, controller: controller, outage: FallbackCooldown())],
                store: FakeStore(), slots: ChunkSlots(count: concurrency + 2), sizing: .usual(),
                retry: RetrySettings(maximumRetries: retries, delay: .seconds(5)),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let (clock, pauses) = (clock, pauses)
            orchestrator.sleep = { pause in
                try Task.checkCancellation()
                pauses.change { $0.append(pause) }
                clock.advance(by: pause)
                await Task.yield()
            }
            orchestrator.random = { 0.5 }
            return try await orchestrator.transcribe(
                try Recording(opening: path, followingLinks: false), id: RecordingID(1), options: options
            ) { _ in }
        }
    }
}

/// Chunks of marked seconds, one behind the other, each of `length` seconds.
func markedChunks(_ count: Int, seconds length: Int = 2) -> [Chunk] {
    (0..<count).map {
        placed(MarkedAudio.samples(seconds: $0 * length..<($0 + 1) * length), at: $0 * length, index: $0)
    }
}

/// A chunk of a recording, beginning with this second of it.
func placed(_ samples: [Int16], at second: Int, index: Int, speech: [SampleRange]? = nil) -> Chunk {
    let range = SampleRange(Int64(second) * SampleClock.rate, Int64(second) * SampleClock.rate + Int64(samples.count))
    return Chunk(
        index: index, range: range, owned: range, hash: samples.withUnsafeBytes { SHA256.digest(of: $0) },
        speech: speech ?? [SampleRange(0, range.count)], audio: ChunkAudio(samples))
}

extension Transcript {
    /// The texts of its segments.
    var texts: [String] { segments.map(\.text) }
}
