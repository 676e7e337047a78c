import AudioContainers
import TestSupport
import Testing

/// What stands behind sound whose length is declared.
@Suite struct SoundTailTests {
    /// A file of 4 GiB and more of which only some places are more than noise.
    private struct Large: ByteSource {
        let size: Int64
        let pieces: [Int64: [UInt8]]

        func bytes(at offset: Int64, count: Int) -> [UInt8] {
            guard offset >= 0, offset < size, count > 0 else { return [] }
            var bytes = (0..<Int(min(Int64(count), size - offset))).map { i in
                UInt8(truncatingIfNeeded: (offset + Int64(i)) &* 0x9E37_79B1 >> 16)
            }
            for (place, piece) in pieces {
                for i in piece.indices {
                    let at = place + Int64(i) - offset
                    if bytes.indices.contains(Int(at)) { bytes[Int(at)] = piece[i] }
                }
            }
            return bytes
        }
    }

    @Test func aSizeThatWrappedIsFoundInFrontOfTheChunksBehindIt() {
        let sound: Int64 = 1 << 32 + 2_000_000
        let chunk = Array("XyZ1".utf8) + [100, 0, 0, 0]
        let source = Large(size: 44 + sound + 108, pieces: [44 + sound: chunk])
        let tail = SoundTail(source, from: 44 + 2_000_000, .iff(isBigEndian: false), minimumByteCount: 8_000)
        #expect(tail == .sound(end: 44 + sound))
    }

    /// Behind the sound stands what some programs put there without asking the container.
    @Test(arguments: [
        "ID3", "fLaC", "OggS", "PK\u{3}\u{4}", "TAG", "APETAGEX", String(repeating: "Minutes, page 1. ", count: 300),
    ])
    func whatIsTextOrAnotherFileIsNoSound(_ beginning: String) {
        let (sound, rest): (Int64, Int64) = (1_044, 100_000)
        func tail(_ pieces: [Int64: [UInt8]]) -> SoundTail {
            let source = Large(size: sound + rest, pieces: pieces)
            return SoundTail(source, from: sound, .iff(isBigEndian: false), minimumByteCount: 8_000)
        }
        #expect(tail([sound: Array(beginning.utf8)]) == .other)
        #expect(tail([:]) == .sound(end: sound + rest))
    }

    @Test func aFileThatDeclaresLessThanItHoldsIsNotKnownToBeWhole() throws {
        var wave = TestWave(TestAudio.noise(seconds: 3, amplitude: 8_000))
        #expect(DeclaredLengthTests.verdict(wave.bytes) == .met)
        wave.declaredDataBytes = 32_000
        #expect(DeclaredLengthTests.verdict(wave.bytes) == .undeclared)
        wave.declaredDataBytes = nil
        wave.after = Array("LIST".utf8) + [4, 0, 0, 0] + Array("INFO".utf8)
        #expect(DeclaredLengthTests.verdict(wave.bytes) == .met)
    }

    @Test(arguments: ["a.aiff", "a.au", "a.caf"]) func theSameOfOtherContainers(_ name: String) async throws {
        let bytes = try await DeclaredLengthTests.encoded(name, by: "ffmpeg") { ["-v", "error", "-i", $0, $1] }
        #expect(DeclaredLengthTests.verdict(bytes) == .met)
        let noise = TestAudio.noise(seconds: 2, amplitude: 9_000).map { UInt8(truncatingIfNeeded: $0) }
        #expect(DeclaredLengthTests.verdict(bytes + noise) == .undeclared)
    }
}
