import AudioInput
import TestSupport
import Testing
import Transcription

/// What a damaged file has lost is a gap where it is, and what comes behind is at its time.
@Suite struct LostSoundTests {
    /// Twenty seconds of noise with a loud burst at 2 and at 15 seconds.
    private static let sound: [Int16] = {
        var samples = TestAudio.noise(seconds: 20, amplitude: 1_000)
        for place in [2, 15] {
            samples.replaceSubrange(
                (place * 16_000)..<(place * 16_000 + 4_000), with: TestAudio.noise(seconds: 0.25, amplitude: 24_000))
        }
        return samples
    }()

    private enum Damage: CaseIterable {
        case zeros, noise, missing
    }

    private static func damaged(_ bytes: [UInt8], _ damage: Damage) -> [UInt8] {
        let hole = (bytes.count * 4 / 10)..<(bytes.count * 6 / 10)
        var random = TestRandom(seed: 3)
        let filling: [UInt8] =
            switch damage {
            case .zeros: [UInt8](repeating: 0, count: hole.count)
            case .noise: hole.map { _ in UInt8(truncatingIfNeeded: random.next() >> 40) }
            case .missing: []
            }
        return bytes[..<hole.lowerBound] + filling + bytes[hole.upperBound...]
    }

    /// Where the bursts begin, in seconds.
    private static func bursts(_ samples: [Int16]) -> [Double] {
        var found: [Double] = []
        for (i, sample) in samples.enumerated() where abs(Int(sample)) > 10_000 {
            let place = Double(i) / 16_000
            if place > (found.last ?? -1) + 1 { found.append(place) }
        }
        return found
    }

    private static func encoded(_ name: String, _ program: String, _ arguments: String...) async throws -> [UInt8] {
        try await Decoded.encoded(TestWave(sound), as: name, program, arguments)
    }

    private static func expectHole(_ decoded: Decoded, about range: ClosedRange<Double>, _ name: String) {
        let found = bursts(decoded.samples)
        #expect(found.count == 2 && abs(found[0] - 2) < 0.1 && abs(found[1] - 15) < 0.1, "\(name): bursts at \(found)")
        #expect(abs(decoded.seconds - 20) < 0.2, "\(name): \(decoded.seconds) s")
        let gap = decoded.summary.gaps.first
        #expect(decoded.summary.gaps.count == 1 && gap?.cause == .damage, "\(name): \(decoded.summary.gaps)")
        guard let gap else { return }
        let (start, end) = (SampleClock.seconds(gap.range.start), SampleClock.seconds(gap.range.end))
        #expect(abs(start - range.lowerBound) < 1.2 && abs(end - range.upperBound) < 1.2, "\(name): \(start)–\(end)")
        // What is told as lost is silent, and nothing else is told.
        #expect(decoded.samples[Int(gap.range.start + 1_600)..<Int(gap.range.end - 1_600)].allSatisfy { abs($0) < 16 })
    }

    @Test(arguments: Damage.allCases) private func ofFLACAndMPEG(_ damage: Damage) async throws {
        let files = [
            ("a.flac", try await Self.encoded("a.flac", "flac", "-s", "-o", "OUT", "IN")),
            ("cbr.mp3", try await Self.encoded("a.mp3", "lame", "--quiet", "-b", "64", "IN", "OUT")),
            ("vbr.mp3", try await Self.encoded("a.mp3", "lame", "--quiet", "-V", "4", "IN", "OUT")),
            ("a.ogg", try await Self.encoded("a.ogg", "oggenc", "-Q", "-o", "OUT", "IN")),
            ("a.opus", try await Self.encoded("a.opus", "opusenc", "--quiet", "IN", "OUT")),
        ]
        for (name, bytes) in files {
            let whole = try await Decoded.of(bytes, named: name)
            #expect(whole.summary.gaps.isEmpty && whole.warnings.isEmpty, "\(name): \(whole.warnings)")
            let decoded = try await Decoded.of(Self.damaged(bytes, damage), named: name)
            Self.expectHole(decoded, about: 8...12, name)
            #expect(decoded.warnings.contains("count as silence"), "\(name)")
        }
    }

