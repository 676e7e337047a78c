import Engines
import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// Whose fault it is when the recognizer process dies: that of the audio, or of the engine.
@Suite(.timeLimit(.minutes(20))) struct RecognizerBlameTests {
    private static let harmless = OfflineSpeech.noise(seconds: 1.5)
    private static let deadly = OfflineSpeech.noise(seconds: 2)

    @Test(arguments: [1, 2]) func aChunkThatKillsTheProcessIsGivenUpAndTheEngineGoesOn(threads: Int) async throws {
        try await withTemporaryDirectory { folder in
            let script = OfflineEngine.answering(dyingAt: Self.deadly.count * 2)
            let engine = try await OfflineEngine.scripted(script, in: folder, threads: threads)
            // Those beside it lose nothing.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 { group.addTask { _ = try await engine.transcript(of: Self.harmless) } }
                group.addTask {
                    let error = await #expect(throws: TranscriptionError.self) {
                        _ = try await engine.transcript(of: Self.deadly)
                    }
                    #expect(error?.code == .requestFailed && error?.remedy == .giveUpChunk)
                    #expect(error?.message.contains("signal 9") == true, "\(error?.message ?? "")")
                }
                try await group.waitForAll()
            }
            _ = try await engine.transcript(of: Self.harmless)
        }
    }

    /// Twice before it is ready, then once it works, then once more it dies: that is not three times in a row.
    @Test func deathsBeforeAnAnswerAreNotCountedAfterIt() async throws {
        try await withTemporaryDirectory { folder in
            let script = """
                count=$(cat '\(folder.string)/starts' 2>/dev/null | wc -c)
                printf x >>'\(folder.string)/starts'
                case $count in 0 | 1 | 3) kill -9 $$ ;; esac
                \(OfflineEngine.answering())
                """
            let engine = try await OfflineEngine.scripted(script, in: folder, idle: .zero)
            _ = try await engine.transcript(of: Self.harmless)
            while !engine.processes.isEmpty { await Task.yield() }
            _ = try await engine.transcript(of: Self.harmless)
        }
    }
}

/// A model that is told the language, in name only.
@Suite(.timeLimit(.minutes(20))) struct ToldModelTests {
    private static func write(_ text: String, to path: FilePath) throws {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite])
        try file.closeAfter { _ = try file.writeAll(Array(text.utf8)) }
    }

    /// - Parameter tokens: what is in one of the files.
    private static func makeModel(in folder: FilePath, tokens: String) throws -> FilePath {
        let model = folder.appending("whisper-mine")
        _ = model.withPlatformString { mkdir($0, 0o755) }
        var manifest = ModelManifest()
        manifest.family = .whisper
        let files = ["mine-encoder.onnx": "encoder", "mine-decoder.onnx": "decoder", "mine-tokens.txt": tokens]
        for (name, text) in files {
            try write(text, to: model.appending(name))
            manifest.files[name] = try InstalledModel.hash(of: model.appending(name))
        }
        try write(manifest.text, to: model.appending(ModelManifest.fileName))
        return model
    }

    @Test func anotherModelInItsPlaceIsNotUsedUnderItsName() async throws {
        try await withTemporaryDirectory { folder in
            let model = try Self.makeModel(in: folder, tokens: "one")
            let engine = try await OfflineEngine.scripted(OfflineEngine.answering(), in: folder, model: model.string)
            let samples = OfflineSpeech.noise(seconds: 1)
            _ = try await engine.transcript(of: samples)
            _ = try Self.makeModel(in: folder, tokens: "two")
            let error = await #expect(throws: TranscriptionError.self) { _ = try await engine.transcript(of: samples) }
            #expect(error?.engineFault == .refused)
            #expect(error?.message.contains("whisper-mine” was replaced") == true, "\(error?.message ?? "")")
            // As a reload makes one.
            let next = try await OfflineEngine.scripted(OfflineEngine.answering(), in: folder, model: model.string)
            #expect(next.identity != engine.identity)
            _ = try await next.transcript(of: samples)
        }
    }

    @Test func notMoreThanTwoProcessesRunWhateverTheLanguages() async throws {
        try await withTemporaryDirectory { folder in
            let model = try Self.makeModel(in: folder, tokens: "one")
            let engine = try await OfflineEngine.scripted(OfflineEngine.answering(), in: folder, model: model.string)
            for language in ["de", "fr", "es", "de", "it"] {
                _ = try await engine.transcript(of: OfflineSpeech.noise(seconds: 1), language: language)
                #expect(engine.processes.count <= 2)
            }
        }
    }
}

@Suite struct DeathVerdictTests {
    @Test(arguments: [
        ([1], 0, false, DeathVerdict.tryAgain), ([2], 0, false, .tryAgain), ([3], 0, false, .trySample),
        // In company nobody is blamed.
        ([3, 1], 0, false, .tryAgain), ([3, 3], 0, false, .tryAgain),
        ([1], 0, true, .engineUnusable), ([], 1, false, .tryAgain), ([], 2, false, .tryAgain),
        ([], 3, false, .engineUnusable),
    ]) func aCallIsBlamedAloneAndTheEngineWhenNothingWorks(
        _ deaths: [Int], _ withoutCalls: Int, _ isSample: Bool, _ verdict: DeathVerdict
    ) {
        #expect(DeathVerdict(deaths: deaths, withoutCalls: withoutCalls, isSample: isSample) == verdict)
    }
}
