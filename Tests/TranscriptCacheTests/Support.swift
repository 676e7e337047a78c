import Glibc
import Logging
import Synchronization
import SystemPackage
import SystemSupport
import TranscriptCache
import Transcription

/// A clock that the test sets.
final class FakeClock: Sendable {
    private let seconds = Atomic<Int64>(1_700_000_000)
    var now: Int64 { seconds.load(ordering: .relaxed) }
    func advance(by delta: Int64) { seconds.add(delta, ordering: .relaxed) }
}

/// Counts how often something ran.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    var value: Int { count.load(ordering: .relaxed) }
    func increment() { count.add(1, ordering: .relaxed) }
}

/// A log handler that remembers what it was told, at warning and above.
struct RecordingLog: LogHandler {
    final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        var warnings: [String] { lines.withLock { $0 } }
        func append(_ line: String) { lines.withLock { $0.append(line) } }
    }

    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        guard event.level >= .warning else { return }
        lines.append("\(event.message) \(event.metadata ?? [:])")
    }

    static func logger() -> (Logger, Lines) {
        let lines = Lines()
        return (Logger(label: "test", factory: { _ in RecordingLog(lines: lines) }), lines)
    }
}

let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

func key(_ name: String) -> CacheKey {
    CacheKey(
        chunk: Array(name.utf8).withUnsafeBytes { SHA256.digest(of: $0) },
        engine: EngineIdentity(name: "any", kind: "offline", model: "m", settings: []),
        options: TranscriptionOptions())
}

func words(_ text: String) -> ChunkTranscript {
    let range = SampleRange(160, 16_000)
    return ChunkTranscript(
        language: "en",
        segments: [
            Segment(
                range: range, text: text, words: [Word(range: range, text: text, confidence: 0.5)], confidence: 0.5)
        ])
}

func bytes(_ count: Int) -> MemoryCache.Entry {
    MemoryCache.Entry(value: Array(repeating: 7, count: count), created: 0)
}

/// Writes a file as it is.
func write(_ contents: [UInt8], to path: FilePath) throws {
    let file = try OwnedDescriptor(opening: path, flags: O_WRONLY | O_CREAT | O_TRUNC)
    try file.descriptor.writeAll(contents)
}

func names(in directory: FilePath) throws -> [String] {
    var names: [String] = []
    try DirectoryLister.forEach(in: directory) { entry in
        names.append(entry.name.printable)
        return true
    }
    return names.sorted()
}

extension MultiLevelCache {
    /// The text for `key`; `made` counts when it had to be made.
    func text(_ name: String, made: Counter = Counter()) async throws -> String {
        let result = try await chunkTranscript(for: key(name)) {
            made.increment()
            return words("text of \(name)")
        }
        return result.transcript.segments.map(\.text).joined(separator: " ")
    }
}