    /// SoX into a pipe writes AIFF whose lengths are none.
    @Test func anAIFFOfAPipeIsWhole() async throws {
        let bytes = try await Self.encoded("a.aiff", "sh", "-c", #"sox "$0" -t aiff - | cat > "$1""#, "IN", "OUT")
        let decoded = try await Decoded.of(bytes, named: "a.aiff")
        #expect(decoded.summary.gaps.isEmpty && abs(decoded.seconds - 20) < 0.01, "\(decoded.warnings)")
    }

    /// One wrong bit: decoders drop the whole page, and say nothing.
    @Test(arguments: [
        ("a.ogg", ["oggenc", "-Q", "-o", "OUT", "IN"]), ("a.opus", ["opusenc", "--quiet", "IN", "OUT"]),
    ])
    func ofAnOggPageWithAWrongChecksum(_ file: (name: String, command: [String])) async throws {
        var bytes = try await Decoded.encoded(
            TestWave(Self.sound), as: file.name, file.command[0], Array(file.command.dropFirst()))
        let page = try #require((bytes.count / 2..<bytes.count - 4).first { bytes[$0...].starts(with: "OggS\0".utf8) })
        bytes[page + 22] ^= 1
        let decoded = try await Decoded.of(bytes, named: file.name)
        #expect(abs(decoded.seconds - 20) < 0.1, "\(decoded.seconds)")
        #expect(decoded.warnings.contains("count as silence"), "\(decoded.warnings)")
    }

    /// A constant rate tells how much stood there; a piece that is cut out leaves nothing to tell it by.
    @Test func ofMPEGWithoutADeclaredLength() async throws {
        let bytes = try await Self.encoded("a.mp3", "lame", "--quiet", "-t", "-b", "64", "IN", "OUT")
        for damage in [Damage.zeros, .noise] {
            Self.expectHole(
                try await Decoded.of(Self.damaged(bytes, damage), named: "a.mp3"), about: 8...12, "\(damage)")
        }
        let cut = try await Decoded.of(Self.damaged(bytes, .missing), named: "a.mp3")
        #expect(cut.warnings.contains("sound may be missing there"), "\(cut.warnings)")
    }

    /// With a variable rate the bytes in the hole are only a guess of how long it was, and that is said.
    @Test func ofMPEGWhoseRateVariesALengthIsAGuess() async throws {
        let bytes = try await Self.encoded("a.mp3", "lame", "--quiet", "-t", "-V", "4", "IN", "OUT")
        let decoded = try await Decoded.of(Self.damaged(bytes, .zeros), named: "a.mp3")
        #expect(decoded.warnings.contains("can only be estimated"), "\(decoded.warnings)")
    }

    /// Wherever a frame is broken, also where its decoder reads on into the next one for that.
    @Test func aBrokenFLACFrameCostsNoOther() async throws {
        let bytes = try await Self.encoded("a.flac", "flac", "-s", "-b", "4096", "-o", "OUT", "IN")
        for step in 1...24 {
            var broken = bytes
            broken[bytes.count / 2 + 257 * step] ^= 0xFF
            let decoded = try await Decoded.of(broken, named: "a.flac")
            let wrong = zip(decoded.samples, Self.sound).count { $0 != $1 }
            #expect(decoded.samples.count == Self.sound.count && wrong <= 4096, "\(step): \(wrong) samples")
        }
    }

    @Test(arguments: [
        ("a.mka", ["-c:a", "aac"]), ("a.webm", ["-c:a", "libopus"]), ("a.m4a", ["-c:a", "aac"]), ("a.wma", []),
        ("a.aac", ["-c:a", "aac"]),
    ])
    func ofWhatFFmpegDecodes(_ name: String, _ options: [String]) async throws {
        let bytes = try await Decoded.encoded(
            TestWave(Self.sound), as: name, "ffmpeg", ["-v", "error", "-i", "IN"] + options + ["OUT"])
        let whole = try await Decoded.of(bytes, named: name)
        #expect(whole.summary.gaps.isEmpty && whole.warnings.isEmpty, "\(name): \(whole.warnings)")
        let decoded = try await Decoded.of(Self.damaged(bytes, .zeros), named: name)
        let gap = try #require(decoded.summary.gaps.first)
        // Clusters of five seconds, which are lost as a whole.
        #expect(SampleClock.seconds(gap.range.start) > 5 && SampleClock.seconds(gap.range.end) < 15.6, "\(gap.range)")
        #expect(gap.cause == .damage && gap.range.count > 3 * 16_000)
        #expect(abs(decoded.seconds - 20) < 0.5)
    }

    @Test(arguments: [
        ("a.w64", []), ("a.au", []), ("a.caf", []), ("a.aiff", []), ("rf64.wav", ["-rf64", "always"]), ("a.wma", []),
        ("a.avi", ["-c:a", "libmp3lame"]), ("a.m4a", ["-movflags", "+faststart"]), ("a.mka", ["-c:a", "aac"]),
    ])
    func theEndIsAGapWhereALengthIsDeclared(_ name: String, _ options: [String]) async throws {
        let bytes = try await Decoded.encoded(
            TestWave(Self.sound), as: name, "ffmpeg", ["-v", "error", "-i", "IN"] + options + ["OUT"])
        let whole = try await Decoded.of(bytes, named: name)
        #expect(whole.summary.gaps.isEmpty && whole.warnings.isEmpty, "\(name): \(whole.warnings)")
        let decoded = try await Decoded.of(Array(bytes.prefix(bytes.count * 6 / 10)), named: name)
        let gap = try #require(decoded.summary.gaps.first, "\(name)")
        #expect(gap.cause == .damage && gap.range.start == Int64(decoded.samples.count))
        #expect(abs(SampleClock.seconds(gap.range.start) - 12) < 2, "\(name): \(gap.range)")
        #expect(abs(SampleClock.seconds(gap.range.end) - 20) < 0.2, "\(name): \(gap.range)")
    }

    /// Pictures that go on without sound say nothing about its length; the sound's own track does.
    @Test(arguments: ["a.mp4", "a.mkv", "a.avi"]) func theLengthOfAVideoIsNotThatOfItsSound(_ name: String) async throws
    {
        let bytes = try await Decoded.encoded(
            TestWave(Self.sound), as: name, "ffmpeg",
            [
                "-v", "error", "-f", "lavfi", "-i", "testsrc=d=30:s=160x120:r=5", "-i", "IN", "-c:v", "mpeg4", "-c:a",
                name == "a.mp4" ? "aac" : "libmp3lame",
            ] + (name == "a.mp4" ? ["-movflags", "+faststart"] : []) + ["OUT"])
        let whole = try await Decoded.of(bytes, named: name)
        #expect(whole.summary.gaps.isEmpty && whole.warnings.isEmpty, "\(name): \(whole.warnings)")
        let decoded = try await Decoded.of(Array(bytes.prefix(bytes.count * 4 / 10)), named: name)
        let gap = try #require(decoded.summary.gaps.first, "\(name)")
        #expect(abs(SampleClock.seconds(gap.range.end) - 20) < 0.2, "\(name): \(gap.range)")
    }

    /// Frames that go on as if nothing were missing between them.
    @Test func aFLACThatIsCutBetweenFramesGivesNothingTwice() async throws {
        let bytes = try await Self.encoded("a.flac", "flac", "-s", "-b", "4096", "-o", "OUT", "IN")
        let places = bytes.indices.dropLast(6).filter {
            bytes[$0] == 0xFF && bytes[$0 + 1] == 0xF8 && bytes[$0 + 4] < 0x80 && bytes[$0 + 3] & 0x0F == 8
        }
        let begin = try #require(places.first { bytes[$0 + 4] == 20 })
        let end = try #require(places.first { bytes[$0 + 4] == 40 })
        let cut = try await Decoded.of(Array(bytes[..<begin] + bytes[end...]), named: "a.flac")
        let missing = (20 * 4_096)..<(40 * 4_096)
        #expect(cut.samples.prefix(missing.lowerBound) == Self.sound.prefix(missing.lowerBound))
        #expect(cut.samples.dropFirst(missing.upperBound) == Self.sound.dropFirst(missing.upperBound))
        #expect(cut.summary.gaps.first?.range == SampleRange(Int64(missing.lowerBound), Int64(missing.upperBound)))
        let twice = try await Decoded.of(Array(bytes[..<end] + bytes[begin...]), named: "a.flac")
        #expect(twice.samples == Self.sound)
        #expect(twice.warnings.contains("there twice"))
    }

    @Test func joinedFilesFollowEachOther() async throws {
        let flac = try await Self.encoded("a.flac", "flac", "-s", "-o", "OUT", "IN")
        let joined = try await Decoded.of(flac + flac, named: "a.flac")
        #expect(joined.samples == Self.sound + Self.sound && joined.summary.gaps.isEmpty)
        let cut = try await Decoded.of(Array(flac.prefix(flac.count * 8 / 10)) + flac, named: "a.flac")
        #expect(cut.samples.count == 2 * Self.sound.count && cut.samples.suffix(Self.sound.count) == Self.sound[...])
        #expect(cut.summary.gaps.count == 1)
        let mp3 = try await Self.encoded("a.mp3", "lame", "--quiet", "-b", "64", "--tt", "title", "IN", "OUT")
        let titles = try await Decoded.of(mp3 + mp3, named: "a.mp3")
        #expect(abs(titles.seconds - 40) < 0.2 && titles.summary.gaps.isEmpty && titles.warnings.isEmpty)
    }

    /// Recorders that correct their header now and then, and sizes of 32 bits that wrapped.
    @Test(arguments: ["a.wav", "rf64.wav", "a.aiff", "a.au", "a.caf", "a.w64"])
    func soundBehindWhatTheHeaderDeclaresIsSound(_ name: String) async throws {
        var bytes = try await Decoded.encoded(
            TestWave(Self.sound), as: name, "ffmpeg",
            ["-v", "error", "-i", "IN"] + (name == "rf64.wav" ? ["-rf64", "always"] : []) + ["OUT"])
        func set(behind mark: StaticString, _ offset: Int, _ value: Int, _ count: Int, isBigEndian: Bool) throws {
            let wanted = mark.withUTF8Buffer { Array($0) }
            let place = try #require(bytes.indices.first { bytes[$0...].starts(with: wanted) }) + offset
            for i in 0..<count {
                bytes[place + i] = UInt8(truncatingIfNeeded: value >> (8 * (isBigEndian ? count - 1 - i : i)))
            }
        }
        switch name {
        case "a.wav": try set(behind: "data", 4, 64_000, 4, isBigEndian: false)
        case "rf64.wav": try set(behind: "ds64", 16, 64_000, 8, isBigEndian: false)
        case "a.au": try set(behind: ".snd", 8, 64_000, 4, isBigEndian: true)
        case "a.caf": try set(behind: "data", 4, 64_004, 8, isBigEndian: true)
        case "a.w64": try set(behind: "data", 16, 64_024, 8, isBigEndian: false)
        default:
            try set(behind: "SSND", 4, 64_008, 4, isBigEndian: true)
            try set(behind: "COMM", 10, 32_000, 4, isBigEndian: true)
        }
        let decoded = try await Decoded.of(bytes, named: name)
        #expect(decoded.samples == Self.sound, "\(name): \(decoded.seconds) s")
        #expect(decoded.warnings.contains("declares 00:00:02"), "\(name): \(decoded.warnings)")
    }

    @Test func whatFollowsTheSoundIsNotAlwaysSound() async throws {
        func chunk(_ name: String, _ bytes: [UInt8]) -> [UInt8] {
            Array(name.utf8) + (0..<4).map { UInt8(truncatingIfNeeded: bytes.count >> (8 * $0)) } + bytes
        }
        let noise = TestAudio.noise(seconds: 1, amplitude: 9_000).map { UInt8(truncatingIfNeeded: $0) }
        for tail in [
            chunk("LIST", noise), chunk("id3 ", noise), chunk("XyZ1", noise), chunk("bext", []) + chunk("iXML", noise),
        ] {
            var wave = TestWave(Self.sound)
            wave.after = tail
            let decoded = try await Decoded.of(wave.bytes, named: "a.wav")
            #expect(decoded.samples == Self.sound && decoded.warnings.isEmpty, "\(decoded.warnings)")
            // The same behind sound that the header does not count.
            wave.declaredDataBytes = 64_000
            let longer = try await Decoded.of(wave.bytes, named: "a.wav")
            #expect(tail[0] == 0x58 || longer.samples == Self.sound, "\(longer.seconds) s")
        }
        var joined = TestWave(Self.sound)
        joined.after = joined.bytes
        let decoded = try await Decoded.of(joined.bytes, named: "a.wav")
        #expect(decoded.samples == Self.sound && decoded.warnings.contains("another file"), "\(decoded.warnings)")
    }

    /// Two streams of a chain are no hole; a broadcast that was joined late begins at its beginning.
    @Test func anOggBroadcastBeginsWithItsFirstPage() async throws {
        let bytes = try await Self.encoded("a.ogg", "oggenc", "-Q", "-o", "OUT", "IN")
        let pages = bytes.indices.dropLast(4).filter { bytes[$0...].starts(with: "OggS\0".utf8) }
        let late = try await Decoded.of(Array(bytes[..<pages[2]] + bytes[pages[pages.count / 2]...]), named: "a.ogg")
        #expect(late.summary.gaps.isEmpty && late.seconds > 5 && late.seconds < 15, "\(late.seconds) \(late.warnings)")
    }
}
