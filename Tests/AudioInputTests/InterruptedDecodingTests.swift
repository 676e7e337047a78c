import AudioInput
import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// The real decoder and ffmpeg, ended from outside in the middle of their work.
@Suite struct InterruptedDecodingTests {
    /// Four minutes: far more than pipe and decoder hold, so that both are at work when the first chunk has come.
    private static let speech = TestAudio.speech(seconds: 240)

    /// What is done to the decoder of each run: the first entries to the first runs.
    private func decode(
        _ bytes: [UInt8], named name: String, disturbing disturb: @escaping @Sendable (pid_t, Int) -> Void
    ) async throws -> (samples: [Int16], summary: DecodeSummary, runs: Int) {
        try await withTemporaryDirectory { folder in
            try TestAudioFile.write(bytes, to: folder.appending(name))
            let program = folder.appending("decoder")
            let runs = folder.appending("runs")
            let script = """
                #!/bin/sh
                echo $$ >> '\(runs.string)'
                exec '\(Decoded.executable.string)' "$@"

                """
            try TestAudioFile.write(Array(script.utf8), to: program)
            program.withPlatformString { _ = chmod($0, 0o755) }
            let recording = try Recording(opening: folder.appending(name), followingLinks: false)
            let plan = ChunkPlan(chunkSamples: 10 * 16_000, maximumChunkSamples: 12 * 16_000, expectedChunks: nil)
            let source = DecodingAudioSource(
                executable: program, ffmpeg: Decoded.ffmpeg, logger: Decoded.logger, sleep: { _ in })
            return
                try await source
                .withChunks(of: recording, plan: { _ in plan }) { _, reader in
                    var samples: [Int16] = []
                    var seen = 0
                    while let chunk = try await reader.next() {
                        samples += try chunk.audio.samples().dropFirst(Int(chunk.owned.start - chunk.range.start))
                            .prefix(Int(chunk.owned.count))
                        let begun = String(decoding: try TestAudioFile.read(runs), as: UTF8.self)
                            .split(separator: "\n").compactMap { pid_t($0) }
                        if begun.count > seen, let last = begun.last {
                            seen = begun.count
                            disturb(last, seen)
                        }
                    }
                    return (samples, reader.summary, seen)
                }
        }
    }

    private func flac() async throws -> [UInt8] {
        try await Decoded.encoded(TestWave(Self.speech), as: "a.flac", "flac", ["-s", "-o", "OUT", "IN"])
    }

    @Test func aDecoderThatIsKilledOnceCostsNothing() async throws {
        let outcome = try await decode(try await flac(), named: "a.flac") { process, run in
            if run == 1 { kill(process, SIGKILL) }
        }
        #expect(outcome.runs == 2)
        #expect(outcome.samples == Self.speech)
        #expect(outcome.summary == DecodeSummary(sampleCount: Int64(Self.speech.count), warnings: []))
    }

    /// As a service manager ends all processes of a service, or a terminal those of a pipeline.
    @Test(arguments: [SIGTERM, SIGINT, SIGHUP]) func aStopOfTheServiceIsNoneOfTheDecoder(signal: Int32) async throws {
        let outcome = try await decode(try await flac(), named: "a.flac") { process, _ in kill(process, signal) }
        #expect(outcome.runs == 1)
        #expect(outcome.samples == Self.speech)
    }

    @Test func aDecoderThatIsKilledEachTimeLeavesAGapToTheEnd() async throws {
        let outcome = try await decode(try await flac(), named: "a.flac") { process, _ in kill(process, SIGKILL) }
        #expect(outcome.samples == Array(Self.speech.prefix(outcome.samples.count)))
        let heard = Int64(outcome.samples.count)
        #expect(heard < Int64(Self.speech.count))
        #expect(outcome.summary.gaps.map(\.range) == [SampleRange(heard, Int64(Self.speech.count))])
        #expect(outcome.summary.gaps.first?.cause == .interruption)
    }

    @Test(arguments: [SIGKILL, SIGTERM, SIGINT])
    func anFFmpegThatIsEndedCostsNothing(signal: Int32) async throws {
        let bytes = try await Decoded.encoded(
            TestWave(Self.speech), as: "a.mka", "ffmpeg", ["-v", "error", "-i", "IN", "-c:a", "alac", "OUT"])
        let ended = Guarded(0)
        let outcome = try await decode(bytes, named: "a.mka") { process, run in
            guard ended.value == 0 else { return }
            for child in Self.children(of: process) where kill(child, signal) == 0 { ended.change { $0 += 1 } }
        }
        #expect(ended.value == 1)
        #expect(outcome.samples.count == Self.speech.count)
        #expect(outcome.summary.gaps.isEmpty && outcome.summary.warnings.isEmpty, "\(outcome.summary)")
    }

    private static func children(of process: pid_t) -> [pid_t] {
        let path = FilePath("/proc/\(process)/task/\(process)/children")
        let text = (try? SmallFile.read(path, limit: 4096)) ?? []
        return String(decoding: text, as: UTF8.self).split(separator: " ").compactMap { pid_t($0) }
    }
}
