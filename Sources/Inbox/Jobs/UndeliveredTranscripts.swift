import Synchronization
import Transcription

/// Transcripts that were made but could not be put into their outbox yet: they are not paid for again, even where no
/// cache is. In memory, so a restart relies on the cache.
final class UndeliveredTranscripts: Sendable {
    private struct State {
        var kept: [Int64: (transcript: Transcript, bytes: Int)] = [:]
        var bytes = 0
    }

    /// Text of some five hundred hours of speech. Beyond, the ones that have waited longest stay.
    private static let bound = 32 << 20
    private let state = Mutex(State())

    /// That of a job whose recording is still the one it was made from.
    subscript(_ job: Job) -> Transcript? { state.withLock { $0.kept[job.id]?.transcript } }

    func keep(_ transcript: Transcript, for job: Job) {
        let bytes = transcript.segments.reduce(1024) { $0 + 256 + 2 * $1.text.utf8.count + 128 * $1.words.count }
        state.withLock { state in
            guard state.kept[job.id] == nil, state.bytes + bytes <= Self.bound else { return }
            state.kept[job.id] = (transcript, bytes)
            state.bytes += bytes
        }
    }

    func drop(_ job: Job) {
        state.withLock { state in
            if let old = state.kept.removeValue(forKey: job.id) { state.bytes -= old.bytes }
        }
    }
}
