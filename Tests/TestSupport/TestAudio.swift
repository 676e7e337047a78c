/// Sounds for tests, at 16 kHz mono, 16 bit; the same for the same arguments.
package enum TestAudio {
    package static let rate = 16_000

    package static func silence(seconds: Double) -> [Int16] {
        [Int16](repeating: 0, count: Int(seconds * Double(rate)))
    }

    /// A triangle wave: no mathematics library, no rounding that differs between machines.
    package static func tone(seconds: Double, frequency: Int = 440, amplitude: Int = 8_000, rate: Int = rate) -> [Int16]
    {
        let count = Int(seconds * Double(rate))
        return (0..<count).map { i in
            let phase = (i * frequency * 4_000 / rate) % 4_000
            let wave = phase < 2_000 ? phase - 1_000 : 3_000 - phase
            return Int16(wave * amplitude / 1_000)
        }
    }

    /// Uniform noise between ±`amplitude`.
    package static func noise(seconds: Double, amplitude: Int, seed: UInt64 = 1) -> [Int16] {
        var generator = TestRandom(seed: seed)
        return (0..<Int(seconds * Double(rate))).map { _ in
            Int16(Int(generator.next() >> 33) % (2 * amplitude + 1) - amplitude)
        }
    }

    /// Something like speech: syllables of 120 to 300 ms with short dips, words in phrases of `phrase` seconds, and a pause
    /// of `pause` seconds behind each phrase.
    package static func speech(
        seconds: Double, phrase: Double = 3, pause: Double = 0.5, amplitude: Int = 8_000, seed: UInt64 = 1
    ) -> [Int16] {
        var generator = TestRandom(seed: seed)
        let total = Int(seconds * Double(rate))
        var samples: [Int16] = []
        samples.reserveCapacity(total + rate)
        while samples.count < total {
            let end = samples.count + Int(phrase * Double(rate))
            while samples.count < end {
                let length = Double(120 + Int(generator.next() >> 40) % 180) / 1_000
                let pitch = 100 + Int(generator.next() >> 40) % 150
                samples += tone(seconds: length, frequency: pitch, amplitude: amplitude)
                samples += tone(seconds: 0.03, frequency: pitch, amplitude: amplitude / 6)
            }
            samples += noise(seconds: pause, amplitude: 12, seed: generator.next())
        }
        return Array(samples.prefix(total))
    }
}

/// SplitMix64: a generator whose sequence is the same everywhere.
package struct TestRandom: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
