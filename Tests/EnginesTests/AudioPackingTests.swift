import Engines
import SystemPackage
import TestSupport
import Testing

@Suite struct AudioPackingTests {
    @Test(arguments: [1, 15, 4096, 100_000]) func flacGivesTheSamplesBack(_ count: Int) throws {
        let samples = (0..<count).map { Int16(truncatingIfNeeded: $0 &* 7919) }
        #expect(try FLACEncoder.decode(FLACEncoder.encode(samples)) == samples)
    }

    @Test(arguments: [
        0..<1, 0..<50_000, 4095..<4097, 49_000..<50_000, 33_333..<33_334, 49_999..<60_000, 50_000..<50_000,
    ])
    func aPartOfFLACIsFound(_ range: Range<Int>) throws {
        let samples = (0..<50_000).map { Int16(truncatingIfNeeded: $0 &* 7919) }
        let packed = try FLACEncoder.encode(samples)
        #expect(try FLACEncoder.decode(packed, in: range) == Array(samples[range.clamped(to: 0..<50_000)]))
    }

    @Test func extremesSurvive() throws {
        let samples: [Int16] = [.min, .max, 0, -1, 1, .max, .min]
        #expect(try FLACEncoder.decode(FLACEncoder.encode(samples)) == samples)
        #expect(MarkedAudio.decode(file: WAVEncoder.encode(samples)) == samples)
    }

    @Test func flacIsSmallerThanSamples() throws {
        let samples = MarkedAudio.samples(seconds: 0..<10)
        #expect(try FLACEncoder.encode(samples).count < samples.count * 2 * 3 / 4)
    }

    /// What servers decode with reads it too, and its header says how long it is.
    @Test func othersReadTheFLAC() async throws {
        let samples = MarkedAudio.samples(seconds: 0..<10)
        try await withTemporaryDirectory { folder in
            let (packed, plain) = (folder.appending("a.flac"), folder.appending("a.raw"))
            try TestAudioFile.write(FLACEncoder.encode(samples), to: packed)
            try await TestAudioFile.run("flac", ["--silent", "--test", packed.string])
            try await TestAudioFile.run(
                "ffmpeg", ["-v", "error", "-xerror", "-i", packed.string, "-f", "s16le", plain.string])
            #expect(
                try TestAudioFile.read(plain)
                    == samples.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] })
        }
        let header = try FLACEncoder.encode(samples).prefix(26)
        let count = header.suffix(5).reduce(0) { $0 << 8 | Int($1) } & 0xF_FFFF_FFFF
        #expect(count == samples.count)
    }

    @Test func garbageIsNoFLAC() {
        #expect(throws: SoundFileError.self) { try FLACEncoder.decode([1, 2, 3, 4]) }
        #expect(throws: SoundFileError.self) { try FLACEncoder.decode([]) }
    }
}

/// The tests' own ear must be right before anything is told by it.
@Suite struct MarkedAudioTests {
    @Test func everySecondIsHeard() {
        let marks = MarkedAudio.hear(MarkedAudio.samples(seconds: 3590..<3650, silent: [3600]))
        #expect(marks.map(\.number) == Array(3590..<3600) + Array(3601..<3650))
        #expect(marks.allSatisfy { $0.isWhole })
        for mark in marks { #expect(abs(mark.start - (mark.number - 3590) * 16_000) <= 64) }
    }

    @Test func distantNumbersDiffer() {
        for number in [0, 1, 559, 7199, 38_759] {
            #expect(MarkedAudio.hear(MarkedAudio.samples(seconds: number..<number + 1)).map(\.number) == [number])
        }
    }

    @Test func partsOfASecondAreHeardFromAThirdOn() {
        let samples = MarkedAudio.samples(seconds: 5..<7)
        let cut = MarkedAudio.hear(Array(samples[8000..<24_000]))
        #expect(cut.map(\.number) == [5, 6])
        #expect(cut.allSatisfy { !$0.isWhole })
        #expect(MarkedAudio.hear(Array(samples[11_500..<17_000])).isEmpty)
    }

    @Test func noiseAndSilenceSayNothing() {
        #expect(MarkedAudio.hear([Int16](repeating: 0, count: 32_000)).isEmpty)
        var state: UInt32 = 1
        let noise = (0..<32_000).map { _ -> Int16 in
            state = state &* 1_664_525 &+ 1_013_904_223
            return Int16(truncatingIfNeeded: state >> 16) / 4
        }
        #expect(MarkedAudio.hear(noise).isEmpty)
    }
}
