/// Sound without a header, as telephone systems store it: nothing but the file's name says what it is.
package enum RawCoding: Equatable, Hashable, Sendable {
    /// ITU-T G.711, 8,000 samples a second.
    case muLaw
    case aLaw
    /// 16 bit, little endian, one channel.
    case linear(rate: Int)
    /// ITU-T G.722, 64 kbit/s.
    case g722
    /// GSM 06.10 full rate, frames of 33 bytes.
    case gsm

    /// Asterisk's names, and those of SoX and ffmpeg.
    private static let names: [String: RawCoding] = [
        "ulaw": .muLaw, "mulaw": .muLaw, "ul": .muLaw, "mu": .muLaw, "ulw": .muLaw, "alaw": .aLaw, "al": .aLaw,
        "alw": .aLaw, "g722": .g722, "gsm": .gsm, "sln": .linear(rate: 8_000), "raw": .linear(rate: 8_000),
        "sln8": .linear(rate: 8_000), "sln12": .linear(rate: 12_000), "sln16": .linear(rate: 16_000),
        "sln24": .linear(rate: 24_000), "sln32": .linear(rate: 32_000), "sln44": .linear(rate: 44_100),
        "sln48": .linear(rate: 48_000), "sln96": .linear(rate: 96_000), "sln192": .linear(rate: 192_000),
    ]

    /// Nil for an ending that says nothing of the kind.
    /// - Parameter fileExtension: without its dot; upper and lower case are the same.
    package init?(fileExtension: String) {
        guard let coding = Self.names[fileExtension.lowercased()] else { return nil }
        self = coding
    }

    /// For `AudioProperties.format`.
    package var name: String {
        switch self {
        case .muLaw: "mulaw"
        case .aLaw: "alaw"
        case .linear: "sln"
        case .g722: "g722"
        case .gsm: "gsm"
        }
    }

    /// For people: "µ-law sound (G.711) at 8,000 Hz".
    package var title: String {
        switch self {
        case .muLaw: "µ-law sound (G.711) at 8,000 Hz"
        case .aLaw: "A-law sound (G.711) at 8,000 Hz"
        case .linear(let rate): "16-bit sound at \(rate / 1000),\(String(rate % 1000 + 1000).dropFirst()) Hz"
        case .g722: "G.722 sound at 16,000 Hz"
        case .gsm: "GSM sound at 8,000 Hz"
        }
    }

    /// As which kind of sound the bytes can be heard, when the name says `self`; nil where they are no sound. The ending
    /// `raw` means 16 bit where it is used for telephony, and anything elsewhere: G.711 is recognised.
    package func heard(in source: some ByteSource, isVague: Bool) -> RawCoding? {
        switch self {
        case .gsm: RawSound.isGSM(source) ? self : nil
        case .g722: RawSound.isCompressedSpeech(source) ? self : nil
        case .muLaw, .aLaw: RawSound.likeness(of: source, to: self) >= RawSound.leastLikeness ? self : nil
        case .linear:
            ([self] + (isVague ? [.muLaw, .aLaw] : []))
                .map { ($0, RawSound.likeness(of: source, to: $0)) }
                .filter { $0.1 >= RawSound.leastLikeness }
                .max { $0.1 < $1.1 }?.0
        }
    }
}

/// What sound looks like, by numbers.
enum RawSound {
    /// How much more of it a simple prediction explains than of bytes without a rule, where it is 1.
    static let leastLikeness = 1.4
    private static let windows: Int64 = 64
    private static let windowSamples = 512
    /// Enough for a chord of six tones.
    private static let order = 12

    /// How much less is left of the signal when each sample is foretold by those before it: 1 for what is random, as
    /// archives and compressed pictures are, 1.5 to 100 for speech and tones; 0 where nothing is to be heard, or where the
    /// values lie on one side of zero, as those of text and uncompressed pictures do.
    static func likeness(of source: some ByteSource, to coding: RawCoding) -> Double {
        let width = if case .linear = coding { 2 } else { 1 }
        let bytes = windowSamples * width
        guard source.size >= Int64(2 * bytes) else { return 0 }
        var power = 0.0
        var left = 0.0
        var mean = 0.0
        var count = 0.0
        for window in 0..<windows {
            let place = (source.size - Int64(bytes)) * window / (windows - 1)
            let samples = samples(source.bytes(at: place / 2 * 2, count: bytes), coding)
            guard samples.count > 2 * order else { continue }
            let sums: [Double] = (0...order).map { lag in
                (order..<samples.count).reduce(0) { $0 + samples[$1] * samples[$1 - lag] }
            }
            power += sums[0]
            left += Self.residual(sums)
            mean += samples.reduce(0, +)
            count += Double(samples.count)
        }
        // -70 dBFS
        guard count > 0, power / count > 100 else { return 0 }
        mean /= count
        return mean * mean * 4 < power / count ? power / max(left, power * 1e-6) : 0
    }

