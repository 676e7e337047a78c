import AudioInput
import TestSupport
import Testing
import Transcription

/// Pages of an Ogg file that are damaged or missing.
@Suite struct OggPageTests {
    private static let sound = TestAudio.noise(seconds: 20, amplitude: 4_000)
    private typealias Kind = (name: String, command: [String])
    private static let kinds: [Kind] = [
        ("a.opus", ["opusenc", "--quiet", "IN", "OUT"]), ("a.ogg", ["oggenc", "-Q", "-o", "OUT", "IN"]),
        ("a.oga", ["flac", "-s", "--ogg", "-o", "OUT", "IN"]),
        ("f.oga", ["ffmpeg", "-v", "error", "-i", "IN", "-c:a", "flac", "OUT"]),
        ("s.ogg", ["ffmpeg", "-v", "error", "-i", "IN", "-c:a", "libspeex", "OUT"]),
    ]

    private static func encoded(_ kind: Kind) async throws -> [UInt8] {
        try await Decoded.encoded(TestWave(sound), as: kind.name, kind.command[0], Array(kind.command.dropFirst()))
    }

    private static func pages(_ bytes: [UInt8]) -> [Int] {
        bytes.indices.dropLast(4).filter { bytes[$0...].starts(with: "OggS\0".utf8) }
    }

    private enum Damage: CaseIterable {
        case flipped, zeroed, missing
    }

    private static func damaged(_ bytes: [UInt8], _ range: Range<Int>, _ damage: Damage) -> [UInt8] {
        var bytes = bytes
        switch damage {
        case .flipped: bytes[range.lowerBound + 40] ^= 0x10
        case .zeroed: for i in range { bytes[i] = 0 }
        case .missing: bytes.removeSubrange(range)
        }
        return bytes
    }

    /// One page and several in the middle: what they held is silence and a gap there, whoever decodes it.
    @Test(arguments: kinds) private func inTheMiddle(_ kind: Kind) async throws {
        let bytes = try await Self.encoded(kind)
        let whole = try await Decoded.of(bytes, named: kind.name)
        #expect(whole.summary.gaps.isEmpty && whole.warnings.isEmpty, "\(kind.name): \(whole.warnings)")
        let pages = Self.pages(bytes)
        let middle = pages.count / 2
        for count in [1, min(3, pages.count - middle - 2)] {
            for damage in Damage.allCases {
                let range = pages[middle]..<pages[middle + count]
                let decoded = try await Decoded.of(Self.damaged(bytes, range, damage), named: kind.name)
                let name = "\(kind.name), \(count) pages \(damage)"
                #expect(abs(decoded.seconds - whole.seconds) < 0.1, "\(name): \(decoded.seconds) s")
                let gaps = decoded.summary.gaps
                // A wrong bit costs a frame of FLAC only.
                guard damage != .flipped || kind.name.hasSuffix("ogg") || kind.name.hasSuffix("opus") else {
                    #expect(decoded.warnings.contains("count as silence"), "\(name): \(decoded.warnings)")
                    continue
                }
                #expect(gaps.count == 1, "\(name): \(gaps) \(decoded.warnings)")
                guard let gap = gaps.first else { continue }
                #expect(
                    gap.range.start > 5 * 16_000 && gap.range.end < 16 * 16_000 && gap.range.count > 6_000,
                    "\(name): \(gap.range)")
                // What follows is where it was.
                let end = Int(gap.range.end) + 8_000
                #expect(
                    kind.name.hasSuffix("ogg") || kind.name.hasSuffix("opus")
                        || decoded.samples[end...] == whole.samples[end...], "\(name)")
            }
        }
    }

    /// The second of two files that were joined; both have the same serial number.
    @Test(arguments: Array(kinds.prefix(2)), Damage.allCases)
    private func atTheBeginningOfAFurtherStream(_ kind: Kind, _ damage: Damage) async throws {
        let bytes = try await Self.encoded(kind)
        let pages = Self.pages(bytes)
        for number in 0..<3 {
            let range = (bytes.count + pages[number])..<(bytes.count + pages[number + 1])
            let decoded = try await Decoded.of(Self.damaged(bytes + bytes, range, damage), named: kind.name)
            let name = "\(kind.name), page \(number) \(damage)"
            #expect(abs(decoded.seconds - 40) < 0.3, "\(name): \(decoded.seconds) s, \(decoded.warnings)")
            let heard = Self.heardSeconds(decoded.samples)
            let lost = decoded.summary.gaps.reduce(0) { $0 + SampleClock.seconds($1.range.count) }
            #expect(abs(heard + lost - 40) < 1, "\(name): heard \(heard) s, lost \(lost) s")
            #expect(heard > 35, "\(name): heard \(heard) s")
        }
        // All of the first five seconds.
        let begin = bytes.count..<(bytes.count + bytes.count / 4)
        let decoded = try await Decoded.of(Self.damaged(bytes + bytes, begin, damage), named: kind.name)
        guard damage != .flipped else { return }
        let lost = decoded.summary.gaps.reduce(0) { $0 + SampleClock.seconds($1.range.count) }
        #expect(abs(Self.heardSeconds(decoded.samples) + lost - 40) < 1, "\(kind.name) \(damage): \(decoded.seconds) s")
        #expect(lost > 3, "\(kind.name) \(damage): lost \(lost)")
    }

    /// Tenths of a second in which there is sound.
    private static func heardSeconds(_ samples: [Int16]) -> Double {
        stride(from: 0, to: samples.count - 1_599, by: 1_600).reduce(0.0) { sum, start in
            samples[start..<(start + 1_600)].contains { abs(Int($0)) > 100 } ? sum + 0.1 : sum
        }
    }
}
