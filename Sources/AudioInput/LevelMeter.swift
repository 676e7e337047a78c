import Glibc

/// Finds out, in a first pass, by how much a recording has to be made louder or softer before its samples become 16 bit.
///
/// Nothing is done to what fits: only what is so quiet that most of the 16 bits would stay empty, and what is above full
/// scale. A few samples are no level: a click in a whisper, or the wreck of a damaged block.
final class LevelMeter {
    /// The rest of the recording cannot change the answer.
    struct Decided: Error {}

    /// Where the peak goes: room for what the resampler adds.
    private static let targetDecibels = -3.0
    /// Fewer than 8 of the 16 bits are in use below (-48 dBFS).
    private static let quiet: Float = 0x1p-8
    /// Noise of the electronics and of dither (-100 dBFS): nothing is to be heard.
    private static let silence: Float = 1e-5
    /// More than a tenth of a decibel above full scale: writers scale by 32767 as well as by 32768.
    private static let hot: Float = 1.0116
    /// As loud as a whole recording may be made.
    private static let maximumGain = 80
    /// As soft: 32-bit integers that were stored as floats are at +187 dBFS.
    private static let minimumGain = -200
    /// Samples above `quiet` after which a recording is taken for loud: a sixth of a second at 48 kHz.
    private static let loudEnough: Int64 = 8_000
    /// What no recorder gives out (+48 dBFS): damage, unless it is more than a hundredth of all samples.
    private static let absurdExponent = 127 + 8

    /// Nothing in it is above full scale, so that it is decided as soon as it is loud.
    private let isBounded: Bool
    /// By the exponent of the sample: how many there are, and the bits of the greatest.
    private let counts = UnsafeMutablePointer<Int64>.allocate(capacity: 256)
    private let maxima = UnsafeMutablePointer<UInt32>.allocate(capacity: 256)
    /// Samples of blocks that were not counted one by one, since nothing in them could change the answer.
    private var ordinaryCount: Int64 = 0
    private var isLoud = false

    /// - Parameter isBounded: the samples come from integers, and cannot be above full scale.
    init(isBounded: Bool) {
        self.isBounded = isBounded
        counts.initialize(repeating: 0, count: 256)
        maxima.initialize(repeating: 0, count: 256)
    }

    deinit {
        counts.deallocate()
        maxima.deallocate()
    }

    /// What is still to come cannot change the answer.
    var isDecided: Bool { isBounded && isLoud }

    /// Samples of any channels; full scale is 1. NaN and infinities do not count.
    func take(_ samples: UnsafeBufferPointer<Float>) {
        if isLoud, Self.isOrdinary(samples) {
            ordinaryCount += Int64(samples.count)
            return
        }
        for sample in samples {
            let bits = sample.bitPattern & 0x7FFF_FFFF
            let exponent = Int(bits >> 23)
            counts[exponent] += 1
            if bits > maxima[exponent] { maxima[exponent] = bits }
        }
        let quietExponent = Int(Self.quiet.bitPattern >> 23)
        isLoud = isLoud || (quietExponent..<255).reduce(0) { $0 + counts[$1] } > Self.loudEnough
    }

    /// All of them within full scale.
    private static func isOrdinary(_ samples: UnsafeBufferPointer<Float>) -> Bool {
        var greatest: UInt32 = 0
        for sample in samples { greatest = max(greatest, sample.bitPattern & 0x7FFF_FFFF) }
        return greatest <= Float(1).bitPattern
    }

    /// The loudest that counts; 0 where there is nothing.
    var peak: Float {
        let total = ordinaryCount + (1..<255).reduce(0) { $0 + counts[$1] }
        let absurd = (Self.absurdExponent..<255).reduce(0) { $0 + counts[$1] }
        let isDamage = absurd * 100 <= total
        // Random bits have as many exponents below as above.
        var allowance = max(4, total / 100_000) + (isDamage ? absurd / 8 : 0)
        for exponent in stride(from: isDamage ? Self.absurdExponent - 1 : 254, through: 1, by: -1) {
            if counts[exponent] > allowance { return Float(bitPattern: maxima[exponent]) }
            allowance -= counts[exponent]
        }
        return 0
    }

    /// Nothing is to be heard in all of it.
    var isSilent: Bool { !isLoud && peak < Self.silence }

    /// What the whole recording is to be made louder by, in dB; 0: it stays as it is.
    var gainDecibels: Int {
        let peak = peak
        guard !isLoud || peak > Self.hot, peak > Self.hot || peak < Self.quiet, peak >= Self.silence else { return 0 }
        let gain = (Self.targetDecibels - 20 * log10(Double(peak))).rounded(.down)
        return Int(min(max(gain, Double(Self.minimumGain)), Double(Self.maximumGain)))
    }
}

/// What happens to the level of samples on their way into the mix.
enum LevelControl {
    /// All are multiplied by this.
    case gain(Float)
    /// They are only looked at.
    case meter(LevelMeter)

    /// - Parameter decibels: 0 leaves every sample exactly as it is.
    init(decibels: Int) { self = .gain(Float(pow(10, Double(decibels) / 20))) }
}

/// How finely a recording's samples are stored.
package enum SampleDepth: Sendable {
    /// 16 bits or less, or compressed with losses: 16 bits take all of it, and its level is the recording's own.
    case plain
    /// More than 16 bits, as integers: full scale is the most there is.
    case integer
    case float
}
