import AudioInput
import CLinux
import Glibc
import SystemPackage
import TestSupport
import Testing
import Transcription

/// A decoder that dies, babbles or is refused things, played by shell scripts.
@Suite struct DecoderDeathTests {
    /// Properties of a WAV of 16 kHz, and a second of samples in two messages, as `printf` takes them.
    private static let beginning =
        #"printf 'P\016\000\000\000wav\n16000\n1\n-\n'; printf 'S\200\076\000\000'; head -c 16000 /dev/zero; "#
        + #"printf 'S\200\076\000\000'; head -c 16000 /dev/zero; "#

    private func decode(script: String) async throws -> (count: Int, summary: DecodeSummary) {
        try await withTemporaryDirectory { folder in
            let program = folder.appending("decoder")
            try TestAudioFile.write(Array("#!/bin/sh\n\(script)\n".utf8), to: program)
            program.withPlatformString { _ = chmod($0, 0o755) }
            let path = folder.appending("talk.wav")
            try TestAudioFile.write(TestWave(TestAudio.tone(seconds: 1)).bytes, to: path)
            let recording = try Recording(opening: path, followingLinks: false)
            let plan = ChunkPlan(chunkSamples: 160_000, maximumChunkSamples: 200_000, expectedChunks: nil)
            return try await DecodingAudioSource(executable: program, ffmpeg: nil)
                .withChunks(of: recording, plan: { _ in plan }) { _, reader in
                    var count = 0
                    while let chunk = try await reader.next() { count += Int(chunk.owned.count) }
                    return (count, reader.summary)
                }
        }
    }

    @Test(arguments: [
        ("kill -SEGV $$", "signal 11"), ("kill -KILL $$", "signal 9"), ("exit 3", "status 3"), ("", "status 0"),
        ("echo hello; exec sleep 1000", "signal 9"),
    ])
    func aDecoderThatDiesCostsOneRecording(_ death: (script: String, reason: String)) async throws {
        let error = await #expect(throws: TranscriptionError.self) { try await decode(script: death.script) }
        #expect(error?.code == .undecodable)
        #expect(error?.message.contains("(\(death.reason)) while reading talk.wav") == true)
    }

    @Test(arguments: ["kill -SEGV $$", "printf nonsense", "printf 'S\\377\\377\\377\\377'"])
    func whatCameBeforeIsKept(death: String) async throws {
        let (count, summary) = try await decode(script: Self.beginning + death)
        #expect(count == 16_000)
        #expect(summary.sampleCount == 16_000)
        #expect(summary.warnings.count == 1)
        #expect(summary.warnings.first?.contains("before the end of the file") == true)
    }

    @Test func ffmpegMayReadTheRecordingAndNoOtherFile() async {
        await #expect(processExitsWith: .success) {
            var limits = clinux_confinement()
            close(0)
            guard open("/etc/hostname", O_RDONLY) == 0 else { exit(2) }
            let status = "/usr/bin/ffmpeg".withCString {
                limits.program = $0
                return clinux_confine(&limits)
            }
            guard status == 0 else { exit(3) }
            guard open("/etc/hostname", O_RDONLY) >= 0, open("/usr/bin/env", O_RDONLY) >= 0 else { exit(4) }
            guard open("/etc/passwd", O_RDONLY) < 0, open("/tmp/x", O_WRONLY | O_CREAT, 0o600) < 0 else { exit(5) }
            guard open("/etc/hostname", O_RDWR) < 0 else { exit(6) }
            exit(0)
        }
    }
}
