package import SystemSupport

/// How a recording was cut into chunks: remembered, so that the same sound in another container, or with other tags, is cut
/// the same and its chunks are found in the cache, whatever the size of its file says (docs/decisions/0057).
package struct RecordingCuts: Sendable, Hashable, Codable {
    /// A chunk without its audio. Is stored as `[range start, range end, owned start, owned end, hash]`.
    package struct Piece: Sendable, Hashable, Codable {
        /// As `Chunk.range`.
        package let range: SampleRange
        /// As `Chunk.owned`.
        package let owned: SampleRange
        /// As `Chunk.hash`.
        package let hash: Digest

        package init(of chunk: Chunk) { (range, owned, hash) = (chunk.range, chunk.owned, chunk.hash) }

        package init(from decoder: any Decoder) throws {
            var list = try decoder.unkeyedContainer()
            let bounds = try (0..<4).map { _ in try list.decode(Int64.self) }
            range = SampleRange(bounds[0], bounds[1])
            owned = SampleRange(bounds[2], bounds[3])
            hash = try list.decode(Digest.self)
        }

        package func encode(to encoder: any Encoder) throws {
            var list = encoder.unkeyedContainer()
            for bound in [range.start, range.end, owned.start, owned.end] { try list.encode(bound) }
            try list.encode(hash)
        }
    }

    /// Cuts are looked up by what is heard in the first 30 s.
    package static let openingSamples = Int(30 * SampleClock.rate)
    /// Recordings that begin alike (a jingle, silence) and are remembered beside each other.
    package static let maximumAlike = 4
    /// A recording of more chunks is not remembered: 40 hours in chunks of 15 s.
    package static let maximumPieces = 10_000
    /// Beyond any recording; so that what a damaged row holds can be counted with.
    private static let maximumSample: Int64 = 1 << 48

    /// From the recording's start to its end.
    package let pieces: [Piece]

    /// Of the recording.
    package var sampleCount: Int64 { pieces.last?.range.end ?? 0 }

    package init(_ pieces: [Piece]) { self.pieces = pieces }

    /// Whether these are the cuts of a whole recording, with no chunk longer than `maximum` samples. What was stored may be
    /// anything.
    package func isUsable(maximum: Int64) -> Bool {
        guard let first = pieces.first, let last = pieces.last, pieces.count <= Self.maximumPieces,
            first.range.start == 0, first.owned.start == 0, last.owned.end == last.range.end
        else { return false }
        let areWhole = pieces.allSatisfy { piece in
            piece.range.start >= 0 && piece.range.end <= Self.maximumSample && piece.range.count <= maximum
                && piece.range.start <= piece.owned.start && piece.owned.start < piece.owned.end
                && piece.owned.end <= piece.range.end
        }
        return areWhole
            && zip(pieces, pieces.dropFirst()).allSatisfy { piece, next in
                next.owned.start == piece.owned.end && next.range.start > piece.range.start
                    && next.range.start <= piece.range.end && next.range.end > piece.range.end
            }
    }

    /// What is remembered of recordings that begin alike, once this one is.
    package func added(to known: [RecordingCuts]) -> [RecordingCuts] {
        Array(([self] + known.filter { $0 != self }).prefix(Self.maximumAlike))
    }
}
