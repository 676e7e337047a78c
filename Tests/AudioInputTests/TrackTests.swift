import AudioInput
import Glibc
import TestSupport
import Testing
import Transcription

/// Videos and recordings with several tracks of sound.
@Suite struct TrackTests {
    /// A track of four seconds as ffmpeg makes it: a tone, or silence where the frequency is 0.
    private struct Track {
        var frequency: Int
        var language: String?
        var isDefault = false
        /// Seconds at which it begins.
        var start = 0
        var seconds = 4
    }

    private static func file(_ name: String, _ tracks: [Track], codec: String = "aac") async throws -> [UInt8] {
        var arguments = ["-v", "error", "-y"]
        for track in tracks {
            let source =
                track.frequency == 0
                ? "anullsrc=r=16000:cl=mono" : "sine=frequency=\(track.frequency):sample_rate=16000"
            arguments += ["-f", "lavfi", "-itsoffset", "\(track.start)", "-t", "\(track.seconds)", "-i", source]
        }
        for (i, track) in tracks.enumerated() {
            arguments += ["-map", "\(i):a", "-disposition:a:\(i)", track.isDefault ? "default" : "0"]
            if let language = track.language { arguments += ["-metadata:s:a:\(i)", "language=\(language)"] }
        }
        let names = name.hasSuffix("mkv") ? ["-default_mode", "passthrough"] : []
        return try await Decoded.encoded(as: name, "ffmpeg", arguments + ["-c:a", codec] + names + ["OUT"])
    }

    /// How much of the sound between two seconds is a tone of this frequency, from 0 to 1.
    private static func share(of frequency: Int, in samples: [Int16], _ seconds: ClosedRange<Double>) -> Double {
        let part = samples[Int(seconds.lowerBound * 16_000)..<min(samples.count, Int(seconds.upperBound * 16_000))]
        var (real, imaginary, power) = (0.0, 0.0, 0.0)
        for (i, sample) in part.enumerated() {
            let angle = 2 * Double.pi * Double(frequency * i) / 16_000
            real += Double(sample) * cos(angle)
            imaginary += Double(sample) * sin(angle)
            power += Double(sample) * Double(sample)
        }
        return power == 0 ? 0 : 2 * (real * real + imaginary * imaginary) / (Double(part.count) * power)
    }

    private static let two = [
        Track(frequency: 300, language: "ger"), Track(frequency: 1_100, language: "eng", isDefault: true),
    ]

    @Test(arguments: ["a.mkv", "a.mp4", "a.mov"], [(nil, 2), ("de", 1), ("de-AT", 1), ("en", 2), ("fr", 2)])
    func theLanguageCountsThenTheDefault(name: String, _ wanted: (language: String?, taken: Int)) async throws {
        let bytes = try await Self.file(name, Self.two)
        let decoded = try await Decoded.of(bytes, named: name, language: wanted.language)
        let heard = wanted.taken == 1 ? 300 : 1_100
        #expect(Self.share(of: heard, in: decoded.samples, 1...3) > 0.9)
        let track = try #require(decoded.properties.track)
        #expect(track.taken == [wanted.taken] && track.count == 2)
        #expect(track.language == (wanted.taken == 1 ? "ger" : "eng") || track.language == "deu")
        #expect(decoded.warnings.contains("2 tracks of sound; number \(wanted.taken) ("), "\(decoded.warnings)")
        #expect(abs(decoded.seconds - 4) < 0.1)
        #expect(decoded.summary.gaps.isEmpty)
    }

    /// The container lasts as long as its longest track.
    @Test(arguments: ["a.mka", "a.mkv", "a.mp4"]) func aTrackShorterThanAnotherLacksNothing(name: String) async throws {
        var tracks = Self.two
        tracks[0].seconds = 20
        let decoded = try await Decoded.of(try await Self.file(name, tracks), named: name, language: "en")
        #expect(decoded.summary.gaps.isEmpty && !decoded.warnings.contains("declares"), "\(decoded.warnings)")
        #expect(abs(decoded.seconds - 4) < 0.1)
    }

