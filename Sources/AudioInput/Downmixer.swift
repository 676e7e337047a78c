/// Interleaved channels to one, without losing who speaks.
///
/// Stereo is the mean of both channels, unless they cancel each other out (a reversed cable): then the left one alone,
/// block by block. Of more, the centre one where the layout has one and it is not much quieter than the others: there is the
/// dialogue, and in the others the music. Where it is, and otherwise, the mean of those in which something was heard so far, so
/// that one voice among eight channels is not made eight times quieter.
struct Downmixer {
    /// Frames a block; decoders deliver in blocks of this so that the same sound in two formats is treated alike.
    static let blockFrames = 16_384
    /// +24 dBFS, with the gain: what is louder, in a damaged file, would spread over a whole filter's length.
    private static let maximumSample: Float = 16

    private static let rampFrames = 512

    /// The channels cancelled each other out somewhere.
    private(set) var sawOppositeChannels = false
    private let channels: Int
    private let centre: Int?
    private let level: LevelControl
    private let gain: Float
    private var heard: [Bool]
    /// How much of the last frame was the centre alone, from 0 to 1; nil: no block has come.
    private var centreShare: Float?

    /// - Parameters:
    ///   - centre: which channel is the centre one of a layout with one; nil: none, or that is not known.
    ///   - level: with a meter nothing is mixed, and the output is not written.
    init(channels: Int, centre: Int? = nil, level: LevelControl) {
        self.channels = channels
        self.centre = centre.flatMap { channels > 2 && (0..<channels).contains($0) ? $0 : nil }
        self.level = level
        if case .gain(let gain) = level { self.gain = gain } else { gain = 1 }
        heard = Array(repeating: false, count: channels)
    }

    /// - Parameters:
    ///   - input: whole frames.
    ///   - output: at least as long as there are frames.
    mutating func mix(_ input: UnsafeBufferPointer<Float>, into output: UnsafeMutableBufferPointer<Float>) {
        if case .meter(let meter) = level { return meter.take(input) }
        if gain == 1, Self.isTame(input) { return mixTame(input, into: output) }
        withUnsafeTemporaryAllocation(of: Float.self, capacity: input.count) { tame in
            for i in 0..<input.count { tame.initializeElement(at: i, to: sane(input[i])) }
            mixTame(UnsafeBufferPointer(tame), into: output)
        }
    }

    private mutating func mixTame(_ input: UnsafeBufferPointer<Float>, into output: UnsafeMutableBufferPointer<Float>) {
        switch channels {
        case 1: _ = output.update(fromContentsOf: input)
        case 2: mixStereo(input, into: output)
        default: mixMany(input, into: output)
        }
    }

    /// All numbers, and none absurdly loud: nearly always.
    private static func isTame(_ samples: UnsafeBufferPointer<Float>) -> Bool {
        var greatest: UInt32 = 0
        for sample in samples { greatest = max(greatest, sample.bitPattern & 0x7FFF_FFFF) }
        return greatest <= maximumSample.bitPattern
    }

    /// With the gain; no NaN, no infinity, nothing absurdly loud.
    private func sane(_ sample: Float) -> Float {
        let scaled = sample.magnitude <= .greatestFiniteMagnitude ? sample * gain : 0
        return min(max(scaled, -Self.maximumSample), Self.maximumSample)
    }

    private mutating func mixStereo(
        _ input: UnsafeBufferPointer<Float>, into output: UnsafeMutableBufferPointer<Float>
    ) {
        let frames = input.count / 2
        var mixed: Float = 0
        var apart: Float = 0
        for i in 0..<frames {
            let left = input[2 * i]
            let right = input[2 * i + 1]
            let mean = (left + right) * 0.5
            mixed += mean * mean
            apart += left * left + right * right
            output[i] = mean
        }
        guard StereoImage(mixed: mixed, apart: apart, frames: frames).isOpposite else { return }
        sawOppositeChannels = true
        for i in 0..<frames { output[i] = input[2 * i] }
    }

    private mutating func mixMany(_ input: UnsafeBufferPointer<Float>, into output: UnsafeMutableBufferPointer<Float>) {
        let frames = input.count / channels
        var wanted: Float = 0
        if let centre {
            let dialogue = energy(of: centre, input)
            let loudest = (0..<channels).map { $0 == centre ? 0 : energy(of: $0, input) }.max() ?? 0
            // -60 dBFS, and 20 dB below the loudest: six microphones are written as six channels of a cinema, too.
            if dialogue > Float(frames) * 1e-6, dialogue * 100 > loudest { wanted = 1 }
            if wanted == 1, (centreShare ?? 1) == 1 {
                centreShare = 1
                for i in 0..<frames { output[i] = input[i * channels + centre] }
                return
            }
        }
        for channel in 0..<channels where !heard[channel] {
            // -70 dBFS
            heard[channel] = energy(of: channel, input) > Float(frames) * 1e-7
        }
        let active = (0..<channels).filter { heard[$0] }
        let share = active.isEmpty ? 0 : 1 / Float(active.count)
        for i in 0..<frames { output[i] = 0 }
        for channel in active {
            for i in 0..<frames { output[i] += input[i * channels + channel] * share }
        }
        var present = centreShare ?? 0
        defer { centreShare = present }
        guard let centre, wanted > 0 || present > 0 else { return }
        // In a few milliseconds, not with a click.
        let step = 1 / Float(Self.rampFrames)
        for i in 0..<frames {
            present = wanted > present ? min(1, present + step) : max(wanted, present - step)
            output[i] += (input[i * channels + centre] - output[i]) * present
        }
    }

    private func energy(of channel: Int, _ input: UnsafeBufferPointer<Float>) -> Float {
        var sum: Float = 0
        for i in 0..<(input.count / channels) {
            let sample = input[i * channels + channel]
            sum += sample * sample
        }
        return sum
    }
}

/// How two channels relate over a stretch.
struct StereoImage {
    /// Sum of squares of (left + right) / 2.
    let mixed: Float
    /// Sum of squares of both channels.
    let apart: Float
    let frames: Int

    /// The mix is 20 dB below the channels, and these are more than noise (-66 dBFS).
    var isOpposite: Bool { apart > Float(frames) * 5e-7 && mixed < apart * 0.005 }
}
