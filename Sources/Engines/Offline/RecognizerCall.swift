import Synchronization
import Transcription

/// Something asked of a recognizer process, and who waits for the answer.
final class RecognizerCall: Sendable {
    private enum Phase {
        case waiting(CheckedContinuation<[UInt8], any Error>?)
        case ended
    }

    let request: RecognizerMessage.Request
    let audio: ChunkAudio
    private let phase = Mutex(Phase.waiting(nil))

    init(_ request: RecognizerMessage.Request, _ audio: ChunkAudio) {
        self.request = request
        self.audio = audio
    }

    /// True when nobody waits for the answer any more.
    var isAbandoned: Bool {
        phase.withLock { if case .ended = $0 { true } else { false } }
    }

    /// - Returns: false when the call was cancelled before.
    func attach(_ continuation: CheckedContinuation<[UInt8], any Error>) -> Bool {
        phase.withLock { phase in
            guard case .waiting = phase else { return false }
            phase = .waiting(continuation)
            return true
        }
    }

    /// Only the first call has an effect.
    func end(_ result: Result<[UInt8], any Error>) {
        let continuation: CheckedContinuation<[UInt8], any Error>? = phase.withLock { phase in
            guard case .waiting(let continuation) = phase else { return nil }
            phase = .ended
            return continuation
        }
        continuation?.resume(with: result)
    }
}
