import AudioContainers
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// What recordings say of their own length.
@Suite struct DeclaredLengthTests {
    struct Bytes: ByteSource {
        let all: [UInt8]
        var size: Int64 { Int64(all.count) }
        func bytes(at offset: Int64, count: Int) -> [UInt8] {
            guard offset >= 0, offset < size, count > 0 else { return [] }
            return Array(all[Int(offset)..<min(all.count, Int(offset) + count)])
        }
    }

    static func verdict(_ bytes: some Sequence<UInt8>) -> DeclaredLength {
        DeclaredLength(of: Bytes(all: Array(bytes)))
    }

    /// Three seconds of noise, or other sound, made into `name` by a program that is given the WAV file's path and the output's.
    static func encoded(
        _ name: String, of sound: [Int16] = TestAudio.noise(seconds: 3, amplitude: 8000), by program: String,
        _ arguments: @Sendable (String, String) -> [String]
    ) async throws -> [UInt8] {
        try await withTemporaryDirectory { folder in
            let (source, target) = (folder.appending("source.wav"), folder.appending(name))
            try TestAudioFile.write(TestWave(sound).bytes, to: source)
            try await TestAudioFile.run(program, arguments(source.string, target.string))
            return try TestAudioFile.read(target)
        }
    }

    static func byFFmpeg(_ name: String, _ options: String...) async throws -> [UInt8] {
        try await encoded(name, by: "ffmpeg") { ["-i", $0] + options + [$1] }
    }

    /// Whole, it is known to be; cut anywhere, it is known not to be.
    static func expectDeclared(_ bytes: [UInt8], _ name: String) {
        #expect(verdict(bytes) == .met, "\(name)")
        for part in [1, 10, 25, 50, 75, 90, 99] {
            let cut = verdict(bytes.prefix(bytes.count * part / 100))
            guard case .short(let expected) = cut else {
                Issue.record("\(name), \(part) %: \(cut)")
                continue
            }
            if let expected { #expect(expected > Int64(bytes.count * part / 100), "\(name), \(part) %") }
        }
    }

    @Test(arguments: ["talk.wav", "talk.aiff", "talk.au"]) func aHeaderAloneIsNoRecordingYet(_ name: String)
        async throws
    {
        let bytes = try await Self.encoded(name, by: "sox") { [$0, $1] }
        // Where the length of the sound stands, and where the sound begins.
        let marks = ["data", "SSND", ".snd"].map { Array($0.utf8) }
        let mark = try #require(bytes.indices.first { at in marks.contains { bytes[at...].starts(with: $0) } })
        let length = name.hasSuffix("au") ? 8 : mark + 4
        let header = bytes.count - 96_000
        var open = bytes
        open.replaceSubrange(length..<(length + 4), with: [0, 0, 0, 0])
        #expect(Self.verdict(open.prefix(header)) == .headerOnly)
        #expect(Self.verdict(open.prefix(header + 3200)) == .undeclared)
    }

    @Test(arguments: [
        ("talk.wav", []), ("talk.aiff", []), ("talk.au", []), ("talk.caf", []), ("talk.m4a", []),
        ("fast.m4a", ["-movflags", "+faststart"]), ("wide.wav", ["-rf64", "always"]),
        ("talk.webm", ["-c:a", "libopus"]),
        ("talk.flac", []),
    ])
    func lengthsThatAreDeclared(_ name: String, _ options: [String]) async throws {
        let bytes = try await Self.encoded(name, by: "ffmpeg") { ["-i", $0] + options + [$1] }
        Self.expectDeclared(bytes, name)
    }

    @Test func lengthsOfMPEGOggAndFLAC() async throws {
        let variable = try await Self.encoded("v.mp3", by: "lame") { ["--quiet", "-V", "4", $0, $1] }
        #expect(Self.verdict(variable) == .met)
        let tagBehind = Array("TAG".utf8) + [UInt8](repeating: 0x20, count: 125)
        #expect(Self.verdict(variable + tagBehind) == .met)
        for part in [25, 50, 75] {
            #expect(
                Self.verdict(variable.prefix(variable.count * part / 100)) == .short(expected: Int64(variable.count)),
                "\(part) %")
        }
        // A picture in front of the sound, of which only a part has come.
        let tag = Array("ID3".utf8) + [4, 0, 0, 0, 0, 0x4E, 0x10] + [UInt8](repeating: 7, count: 10_000)
        #expect(Self.verdict(tag + variable) == .met)
        #expect(Self.verdict(tag.prefix(5_000)) == .short(expected: nil))

        let flac = try await Self.encoded("t.flac", by: "flac") { ["-s", $0, "-o", $1] }
        Self.expectDeclared(flac, "flac")
        #expect(Self.verdict(flac + tagBehind) == .met)
        // Frames of silence are a few bytes long.
        let quiet = try await Self.encoded("q.flac", of: TestAudio.silence(seconds: 3), by: "flac") {
            ["-s", $0, "-o", $1]
        }
        #expect(Self.verdict(quiet) == .met)
        let ogg = try await Self.encoded("t.ogg", by: "oggenc") { ["-Q", $0, "-o", $1] }
        let opus = try await Self.encoded("t.opus", by: "opusenc") { ["--quiet", $0, $1] }
        for bytes in [ogg, opus] {
            #expect(Self.verdict(bytes) == .met)
            #expect(Self.verdict(bytes.dropLast(200)) == .short(expected: nil))
            #expect(Self.verdict(bytes.prefix(bytes.count / 2)) == .short(expected: nil))
        }
    }

