import Synchronization
package import SystemSupport

/// A stretch of a recording on its way to an engine.
package struct Chunk: Sendable {
    /// From 0, in the order of the recording; results are ordered by it and by nothing else.
    package let index: Int
    /// The audio that is sent, in samples of the recording, overlap included.
    package let range: SampleRange
    /// The part between the cuts: the text of exactly this part is taken from this chunk. Equal to `range` where both
    /// cuts lie in silence; smaller where a forced cut gave the chunk overlap.
    package let owned: SampleRange
    /// SHA-256 over the samples, 16-bit little endian.
    package let hash: Digest
    /// Where something is to be heard, in samples from the chunk's start, in order; empty for digital silence.
    package let speech: [SampleRange]
    package let audio: ChunkAudio

    /// The cut at this end was made without a pause, with overlap on both sides of it.
    package var isForcedAtStart: Bool { owned.start > range.start }
    package var isForcedAtEnd: Bool { owned.end < range.end }

    package init(
        index: Int, range: SampleRange, owned: SampleRange, hash: Digest, speech: [SampleRange], audio: ChunkAudio
    ) {
        self.index = index
        self.range = range
        self.owned = owned
        self.hash = hash
        self.speech = speech
        self.audio = audio
    }
}

/// A chunk's samples: 16 kHz, mono, 16 bit. An engine that needs them packed (FLAC) replaces the samples by the packed
/// form, which halves the memory of a chunk in flight.
package final class ChunkAudio: Sendable {
    /// Gives the samples of a range back, of all where it is nil.
    package typealias Unpack = @Sendable ([UInt8], Range<Int>?) throws -> [Int16]

    private enum Form {
        case samples([Int16])
        case packed([UInt8], unpack: Unpack)
    }

    private let form: Mutex<Form>
    /// At 16 kHz.
    package let sampleCount: Int64

    package init(_ samples: [Int16]) {
        form = Mutex(.samples(samples))
        sampleCount = Int64(samples.count)
    }

    /// The samples, unpacked again where they were packed.
    /// - Parameter range: only these, so that a long chunk need not be in memory as a whole; nil: all.
    /// - Throws: what `unpack` throws.
    package func samples(in range: Range<Int>? = nil) throws -> [Int16] {
        switch form.withLock({ $0 }) {
        case .samples(let samples): range.map { Array(samples[$0.clamped(to: samples.indices)]) } ?? samples
        case .packed(let bytes, let unpack): try unpack(bytes, range)
        }
    }

    /// The packed bytes; the first call packs and lets go of the samples. Blocks for the time of encoding.
    /// - Parameters:
    ///   - pack: makes the packed form, lossless.
    ///   - unpack: its inverse.
    package func packed(
        by pack: @Sendable ([Int16]) throws -> [UInt8], unpack: @escaping Unpack
    ) throws -> [UInt8] {
        switch form.withLock({ $0 }) {
        case .packed(let bytes, _): return bytes
        case .samples(let samples):
            let bytes = try pack(samples)
            form.withLock { $0 = .packed(bytes, unpack: unpack) }
            return bytes
        }
    }
}
