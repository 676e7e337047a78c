import AudioInput
import Glibc
import Logging
import SystemPackage
import TestSupport
import Testing
import Transcription

/// What came out of a recording.
struct Decoded {
    var properties: AudioProperties
    var samples: [Int16]
    var chunkCount: Int
    var summary: DecodeSummary

    var seconds: Double { Double(samples.count) / 16_000 }
    var warnings: String { summary.warnings.joined(separator: " ") }

    /// The decoder as a program by itself, built beside the tests.
    static let executable: FilePath = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let path = FilePath(String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self))
        return path.removingLastComponent().appending("DecoderFixture")
    }()

    /// Says nothing.
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    static let ffmpeg = DecodingAudioSource.installedFFmpeg()

    /// Decodes the file at `path`, in chunks of `chunk` seconds.
    init(
        _ path: FilePath, chunk: Double = 20, ffmpeg: FilePath? = Decoded.ffmpeg, language: String? = nil
    ) async throws {
        let recording = try Recording(opening: path, followingLinks: false)
        let source = DecodingAudioSource(executable: Self.executable, ffmpeg: ffmpeg, logger: Decoded.logger)
        self = try await source.withChunks(
            of: recording, language: language,
            plan: { _ in
                ChunkPlan(
                    chunkSamples: SampleClock.samples(seconds: chunk),
                    maximumChunkSamples: SampleClock.samples(seconds: chunk * 1.3), expectedChunks: nil)
            },
            { properties, reader in
                var decoded = Decoded(
                    properties: properties, samples: [], chunkCount: 0,
                    summary: DecodeSummary(sampleCount: 0, warnings: []))
                while let chunk = try await reader.next() {
                    let audio = try chunk.audio.samples()
                    decoded.samples += audio.dropFirst(Int(chunk.owned.start - chunk.range.start))
                        .prefix(Int(chunk.owned.count))
                    decoded.chunkCount += 1
                }
                decoded.summary = reader.summary
                return decoded
            })
        #expect(summary.sampleCount == Int64(samples.count))
    }

    private init(properties: AudioProperties, samples: [Int16], chunkCount: Int, summary: DecodeSummary) {
        self.properties = properties
        self.samples = samples
        self.chunkCount = chunkCount
        self.summary = summary
    }

    /// Writes `bytes` as `name` to a fresh folder and decodes that.
    static func of(
        _ bytes: [UInt8], named name: String, ffmpeg: FilePath? = Decoded.ffmpeg, language: String? = nil
    ) async throws -> Decoded {
        try await withTemporaryDirectory { folder in
            try TestAudioFile.write(bytes, to: folder.appending(name))
            return try await Decoded(folder.appending(name), ffmpeg: ffmpeg, language: language)
        }
    }

    /// Makes `name` from `wave` by a program; `IN` and `OUT` stand for the files.
    static func encoded(_ wave: TestWave, as name: String, _ program: String, _ arguments: [String]) async throws
        -> [UInt8]
    {
        try await encoded(wave.bytes, as: name, program, arguments)
    }

    /// The same from a WAV file's bytes; without them where the program makes its sound itself.
    static func encoded(_ wave: [UInt8] = [], as name: String, _ program: String, _ arguments: [String]) async throws
        -> [UInt8]
    {
        try await withTemporaryDirectory { folder in
            let source = folder.appending("source.wav")
            let target = folder.appending(name)
            try TestAudioFile.write(wave, to: source)
            try await TestAudioFile.run(
                program, arguments.map { $0 == "IN" ? source.string : $0 == "OUT" ? target.string : $0 })
            return try TestAudioFile.read(target)
        }
    }
}

/// The error a recording is refused with.
func refusal(_ bytes: [UInt8], named name: String, ffmpeg: FilePath? = Decoded.ffmpeg) async throws
    -> TranscriptionError
{
    do {
        let decoded = try await Decoded.of(bytes, named: name, ffmpeg: ffmpeg)
        Issue.record("\(name) was decoded: \(decoded.seconds) s")
        return TranscriptionError(.internalFault, "")
    } catch let error as TranscriptionError {
        #expect(error.message.contains(name))
        #expect(error.message.hasSuffix("."))
        return error
    }
}