    /// A recorder that streamed, or one that has not finished, leaves the length open; constant bit rate has none.
    @Test func lengthsThatAreLeftOpen() async throws {
        var wave = TestWave(TestAudio.noise(seconds: 1, amplitude: 8000))
        for placeholder: UInt32 in [0, 0x7FFF_F000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0xFFFF_FFDB] {
            wave.declaredDataBytes = placeholder
            wave.declaredRIFFBytes = placeholder
            #expect(Self.verdict(wave.bytes) == .undeclared, "\(placeholder)")
            // The header alone, as it is written first.
            #expect(Self.verdict(wave.bytes.prefix(44)) == .headerOnly, "\(placeholder)")
        }
        wave.declaredDataBytes = nil
        wave.declaredRIFFBytes = UInt32(wave.bytes.count + 5_000)
        #expect(Self.verdict(wave.bytes) == .undeclared)

        let piped = try await Self.encoded("p.aiff", by: "sh") { ["-c", "sox \($0) -t aiff - | cat > \($1)"] }
        #expect(Self.verdict(piped) == .undeclared)

        let constant = try await Self.encoded("c.mp3", by: "lame") { ["--quiet", "-t", "-b", "64", $0, $1] }
        #expect(Self.verdict(constant) == .undeclared)
        #expect(Self.verdict(constant.prefix(constant.count / 2)) == .undeclared)
        let fragmented = try await Self.byFFmpeg("f.mp4", "-movflags", "frag_keyframe+empty_moov+skip_trailer")
        #expect(Self.verdict(fragmented) != .met)
        let ogg = try await Self.encoded("t.ogg", by: "oggenc") { ["-Q", $0, "-o", $1] }
        let last = try #require((0..<(ogg.count - 4)).last { Array(ogg[$0..<$0 + 4]) == Array("OggS".utf8) })
        #expect(Self.verdict(ogg.prefix(last)) == .undeclared)
        // Of a program that wrote into a pipe: the total stays 0, which is none.
        var flac = try await Self.encoded("t.flac", by: "flac") { ["-s", $0, "-o", $1] }
        let isMarked = flac.starts(with: Array("fLaC".utf8))
        #expect(isMarked)
        flac[21] &= 0xF0
        for at in 22...25 { flac[at] = 0 }
        #expect(Self.verdict(flac) == .undeclared)
        #expect(Self.verdict(flac.prefix(flac.count / 2)) == .undeclared)
        for thing in ["", "x", "%PDF-1.5 and so on", "no sound at all"] {
            #expect(Self.verdict(thing.utf8) == .undeclared)
        }
    }