    /// What a linear prediction leaves of the power (Levinson and Durbin).
    /// - Parameter sums: the autocorrelation at 0, 1, 2, … samples.
    private static func residual(_ sums: [Double]) -> Double {
        var left = sums[0]
        var coefficients: [Double] = []
        for step in 1..<sums.count where left > sums[0] * 1e-9 {
            let foretold = coefficients.indices.reduce(0) { $0 + coefficients[$1] * sums[step - 1 - $1] }
            let reflection = min(1, max(-1, (sums[step] - foretold) / left))
            coefficients = coefficients.indices.map { coefficients[$0] - reflection * coefficients[step - 2 - $0] }
            coefficients.append(reflection)
            left *= 1 - reflection * reflection
        }
        return max(0, left)
    }

    private static func samples(_ bytes: [UInt8], _ coding: RawCoding) -> [Double] {
        switch coding {
        case .linear:
            (0..<(bytes.count / 2)).map {
                Double(Int16(bitPattern: UInt16(bytes[2 * $0]) | UInt16(bytes[2 * $0 + 1]) << 8))
            }
        case .aLaw: bytes.map(aLaw)
        default: bytes.map(muLaw)
        }
    }

    /// ITU-T G.711, as 16-bit values.
    static func muLaw(_ byte: UInt8) -> Double {
        let code = Int(~byte)
        let magnitude = ((code & 15) << 3 + 132) << (code >> 4 & 7) - 132
        return Double(code & 0x80 != 0 ? -magnitude : magnitude)
    }

    static func aLaw(_ byte: UInt8) -> Double {
        let code = Int(byte ^ 0x55)
        let segment = code >> 4 & 7
        let step = (code & 15) << 4 + 8
        let magnitude = segment == 0 ? step : (step + 256) << (segment - 1)
        return Double(code & 0x80 != 0 ? magnitude : -magnitude)
    }

    /// Each frame of 33 bytes begins with the four bits 1101.
    static func isGSM(_ source: some ByteSource) -> Bool {
        let frames = source.size / 33
        guard frames >= 10 else { return false }
        return (0..<64).allSatisfy {
            let place = (frames - 1) * Int64($0) / 63 * 33
            return source.bytes(at: place, count: 1).first.map { $0 >> 4 == 0xD } ?? false
        }
    }

    /// Adaptive coding of speech uses some codes more than others, and most of them, and one tells nothing of the next:
    /// archives and compressed pictures use all alike, text few, and the pixels of a picture are like their neighbours.
    static func isCompressedSpeech(_ source: some ByteSource) -> Bool {
        guard source.size >= 4096 else { return false }
        var counts = [Double](repeating: 0, count: 256)
        var (sum, squares, products) = (0.0, 0.0, 0.0)
        for window in 0..<windows {
            let place = (source.size - 1024) * window / (windows - 1)
            let bytes = source.bytes(at: place, count: 1024)
            for (byte, next) in zip(bytes, bytes.dropFirst()) {
                counts[Int(byte)] += 1
                sum += Double(byte)
                squares += Double(byte) * Double(byte)
                products += Double(byte) * Double(next)
            }
        }
        let total = counts.reduce(0, +)
        let mean = sum / total
        let isSmooth = products / total - mean * mean > (squares / total - mean * mean) / 2
        // The number of codes that would be used if all were used alike: of speech it is 65 to 120, of what is compressed or
        // encrypted 240 and more.
        let codes = 1 / counts.reduce(0) { $0 + ($1 / total) * ($1 / total) }
        return !isSmooth && codes > 16 && codes < 180
    }
}
