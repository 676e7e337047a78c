import AudioInput
import Glibc
import TestSupport
import Testing
import Transcription

/// What is too quiet or too loud for 16 bits is brought to one level; all else stays exactly as it is.
@Suite struct LevelTests {
    /// Three seconds that look like speech, from -1 to 1.
    private static let sound: [Double] = TestAudio.speech(seconds: 3, amplitude: 16_384).map { Double($0) / 16_384 }

    private static func little(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private static func wave(tag: Int, bits: Int, channels: Int = 1, _ data: [UInt8]) -> [UInt8] {
        let format =
            little(tag, 2) + little(channels, 2) + little(16_000, 4) + little(16_000 * channels * bits / 8, 4)
            + little(channels * bits / 8, 2) + little(bits, 2)
        let contents =
            Array("WAVEfmt ".utf8) + little(16, 4) + format + Array("data".utf8) + little(data.count, 4) + data
        return Array("RIFF".utf8) + little(contents.count, 4) + contents
    }

    private static func floats(_ samples: [Double]) -> [UInt8] {
        wave(tag: 3, bits: 32, samples.flatMap { little(Int(Float($0).bitPattern), 4) })
    }

    private static func integers(_ samples: [Double], bits: Int) -> [UInt8] {
        let scale = Double(1 << (bits - 1))
        return wave(
            tag: 1, bits: bits, samples.flatMap { little(Int(($0 * scale).rounded(.toNearestOrEven)), bits / 8) })
    }

    private static func decibels(_ value: Double) -> Double { pow(10, value / 20) }

    private static func peak(_ samples: [Int16]) -> Int { samples.map { abs(Int($0)) }.max() ?? 0 }

    /// How far the decoded samples are from the sound at its best scale, as a share of its power.
    private static func distortion(_ samples: [Int16]) -> Double {
        var (own, other, both) = (0.0, 0.0, 0.0)
        for (sample, value) in zip(samples, sound) {
            own += Double(sample) * Double(sample)
            other += value * value
            both += Double(sample) * value
        }
        return own == 0 ? 1 : 1 - both * both / (own * other)
    }

    @Test(arguments: [(-66.3, 63), (-80.3, 77), (-96.0, 80), (-49.3, 46)])
    func whatIsVeryQuietIsMadeLouder(_ row: (level: Double, gain: Int)) async throws {
        let quiet = Self.sound.map { $0 * Self.decibels(row.level) }
        for (name, bytes) in [
            ("float.wav", Self.floats(quiet)), ("32.wav", Self.integers(quiet, bits: 32)),
            ("24.wav", Self.integers(quiet, bits: 24)),
        ] {
            let decoded = try await Decoded.of(bytes, named: name)
            #expect(decoded.properties.gainDecibels == row.gain, "\(name)")
            #expect(Self.peak(decoded.samples) > 4_000 && Self.peak(decoded.samples) < 25_000, "\(name)")
            // 24 bits at -80 dBFS are eleven, at -96 dBFS eight.
            #expect(Self.distortion(decoded.samples) < 1e-4, "\(name): \(Self.distortion(decoded.samples))")
        }
    }

    @Test(arguments: [4.0, 12, 30, 90.3, 186.6])
    func whatIsAboveFullScaleIsMadeSofter(level: Double) async throws {
        let decoded = try await Decoded.of(Self.floats(Self.sound.map { $0 * Self.decibels(level) }), named: "a.wav")
        let gain = try #require(decoded.properties.gainDecibels)
        #expect(abs(Double(gain) + level + 3) < 1.1)
        #expect((18_000...24_000).contains(Self.peak(decoded.samples)))
        #expect(Self.distortion(decoded.samples) < 1e-6)
    }

    /// The cache finds by its samples what it has seen.
    @Test(arguments: [
        ("sixteen bits", 16, 0.001), ("24 bits", 24, 0.1), ("float", 32, 0.1), ("full scale", 32, 1.0001),
        ("a click", 32, 0.2),
    ])
    func whatFitsStaysAsItIs(_ row: (name: String, bits: Int, scale: Double)) async throws {
        var samples = Self.sound.map { $0 * row.scale }
        if row.name == "a click" { samples += [3, -3] }
        let bytes = row.bits == 32 ? Self.floats(samples) : Self.integers(samples, bits: row.bits)
        let decoded = try await Decoded.of(bytes, named: "a.wav")
        #expect(decoded.properties.gainDecibels == nil)
        let bits = Int(bytes[34])
        let data = Array(bytes.dropFirst(44))
        let expected = (0..<(data.count * 8 / bits)).map { place in
            let part = data[(place * bits / 8)..<((place + 1) * bits / 8)].reversed().reduce(0) { $0 << 8 | Int($1) }
            let value =
                bytes[20] == 3
                ? Double(Float(bitPattern: UInt32(part))) : Double(part << (64 - bits)) / Double(1 << 62) / 2
            return Int16(max(-32_768, min(32_767, (value * 32_768).rounded(.toNearestOrEven))))
        }
        #expect(decoded.samples == expected)
    }

    @Test(arguments: [-66.0, -80])
    func theSameSamplesComeOutOfEveryContainer(level: Double) async throws {
        let bytes = Self.integers(Self.sound.map { $0 * Self.decibels(level) }, bits: 24)
        let wave = try await Decoded.of(bytes, named: "a.wav")
        for (name, program, arguments) in [
            ("a.flac", "flac", ["-s", "-o", "OUT", "IN"]), ("a.aiff", "sox", ["IN", "OUT"]),
            ("a.au", "sox", ["IN", "OUT"]),
            ("a.caf", "ffmpeg", ["-v", "error", "-i", "IN", "-c:a", "pcm_s24le", "OUT"]),
            ("a.w64", "ffmpeg", ["-v", "error", "-i", "IN", "-c:a", "pcm_s24le", "OUT"]),
            ("a.mkv", "ffmpeg", ["-v", "error", "-i", "IN", "-c:a", "pcm_s24le", "OUT"]),
            ("a.mov", "ffmpeg", ["-v", "error", "-i", "IN", "-c:a", "pcm_s24be", "OUT"]),
            ("a.m4a", "ffmpeg", ["-v", "error", "-i", "IN", "-c:a", "alac", "OUT"]),
            ("a.wv", "ffmpeg", ["-v", "error", "-i", "IN", "-c:a", "wavpack", "OUT"]),
        ] {
            let other = try await Decoded.of(
                try await Decoded.encoded(bytes, as: name, program, arguments), named: name)
            #expect(other.properties.gainDecibels == wave.properties.gainDecibels, "\(name)")
            #expect(other.samples == wave.samples, "\(name)")
        }
    }

    @Test func hotSoundIsTheSameThroughFFmpeg() async throws {
        let bytes = Self.floats(Self.sound.map { $0 * 4 })
        let wave = try await Decoded.of(bytes, named: "a.wav")
        let other = try await Decoded.encoded(
            bytes, as: "a.mkv", "ffmpeg", ["-v", "error", "-i", "IN", "-c:a", "pcm_f32le", "OUT"])
        let decoded = try await Decoded.of(other, named: "a.mkv")
        #expect(decoded.samples == wave.samples)
        #expect(decoded.properties.gainDecibels == -16)
    }

    @Test func onlyWhatIsNoNumberBecomesSilence() async throws {
        var samples = Self.sound.map { $0 * 0.5 }
        (samples[100], samples[200], samples[300], samples[400]) = (.nan, .infinity, -.infinity, 20)
        let decoded = try await Decoded.of(Self.floats(samples), named: "a.wav")
        #expect(decoded.samples[100] == 0 && decoded.samples[200] == 0 && decoded.samples[300] == 0)
        #expect(decoded.samples[400] == 32_767)
        #expect(decoded.samples[401] == Int16((samples[401] * 32_768).rounded(.toNearestOrEven)))
    }

    /// Bytes of something else in a file of floats are numbers of any size.
    @Test func aDamagedBlockIsNoLevel() async throws {
        var bytes = Self.floats(Self.sound.map { $0 * 0.5 })
        var random = TestRandom(seed: 5)
        for i in 40_000..<40_400 { bytes[i] = UInt8(truncatingIfNeeded: random.next() >> 40) }
        let decoded = try await Decoded.of(bytes, named: "a.wav")
        #expect(decoded.properties.gainDecibels == nil)
        #expect(decoded.samples[20_000] == Int16((Self.sound[20_000] * 16_384).rounded(.toNearestOrEven)))
    }

    // MARK: Channels

    /// Three seconds of six or eight channels, each with a tone of its own in the order of ffmpeg: the third is the centre.
    private static func surround(_ name: String, layout: String, centre: Double, _ arguments: [String]) async throws
        -> [UInt8]
    {
        let count = layout == "7.1" ? 8 : 6
        let parts = (0..<count).map { channel in
            channel == 2 ? "\(centre)*sin(2*PI*500*t)" : channel == 3 ? "0" : "0.4*sin(2*PI*\(1_000 + 300 * channel)*t)"
        }
        return try await Decoded.encoded(
            as: name, "ffmpeg",
            ["-v", "error", "-f", "lavfi", "-i", "aevalsrc=\(parts.joined(separator: "|")):c=\(layout):s=48000:d=3"]
                + arguments + ["OUT"])
    }

    private static func crossings(_ samples: [Int16]) -> Double {
        let part = samples[8_000..<40_000]
        return Double(zip(part, part.dropFirst()).count { ($0 < 0) != ($1 < 0) }) / 2 / 2
    }

    private static let containers: [(name: String, arguments: [String])] = [
        ("a.wav", ["-c:a", "pcm_s16le"]), ("a.flac", ["-c:a", "flac"]), ("a.ogg", ["-c:a", "libvorbis"]),
        ("a.opus", ["-c:a", "libopus", "-mapping_family", "1", "-b:a", "400k"]),
        ("a.mkv", ["-c:a", "ac3", "-b:a", "448k"]),
        ("b.mkv", ["-c:a", "pcm_s16le"]), ("a.m4a", ["-c:a", "aac", "-b:a", "400k"]), ("a.caf", ["-c:a", "pcm_s16be"]),
    ]

    @Test(arguments: containers.indices) func theDialogueIsInTheCentre(row: Int) async throws {
        let (name, arguments) = Self.containers[row]
        let decoded = try await Decoded.of(
            try await Self.surround(name, layout: "5.1", centre: 0.2, arguments), named: name)
        // Matroska has no layout for PCM, so that it may be six microphones.
        let isCentre = name != "b.mkv"
        #expect((abs(Self.crossings(decoded.samples) - 500) < 3) == isCentre, "\(Self.crossings(decoded.samples)) Hz")
        #expect(decoded.properties.channels == 6)
    }

    @Test func soIsItInSevenChannels() async throws {
        for (name, arguments) in [("a.wav", ["-c:a", "pcm_s16le"]), ("a.flac", ["-c:a", "flac"])] {
            let decoded = try await Decoded.of(
                try await Self.surround(name, layout: "7.1", centre: 0.2, arguments), named: name)
            #expect(abs(Self.crossings(decoded.samples) - 500) < 3)
        }
    }

    @Test func aSilentCentreIsNoDialogue() async throws {
        for (name, arguments) in [("a.wav", ["-c:a", "pcm_s16le"]), ("a.mkv", ["-c:a", "ac3"])] {
            let decoded = try await Decoded.of(
                try await Self.surround(name, layout: "5.1", centre: 0, arguments), named: name)
            #expect(Self.peak(decoded.samples) > 2_000)
        }
    }

    /// Six microphones are written as six channels of a cinema, too: one that hears little is not the dialogue.
    @Test func aCentreMuchQuieterThanTheOthersIsNoDialogue() async throws {
        for (name, arguments) in [("a.wav", ["-c:a", "pcm_s16le"]), ("a.flac", ["-c:a", "flac"])] {
            let decoded = try await Decoded.of(
                try await Self.surround(name, layout: "5.1", centre: 0.003, arguments), named: name)
            #expect(Self.peak(decoded.samples) > 2_000, "\(name)")
        }
    }

    @Test func channelsWithoutALayoutAreAllHeard() async throws {
        // Six microphones: the loudest is not the third.
        let frames = 48_000
        let data = (0..<frames).flatMap { frame in
            (0..<6).flatMap { channel -> [UInt8] in
                let hertz = channel == 0 ? 700 : channel == 2 ? 300 : 0
                let size = channel == 0 ? 12_000.0 : 2_000
                return Self.little(Int(size * sin(2 * .pi * Double(hertz * frame) / 16_000)), 2)
            }
        }
        let decoded = try await Decoded.of(Self.wave(tag: 1, bits: 16, channels: 6, data), named: "a.wav")
        #expect(abs(Self.crossings(decoded.samples) - 700) < 3)
    }
}
