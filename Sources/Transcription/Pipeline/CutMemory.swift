import Synchronization
import SystemSupport

/// The cuts of one recording on its way: those that were made before are looked up once its first sound is known, and those
/// that are made are remembered at its end.
final class CutMemory: Sendable {
    private struct State {
        /// Nil until the first sound is known.
        var key: CacheKey?
        /// What header or bit rate tell; nil: nothing.
        var expectedLength: Int64?
        var known: [RecordingCuts] = []
        var pieces: [RecordingCuts.Piece] = []
    }

    /// An estimate may be wrong by the hundredth part: padding of encoders, tags that count as sound.
    private static let lengthTolerance: Int64 = 100

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

    /// How long the recording seems to be, in samples, before it is decoded.
    func expect(length: Int64?) { state.withLock { $0.expectedLength = length } }

    /// How recordings were cut that began like this one: those of its length first, then the last one.
    func recall(_ opening: Digest) async -> [RecordingCuts] {
        let key = key(opening)
        let known = await store.cuts(for: key).filter { $0.isUsable(maximum: maximumLength) }
        return state.withLock { state in
            (state.key, state.known) = (key, known)
            guard let length = state.expectedLength else { return known }
            let alike = known.filter { abs($0.sampleCount - length) <= length / Self.lengthTolerance }
            return alike + known.filter { !alike.contains($0) }
        }
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