    @Test(arguments: ["a.mkv", "a.mp4"], [[12, 4], [4, 12], [4, 12, 8]])
    func aMixLastsAsLongAsItsLongestTrack(name: String, seconds: [Int]) async throws {
        let tracks = seconds.enumerated().map { Track(frequency: 300 * ($0 + 1), seconds: $1) }
        let decoded = try await Decoded.of(try await Self.file(name, tracks), named: name)
        try #require(abs(decoded.seconds - 12) < 0.2, "\(decoded.seconds) s")
        #expect(decoded.summary.gaps.isEmpty)
        let longest = 300 * ((seconds.firstIndex(of: 12) ?? 0) + 1)
        #expect(Self.share(of: longest, in: decoded.samples, 9...11) > 0.9)
        #expect(Self.share(of: 300, in: decoded.samples, 1...3) > 0.2)
    }

    @Test func aTransportStreamHasNoDefault() async throws {
        let bytes = try await Self.file("a.ts", Self.two)
        #expect(Self.share(of: 300, in: try await Decoded.of(bytes, named: "a.ts").samples, 1...3) > 0.9)
        let english = try await Decoded.of(bytes, named: "a.ts", language: "en")
        #expect(Self.share(of: 1_100, in: english.samples, 1...3) > 0.9)
        #expect(english.properties.track == TrackSelection(taken: [2], count: 2, language: "eng"))
    }

    @Test func oneTrackIsToldWithoutAWarning() async throws {
        let bytes = try await Self.file("a.mp4", [Track(frequency: 300, language: "eng", isDefault: true)])
        let decoded = try await Decoded.of(bytes, named: "a.mp4", language: "de")
        #expect(decoded.properties.track == TrackSelection(taken: [1], count: 1, language: "eng"))
        #expect(decoded.summary.warnings.isEmpty)
    }

    /// An interpreter's channel that nobody used, in the language that is asked for or set as the default one.
    @Test func aSilentTrackIsNoChoice() async throws {
        let tracks = [
            Track(frequency: 0, language: "ger", isDefault: true), Track(frequency: 300, language: "eng"),
            Track(frequency: 1_100, language: "fre"),
        ]
        for language in [nil, "de"] as [String?] {
            let decoded = try await Decoded.of(
                try await Self.file("a.mkv", tracks), named: "a.mkv", language: language)
            #expect(Self.share(of: 300, in: decoded.samples, 1...3) > 0.9)
            #expect(decoded.properties.track == TrackSelection(taken: [2], count: 3, language: "eng"))
            #expect(decoded.warnings.contains("nothing is to be heard in 1"), "\(decoded.warnings)")
        }
        let silent = try await Decoded.of(
            try await Self.file(
                "b.mkv", [Track(frequency: 0, language: "ger"), Track(frequency: 0, language: "eng", isDefault: true)]),
            named: "b.mkv")
        #expect(silent.properties.track?.taken == [2])
        #expect(silent.samples.allSatisfy { $0 == 0 } && abs(silent.seconds - 4) < 0.1)
    }

    @Test func aTrackOfAnUnknownCodecIsPassedOver() async throws {
        var bytes = try await Self.file("a.mkv", [Track(frequency: 300, isDefault: true), Track(frequency: 1_100)])
        let name = try #require(bytes.indices.first { bytes[$0...].starts(with: "A_AAC".utf8) })
        bytes.replaceSubrange((name + 2)..<(name + 5), with: "ZZZ".utf8)
        let decoded = try await Decoded.of(bytes, named: "a.mkv")
        #expect(Self.share(of: 1_100, in: decoded.samples, 1...3) > 0.9)
        #expect(decoded.properties.track == TrackSelection(taken: [2], count: 2))
        #expect(decoded.warnings.contains("1 cannot be decoded here"), "\(decoded.warnings)")

        let other = try #require(bytes.indices.first { bytes[$0...].starts(with: "A_AAC".utf8) })
        bytes.replaceSubrange((other + 2)..<(other + 5), with: "ZZZ".utf8)
        let error = try await refusal(bytes, named: "a.mkv")
        #expect(error.message.contains("an encoding that the installed ffmpeg does not know"), "\(error.message)")
    }

