import AudioInput
import TestSupport
import Testing
import Transcription

/// A number in a header that cannot be right makes no gap, and cuts nothing off.
@Suite struct FalseLengthTests {
    /// Ten seconds that are silent nowhere.
    private static let sound = TestAudio.noise(seconds: 10, amplitude: 4_000)

    private static func encoded(_ name: String, _ program: String, _ arguments: [String]) async throws -> [UInt8] {
        try await Decoded.encoded(TestWave(sound), as: name, program, arguments)
    }

    private static func byFFmpeg(_ name: String, _ options: String...) async throws -> [UInt8] {
        try await encoded(name, "ffmpeg", ["-v", "error", "-i", "IN"] + options + ["OUT"])
    }

    /// Written to a pipe, where nobody can come back to correct the header.
    private static func piped(_ name: String, _ options: String) async throws -> [UInt8] {
        let ending = name.split(separator: ".").last.map(String.init) ?? ""
        return try await encoded(
            name, "sh", ["-c", #"ffmpeg -v error -i "$0" \#(options) -f \#(ending) - | cat > "$1""#, "IN", "OUT"])
    }

    /// Puts a big-endian number behind a mark.
    private static func set(
        _ bytes: inout [UInt8], behind mark: StaticString, _ offset: Int, _ number: [UInt8]
    ) throws {
        let wanted = mark.withUTF8Buffer { Array($0) }
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: wanted) }) + offset
        bytes.replaceSubrange(place..<(place + number.count), with: number)
    }

    private static func expectWhole(_ bytes: [UInt8], _ name: String, _ comment: String = "") async throws -> Decoded {
        let decoded = try await Decoded.of(bytes, named: name)
        #expect(abs(decoded.seconds - 10) < 0.3, "\(name) \(comment): \(decoded.seconds) s")
        #expect(decoded.summary.gaps.isEmpty, "\(name) \(comment): \(decoded.summary.gaps)")
        return decoded
    }

    @Test(arguments: [
        ("a.avi", "-c:a pcm_s16le"), ("v.avi", "-f lavfi -i testsrc=d=10:s=160x120:r=5 -c:v mpeg4 -c:a pcm_s16le"),
        ("a.rm", "-ar 44100 -c:a ac3"),
    ])
    func aFileThatWasWrittenToAPipeIsWhole(_ name: String, _ options: String) async throws {
        let decoded = try await Self.expectWhole(try await Self.piped(name, options), name)
        #expect(decoded.warnings.isEmpty, "\(decoded.warnings)")
        #expect((decoded.properties.estimatedSampleCount ?? 0) < 3_600 * 16_000)
    }

    /// One byte of one number.
    @Test(
        arguments: [
            ("a.au", ".snd", 8), ("a.w64", "data", 19), ("s.aiff", "COMM", 10), ("s.aiff", "SSND", 4),
            ("a.flac", "fLaC", 22),
            ("a.wav", "data", 7),
        ] as [(String, StaticString, Int)])
    func oneDamagedLengthIsNoGap(_ name: String, _ mark: StaticString, _ offset: Int) async throws {
        var bytes =
            switch name {
            case "s.aiff": try await Self.encoded(name, "sox", ["IN", "OUT"])
            case "a.flac": try await Self.encoded(name, "flac", ["-s", "-o", "OUT", "IN"])
            default: try await Self.byFFmpeg(name)
            }
        try Self.set(&bytes, behind: mark, offset, [0x7F])
        let decoded = try await Self.expectWhole(bytes, name, "\(mark)")
        #expect(decoded.warnings.contains("cannot be right") || name == "s.aiff", "\(name): \(decoded.warnings)")
    }

    /// The play duration of Windows Media, 4 hours more than it is.
    @Test func aDamagedDurationOfWindowsMediaIsNoGap() async throws {
        var bytes = try await Self.byFFmpeg("a.wma")
        let mark: [UInt8] = [0xA1, 0xDC, 0xAB, 0x8C, 0x47, 0xA9, 0xCF, 0x11]
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: mark) })
        bytes[place + 64 + 4] = 0x22
        _ = try await Self.expectWhole(bytes, "a.wma")
    }

    /// What an index says of the whole file is not believed against the table of its samples.
    @Test(
        arguments: [
            ("mvhd", 16, [1, 0, 0, 0]), ("mvhd", 17, [1]), ("mvhd", 20, [1, 0, 0, 0]), ("mvhd", 20, [0x7F]),
            ("tkhd", 24, [1]),
            ("tkhd", 24, [0x7F]), ("elst", 12, [0, 0, 1, 0]), ("elst", 16, [0, 4, 0, 0]), ("elst", 16, [0x7F]),
        ] as [(StaticString, Int, [UInt8])])
    func aDamagedIndexOfAnMP4CutsNothingOff(_ box: StaticString, _ offset: Int, _ number: [UInt8]) async throws {
        for (name, codec) in [("a.m4a", "aac"), ("b.m4a", "alac")] {
            var bytes = try await Self.byFFmpeg(name, "-c:a", codec)
            try Self.set(&bytes, behind: box, offset, number)
            _ = try await Self.expectWhole(bytes, name, "\(box)+\(offset) \(number)")
        }
    }

    /// A list of edits that agrees with the rest is what somebody wanted; that something is left out is told.
    @Test func whatWasCutWithAListOfEditsStaysCut() async throws {
        var bytes = try await Self.byFFmpeg("a.m4a")
        let half: [UInt8] = [0, 0, 0x13, 0x88]  // five seconds of 1000 units
        try Self.set(&bytes, behind: "elst", 12, half)
        try Self.set(&bytes, behind: "tkhd", 24, half)
        try Self.set(&bytes, behind: "mvhd", 20, half)
        let decoded = try await Decoded.of(bytes, named: "a.m4a")
        #expect(abs(decoded.seconds - 5) < 0.3 && decoded.summary.gaps.isEmpty, "\(decoded.seconds)")
        #expect(decoded.warnings.contains("without the rest being taken out"), "\(decoded.warnings)")
    }

    /// Before, what came behind the declared end was left out without a word.
    @Test(arguments: [[0, 0, 0x70, 0x90], [0, 1, 0x10, 0]] as [[UInt8]])
    func aFLACThatDeclaresTooLittleIsHeardToItsEnd(_ total: [UInt8]) async throws {
        var bytes = try await Self.encoded("a.flac", "flac", ["-s", "-o", "OUT", "IN"])
        try Self.set(&bytes, behind: "fLaC", 22, total)
        let decoded = try await Decoded.of(bytes, named: "a.flac")
        #expect(decoded.samples == Self.sound, "\(decoded.seconds)")
        #expect(decoded.warnings.contains("there is sound behind that"), "\(decoded.warnings)")
    }

    /// Of a codec whose last block is cut, and one whose header counts packets.
    @Test(arguments: [("a.wav", "adpcm_ima_wav"), ("m.wav", "adpcm_ms"), ("a.aifc", "adpcm_ima_qt")])
    func whatACutADPCMFileLacksIsReckonedInBlocks(_ name: String, _ codec: String) async throws {
        let bytes = try await Self.byFFmpeg(name, "-c:a", codec, "-f", name == "a.aifc" ? "aiff" : "wav")
        let whole = try await Decoded.of(bytes, named: name)
        let cut = try await Decoded.of(Array(bytes.prefix(bytes.count * 6 / 10)), named: name)
        let gap = try #require(cut.summary.gaps.first, "\(name): \(cut.seconds) \(cut.warnings)")
        #expect(abs(gap.range.end - Int64(whole.samples.count)) < 160, "\(gap.range) of \(whole.samples.count)")
    }

    /// The times of one fragment that are two hours late made two hours of silence, and took the sound behind them away.
    @Test(arguments: [115_200_000, -48_000])
    func aWrongTimeOfAFragmentMakesNoSilence(_ error: Int) async throws {
        var bytes = try await Self.byFFmpeg(
            "a.mp4", "-movflags", "+dash+frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "1000000")
        let marks = bytes.indices.dropLast(4).filter { bytes[$0...].starts(with: "tfdt".utf8) }
        try #require(marks.count > 6)
        let place = marks[5] + 8
        let time = bytes[place..<(place + 8)].reduce(0) { $0 << 8 | Int($1) } + error
        for i in 0..<8 { bytes[place + i] = UInt8(truncatingIfNeeded: time >> (8 * (7 - i))) }
        let decoded = try await Self.expectWhole(bytes, "a.mp4", "\(error)")
        // ffmpeg does not believe those that go back itself.
        #expect(error < 0 || decoded.warnings.contains("The times in the file jump at"), "\(decoded.warnings)")
    }

    /// Decoders believe the very first frame.
    @Test func aWrongRateInTheFirstFrameIsThatOfNoOther() async throws {
        var bytes = try await Self.byFFmpeg("a.aac")
        bytes[2] &= 0xC3  // 96 kHz
        let decoded = try await Self.expectWhole(bytes, "a.aac")
        #expect(decoded.properties.sampleRate == 16_000)
        #expect(decoded.warnings.contains("first piece"), "\(decoded.warnings)")
    }

    /// Another number of channels from here on is no hole: the sound goes on.
    @Test func aChangeOfChannelsIsNoSilence() async throws {
        let mono = try await Self.byFFmpeg("a.ts", "-c:a", "aac", "-ar", "44100", "-ac", "1")
        let stereo = try await Self.byFFmpeg("a.ts", "-c:a", "aac", "-ar", "44100", "-ac", "2")
        let decoded = try await Decoded.of(mono + stereo, named: "a.ts")
        #expect(abs(decoded.seconds - 20) < 1 && decoded.summary.gaps.isEmpty, "\(decoded.seconds) \(decoded.summary)")
    }
}
