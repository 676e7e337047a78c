import AudioContainers
import AudioInput
import TestSupport
import Testing

@Suite struct AudioFormatSnifferTests {
    private struct Bytes: ByteSource {
        let all: [UInt8]
        var size: Int64 { Int64(all.count) }
        func bytes(at offset: Int64, count: Int) -> [UInt8] {
            guard offset >= 0, offset < size else { return [] }
            return Array(all[Int(offset)..<min(all.count, Int(offset) + count)])
        }
    }

    private func format(_ bytes: [UInt8]) throws -> AudioFormat { try AudioFormatSniffer.sniff(Bytes(all: bytes)) }

    @Test(arguments: [
        ("....ftypM4A ", "m4a", "mov"), ("....ftyp3gp5", "3gp", "mov"), ("....ftypqt  ", "mov", "mov"),
        ("....ftypisom", "mp4", "mov"), ("#!AMR\n", "amr", "amr"), ("wvpk", "wv", "wv"), ("TTA1", "tta", "tta"),
        ("MAC ", "ape", "ape"),
        ("caff\u{0}\u{1}\u{0}\u{0}desc\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0} ........alac", "caf", "caf"),
    ])
    func whatOnlyFFmpegReadsIsTold(_ file: (head: String, name: String, demuxer: String)) throws {
        let found = try format(Array(file.head.utf8) + [UInt8](repeating: 0, count: 100))
        #expect(found.name == file.name)
        #expect(found.decoder == .ffmpeg(demuxer: file.demuxer))
    }

    @Test func theRightOfTwoFrameHeadersIsTaken() {
        // MPEG-1 layer III, 128 kbit/s, 44.1 kHz, joint stereo.
        let header = MPEGHeader([0xFF, 0xFB, 0x90, 0x64], at: 0)
        #expect(header?.frameBytes == 417)
        #expect(header?.sampleRate == 44_100)
        #expect(header?.channels == 2)
        // MPEG-2.5 layer III, 8 kbit/s, 8 kHz, mono.
        let slow = MPEGHeader([0xFF, 0xE3, 0x18, 0xC0], at: 0)
        #expect(slow?.frameBytes == 72)
        #expect(slow?.sampleRate == 8_000)
        // Reserved version, layer, bit rate and rate are no headers; AAC is none either.
        for bytes: [UInt8] in [
            [0xFF, 0xEB, 0x90, 0], [0xFF, 0xF9, 0x90, 0], [0xFF, 0xFB, 0xF0, 0], [0xFF, 0xFB, 0x9C, 0],
        ] {
            #expect(MPEGHeader(bytes, at: 0) == nil)
        }
    }

    @Test func oneFrameHeaderAmongNoiseIsNoRecording() {
        var bytes = [UInt8](repeating: 0x11, count: 5_000)
        bytes[0] = 0
        bytes.replaceSubrange(1_000..<1_004, with: [0xFF, 0xFB, 0x90, 0x64])
        #expect(throws: DecodingFailure.self) { try format(bytes) }
    }

    @Test func theCleanHeaderDeclaresWhatIsThere() throws {
        var wave = TestWave(TestAudio.tone(seconds: 1))
        wave.declaredDataBytes = 0
        wave.before = Array("LIST".utf8) + [4, 0, 0, 0] + Array("INFO".utf8)
        let header = try #require(try WaveHeader(Bytes(all: wave.bytes), at: 0))
        #expect(header.dataStart == 44 + 12)
        #expect(header.declaredBytes == nil)
        let clean = header.cleanHeader()
        #expect(clean == Array(TestWave(TestAudio.tone(seconds: 1)).bytes.prefix(44)))
    }

    @Test func messagesSurviveAnyCutting() throws {
        let messages: [DecoderMessage] = [
            .warning("Ä warning."), .failure(DecodingFailure(.undecodable, "is broken.")), .end,
            .needsProgram(demuxer: "mov", format: "m4a", title: "MPEG-4"),
        ]
        let samples: [UInt8] = [1, 0, 2, 0, 3, 0]
        let stream = messages.flatMap { $0.encoded + DecoderMessage.header(.samples, count: 6) + samples }
        for piece in [1, 2, 3, 7, 1_000] {
            var parser = MessageParser()
            var seen: [DecoderMessage] = []
            var heard: [Int16] = []
            for start in stride(from: 0, to: stream.count, by: piece) {
                try Array(stream[start..<min(stream.count, start + piece)]).withUnsafeBytes { bytes in
                    try parser.consume(
                        bytes, onSamples: { heard += Array($0) }, onMessage: { seen.append($0) })
                }
            }
            #expect(seen == messages)
            #expect(heard == [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3])
        }
    }

    @Test func atMostOneElementWaits() async throws {
        let meeting = Rendezvous<Int>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            let progress = Progress()
            group.addTask {
                for i in 0..<100 {
                    try await meeting.put(i)
                    await progress.put()
                }
                meeting.close()
            }
            var expected = 0
            while let element = try await meeting.take() {
                #expect(element == expected)
                expected += 1
                // What is put and not yet taken is one element at the most.
                #expect(await progress.count <= expected)
            }
            #expect(expected == 100)
            try await group.waitForAll()
        }
        #expect(try await meeting.take() == nil)
    }

    private actor Progress {
        private(set) var count = 0
        func put() { count += 1 }
    }
}
