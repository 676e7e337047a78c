import SystemSupport
import Transcription

/// The recordings that were cut before and that the present one may be, in the order in which they are tried: it is the first
/// as long as its chunks have the same hashes, then perhaps another.
struct CutReplay {
    /// All of them have the same chunks in front of `index`.
    private var candidates: [RecordingCuts]
    private var index = 0

    /// - Parameter known: each of use (`RecordingCuts.isUsable`), the likeliest first.
    init(_ known: [RecordingCuts]) { candidates = known }

    /// It is none of them.
    var isOver: Bool { candidates.isEmpty }

    /// The longest chunk, in samples.
    var longest: Int { Int(candidates.flatMap(\.pieces).map(\.range.count).max() ?? 0) }

    /// The sample up to which the sound must be known to tell whether it is still the first; nil: it is over. Behind a last
    /// chunk it must be known whether there is more.
    var nextEnd: Int64? { candidates.first.map { $0.pieces[index].range.end + (isAtLastPiece($0) ? 1 : 0) } }

    private func isAtLastPiece(_ cuts: RecordingCuts) -> Bool { index == cuts.pieces.count - 1 }

    /// The sound is known up to `nextEnd`.
    /// - Parameter samples: from the chunk's start on.
    /// - Returns: the chunk behind the one that ends here; nil: it is not the first, which is given up.
    mutating func take(_ samples: [Int16]) -> RecordingCuts.Piece? {
        guard let first = candidates.first, !isAtLastPiece(first), first.pieces[index].hash == Self.digest(samples)
        else {
            dropFirst()
            return nil
        }
        let (piece, next) = (first.pieces[index], first.pieces[index + 1])
        candidates = candidates.filter { cuts in
            !isAtLastPiece(cuts) && cuts.pieces[index] == piece
                && cuts.pieces[index + 1].range.start == next.range.start
        }
        index += 1
        return next
    }

    /// The sound has come to its end.
    /// - Parameter samples: from the chunk's start on.
    /// - Returns: false where the first does not end like this; it is given up then.
    mutating func ends(at end: Int64, with samples: [Int16]) -> Bool {
        if let first = candidates.first, isAtLastPiece(first), first.pieces[index].range.end == end,
            first.pieces[index].hash == Self.digest(samples)
        {
            return true
        }
        dropFirst()
        return false
    }

    private mutating func dropFirst() { candidates = Array(candidates.dropFirst()) }

    private static func digest(_ samples: [Int16]) -> Digest {
        samples.withUnsafeBytes { SHA256.digest(of: $0) }
    }
}
