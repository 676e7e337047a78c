/// Interleaved channels to one, without losing who speaks.
///
/// Stereo is the mean of both channels, unless they cancel each other out (a reversed cable): then the left one alone,
/// block by block. With more than two, the mean of those in which something was heard so far, so that one voice among
/// eight channels is not made eight times quieter.
struct Downmixer {
    /// Frames a block; decoders deliver in blocks of this so that the same sound in two formats is treated alike.
    static let blockFrames = 16_384

    /// The channels cancelled each other out somewhere.
    private(set) var sawOppositeChannels = false
    private let channels: Int
    private var heard: [Bool]

    init(channels: Int) {
        self.channels = channels
        heard = Array(repeating: false, count: channels)
    }

    /// - Parameters:
    ///   - input: whole frames.
    ///   - output: at least as long as there are frames.
    mutating func mix(_ input: UnsafeBufferPointer<Float>, into output: UnsafeMutableBufferPointer<Float>) {
        switch channels {
        case 1:
            for i in 0..<input.count { output[i] = Self.sane(input[i]) }
        case 2: mixStereo(input, into: output)
        default: mixMany(input, into: output)
        }
    }

    /// No NaN, no infinity, nothing absurdly loud: one such sample would spread over a whole filter's length.
    @inline(__always)
    private static func sane(_ sample: Float) -> Float {
        sample.magnitude <= 16 ? sample : 0
    }

    private mutating func mixStereo(
        _ input: UnsafeBufferPointer<Float>, into output: UnsafeMutableBufferPointer<Float>
    ) {
        let frames = input.count / 2
        var mixed: Float = 0
        var apart: Float = 0
        for i in 0..<frames {
            let left = Self.sane(input[2 * i])
            let right = Self.sane(input[2 * i + 1])
            let mean = (left + right) * 0.5
            mixed += mean * mean
            apart += left * left + right * right
            output[i] = mean
        }
        guard StereoImage(mixed: mixed, apart: apart, frames: frames).isOpposite else { return }
        sawOppositeChannels = true
        for i in 0..<frames { output[i] = Self.sane(input[2 * i]) }
    }

    private mutating func mixMany(_ input: UnsafeBufferPointer<Float>, into output: UnsafeMutableBufferPointer<Float>) {
        let frames = input.count / channels
        for channel in 0..<channels where !heard[channel] {
            var sum: Float = 0
            for i in 0..<frames {
                let sample = Self.sane(input[i * channels + channel])
                sum += sample * sample
            }
            // -70 dBFS
            heard[channel] = sum > Float(frames) * 1e-7
        }
        let active = (0..<channels).filter { heard[$0] }
        let gain = active.isEmpty ? 0 : 1 / Float(active.count)
        for i in 0..<frames { output[i] = 0 }
        for channel in active {
            for i in 0..<frames { output[i] += Self.sane(input[i * channels + channel]) * gain }
        }
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
