import FoundationEssentials
import Inbox
import SystemSupport
import Transcription

/// A line of `jobs --json`. Its keys are a contract: programs read them.
struct JobRow: Encodable {
    private struct ChunkState: Encodable {
        let index: Int
        let state: String
        let start: Double
        let end: Double
        let hash: String
        let attempts: Int
        let error_code: String?
        let engine: String?
        let from_cache: Bool
        let changed_at: Int64

        init(_ chunk: ChunkRecord) {
            index = chunk.index
            state = chunk.state.rawValue
            start = Double(SampleClock.milliseconds(chunk.range.start)) / 1000
            end = Double(SampleClock.milliseconds(chunk.range.end)) / 1000
            hash = "\(chunk.hash)"
            attempts = chunk.attempts
            error_code = chunk.errorCode?.rawValue
            engine = chunk.engine
            from_cache = chunk.isFromCache
            changed_at = chunk.changedAt
        }
    }

    private let id: Int64
    private let inbox: String
    private let name: String
    private let state: String
    private let attempts: Int
    private let bytes: Int64
    private let found_at: Int64
    private let begun_at: Int64?
    private let finished_at: Int64?
    private let engine: String?
    private let language: String?
    private let formats: [String]?
    private let chunks: Int?
    private let chunks_done: Int
    private let chunks_failed: Int
    private let chunk_states: [ChunkState]?
    private let error_code: String?
    private let error: String?
    private let source_error: String?
    private let waits_for: String?
    private let waits_since: Int64?
    private let waits_because: String?
    private let hooks: [HookCallRow]?

    /// - Parameters:
    ///   - records: of its chunks; where there are none the key is left out.
    ///   - reason: why it waits; nil: it does not.
    ///   - calls: of hooks that were not told of it yet; likewise.
    init(_ job: Job, _ records: [ChunkRecord], _ reason: WaitingReason?, _ calls: [HookCall]) {
        hooks = calls.isEmpty ? nil : calls.map { HookCallRow($0) }
        waits_for = reason?.word
        waits_since = reason?.since
        waits_because = reason?.sentence
        id = job.id
        inbox = job.inbox.printable
        name = job.path.printable
        state = job.state.rawValue
        attempts = job.attempts
        bytes = job.identity.byteCount
        found_at = job.foundAt
        begun_at = job.begunAt
        finished_at = job.finishedAt
        engine = job.options?.engine
        language = job.options?.language
        formats = job.options?.formats
        chunks = job.chunks.expected
        chunks_done = job.chunks.done
        chunks_failed = job.chunks.failed
        chunk_states = records.isEmpty ? nil : records.map(ChunkState.init)
        // Of one that was put off they say why, as `waits_because` does.
        error_code = job.state.isFinished ? job.errorCode : nil
        error = job.state.isFinished ? job.errorMessage : nil
        source_error = job.sourceFault
    }

    /// The object as one line.
    var line: String { get throws { try JSONLine.text(of: self) } }
}

/// A hook that was not told of a recording yet, in `jobs`.
struct HookCallRow: Encodable {
    private let hook: String
    private let id: String
    private let state: String
    private let attempts: Int
    private let error: String?
    private let failing_since: Int64?
    private let next_try: Int64?

    init(_ call: HookCall) {
        hook = call.kind == .program ? call.event.key : call.kind.rawValue
        id = call.identifier
        state = call.state.rawValue
        attempts = call.attempts
        error = call.error
        failing_since = call.failingSince
        next_try = call.state == .waiting && call.notBefore > 0 ? call.notBefore : nil
    }

    /// Of one that has failed.
    var sentence: String {
        let times = CountedText.text(attempts, "attempt")
        let end =
            state == HookCall.State.givenUp.rawValue
            ? "given up after \(times)"
            : "\(times) failed" + (next_try.map { ", tried again at \(LocalTime.moment($0))" } ?? "")
        return "\(hook): \(end): \((error ?? "").printable)"
    }
}

/// A line of `jobs --json` for a recording that is not complete yet.
struct ArrivingRow: Encodable {
    private let state = "arriving"
    private let inbox: String
    private let name: String
    private let found_at: Int64
    private let waits_for: String
    private let waits_because: String
    private let bytes: Int64?
    private let bytes_expected: Int64?

    init(_ recording: ServiceStatus.ArrivingRecording) {
        inbox = recording.inbox
        name = recording.name
        found_at = recording.foundAt
        waits_for = recording.reason.rawValue
        waits_because = recording.sentence
        bytes = recording.arrived
        bytes_expected = recording.expected
    }

    /// The object as one line.
    var line: String { get throws { try JSONLine.text(of: self) } }
}

/// A line of `jobs --json` for a folder of an inbox in which no recording can be found.
struct UnreadRow: Encodable {
    private let state = "unread"
    private let name: String
    private let found_at: Int64
    private let waits_for: String
    private let waits_because: String

    init(_ fault: ServiceStatus.Fault) {
        name = fault.place
        found_at = fault.since
        waits_for = fault.kind.rawValue
        waits_because = fault.cause
    }

    /// The object as one line.
    var line: String { get throws { try JSONLine.text(of: self) } }
}

private enum JSONLine {
    static func text(of row: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(row), as: UTF8.self)
    }
}
