import Engines
import SystemPackage
import SystemSupport
import TestSupport
import Transcription

/// A chunk of made-up audio.
func chunk(
    _ samples: [Int16], index: Int = 0, speech: [SampleRange]? = nil
) -> Chunk {
    let range = SampleRange(0, Int64(samples.count))
    return Chunk(
        index: index, range: range, owned: range, hash: samples.withUnsafeBytes { SHA256.digest(of: $0) },
        speech: speech ?? [range], audio: ChunkAudio(samples))
}

/// A chunk of marked seconds.
func marked(_ seconds: Range<Int>, index: Int = 0) -> Chunk {
    chunk(MarkedAudio.samples(seconds: seconds), index: index)
}

let testPool = BlockingPool(name: "test-pack", limit: 2)

/// An engine named `cloud` that talks to `server`.
func engine(
    _ server: FakeTranscriptionServer, loop: CurlLoop = CurlLoop(), pool: BlockingPool = testPool,
    clock: any Clock<Duration> = ContinuousClock(), _ change: (inout OpenAIEngineSettings) -> Void = { _ in }
) throws -> OpenAITranscriber {
    var settings = OpenAIEngineSettings(name: "cloud", baseURLs: [server.url], model: "whisper-1")
    settings.apiKey = Secret("sk-test-0123456789abcdef")
    settings.requestTimeout = .seconds(600)
    change(&settings)
    return try OpenAITranscriber(settings: settings, loop: loop, pool: pool, clock: clock)
}

/// The error that `body` throws; nil when it throws none or another kind.
func transcriptionError(_ body: () async throws -> some Any) async -> TranscriptionError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? TranscriptionError
    }
}

/// The names of this process's threads.
func threadNames() -> [String] {
    var names: [String] = []
    try? DirectoryLister.forEach(in: "/proc/self/task") { entry in
        let path = FilePath("/proc/self/task").pushing(entry.name.path).appending("comm")
        if let descriptor = try? FileDescriptor.open(path, .readOnly) {
            defer { try? descriptor.close() }
            var bytes = [UInt8](repeating: 0, count: 32)
            let count = (try? bytes.withUnsafeMutableBytes { try descriptor.read(into: $0) }) ?? 0
            names.append(String(decoding: bytes.prefix(count).prefix { $0 != 10 }, as: UTF8.self))
        }
        return true
    }
    return names
}
