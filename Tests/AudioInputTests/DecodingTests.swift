import AudioInput
import SystemPackage
import TestSupport
import Testing
import Transcription

@Suite struct DecodingTests {
    private static let speech = TestAudio.speech(seconds: 12)

    @Test func samplesAtOurRateComeThroughUnchanged() async throws {
        let decoded = try await Decoded.of(TestWave(Self.speech).bytes, named: "a.wav")
        #expect(decoded.samples == Self.speech)
        #expect(
            decoded.properties
                == AudioProperties(
                    format: "wav", sampleRate: 16_000, channels: 1, estimatedSampleCount: Int64(Self.speech.count),
                    declaredSampleCount: Int64(Self.speech.count)))
        #expect(decoded.summary.warnings.isEmpty)
    }

    @Test func theSameSoundAsFLACGivesTheSameSamples() async throws {
        let stereo = TestWave(
            TestAudio.tone(seconds: 6, frequency: 300, rate: 44_100)
                + TestAudio.tone(seconds: 6, frequency: 1_250, rate: 44_100), channels: 2, rate: 44_100)
        let flac = try await Decoded.encoded(stereo, as: "a.flac", "flac", ["-s", "-o", "OUT", "IN"])
        let fromWave = try await Decoded.of(stereo.bytes, named: "a.wav")
        let fromFLAC = try await Decoded.of(flac, named: "a.flac")
        #expect(fromWave.samples == fromFLAC.samples)
        #expect(fromWave.samples.count == 96_000)
        #expect(fromFLAC.properties.format == "flac")
    }

    @Test(arguments: [8_000, 11_025, 22_050, 44_100, 48_000, 96_000])
    func anyRateKeepsItsLength(rate: Int) async throws {
        let wave = TestWave(TestAudio.tone(seconds: 3, rate: rate), rate: rate)
        let decoded = try await Decoded.of(wave.bytes, named: "a.wav")
        #expect(abs(decoded.samples.count - 48_000) <= 1)
        #expect(decoded.properties.sampleRate == rate)
    }

    @Test(arguments: [
        ("a.mp3", "mp3", "lame", ["--quiet", "-b", "64", "IN", "OUT"]),
        ("b.mp3", "mp3", "lame", ["--quiet", "-V", "4", "IN", "OUT"]),
        ("c.mp3", "mp3", "lame", ["--quiet", "-V", "4", "-t", "IN", "OUT"]),
        ("a.mp2", "mp2", "ffmpeg", ["-v", "error", "-i", "IN", "-ar", "44100", "-c:a", "mp2", "OUT"]),
        ("a.ogg", "ogg vorbis", "oggenc", ["-Q", "-o", "OUT", "IN"]),
        ("a.opus", "opus", "opusenc", ["--quiet", "IN", "OUT"]),
        ("a.aiff", "aiff", "sox", ["IN", "OUT"]),
        ("a.au", "au", "sox", ["IN", "OUT"]),
        ("a.caf", "caf", "ffmpeg", ["-v", "error", "-i", "IN", "-c:a", "pcm_s16be", "OUT"]),
        ("a.w64", "w64", "ffmpeg", ["-v", "error", "-i", "IN", "OUT"]),
        ("rf64.wav", "wav", "ffmpeg", ["-v", "error", "-i", "IN", "-rf64", "always", "OUT"]),
        ("adpcm.wav", "wav", "ffmpeg", ["-v", "error", "-i", "IN", "-c:a", "adpcm_ms", "OUT"]),
        ("alaw.wav", "wav", "ffmpeg", ["-v", "error", "-i", "IN", "-c:a", "pcm_alaw", "OUT"]),
        ("float.wav", "wav", "ffmpeg", ["-v", "error", "-i", "IN", "-c:a", "pcm_f64le", "OUT"]),
        ("mp3.wav", "wav (mp3)", "ffmpeg", ["-v", "error", "-i", "IN", "-ar", "44100", "-c:a", "libmp3lame", "OUT"]),
        ("a.m4a", "m4a", "ffmpeg", ["-v", "error", "-i", "IN", "-c:a", "aac", "OUT"]),
        ("a.aac", "aac", "ffmpeg", ["-v", "error", "-i", "IN", "-c:a", "aac", "OUT"]),
        ("a.wma", "wma", "ffmpeg", ["-v", "error", "-i", "IN", "-c:a", "wmav2", "OUT"]),
        ("a.webm", "webm", "ffmpeg", ["-v", "error", "-i", "IN", "-c:a", "libopus", "OUT"]),
        ("a.ac3", "ac3", "ffmpeg", ["-v", "error", "-i", "IN", "-ar", "48000", "-c:a", "ac3", "OUT"]),
        ("a.oga", "ogg", "ffmpeg", ["-v", "error", "-i", "IN", "-c:a", "flac", "OUT"]),
    ])
    func everyFormatIsKnownByItsContent(_ file: (name: String, format: String, program: String, arguments: [String]))
        async throws
    {
        let bytes = try await Decoded.encoded(TestWave(Self.speech), as: file.name, file.program, file.arguments)
        let decoded = try await Decoded.of(bytes, named: "misleading.txt")
        #expect(decoded.properties.format == file.format)
        #expect(abs(decoded.seconds - 12) < 0.1)
        let estimate = try #require(decoded.properties.estimatedSampleCount)
        #expect(abs(SampleClock.seconds(estimate) - 12) < 1.5)
        #expect(decoded.summary.warnings.isEmpty)
        // The pauses are still where they were: what was decoded is this recording.
        let pause = try #require(
            (48_000..<64_000).first { Self.speech[$0..<$0 + 4_000].allSatisfy { abs(Int($0)) <= 12 } })
        let quiet = decoded.samples[(pause + 3_000)..<(pause + 4_000)].map { abs(Int($0)) }.max() ?? 0
        let loud = decoded.samples[16_000..<32_000].map { abs(Int($0)) }.max() ?? 0
        #expect(quiet * 4 < loud)
    }

    @Test func whatNeedsFFmpegSaysSoWithoutIt() async throws {
        let bytes = try await Decoded.encoded(
            TestWave(Self.speech), as: "a.m4a", "ffmpeg", ["-v", "error", "-i", "IN", "-c:a", "aac", "OUT"])
        let error = try await refusal(bytes, named: "memo.m4a", ffmpeg: nil)
        #expect(error.code == .unsupportedFormat)
        #expect(error.message.contains("MPEG-4 audio (m4a)") && error.message.contains("install"))
    }

    @Test func oppositeChannelsDoNotCancelEachOtherOut() async throws {
        let left = TestAudio.speech(seconds: 4)
        let wave = TestWave(left.flatMap { [$0, $0 == .min ? .max : -$0] }, channels: 2)
        let decoded = try await Decoded.of(wave.bytes, named: "a.wav")
        #expect(decoded.samples == left)
        #expect(decoded.warnings.contains("cancel each other out"))
        let mp3 = try await Decoded.encoded(wave, as: "a.mp3", "lame", ["--quiet", "-b", "128", "IN", "OUT"])
        let fromMP3 = try await Decoded.of(mp3, named: "a.mp3")
        #expect(fromMP3.samples.map { abs(Int($0)) }.max() ?? 0 > 4_000)
        #expect(fromMP3.warnings.contains("cancel each other out"))
    }

    /// A lapel microphone is often on one side only, and as often on the right one.
    @Test(arguments: [0, 1]) func aVoiceOnOneSideIsHeard(side: Int) async throws {
        let voice = TestAudio.speech(seconds: 3)
        let wave = TestWave(voice.flatMap { side == 0 ? [$0, 0] : [0, $0] }, channels: 2)
        let decoded = try await Decoded.of(wave.bytes, named: "a.wav")
        let loudest = voice.map { abs(Int($0)) }.max() ?? 0
        #expect(decoded.samples.map { abs(Int($0)) }.max() ?? 0 >= loudest * 45 / 100)
    }

    @Test func oneVoiceAmongManyChannelsKeepsItsLoudness() async throws {
        let voice = TestAudio.tone(seconds: 3)
        let wave = TestWave(voice.flatMap { [0, 0, 0, 0, 0, 0, 0, $0] }, channels: 8)
        let decoded = try await Decoded.of(wave.bytes, named: "a.wav")
        #expect(decoded.samples == voice)
        #expect(decoded.properties.channels == 8)
    }

    @Test func chunksComeWhileTheRestIsStillDecoded() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder.appending("long.wav")
            try TestAudioFile.write(TestWave(TestAudio.speech(seconds: 120)).bytes, to: path)
            let source = DecodingAudioSource(executable: Decoded.executable, ffmpeg: nil, logger: Decoded.logger)
            let plan = ChunkPlan(chunkSamples: 80_000, maximumChunkSamples: 120_000, expectedChunks: nil)
            let recording = try Recording(opening: path, followingLinks: false)
            // Leaves after the first chunk: must end, and end the decoder.
            let first = try await source.withChunks(of: recording, plan: { _ in plan }) { _, reader in
                try await reader.next()
            }
            #expect(first?.index == 0)
        }
    }

    @Test func errorsOfThePlanAndOfTheTakerComeOut() async throws {
        struct Stop: Error {}
        try await withTemporaryDirectory { folder in
            let path = folder.appending("a.wav")
            try TestAudioFile.write(TestWave(Self.speech).bytes, to: path)
            let recording = try Recording(opening: path, followingLinks: false)
            let source = DecodingAudioSource(executable: Decoded.executable, ffmpeg: nil, logger: Decoded.logger)
            let plan = ChunkPlan(chunkSamples: 80_000, maximumChunkSamples: 120_000, expectedChunks: nil)
            await #expect(throws: Stop.self) {
                try await source.withChunks(of: recording, plan: { _ in throw Stop() }) { _, _ in }
            }
            await #expect(throws: Stop.self) {
                try await source.withChunks(of: recording, plan: { _ in plan }) { _, _ in throw Stop() }
            }
        }
    }

    @Test func cancellingEndsTheDecoder() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder.appending("a.wav")
            try TestAudioFile.write(TestWave(TestAudio.speech(seconds: 60)).bytes, to: path)
            let recording = try Recording(opening: path, followingLinks: false)
            await withTaskGroup(of: Void.self) { group in
                let (started, signal) = AsyncStream.makeStream(of: Void.self)
                group.addTask {
                    let source = DecodingAudioSource(
                        executable: Decoded.executable, ffmpeg: nil, logger: Decoded.logger)
                    let plan = ChunkPlan(chunkSamples: 80_000, maximumChunkSamples: 120_000, expectedChunks: nil)
                    await #expect(throws: CancellationError.self) {
                        try await source.withChunks(of: recording, plan: { _ in plan }) { _, reader in
                            _ = try await reader.next()
                            signal.finish()
                            // Held up until the cancellation comes.
                            try await Task.sleep(for: .seconds(600))
                        }
                    }
                }
                for await _ in started {}
                group.cancelAll()
            }
        }
    }

    /// A container's length is that of its longest track.
    @Test func picturesThatOutlastTheSoundAreNoDamage() async throws {
        let bytes = try await Decoded.encoded(
            TestWave(Self.speech), as: "a.mp4", "ffmpeg",
            [
                "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x64:r=5:d=20", "-i", "IN", "-c:v", "mpeg4", "-c:a",
                "aac",
                "OUT",
            ])
        let decoded = try await Decoded.of(bytes, named: "a.mp4")
        #expect(decoded.summary.gaps.isEmpty && decoded.summary.warnings.isEmpty, "\(decoded.summary)")
    }

    /// A recorder that was paused, a network that lost packets: the times behind the hole stay right.
    @Test func aHoleBetweenPacketsIsSilence() async throws {
        let bytes = try await Decoded.encoded(
            TestWave(Self.speech), as: "a.mka", "ffmpeg",
            ["-v", "error", "-i", "IN", "-af", "aselect='lt(t,3)+gte(t,8)'", "-c:a", "pcm_s16le", "OUT"])
        let decoded = try await Decoded.of(bytes, named: "a.mka")
        #expect(decoded.summary.gaps.isEmpty && decoded.summary.warnings.isEmpty, "\(decoded.summary)")
        #expect(abs(decoded.samples.count - Self.speech.count) < 100)
        #expect(decoded.samples.suffix(48_000).elementsEqual(Self.speech.suffix(48_000)))
    }
}