    /// One person a track (OBS, Jitsi, Craig): all are heard, each at its time.
    @Test(arguments: ["a.mkv", "a.mp4"], [nil, "eng"] as [String?])
    func tracksWithoutLanguagesThatDifferAreMixed(name: String, language: String?) async throws {
        let tracks = [
            Track(frequency: 300, language: language, isDefault: true),
            Track(frequency: 1_100, language: language, start: 3), Track(frequency: 0, language: language),
        ]
        let decoded = try await Decoded.of(try await Self.file(name, tracks), named: name, language: "de")
        #expect(Self.share(of: 300, in: decoded.samples, 1...2.9) > 0.9)
        #expect(Self.share(of: 1_100, in: decoded.samples, 4.2...6.8) > 0.9)
        let both = [300, 1_100].map { Self.share(of: $0, in: decoded.samples, 3.1...3.9) }
        #expect(both.allSatisfy { $0 > 0.4 }, "\(both)")
        #expect(abs(decoded.seconds - 7) < 0.1)
        #expect(decoded.properties.track == TrackSelection(taken: [1, 2, 3], count: 3))
        #expect(decoded.warnings.contains("were mixed"), "\(decoded.warnings)")
        #expect(decoded.summary.gaps.isEmpty)
    }

    @Test func aMixThatIsAboveFullScaleIsMadeSofter() async throws {
        let tone = "aevalsrc=0.9*sin(2*PI*400*t):s=16000:d=4"
        let bytes = try await Decoded.encoded(
            as: "a.mkv", "ffmpeg",
            [
                "-v", "error", "-f", "lavfi", "-i", tone, "-f", "lavfi", "-i", tone, "-map", "0", "-map", "1", "-c:a",
                "pcm_s16le", "OUT",
            ])
        let decoded = try await Decoded.of(bytes, named: "a.mkv")
        #expect(decoded.properties.gainDecibels == -9)
        let peak = decoded.samples.map { abs(Int($0)) }.max() ?? 0
        #expect((15_000...23_500).contains(peak), "\(peak)")
        #expect(Self.share(of: 400, in: decoded.samples, 1...3) > 0.999)
    }

    // MARK: The rule

    private static let lines = [
        "  Stream #0:0(ger): Audio: aac (LC), 16000 Hz, mono, fltp",
        "  Stream #0:1(eng): Audio: pcm_s24le, 48000 Hz, 5.1(side), s32 (24 bit), 6912 kb/s (default)",
        "  Stream #0:2[0x103](und): Audio: none (apac / 0x63617061), 48000 Hz, 4 channels",
        "    Stream #0:4[0x1101]: Audio: opus, 48000 Hz, stereo, fltp (comment)",
    ]

