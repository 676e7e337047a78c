import AudioInput
import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// Whether a file of an inbox is sound: asked in the process of the service.
@Suite struct SoundProbeTests {
    private static let wave = TestWave(TestAudio.speech(seconds: 1)).bytes

    private func isSound(_ bytes: [UInt8]) async throws -> Bool {
        try await withTemporaryDirectory { folder in
            let path = folder.appending("file")
            try TestAudioFile.write(bytes, to: path)
            let file = try OwnedDescriptor(opening: path, flags: O_RDONLY)
            return AudioFormatSniffer.isSound(file.descriptor)
        }
    }

    @Test func soundIsKnownByItsContent() async throws {
        #expect(try await isSound(Self.wave))
        let mp3 = try await Decoded.encoded(TestWave(TestAudio.speech(seconds: 2)), as: "a.mp3", "lame", ["IN", "OUT"])
        #expect(try await isSound(mp3))
        for head in ["fLaC", "....ftypM4A ", "#!AMR\n", "OggS", "caff"] {
            #expect(try await isSound(Array(head.utf8) + [UInt8](repeating: 0, count: 200)), "\(head)")
        }
    }

    @Test func whatIsNoneIsKnownToo() async throws {
        let others: [[UInt8]] = [
            [], [0], Array("A letter.\n".utf8), Array("<?xml version=\"1.0\"?><a/>".utf8),
            Array("PK\u{3}\u{4}....".utf8),
            [0xFF, 0xD8, 0xFF, 0xE1] + [UInt8](repeating: 0xFF, count: 9_000), Array("RIFF....WEBP".utf8),
            Array(Self.wave.prefix(30)),
        ]
        for bytes in others { #expect(try await !isSound(bytes), "\(bytes.prefix(12))") }
        var random = TestRandom(seed: 4)
        for _ in 0..<20 {
            let noise = (0..<50_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            #expect(try await !isSound(noise))
        }
    }

    /// One that cannot be read is somebody else's to tell of.
    @Test func whatCannotBeReadIsTakenForSound() async throws {
        try await withTemporaryDirectory { folder in
            try TestAudioFile.write(Array("A letter.\n".utf8), to: folder.appending("file"))
            let file = try OwnedDescriptor(opening: folder.appending("file"), flags: O_WRONLY)
            #expect(AudioFormatSniffer.isSound(file.descriptor))
        }
    }

    /// A header that cannot be true must not end the process.
    @Test func damagedHeadersAreLookedAtWithoutHarm() async throws {
        let speech = TestWave(TestAudio.speech(seconds: 2))
        var originals = [Self.wave]
        originals.append(try await Decoded.encoded(speech, as: "a.mp3", "lame", ["IN", "OUT"]))
        originals.append(try await Decoded.encoded(speech, as: "a.flac", "flac", ["-s", "-o", "OUT", "IN"]))
        originals.append(try await Decoded.encoded(speech, as: "a.ogg", "oggenc", ["-Q", "-o", "OUT", "IN"]))
        originals.append(try await Decoded.encoded(speech, as: "a.opus", "opusenc", ["--quiet", "IN", "OUT"]))
        for name in ["a.aiff", "a.caf", "a.w64", "a.m4a", "a.mka", "a.au", "a.aac"] {
            originals.append(try await Decoded.encoded(speech, as: name, "ffmpeg", ["-i", "IN", "OUT"]))
        }
        var random = TestRandom(seed: 11)
        try await withTemporaryDirectory { folder in
            let path = folder.appending("file")
            for original in originals {
                for _ in 0..<250 {
                    var bytes = original
                    for _ in 0..<Int.random(in: 1...12, using: &random) {
                        let place = Int.random(in: 0..<min(bytes.count, 200), using: &random)
                        bytes[place] =
                            [0, 0xFF, 0x7F, 0x80, UInt8.random(in: 0...255, using: &random)]
                            .randomElement(using: &random) ?? 0
                    }
                    if Bool.random(using: &random) {
                        bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
                    }
                    try TestAudioFile.write(bytes, to: path)
                    let file = try OwnedDescriptor(opening: path, flags: O_RDONLY)
                    _ = AudioFormatSniffer.isSound(file.descriptor)
                }
            }
        }
    }
}
