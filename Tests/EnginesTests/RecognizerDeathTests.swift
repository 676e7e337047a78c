import Engines
import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// Processes that die, hang or talk nonsense: shell scripts in the recognizer's place.
@Suite(.timeLimit(.minutes(20))) struct RecognizerDeathTests {
    private static let samples = OfflineSpeech.noise(seconds: 1, amplitude: 3000)

    private static func failure(of engine: OfflineTranscriber) async -> TranscriptionError? {
        do {
            _ = try await engine.transcript(of: samples)
            return nil
        } catch {
            return error as? TranscriptionError
        }
    }

    @Test func aProcessThatAlwaysDiesMakesTheEngineUnusable() async throws {
        try await withTemporaryDirectory { folder in
            let engine = try await OfflineEngine.scripted(
                "\(OfflineEngine.ready); head -c 100 >/dev/null; echo out of luck >&2; kill -9 $$", in: folder)
            for _ in 0..<2 {
                let error = await Self.failure(of: engine)
                #expect(error?.code == .engineUnavailable && error?.remedy == .giveUpRecording)
                for words in ["moonshine-tiny-en", "signal 9", "out of luck", "3 times in a row"] {
                    #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
                }
            }
        }
    }

    @Test(arguments: [
        ("echo Unsupported model type >&2; exit 255", ["status 255", "Unsupported model type"]),
        (#"printf 'X\0\0\0\0\004\0\0\0torn'; exit 1"#, ["torn"]),
    ]) func aModelThatCannotBeLoadedIsSaidAtOnce(_ script: String, _ words: [String]) async throws {
        try await withTemporaryDirectory { folder in
            let error = await Self.failure(of: try await OfflineEngine.scripted(script, in: folder))
            #expect(error?.code == .engineUnavailable)
            for word in words + ["moonshine-tiny-en"] {
                #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
            }
        }
    }

    /// It says that it is done, but the last line of its answer is missing; or it answers what nobody asked.
    @Test(arguments: [
        #"head -c 32009 >/dev/null; printf 'T\001\0\0\0\003\0\0\0s\t0'; cat >/dev/null"#,
        #"head -c 32009 >/dev/null; printf 'T\011\0\0\0\001\0\0\0.'; cat >/dev/null"#,
        "echo hello, here I am; cat >/dev/null",
    ]) func anAnswerThatIsNotWholeIsNone(_ script: String) async throws {
        try await withTemporaryDirectory { folder in
            let engine = try await OfflineEngine.scripted("\(OfflineEngine.ready); \(script)", in: folder)
            let error = await Self.failure(of: engine)
            #expect(error?.code == .requestFailed || error?.code == .engineUnavailable)
            #expect(error?.message.contains("makes no sense") == true, "\(error?.message ?? "")")
        }
    }

    @Test func aCancelledCallReturnsThoughTheProcessIsBusy() async throws {
        try await withTemporaryDirectory { folder in
            let engine = try await OfflineEngine.scripted("\(OfflineEngine.ready); cat >/dev/null", in: folder)
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await engine.transcript(of: Self.samples) }
                while engine.processes.isEmpty { await Task.yield() }
                group.cancelAll()
                await #expect(throws: CancellationError.self) { try await group.next() }
            }
            for process in engine.processes { kill(process, SIGKILL) }
        }
    }

    /// A signal for the service's process group does not reach it, and it does not outlive the service.
    @Test func itIsInASessionOfItsOwnAndEndsWithoutItsParent() async throws {
        try await withTemporaryDirectory { folder in
            let engine = try await OfflineEngine.scripted("\(OfflineEngine.ready); cat >/dev/null", in: folder)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { _ = await Self.failure(of: engine) }
                while engine.processes.isEmpty { await Task.yield() }
                if let process = engine.processes.first {
                    #expect(getsid(process) == process)
                }
                // Otherwise it would be asked again.
                group.cancelAll()
                await group.waitForAll()
                for process in engine.processes { kill(process, SIGKILL) }
            }
        }
        let orphan = RecognizerProcess.Arguments(
            parent: 1, threads: 1, maximumMemory: 0, library: "/nowhere", detector: "/nowhere", folder: "/nowhere",
            family: .moonshine, language: nil)
        try await TestAudioFile.run(
            OfflineEngine.executable.string, [RecognizerProcess.subcommand] + orphan.encoded)
    }
}