    @Test func whatFFmpegTellsOfATrackIsUnderstood() throws {
        let tracks = try Self.lines.map { try #require(SoundTrack($0)) }
        #expect(tracks.map(\.stream) == [0, 1, 2, 4])
        #expect(tracks.map(\.language) == ["ger", "eng", nil, nil])
        #expect(tracks.map(\.layout) == ["mono", "5.1(side)", "4 channels", "stereo"])
        #expect(tracks.map(\.rate) == [16_000, 48_000, 48_000, 48_000])
        #expect(tracks.map(\.depth) == [.plain, .integer, .plain, .plain])
        #expect(tracks.map(\.isKnown) == [true, true, false, true])
        #expect(tracks.map(\.isDefault) == [false, true, false, false])
        #expect(tracks.map(\.isAside) == [false, false, false, true])
        for line in [
            "  Stream #0:3: Video: h264, yuv420p", "    title           : Stream of sound: Audio: x", "",
            "  Stream #0:x: Audio: aac",
        ] {
            #expect(SoundTrack(line) == nil)
        }
    }

    /// It is shown to people.
    @Test func whatIsNoCodeOfALanguageIsNone() {
        let rest = ": Audio: aac, 48000 Hz, mono, fltp"
        #expect(SoundTrack("  Stream #0:1(un\u{FFFD})" + rest)?.language == nil)
        #expect(SoundTrack("  Stream #0:1(<b>)" + rest)?.language == nil)
        #expect(SoundTrack("  Stream #0:1(pt-BR)" + rest)?.language == "pt-BR")
    }

    private static let choices: [(tracks: String, language: String?, tried: TrackTrials, taken: [Int]?)] = [
        ("a", nil, TrackTrials(), [0]), ("", nil, TrackTrials(), nil), ("?", nil, TrackTrials(), nil),
        ("? a", nil, TrackTrials(), [1]), ("a b", nil, TrackTrials(), [0]), ("a b!", nil, TrackTrials(), [1]),
        ("de en!", "de", TrackTrials(), [0]), ("deu en!", "de-AT", TrackTrials(), [0]),
        ("ger en!", "deu", TrackTrials(), [0]), ("de en!", "fr", TrackTrials(), [1]),
        ("de en en!", "en", TrackTrials(), [2]), ("de en -", nil, TrackTrials(), [0]),
        ("de -", "en", TrackTrials(), [0]), ("- -", "de", TrackTrials(), [0, 1]),
        ("de de!", "de", TrackTrials(), [0, 1]),
        ("de deu", "en", TrackTrials(), [0, 1]), ("- - -", nil, TrackTrials(unusable: [1]), [0, 2]),
        ("- -", nil, TrackTrials(allowsMix: false), [0]), ("- -!", nil, TrackTrials(allowsMix: false), [1]),
        ("a b!", nil, TrackTrials(unusable: [1]), [0]), ("a b! c", nil, TrackTrials(silent: [1]), [0]),
        ("a b!", nil, TrackTrials(silent: [0, 1]), [1]), ("a b*", "b", TrackTrials(), [0]),
        ("a* b*", "b", TrackTrials(), [1]),
        ("- -*", nil, TrackTrials(), [0]),
    ]

    /// `!` is the default track, `*` a commentary, `?` of unknown encoding, `-` without a language.
    @Test(arguments: choices.indices) func theRightTracksAreTaken(row: Int) throws {
        let row = Self.choices[row]
        let tracks = try row.tracks.split(separator: " ").enumerated().map { place, word in
            let code = word.filter(\.isLetter)
            return try #require(
                SoundTrack(
                    "  Stream #0:\(place)" + (code.isEmpty ? "" : "(\(code))") + ": Audio: "
                        + (word.contains("?") ? "none" : "aac") + ", 48000 Hz, mono, fltp"
                        + (word.contains("!") ? " (default)" : "") + (word.contains("*") ? " (comment)" : "")))
        }
        let choice = TrackChoice(of: tracks, language: row.language, tried: row.tried)
        #expect(choice?.taken == row.taken, "\(row.tracks) \(row.language ?? "any")")
        guard let choice, tracks.count > 1 else { return }
        #expect(choice.warning(of: tracks, tried: row.tried)?.hasSuffix(".") == true)
    }

    @Test(arguments: [
        ("de", "ger", true), ("deu", "de-CH", true), ("en_US", "eng", true), ("fr", "fre", true), ("nb", "nor", true),
        ("fil", "tl", true), ("iw", "heb", true), ("zh-Hans", "chi", true), ("de", "dut", false), ("qqq", "qqq", true),
        ("qqq", "eng", false),
    ])
    func oneLanguageHasManyNames(_ pair: (one: String, other: String, isSame: Bool)) {
        #expect((TrackLanguage(pair.one) == TrackLanguage(pair.other)) == pair.isSame)
    }
}
