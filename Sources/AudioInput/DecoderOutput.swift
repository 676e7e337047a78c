import AudioContainers
import Transcription

/// The decoder process's side of the pipe: takes mono samples of any rate. Blocks while the parent has enough.
struct DecoderOutput: ~Copyable {
    /// The parent does not read any more: nothing to do but to end.
    struct Closed: Error {}

    /// Nil in a pass that only measures.
    private let writer: SampleWriter?
    private let meter: LevelMeter?
    private var measuredSeconds = 0.0
    /// What the whole recording is made louder by, in dB.
    var gainDecibels = 0
    /// Which track is heard; nil where the format has none.
    var track: TrackSelection?
    private var isStarted = false
    private var rate = 0
    private var block = UnsafeMutableBufferPointer<Float>(start: nil, count: 0)
    private var blockCount = 0
    /// Length of the recording by its header, at 16 kHz.
    private var declared: Int64?
    private var trust = DeclaredTrust.alone
    /// Of the recording.
    private let byteCount: Int64

    init(descriptor: Int32, byteCount: Int64) {
        writer = SampleWriter(descriptor: descriptor)
        self.byteCount = byteCount
        meter = nil
    }

    /// For a pass that only measures: nothing is written, and whoever writes gets `LevelMeter.Decided` when it is enough.
    init(measuring meter: LevelMeter) {
        writer = nil
        byteCount = 0
        self.meter = meter
    }

    deinit {
        if isStarted { writer?.dismiss() }
    }

    /// What a mixer is to do for this output.
    var level: LevelControl { meter.map { .meter($0) } ?? LevelControl(decibels: gainDecibels) }

    /// Samples written, at 16 kHz. Waits for those under way.
    var sampleCount: Int64 {
        mutating get {
            // A pipe that is closed says so at the next write.
            guard let writer else { return SampleClock.samples(seconds: measuredSeconds) }
            try? handOver()
            return writer.sampleCount
        }
    }

    /// Seconds written so far. Waits for those under way.
    var seconds: Double {
        mutating get { SampleClock.seconds(sampleCount) }
    }

    /// What is known before the first sample.
    /// - Parameters:
    ///   - estimated: seconds of the whole recording, by header or bit rate; nil: unknown.
    ///   - declared: seconds by the header; nil where it declares none.
    ///   - trust: what else there is to that.
    /// - Throws: `Closed`.
    mutating func announce(
        _ format: String, rate: Int, channels: Int, estimated: Double?, declared: Double?,
        trust: DeclaredTrust = .alone
    ) throws {
        let longest = SampleClock.seconds(DecoderMessage.maximumDeclaredLength)
        func samples(_ seconds: Double?) -> Int64? {
            guard let seconds, seconds > 0, seconds <= longest,
                PlausibleLength.isPossible(seconds, byteCount: byteCount)
            else { return nil }
            return SampleClock.samples(seconds: seconds)
        }
        let believed = samples(declared)
        self.declared =
            believed
            ?? declared.flatMap { $0 > 0 && $0.isFinite ? SampleClock.samples(seconds: min($0, longest)) : nil }
        self.trust = believed == nil ? .contradicted : trust
        try send(
            .properties(
                AudioProperties(
                    format: format, sampleRate: rate, channels: channels, estimatedSampleCount: samples(estimated),
                    declaredSampleCount: believed, track: track,
                    gainDecibels: gainDecibels == 0 ? nil : gainDecibels)))
    }

    /// The file turned out to end where its sound does, whatever its header declares.
    mutating func doubtDeclared() { trust = .contradicted }

    /// After the last sample: tells, once, what the recording lacks of the length that its header declares. A length that
    /// cannot be that of this file is told, and is no gap.
    /// - Returns: whether there was anything that is worth a word.
    /// - Throws: `Closed`.
    @discardableResult
    mutating func tellEarlyEnd() throws -> Bool {
        let decoded = sampleCount
        // Headers are rounded, and encoders count their own delay in or out.
        guard writer != nil, let declared, declared - decoded > max(SampleClock.rate, declared / 500) else {
            return false
        }
        self.declared = nil
        let isBelieved =
            trust == .confirmed
            || trust == .alone
                && PlausibleLength.isBelievable(
                    SampleClock.seconds(declared), heard: SampleClock.seconds(decoded), byteCount: byteCount)
        guard isBelieved else {
            try send(
                .warning(
                    "The header of the file declares \(TimeText.clock(seconds: SampleClock.seconds(declared))), which cannot be "
                        + "right; the sound ends after \(TimeText.clock(seconds: SampleClock.seconds(decoded))), and all of it "
                        + "has been transcribed."))
            return true
        }
        try send(.loss(SampleRange(decoded, declared)))
        try send(
            .warning(
                "The file ends after \(TimeText.clock(seconds: SampleClock.seconds(decoded))) although its header declares "
                    + "\(TimeText.clock(seconds: SampleClock.seconds(declared))); what was there has been transcribed.")
        )
        return true
    }

    /// - Throws: `Closed`.
    mutating func send(_ message: DecoderMessage) throws {
        try handOver()
        try writer?.send(message)
    }

    /// Mono samples; full scale is 1. Another rate than before ends one resampler and begins another.
    /// - Throws: `Closed`, `DecodingFailure`; `LevelMeter.Decided`.
    mutating func write(_ samples: UnsafeBufferPointer<Float>, rate: Int) throws {
        guard let writer else { return try measure(frames: Int64(samples.count), rate: rate) }
        if rate != self.rate {
            try handOver()
            try writer.begin(rate: rate)
            self.rate = rate
        }
        var done = 0
        while done < samples.count {
            if block.isEmpty { block = writer.nextBlock() }
            let count = min(samples.count - done, block.count - blockCount)
            _ = UnsafeMutableBufferPointer(rebasing: block[blockCount...]).update(
                fromContentsOf: UnsafeBufferPointer(rebasing: samples[done..<done + count]))
            done += count
            blockCount += count
            if blockCount == block.count { try handOver() }
        }
    }

    /// Digital silence in place of what could not be decoded.
    mutating func writeSilence(frames: Int64, rate: Int) throws {
        guard writer != nil else { return try measure(frames: frames, rate: rate) }
        let silence = UnsafeMutableBufferPointer<Float>.allocate(capacity: 4096)
        silence.initialize(repeating: 0)
        defer { silence.deallocate() }
        var left = frames
        while left > 0 {
            let count = Int(min(left, 4096))
            try write(UnsafeBufferPointer(rebasing: silence[..<count]), rate: rate)
            left -= Int64(count)
        }
    }

    /// Everything that is still inside goes out.
    mutating func finishSamples() throws {
        try handOver()
        try writer?.finishSamples()
        rate = 0
    }

    /// The mixer has shown the samples to the meter.
    private mutating func measure(frames: Int64, rate: Int) throws {
        measuredSeconds += Double(frames) / Double(max(1, rate))
        if meter?.isDecided == true { throw LevelMeter.Decided() }
    }

    private mutating func handOver() throws {
        guard let writer, !block.isEmpty else { return }
        if !isStarted { writer.start() }
        isStarted = true
        let count = blockCount
        (block, blockCount) = (UnsafeMutableBufferPointer(start: nil, count: 0), 0)
        try writer.handOver(count: count)
    }
}
