/// Decides how long the chunks of a recording are: large enough for few requests, small enough for the server, and in
/// equal waves, so that no engine slot waits for a straggler.
package struct DynamicChunkSizer: Sendable, Hashable {
    /// The `[processing]` figures and the engine's upload limit. A megabyte is 1 048 576 bytes here, as in the 26 214 400
    /// bytes that OpenAI calls 25 MB.
    package struct Settings: Sendable, Hashable {
        package var minimumMegabytes: Int
        package var maximumMegabytes: Int
        package var maximumConcurrentChunks: Int
        /// nil: the engine has no limit in bytes. What is sent is bounded by `EngineLimits.maximumChunkSamples`.
        package var apiLimitMegabytes: Int?

        /// A minimum above the maximum (or above the upload limit) gives way; sizes below 1 count as 1.
        package init(
            minimumMegabytes: Int, maximumMegabytes: Int, maximumConcurrentChunks: Int, apiLimitMegabytes: Int?
        ) {
            self.minimumMegabytes = minimumMegabytes
            self.maximumMegabytes = maximumMegabytes
            self.maximumConcurrentChunks = maximumConcurrentChunks
            self.apiLimitMegabytes = apiLimitMegabytes
        }
    }

    private static let megabyte: Int64 = 1_048_576
    /// Taken for a recording that does not tell its length; between the two bit rates that change the size.
    private static let assumedBitRate: Int64 = 128_000
    /// Bounds memory where neither engine nor size rule does (a day of telephone speech in 25 MB): an hour of 16-bit
    /// samples is 115 MB.
    private static let maximumChunk: Int64 = 3600 * SampleClock.rate
    /// A planned cut may wander to the next pause, and a forced one brings overlap: room for that below a hard limit.
    private static let room: Int64 = 20 * SampleClock.rate

    private let settings: Settings
    private let limits: EngineLimits

    package init(settings: Settings, limits: EngineLimits) {
        self.settings = settings
        self.limits = limits
    }

    /// No chunk of any recording is longer, in samples.
    package var maximumLength: Int64 { hardMaximum ?? Self.maximum(planned: Self.maximumChunk) }

    /// - Parameters:
    ///   - byteCount: the size of the encoded file.
    ///   - estimatedSampleCount: its length at 16 kHz; nil or 0 when unknown, then `expectedChunks` is nil as well.
    package func plan(byteCount: Int64, estimatedSampleCount: Int64?) -> ChunkPlan {
        let known = estimatedSampleCount.flatMap { $0 > 0 ? $0 : nil }
        let bytes = max(0, byteCount)
        let assumed = Int64(Double(bytes) * 8 / Double(Self.assumedBitRate) * Double(SampleClock.rate))
        let total = known ?? max(1, assumed)
        let count = countByLimits(total: total, count: countBySize(bytes: bytes, samples: known))
        var length = Self.divide(total, by: count)
        if count == 1 {
            // A header may promise less than there is: a recording is never cut into crumbs for that.
            length = max(length, min(60 * SampleClock.rate, ceiling ?? .max))
        }
        return ChunkPlan(
            chunkSamples: length, maximumChunkSamples: hardMaximum ?? Self.maximum(planned: length),
            expectedChunks: known == nil ? nil : Int(count))
    }

    /// Where the engine sets no limit: with room for cuts that wander.
    private static func maximum(planned: Int64) -> Int64 { max(planned + planned / 4, planned + room) }

    // MARK: Size rules

    /// The chunk size in bytes for a file of `bytes`.
    private func chunkBytes(bytes: Int64, samples: Int64?) -> Int64 {
        let (minimum, maximum) = sizeBounds
        var size: Int64 =
            switch bytes {
            case ..<(50 * Self.megabyte): 15 * Self.megabyte
            case ..<(100 * Self.megabyte): 20 * Self.megabyte
            default: 25 * Self.megabyte
            }
        if let samples {
            // Whole kbit/s: a nominal 128 stays 128 though tags and padding move it a little.
            let kilobits = (Double(bytes) * 8 / SampleClock.seconds(samples) / 1000).rounded()
            if kilobits > 320 { size += 5 * Self.megabyte }
            if kilobits < 128 { size -= 5 * Self.megabyte }
        }
        return min(max(size, minimum), maximum)
    }

    /// Minimum and maximum in bytes, both at or below the upload limit.
    private var sizeBounds: (minimum: Int64, maximum: Int64) {
        let most: Int64 = 1 << 20  // in megabytes; keeps the products below Int64's range
        let clamp = { (value: Int) in min(max(1, Int64(clamping: value)), most) }
        let maximum = min(clamp(settings.maximumMegabytes), settings.apiLimitMegabytes.map(clamp) ?? most)
        return (min(clamp(settings.minimumMegabytes), maximum) * Self.megabyte, maximum * Self.megabyte)
    }

    private func countBySize(bytes: Int64, samples: Int64?) -> Int64 {
        let count = max(1, Self.divide(bytes, by: chunkBytes(bytes: bytes, samples: samples)))
        let waves = Self.roundUp(count, to: concurrency)
        return bytes >= waves * sizeBounds.minimum ? waves : count
    }

    // MARK: What the engine narrows

    private var concurrency: Int64 {
        Int64(max(1, min(settings.maximumConcurrentChunks, limits.maximumConcurrency ?? .max)))
    }

    private var hardMaximum: Int64? {
        limits.maximumChunkSamples.map { max($0, SampleClock.rate) }
    }

    /// The longest planned length: the engine's target, or its maximum with room for wandering cuts.
    private var ceiling: Int64? {
        let target = limits.targetChunkSamples.map { max($0, SampleClock.rate) }
        let maximum = hardMaximum.map { $0 - min($0 / 8, Self.room) }
        guard let target else { return maximum }
        return min(target, maximum ?? target)
    }

    private func countByLimits(total: Int64, count: Int64) -> Int64 {
        let ceiling = min(self.ceiling ?? Self.maximumChunk, Self.maximumChunk)
        guard Self.divide(total, by: count) > ceiling else { return count }
        let needed = Self.divide(total, by: ceiling)
        let waves = Self.roundUp(needed, to: concurrency)
        // Equal waves, but not at the price of accuracy: half of what the engine likes, or a minute, is long enough.
        let shortest = min(ceiling / 2, 60 * SampleClock.rate)
        return Self.divide(total, by: waves) >= shortest ? waves : needed
    }

    /// Division rounding up.
    private static func divide(_ value: Int64, by divisor: Int64) -> Int64 {
        value / divisor + (value % divisor == 0 ? 0 : 1)
    }

    private static func roundUp(_ value: Int64, to step: Int64) -> Int64 { divide(value, by: step) * step }
}
