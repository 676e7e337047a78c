import AudioInput
import TestSupport
import Testing
import Transcription

/// Recordings that are pieces of others: taken from the middle of a stream, or joined without their headers.
@Suite struct StreamPieceTests {
    private static func encoded(_ name: String, _ arguments: [String]) async throws -> [UInt8] {
        try await Decoded.encoded(
            TestWave(TestAudio.noise(seconds: 10, amplitude: 4_000)), as: name, "ffmpeg",
            ["-v", "error", "-i", "IN"] + arguments + ["OUT"])
    }

    @Test(arguments: [("a.aac", 300, 0.2), ("a.ts", 100, 0.6)])
    func whatBeginsInTheMiddleOfAFrameIsHeard(_ name: String, _ missing: Int, _ lost: Double) async throws {
        let bytes = Array(try await Self.encoded(name, ["-c:a", "aac"])[missing...])
        let decoded = try await Decoded.of(bytes, named: name)
        #expect(abs(decoded.seconds - 10) < lost, "\(decoded.seconds)")
    }

    /// Behind the last frame ffmpeg tells a time that is none. At this length the place of it in seconds is a hair less than
    /// that of the end in samples.
    @Test(arguments: [("a.ac3", "ac3"), ("a.eac3", "eac3")])
    func soundWithoutAContainerHasNoJumps(_ name: String, _ codec: String) async throws {
        let sound = TestWave(Array(TestAudio.noise(seconds: 19, amplitude: 4_000)[..<293_760]))
        let bytes = try await Decoded.encoded(
            sound, as: name, "ffmpeg", ["-v", "error", "-i", "IN", "-ar", "48000", "-c:a", codec, "OUT"])
        let decoded = try await Decoded.of(bytes, named: name)
        #expect(abs(decoded.seconds - 18.36) < 0.2, "\(decoded.seconds)")
    }

    /// As `ffmpeg -f concat -c copy` does it: the numbers of the frames begin again, and the header tells the first length.
    @Test func joinedFLACFramesAreAllHeard() async throws {
        let bytes = try await Self.encoded("a.flac", ["-c:a", "flac"])
        var end = 4
        var isLast = false
        while !isLast {
            isLast = bytes[end] & 0x80 != 0
            end += 4 + Int(bytes[end + 1]) << 16 + Int(bytes[end + 2]) << 8 + Int(bytes[end + 3])
        }
        let decoded = try await Decoded.of(bytes + bytes[end...], named: "a.flac")
        #expect(abs(decoded.seconds - 20) < 0.05, "\(decoded.seconds)")
        #expect(decoded.summary.gaps.isEmpty)
    }

    /// Only the last page is left behind the damage, and it ends before its packets do.
    @Test(arguments: [("a.opus", "libopus"), ("a.ogg", "libvorbis")])
    func damageUpToTheLastPageIsAGap(_ name: String, _ codec: String) async throws {
        var bytes = try await Self.encoded(name, ["-c:a", codec])
        let last = try #require(bytes.indices.last { bytes[$0...].starts(with: Array("OggS".utf8)) })
        for i in (bytes.count / 2)..<last { bytes[i] = 0 }
        let decoded = try await Decoded.of(bytes, named: name)
        #expect(abs(decoded.seconds - 10) < 0.1, "\(decoded.seconds)")
        let gap = try #require(decoded.summary.gaps.first)
        #expect(gap.cause == .damage && SampleClock.seconds(gap.range.start) < 6 && gap.range.count > 3 * 16_000)
    }
}
