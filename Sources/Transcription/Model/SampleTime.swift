/// The pipeline's clock: audio time is a count of samples at 16 kHz, exact at hour 8 as in minute 1.
package enum SampleClock {
    /// Samples per second of every chunk.
    package static let rate: Int64 = 16_000

    /// Sample count of a time in seconds, rounded to the nearest sample.
    package static func samples(seconds: Double) -> Int64 { Int64((seconds * Double(rate)).rounded()) }

    /// Seconds of a sample count, for the edges only (sidecars, logs).
    package static func seconds(_ samples: Int64) -> Double { Double(samples) / Double(rate) }

    /// Milliseconds of a sample count, rounded half up: 16 samples are one millisecond.
    package static func milliseconds(_ samples: Int64) -> Int64 { (samples + 8) / 16 }
}

/// A half-open stretch of audio, in samples.
package struct SampleRange: Hashable, Sendable, Codable {
    package var start: Int64
    package var end: Int64

    package init(_ start: Int64, _ end: Int64) {
        self.start = start
        self.end = max(start, end)
    }

    package var count: Int64 { end - start }
    package var isEmpty: Bool { end <= start }
    package var middle: Int64 { start + count / 2 }
    package var seconds: Double { SampleClock.seconds(count) }

    package func contains(_ sample: Int64) -> Bool { sample >= start && sample < end }
    package func shifted(by offset: Int64) -> SampleRange { SampleRange(start + offset, end + offset) }
    /// The part of it within `bounds`; empty at one of their ends where there is none.
    package func clamped(to bounds: SampleRange) -> SampleRange {
        let start = min(max(start, bounds.start), bounds.end)
        return SampleRange(start, min(max(end, start), bounds.end))
    }
    /// Number of samples both ranges hold.
    package func overlap(with other: SampleRange) -> Int64 { max(0, min(end, other.end) - max(start, other.start)) }
}
