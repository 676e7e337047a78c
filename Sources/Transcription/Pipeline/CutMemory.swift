import Synchronization
import SystemSupport

/// The cuts of one recording on its way: those that were made before are looked up once its first sound is known, and those
/// that are made are remembered at its end.
final class CutMemory: Sendable {
    private struct State {
        /// Nil until the first sound is known.
        var key: CacheKey?
        var known: [RecordingCuts] = []
        var pieces: [RecordingCuts.Piece] = []
    }

    private let store: any TranscriptStore
    private let maximumLength: Int64
    private let key: @Sendable (_ opening: Digest) -> CacheKey
    private let state = Mutex(State())

    /// - Parameters:
    ///   - maximumLength: of a chunk, in samples; cuts that make longer ones are of no use.
    ///   - key: by which cuts are remembered, from the hash of the first sound.
    init(store: any TranscriptStore, maximumLength: Int64, key: @escaping @Sendable (Digest) -> CacheKey) {
        self.store = store
        self.maximumLength = maximumLength
        self.key = key
    }

    /// How recordings were cut that began like this one.
    func recall(_ opening: Digest) async -> [RecordingCuts] {
        let key = key(opening)
        let known = await store.cuts(for: key).filter { $0.isUsable(maximum: maximumLength) }
        state.withLock { ($0.key, $0.known) = (key, known) }
        return known
    }

    /// A chunk was cut; they come in order.
    func note(_ chunk: Chunk) {
        state.withLock { state in
            guard state.pieces.count <= RecordingCuts.maximumPieces else { return }
            state.pieces.append(RecordingCuts.Piece(of: chunk))
        }
    }

    /// The recording has come to its end.
    /// - Parameter isAnswered: no engine was asked; cuts that are known already last as long as the answers to their chunks.
    func remember(isAnswered: Bool) async {
        let (key, known, made) = state.withLock { ($0.key, $0.known, RecordingCuts($0.pieces)) }
        guard let key, made.isUsable(maximum: maximumLength), !(isAnswered && known.contains(made)) else { return }
        await store.store(made.added(to: known), for: key)
    }
}
