import SystemSupport
import Transcription

/// Which of the recordings that were cut before the present one still may be, chunk by chunk: it is one as long as its chunks
/// have the same hashes.
struct CutReplay {
    /// All of them have the same chunks in front of `index`.
    private var candidates: [RecordingCuts]
    private var index = 0

    /// - Parameter known: each of use (`RecordingCuts.isUsable`).
    init(_ known: [RecordingCuts]) { candidates = known }

    /// It is none of them.
    var isOver: Bool { candidates.isEmpty }

    /// The longest chunk, in samples.
    var longest: Int { Int(candidates.flatMap(\.pieces).map(\.range.count).max() ?? 0) }

    /// The sample up to which the sound must be known for the next decision; nil: it is over. Behind a last chunk it must be
    /// known whether there is more.
    var nextEnd: Int64? { candidates.map(nextEnd).min() }

    private func nextEnd(_ cuts: RecordingCuts) -> Int64 {
        cuts.pieces[index].range.end + (index == cuts.pieces.count - 1 ? 1 : 0)
    }

    /// The sound is known up to `end`, the next place of a decision: candidates that it is not go.
    /// - Parameter samples: from the chunk's start on.
    /// - Returns: the chunk behind the one that ends here; nil: none ends here.
    mutating func take(at end: Int64, _ samples: [Int16]) -> RecordingCuts.Piece? {
        var hash: Digest?
        var next: RecordingCuts.Piece?
        for cuts in candidates where nextEnd(cuts) == end && index + 1 < cuts.pieces.count {
            let made = hash ?? Self.digest(samples)
            hash = made
            guard cuts.pieces[index].hash == made else { continue }
            next = cuts.pieces[index + 1]
            break
        }
        guard let next else {
            candidates = candidates.filter { nextEnd($0) != end }
            return nil
        }
        candidates = candidates.filter { cuts in
            guard cuts.pieces[index].range.end == end, cuts.pieces[index].hash == hash, index + 1 < cuts.pieces.count
            else { return false }
            let piece = cuts.pieces[index + 1]
            return piece.owned.start == next.owned.start && piece.range.start == next.range.start
        }
        index += 1
        return next
    }

    /// Whether one of them ends here, with these samples as its last chunk.
    func ends(at end: Int64, with samples: [Int16]) -> Bool {
        let ending = candidates.filter { $0.pieces.count == index + 1 && $0.pieces[index].range.end == end }
        guard !ending.isEmpty else { return false }
        let hash = Self.digest(samples)
        return ending.contains { $0.pieces[index].hash == hash }
    }

    private static func digest(_ samples: [Int16]) -> Digest {
        samples.withUnsafeBytes { SHA256.digest(of: $0) }
    }
}
