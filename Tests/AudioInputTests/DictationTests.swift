import AudioInput
import TestSupport
import Testing
import Transcription

/// Dictation machines, and sound without a header from telephone systems.
@Suite struct DictationTests {
    private static let speech = TestWave(TestAudio.speech(seconds: 6))

    private static func noise(_ count: Int, seed: UInt64 = 9) -> [UInt8] {
        var random = TestRandom(seed: seed)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next() >> 40) }
    }

    @Test(arguments: [2, 3] as [UInt8]) func dssIsDecoded(version: UInt8) async throws {
        // A header of as many blocks as the first number says, then blocks of 512 bytes.
        var bytes = [version] + Array("dss".utf8) + [UInt8](repeating: 0, count: Int(version) * 512 - 4)
        bytes.replaceSubrange(38..<62, with: "240101120000240101120100".utf8)
        for block in 0..<40 {
            bytes += [0, 0, 14, 0, 0, 0] + Self.noise(506, seed: UInt64(block))
        }
        let decoded = try await Decoded.of(bytes, named: "dictation.dss")
        #expect(decoded.properties.format == "dss")
        #expect(decoded.seconds > 8)
    }

    @Test(arguments: [
        ("\u{3}ds2", "DS2 dictation"), ("\u{7}ds2", "DS2 dictation"), ("\u{8}ds2", "DS2 dictation"),
        ("\u{1}ds2", "DS2 dictation"), ("\u{3}enc", "encrypted"), ("\u{6}dss", "Grundig writes 6"),
    ])
    func whatCannotBeDecodedIsToldWithWhatToDo(_ row: (head: String, words: String)) async throws {
        let error = try await refusal(
            Array(row.head.utf8) + [UInt8](repeating: 0, count: 2_048) + Self.noise(20_000), named: "memo.ds2")
        #expect(error.code == .unsupportedFormat)
        #expect(error.message.contains(row.words), "\(error.message)")
        #expect(error.message.contains("save") && error.message.contains("WAV or MP3"))
    }

    private static let raw: [(name: String, format: String, seconds: Double, arguments: [String])] = [
        ("a.ulaw", "mulaw", 6, ["-ar", "8000", "-f", "mulaw"]),
        ("a.MULAW", "mulaw", 6, ["-ar", "8000", "-f", "mulaw"]),
        ("a.alaw", "alaw", 6, ["-ar", "8000", "-f", "alaw"]), ("a.sln", "sln", 6, ["-ar", "8000", "-f", "s16le"]),
        ("a.sln16", "sln", 6, ["-ar", "16000", "-f", "s16le"]), ("a.raw", "sln", 6, ["-ar", "8000", "-f", "s16le"]),
        ("b.raw", "mulaw", 6, ["-ar", "8000", "-f", "mulaw"]), ("c.raw", "alaw", 6, ["-ar", "8000", "-f", "alaw"]),
        ("a.g722", "g722", 6, ["-ar", "16000", "-c:a", "g722", "-f", "g722"]),
    ]

    @Test(arguments: raw.indices) func soundWithoutAHeaderIsKnownByItsName(row: Int) async throws {
        let row = Self.raw[row]
        let bytes = try await Decoded.encoded(
            Self.speech, as: "x", "ffmpeg", ["-v", "error", "-i", "IN"] + row.arguments + ["OUT"])
        let decoded = try await Decoded.of(bytes, named: row.name)
        #expect(decoded.properties.format == row.format)
        #expect(abs(decoded.seconds - row.seconds) < 0.05)
        #expect(
            decoded.summary.warnings.count == 1 && decoded.warnings.contains("has no header"), "\(decoded.warnings)")
        // The syllables are there.
        let loud = decoded.samples.count { abs(Int($0)) > 3_000 }
        #expect(loud > decoded.samples.count / 4)
        // Without such a name it is nothing.
        let error = try await refusal(bytes, named: "a.dat")
        #expect(error.code == .notARecording)
    }

    @Test func gsmIsKnownByItsName() async throws {
        let bytes = try await Decoded.encoded(
            Self.speech, as: "a.gsm", "sox", ["IN", "-r", "8000", "-t", "gsm", "OUT"])
        let decoded = try await Decoded.of(bytes, named: "a.gsm")
        #expect(decoded.properties.format == "gsm")
        #expect(abs(decoded.seconds - 6) < 0.1)
    }

    /// What has a header is known by that, whatever it is called.
    @Test func aNameChangesNothingWhereTheContentSpeaks() async throws {
        let decoded = try await Decoded.of(Self.speech.bytes, named: "a.raw")
        #expect(decoded.properties.format == "wav" && decoded.summary.warnings.isEmpty)
        #expect(decoded.samples == Self.speech.samples)
    }

    @Test(arguments: ["raw", "ulaw", "alaw", "sln", "g722", "gsm"])
    func whatIsNoSoundIsRefused(fileExtension: String) async throws {
        let picture = (0..<60_000).map { UInt8(truncatingIfNeeded: 128 + $0 / 1_000 + $0 % 3) }
        for (what, bytes) in [
            ("text", Array(String(repeating: "The quick brown fox jumps over it.\n", count: 500).utf8)),
            ("archive", Array("PK\u{3}\u{4}".utf8) + Self.noise(30_000)), ("random", Self.noise(30_000)),
            ("photo", Array("II*\0".utf8) + Self.noise(30_000)),
            ("jpeg", [0xFF, 0xD8, 0xFF, 0xE0] + Self.noise(30_000)),
            ("pixels", picture), ("zeros", [UInt8](repeating: 0, count: 30_000)), ("short", [1, 2, 3, 200, 7]),
        ] {
            let error = try await refusal(bytes, named: "a.\(fileExtension)")
            #expect(error.code == .notARecording, "\(what): \(error.message)")
        }
    }
}
