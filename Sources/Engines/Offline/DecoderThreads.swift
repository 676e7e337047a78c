import CLinux
import Synchronization
import SystemSupport
import Transcription

/// Threads that each own one decoder: they start when there is work, and end, giving the decoder's memory back, when
/// there has been none for a while.
final class DecoderThreads: Sendable {
    /// One call that waits for a decoder.
    private final class Job: Sendable {
        private enum Phase {
            case waiting(CheckedContinuation<[DecodedWord], any Error>?)
            case ended
        }

        let audio: ChunkAudio
        private let phase = Mutex(Phase.waiting(nil))

        init(audio: ChunkAudio) { self.audio = audio }

        /// True when nobody waits for the result any more.
        var isAbandoned: Bool {
            phase.withLock { if case .ended = $0 { true } else { false } }
        }

        /// - Returns: false when the job was cancelled before.
        func attach(_ continuation: CheckedContinuation<[DecodedWord], any Error>) -> Bool {
            phase.withLock { phase in
                guard case .waiting = phase else { return false }
                phase = .waiting(continuation)
                return true
            }
        }

        /// Only the first call has an effect.
        func end(_ result: Result<[DecodedWord], any Error>) {
            let continuation: CheckedContinuation<[DecodedWord], any Error>? = phase.withLock { phase in
                guard case .waiting(let continuation) = phase else { return nil }
                phase = .ended
                return continuation
            }
            continuation?.resume(with: result)
        }
    }

    private struct State {
        var queue: [Job] = []
        var threads = 0
        var idle = 0
    }

    private let limit: Int
    private let idleSeconds: Int
    private let settings: OfflineEngineSettings
    private let state = Mutex(State())
    private let available = ThreadSignal()

    init(settings: OfflineEngineSettings, limit: Int, idleSeconds: Int) {
        self.settings = settings
        self.limit = max(1, limit)
        self.idleSeconds = idleSeconds
    }

    /// Threads that hold a decoder, or are about to.
    var count: Int { state.withLock { $0.threads } }

    /// The words of a chunk, with times from its first sample. A cancelled call returns at once; its decoder ends the
    /// utterance it is at (30 s of audio at most) and drops the rest.
    /// - Throws: `TranscriptionError`, `CancellationError`.
    func words(in audio: ChunkAudio) async throws -> [DecodedWord] {
        let job = Job(audio: audio)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                if job.attach(continuation) {
                    submit(job)
                } else {
                    continuation.resume(throwing: CancellationError())
                }
            }
        } onCancel: {
            job.end(.failure(CancellationError()))
        }
    }

    private func submit(_ job: Job) {
        let starts = state.withLock { state in
            state.queue.removeAll { $0.isAbandoned }
            state.queue.append(job)
            guard state.queue.count > state.idle, state.threads < limit else { return false }
            state.threads += 1
            return true
        }
        if starts {
            // The decoder's search recurses and keeps arrays on the stack.
            Thread.start(name: "decoder", stackBytes: 8 << 20) { self.work() }
        } else {
            available.signal()
        }
    }

    private func work() {
        do {
            try workWithDecoder()
        } catch {
            // Without a decoder nobody's job can be done here; another thread may have one.
            let jobs = state.withLock { state in
                state.threads -= 1
                defer { if state.threads == 0 { state.queue = [] } }
                return state.threads == 0 ? state.queue : []
            }
            for job in jobs { job.end(.failure(error)) }
            available.signal()
        }
        clinux_trim_malloc()
    }

    private func workWithDecoder() throws {
        let decoder = try OfflineDecoder(OfflineModel(settings))
        while true {
            if let job = state.withLock({ $0.queue.isEmpty ? nil : $0.queue.removeFirst() }) {
                job.end(Result { try decode(job, with: decoder) })
                continue
            }
            state.withLock { $0.idle += 1 }
            let signalled = available.wait(seconds: idleSeconds)
            let ends = state.withLock { state in
                state.idle -= 1
                guard !signalled, state.queue.isEmpty else { return false }
                state.threads -= 1
                return true
            }
            if ends { return }
        }
    }

    private func decode(_ job: Job, with decoder: borrowing OfflineDecoder) throws -> [DecodedWord] {
        var words: [DecodedWord] = []
        let samples = try job.audio.samples()
        for utterance in UtteranceCutter(samples).utterances {
            if job.isAbandoned { throw CancellationError() }
            words += try decoder.words(in: samples[utterance]).map { word in
                var word = word
                word.range = word.range.shifted(by: Int64(utterance.lowerBound))
                return word
            }
        }
        return words
    }
}