    /// Where a copier makes room first, the rest of the file is zeros until it is filled.
    @Test func roomThatIsNotFilledYetIsNotTaken() async throws {
        func halfFilled(_ bytes: [UInt8]) -> [UInt8] {
            bytes.prefix(bytes.count / 2) + [UInt8](repeating: 0, count: bytes.count - bytes.count / 2)
        }
        let mp3 = try await Self.encoded("v.mp3", by: "lame") { ["--quiet", "-V", "4", $0, $1] }
        let constant = try await Self.encoded("c.mp3", by: "lame") { ["--quiet", "-t", "-b", "64", $0, $1] }
        let flac = try await Self.encoded("t.flac", by: "flac") { ["-s", $0, "-o", $1] }
        let ogg = try await Self.encoded("t.ogg", by: "oggenc") { ["-Q", "-q", "9", $0, "-o", $1] }
        for bytes in [mp3, constant, flac] { #expect(Self.verdict(halfFilled(bytes)) == .short(expected: nil)) }
        #expect(Self.verdict(halfFilled(ogg)) != .met)
        #expect(Self.verdict(halfFilled(TestWave(TestAudio.noise(seconds: 3, amplitude: 8000)).bytes)) == .undeclared)
        #expect(Self.verdict(halfFilled(try await Self.byFFmpeg("t.m4a"))) != .met)
    }

    /// Whatever is written into a file, looking at it ends soon and reads little.
    @Test func nothingInAFileMakesTheLookLong() async throws {
        final class Counted: ByteSource {
            let all: [UInt8]
            private let counts = Mutex((bytes: 0, reads: 0))
            var read: Int { counts.withLock { $0.bytes } }
            var reads: Int { counts.withLock { $0.reads } }
            init(_ all: [UInt8]) { self.all = all }
            var size: Int64 { Int64(all.count) }
            func bytes(at offset: Int64, count: Int) -> [UInt8] {
                let found = Bytes(all: all).bytes(at: offset, count: count)
                counts.withLock { $0 = ($0.bytes + found.count, $0.reads + 1) }
                return found
            }
        }
        var random = TestRandom(seed: 7)
        var seeds = [
            TestWave(TestAudio.noise(seconds: 1, amplitude: 8000)).bytes,
            try await Self.encoded("v.mp3", by: "lame") { ["--quiet", "-V", "4", $0, $1] },
            try await Self.encoded("t.flac", by: "flac") { ["-s", $0, "-o", $1] },
            try await Self.encoded("t.ogg", by: "oggenc") { ["-Q", $0, "-o", $1] },
        ]
        for name in ["t.m4a", "t.aiff", "t.caf", "t.webm", "t.au"] { seeds.append(try await Self.byFFmpeg(name)) }
        // Chunks and boxes of no length, one behind the other.
        seeds.append(Array("RIFF\u{0}\u{0}\u{0}\u{1}WAVE".utf8) + [UInt8](repeating: 0x41, count: 4))
        seeds[seeds.count - 1] += (0..<20_000).flatMap { _ in Array("junk".utf8) + [0, 0, 0, 0] }
        seeds.append(
            [0, 0, 0, 8] + Array("ftyp".utf8) + (0..<20_000).flatMap { _ in [0, 0, 0, 8] + Array("free".utf8) })
        for seed in seeds {
            for round in 0..<20 {
                await Task.yield()
                var bytes = seed
                if round > 0 {
                    for _ in 0..<(1 + Int(random.next() % 24)) {
                        // The front, where headers are, is hit more often.
                        let reach = random.next() % 2 == 0 ? min(64, bytes.count) : bytes.count
                        let values: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF, UInt8(truncatingIfNeeded: random.next())]
                        bytes[Int(random.next() % UInt64(reach))] = values[Int(random.next() % 6)]
                    }
                    if random.next() % 4 == 0 { bytes = Array(bytes.prefix(Int(random.next() % UInt64(bytes.count)))) }
                }
                let source = Counted(bytes)
                _ = DeclaredLength(of: source)
                #expect(source.reads <= 25_000)
                #expect(source.read <= 2 << 20)
            }
        }
    }
}
