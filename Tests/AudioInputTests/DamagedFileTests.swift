import AudioInput
import SystemPackage
import TestSupport
import Testing
import Transcription

@Suite struct DamagedFileTests {
    private static let speech = TestAudio.speech(seconds: 8)

    private func mp3(_ arguments: [String] = ["-b", "64"]) async throws -> [UInt8] {
        try await Decoded.encoded(TestWave(Self.speech), as: "a.mp3", "lame", ["--quiet"] + arguments + ["IN", "OUT"])
    }

    private func noise(_ count: Int, below limit: UInt8 = 255) -> [UInt8] {
        var random = TestRandom(seed: 7)
        return (0..<count).map { _ in UInt8(random.next() >> 56) % limit }
    }

    // MARK: WAV

    @Test(arguments: [UInt32(0), 0xFFFF_FFFF, 0x7FFF_FFFF])
    func aHeaderThatWasNeverFinishedMeansToTheEnd(size: UInt32) async throws {
        var wave = TestWave(Self.speech)
        wave.declaredDataBytes = size
        wave.declaredRIFFBytes = size
        let decoded = try await Decoded.of(wave.bytes, named: "a.wav")
        #expect(decoded.samples == Self.speech)
        #expect(decoded.summary.warnings.isEmpty)
    }

    @Test func aTruncatedWaveIsTranscribedWithAWarning() async throws {
        let bytes = TestWave(Self.speech).bytes
        let decoded = try await Decoded.of(Array(bytes.prefix(44 + 5 * 32_000 + 1)), named: "a.wav")
        #expect(decoded.samples == Array(Self.speech.prefix(80_000)))
        #expect(
            decoded.warnings
                == "The file ends after 00:00:05 although its header declares 00:00:08; "
                + "what was there has been transcribed.")
        let gap = try #require(decoded.summary.gaps.first)
        #expect(gap.range.start == 80_000 && abs(gap.range.end - 128_000) <= 1 && gap.cause == .damage)
    }

    @Test func oddChunksWithAndWithoutPaddingArePassedOver() async throws {
        for padding in [[UInt8(0)], []] {
            var wave = TestWave(Self.speech)
            wave.before = Array("junk".utf8) + [7, 0, 0, 0] + Array("1234567".utf8) + padding
            let decoded = try await Decoded.of(wave.bytes, named: "a.wav")
            #expect(decoded.samples == Self.speech)
        }
    }

    @Test func impossibleHeadersAreRefused() async throws {
        var noRate = TestWave(Self.speech)
        noRate.rate = 0
        #expect(try await refusal(noRate.bytes, named: "a.wav").message.contains("sample rate of 0 Hz"))
        var manyChannels = TestWave(Self.speech)
        manyChannels.channels = 65_535
        #expect(try await refusal(manyChannels.bytes, named: "a.wav").message.contains("65535 channels"))
        #expect(try await refusal(TestWave([]).bytes, named: "a.wav").message.contains("holds no audio"))
        #expect(try await refusal(Array(TestWave([]).bytes.prefix(20)), named: "a.wav").code == .notARecording)
    }

    // MARK: MPEG audio

    /// Without a header that declares a length nothing else tells of a copy that was given up.
    @Test func anMP3ThatEndsWithinAFrameIsToldOf() async throws {
        let whole = try await mp3(["-b", "64", "-t"])
        let complete = try await Decoded.of(whole, named: "a.mp3")
        #expect(complete.warnings.isEmpty)
        let cut = try await Decoded.of(Array(whole.prefix(whole.count / 2 + 57)), named: "a.mp3")
        #expect(cut.warnings.contains("the rest of it may be missing"), "\(cut.warnings)")
    }

    @Test func garbageInTheMiddleIsSkipped() async throws {
        var bytes = try await mp3()
        bytes.insert(contentsOf: noise(200_000), at: bytes.count / 2)
        let decoded = try await Decoded.of(bytes, named: "a.mp3")
        #expect(abs(decoded.seconds - 8) < 0.5)
        #expect(decoded.warnings.contains("were skipped"))
    }

    @Test func aTagWithAPictureAndJunkInFrontAreSkipped() async throws {
        let audio = try await mp3()
        // False sync words inside a tag of 600 kB.
        let picture: [UInt8] = (0..<600_000).map { [0xFF, 0xFB, 0x90][$0 % 3] }
        let size = picture.count
        let length: [UInt8] = [21, 14, 7, 0].map { UInt8(truncatingIfNeeded: size >> $0 & 0x7F) }
        let tag: [UInt8] = Array("ID3".utf8) + [3, 0, 0] + length + picture
        for front in [tag, tag + tag, noise(100_000, below: 0xFE)] {
            let decoded = try await Decoded.of(front + audio, named: "a.mp3")
            #expect(abs(decoded.seconds - 8) < 0.1)
            #expect(decoded.properties.format == "mp3")
        }
    }

    @Test func partsOfDifferentRatesFollowEachOther() async throws {
        let first = try await mp3(["-b", "64"])
        let second = try await mp3(["-b", "32", "--resample", "22.05"])
        let decoded = try await Decoded.of(first + second + first, named: "a.mp3")
        #expect(abs(decoded.seconds - 24) < 0.5)
    }

    @Test func whatAContainerLacksAtItsEndIsOneGap() async throws {
        let bytes = try await Decoded.encoded(
            TestWave(Self.speech), as: "a.mka", "ffmpeg", ["-v", "error", "-i", "IN", "-c:a", "pcm_s16le", "OUT"])
        let decoded = try await Decoded.of(Array(bytes.prefix(bytes.count / 2)), named: "a.mka")
        #expect(decoded.summary.gaps.count == 1)
        #expect(decoded.summary.gaps.first.map { abs($0.range.start - 64_000) < 16_000 } == true)
        #expect(decoded.summary.gaps.first.map { abs($0.range.end - 128_000) < 100 } == true)
    }

    @Test func aTruncatedVBRFileIsTranscribedWithAWarning() async throws {
        let bytes = try await mp3(["-V", "4"])
        let decoded = try await Decoded.of(Array(bytes.prefix(bytes.count / 2)), named: "a.mp3")
        #expect((3.0...5.0).contains(decoded.seconds))
        #expect(decoded.warnings.contains("although its header declares 00:00:08"))
    }

    @Test func aTagAloneIsNoRecording() async throws {
        let tag = Array("ID3".utf8) + [3, 0, 0, 0, 0, 0, 10] + [UInt8](repeating: 0, count: 10)
        #expect(try await refusal(tag, named: "a.mp3").message.contains("only a tag"))
    }

    // MARK: FLAC and Ogg

    @Test func aDamagedFLACFrameBecomesSilenceAndTheRestStaysInPlace() async throws {
        var bytes = try await Decoded.encoded(TestWave(Self.speech), as: "a.flac", "flac", ["-s", "-o", "OUT", "IN"])
        for i in (bytes.count / 2)..<(bytes.count / 2 + 300) { bytes[i] ^= 0x5A }
        let decoded = try await Decoded.of(bytes, named: "a.flac")
        #expect(decoded.samples.count == Self.speech.count)
        #expect(decoded.samples.suffix(48_000) == Self.speech.suffix(48_000))
        #expect(decoded.warnings.contains("count as silence"))
        // A frame is a quarter of a second: nothing that a reader would miss.
        #expect(decoded.summary.gaps.isEmpty)
    }

    @Test func damageOfSecondsIsAGapWhereItIs() async throws {
        var bytes = try await Decoded.encoded(TestWave(Self.speech), as: "a.flac", "flac", ["-s", "-o", "OUT", "IN"])
        for i in (bytes.count / 4)..<(bytes.count * 3 / 4) { bytes[i] ^= 0x5A }
        let decoded = try await Decoded.of(bytes, named: "a.flac")
        #expect(decoded.samples.count == Self.speech.count)
        let gap = try #require(decoded.summary.gaps.first)
        #expect(gap.cause == .damage && gap.range.count > 2 * 16_000)
        #expect(decoded.samples[Int(gap.range.start)..<Int(gap.range.end)].allSatisfy { $0 == 0 })
    }

    @Test func aTruncatedFLACIsTranscribedWithAWarning() async throws {
        let bytes = try await Decoded.encoded(TestWave(Self.speech), as: "a.flac", "flac", ["-s", "-o", "OUT", "IN"])
        let decoded = try await Decoded.of(Array(bytes.prefix(bytes.count / 2)), named: "a.flac")
        #expect((2.0...6.0).contains(decoded.seconds))
        #expect(decoded.warnings.contains("although its header declares 00:00:08"))
    }

    /// Recorders and radio streams begin a new stream with each title or pause.
    @Test func aChainOfManyStreamsIsDecodedToItsEnd() async throws {
        let wave = TestWave(TestAudio.tone(seconds: 0.1))
        let one = try await Decoded.encoded(wave, as: "a.ogg", "oggenc", ["-Q", "-o", "OUT", "IN"])
        let decoded = try await Decoded.of([[UInt8]](repeating: one, count: 1_100).flatMap { $0 }, named: "a.ogg")
        #expect(decoded.samples.count == 1_760_000)
        #expect(decoded.properties.estimatedSampleCount == 1_760_000)
        #expect(decoded.summary.warnings.isEmpty)
    }

    @Test func chainedAndTruncatedOggIsDecoded() async throws {
        let bytes = try await Decoded.encoded(TestWave(Self.speech), as: "a.ogg", "oggenc", ["-Q", "-o", "OUT", "IN"])
        let chained = try await Decoded.of(bytes + bytes, named: "a.ogg")
        #expect(abs(chained.seconds - 16) < 0.1)
        let half = try await Decoded.of(Array(bytes.prefix(bytes.count * 2 / 3)), named: "a.ogg")
        #expect(half.seconds > 2)
        #expect(half.warnings.contains("end marker"))
    }

    // MARK: What is no recording

    @Test(arguments: [
        ("page.wav", "<!DOCTYPE html><html><body>404</body></html>", "an HTML page"),
        ("notes.mp3", "these are only words\nand more of them\n", "plain text"),
        ("letter.wav", "%PDF-1.7 and so on", "a PDF document"),
    ])
    func otherFilesAreCalledByTheirName(_ file: (name: String, content: String, kind: String)) async throws {
        let error = try await refusal(Array(file.content.utf8), named: file.name)
        #expect(error.code == .notARecording)
        #expect(error.message.contains(file.kind))
    }

    @Test func emptyAndRandomFilesAreRefused() async throws {
        #expect(try await refusal([], named: "a.wav").message == "a.wav is empty (0 bytes).")
        #expect(try await refusal(noise(300_000), named: "a.mp3").code == .notARecording)
    }

    @Test func aFileCutBeforeItsIndexIsRefusedInPlainWords() async throws {
        let bytes = try await Decoded.encoded(
            TestWave(Self.speech), as: "a.m4a", "ffmpeg", ["-v", "error", "-i", "IN", "-c:a", "aac", "OUT"])
        let error = try await refusal(Array(bytes.prefix(bytes.count / 2)), named: "a.m4a")
        #expect(error.code == .undecodable)
        #expect(
            error.message
                == "a.m4a is MPEG-4 audio (m4a), but damaged: its index is missing, so it was not recorded or "
                + "copied to its end.")
    }

    /// libsndfile says "Internal error : SF_INFO struct incomplete" and the like.
    @Test func aHeaderThatTheLibraryRefusesIsToldInPlainWords() async throws {
        let header = "NIST_1A\n   1024\nsample_count -i 100\nsample_n_bytes -i 2\nchannel_count -i 0\nend_head\n"
        let file = Array(header.utf8) + [UInt8](repeating: 0, count: 4_000)
        #expect(
            try await refusal(file, named: "a.sph").message
                == "a.sph cannot be decoded: its header is damaged, or the sound "
                + "is stored in a way that cannot be read here.")
    }

    /// What ffmpeg sends of it is a header that no recording has.
    @Test func aRateThatCannotBeIsToldInPlainWords() async throws {
        let bytes = try await Decoded.encoded(
            TestWave(Self.speech), as: "a.mka", "ffmpeg",
            ["-v", "error", "-i", "IN", "-ar", "500", "-c:a", "pcm_s16le", "OUT"])
        let error = try await refusal(bytes, named: "a.mka")
        #expect(error.message == "a.mka has a damaged header: it declares 1 channels at 500 Hz.")
    }

    /// Whatever bytes: samples or an error that names the file, never a hang or a crash of this process.
    @Test func scrambledFilesDoNoHarm() async throws {
        let speech = TestAudio.speech(seconds: 2)
        var seeds: [(String, [UInt8])] = [("a.wav", TestWave(speech).bytes)]
        seeds.append(
            ("a.flac", try await Decoded.encoded(TestWave(speech), as: "a.flac", "flac", ["-s", "-o", "OUT", "IN"])))
        seeds.append(
            ("a.mp3", try await Decoded.encoded(TestWave(speech), as: "a.mp3", "lame", ["--quiet", "IN", "OUT"])))
        seeds.append(
            ("a.ogg", try await Decoded.encoded(TestWave(speech), as: "a.ogg", "oggenc", ["-Q", "-o", "OUT", "IN"])))
        seeds.append(
            ("a.opus", try await Decoded.encoded(TestWave(speech), as: "a.opus", "opusenc", ["--quiet", "IN", "OUT"])))
        var random = TestRandom(seed: 42)
        for (name, seed) in seeds {
            for round in 0..<6 {
                var bytes = seed
                for _ in 0..<(1 << round) {
                    let place = Int(random.next() >> 33) % (round % 2 == 0 ? min(200, bytes.count) : bytes.count)
                    bytes[place] = UInt8(random.next() >> 56)
                }
                do {
                    _ = try await Decoded.of(bytes, named: name, ffmpeg: nil)
                } catch let error as TranscriptionError {
                    #expect(error.message.contains(name))
                }
            }
        }
    }
}
