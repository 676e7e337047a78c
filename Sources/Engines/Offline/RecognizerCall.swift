import Synchronization
import Transcription

/// Something asked of a recognizer process, and who waits for the answer.
final class RecognizerCall: Sendable {
    /// The body of the answer.
    typealias Answer = Result<[UInt8], any Error>

    private enum Phase {
        case waiting((@Sendable (Answer) -> Void)?)
        case ended
    }

    let request: RecognizerMessage.Request
    let audio: ChunkAudio
    /// A harmless one, which tells whether the process or a call is at fault.
    let isSample: Bool
    private let phase: Mutex<Phase>
    private let counted = Mutex(0)

    /// - Parameter whenEnded: gets the answer, once.
    init(
        _ request: RecognizerMessage.Request, _ audio: ChunkAudio, isSample: Bool = false,
        whenEnded: (@Sendable (Answer) -> Void)? = nil
    ) {
        self.request = request
        self.audio = audio
        self.isSample = isSample
        phase = Mutex(.waiting(whenEnded))
    }

    /// True when nobody waits for the answer any more.
    var isAbandoned: Bool {
        phase.withLock { if case .ended = $0 { true } else { false } }
    }

    /// So many processes died with it: it is asked alone from the first on.
    var deaths: Int { counted.withLock { $0 } }

    /// - Returns: `deaths` with this one.
    func countDeath() -> Int {
        counted.withLock {
            $0 += 1
            return $0
        }
    }

    /// - Returns: false when the call was cancelled before.
    func attach(_ continuation: CheckedContinuation<[UInt8], any Error>) -> Bool {
        phase.withLock { phase in
            guard case .waiting = phase else { return false }
            phase = .waiting { continuation.resume(with: $0) }
            return true
        }
    }

    /// Only the first call has an effect.
    func end(_ result: Answer) {
        let whenEnded: (@Sendable (Answer) -> Void)? = phase.withLock { phase in
            guard case .waiting(let whenEnded) = phase else { return nil }
            phase = .ended
            return whenEnded
        }
        whenEnded?(result)
    }
}
