import Engines
import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

@Suite(.timeLimit(.minutes(20))) struct CommandTranscriberTests {
    private let options = TranscriptionOptions()

    private static func settings(
        _ command: [String], in folder: FilePath, timeout: Duration = .seconds(900)
    ) -> CommandEngineSettings {
        CommandEngineSettings(
            name: "own", command: command, model: "", timeout: timeout, temporaryDirectory: folder,
            chunkTargetSeconds: nil, chunkMaxSeconds: nil, maximumConcurrency: nil)
    }

    /// Runs `body` with an engine that is the shell script `script`, `$1` being the chunk's file, and its folder.
    private func withCommand<Result>(
        _ script: String, timeout: Duration = .seconds(900),
        _ body: (CommandTranscriber, FilePath) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryDirectory { folder in
            let settings = Self.settings(
                ["/bin/sh", "-c", script, "script", "{file}", "{language}"], in: folder, timeout: timeout)
            return try await body(try CommandTranscriber(settings: settings, pool: testPool), folder)
        }
    }

    private func entries(_ folder: FilePath) throws -> [String] {
        var names: [String] = []
        try DirectoryLister.forEach(in: folder) {
            names.append($0.name.printable)
            return true
        }
        return names
    }

    @Test func plainTextAndFileAndLanguage() async throws {
        try await withCommand(#"echo "$(head -c4 "$1") $(stat -c %a "$1") $(wc -c < "$1") $2""#) { own, folder in
            let heard = try await own.transcribe(marked(0..<1), options: TranscriptionOptions(language: "ru"))
            #expect(heard.segments.map(\.text).joined(separator: " ") == "RIFF 600 32044 ru")
            #expect(heard.timesAreEstimated)
            let left = try entries(folder)
            #expect(left.isEmpty)
        }
    }

    @Test func verboseJSON() async throws {
        try await withCommand(#"printf '{"segments":[{"start":0.25,"end":0.5,"text":"hi"}]}'"#) { own, _ in
            let heard = try await own.transcribe(marked(0..<1), options: options)
            #expect(heard.segments == [Segment(range: SampleRange(4000, 8000), text: "hi")])
        }
    }

    @Test func fileIsAppendedWhereItHasNoPlace() async throws {
        try await withTemporaryDirectory { folder in
            let settings = Self.settings(["echo", "said"], in: folder)
            let heard = try await CommandTranscriber(settings: settings, pool: testPool)
                .transcribe(marked(0..<1), options: options)
            let text = heard.segments.map(\.text).joined(separator: " ")
            #expect(text.hasPrefix("said \(folder.printable)/parlograph-") && text.hasSuffix(".wav"))
        }
    }

    @Test func longOutputArrivesWhole() async throws {
        let script =
            #"echo noise >&2; printf '{"segments":['; i=0; while [ $i -lt 20000 ]; do "#
            + #"echo '{"start":0.1,"end":0.2,"text":"word"},'; i=$((i+1)); done; echo '{"start":1,"end":2,"text":"last"}]}'"#
        try await withCommand(script) { own, _ in
            let heard = try await own.transcribe(
                chunk([Int16](repeating: 9, count: 16_000 * 900)), options: options)
            #expect(heard.segments.count == 20_001)
        }
    }

    @Test func failureTellsTheLastLine() async throws {
        try await withCommand("echo first >&2; echo 'model missing' >&2; exit 3") { own, folder in
            let error = await transcriptionError { try await own.transcribe(marked(0..<1), options: options) }
            #expect(error?.message == "Engine own (/bin/sh) ended with status 3: model missing.")
            #expect(error?.remedy == .retry(after: nil))
            let left = try entries(folder)
            #expect(left.isEmpty)
        }
    }

    /// What it printed looks whole, but its end is no good one.
    @Test(arguments: [
        (#"printf '{"text":"all"}'; kill -KILL $$"#, "was killed by signal 9"),
        (#"echo all; kill -TERM $$"#, "was killed by signal 15"), ("echo all; exit 1", "ended with status 1"),
        // Its output has ended, it has not.
        (#"printf '{"text":"all"}'; exec >&- 2>&-; sleep 0.3; exit 4"#, "ended with status 4"),
        (#"printf '{"text":"all"}'; exec >&- 2>&-; sleep 0.3; kill -KILL $$"#, "was killed by signal 9"),
        ("(kill -KILL $$) & echo all; wait; sleep 60", "was killed by signal 9"),
    ]) func onlyAGoodEndMakesOutputATranscript(script: String, words: String) async throws {
        try await withCommand(script, timeout: .seconds(900)) { own, _ in
            let error = await transcriptionError { try await own.transcribe(marked(0..<1), options: options) }
            #expect(error?.message.contains(words) == true, "\(String(describing: error))")
            #expect(error?.remedy == .retry(after: nil))
        }
    }

    @Test func outputThatEndsInTheMiddleOfItsJSONIsNone() async throws {
        for output in [#"{"text":"all"#, #"{"text":"all","segments":[{"start":0,"end":1,"text":"all"}"#, "[", "\"all"] {
            try await withCommand("printf '%s' '\(output)'") { own, _ in
                let error = await transcriptionError { try await own.transcribe(marked(0..<1), options: options) }
                #expect(error?.message.contains("breaks off in the middle of its JSON") == true)
            }
        }
    }

    @Test func endlessOutputIsCutOff() async throws {
        try await withCommand("yes '{'", timeout: .seconds(900)) { own, _ in
            let error = await transcriptionError { try await own.transcribe(marked(0..<1), options: options) }
            #expect(error?.message.contains("more than 32 MiB") == true)
            #expect(error?.remedy == .giveUpChunk)
        }
    }

    @Test func tooSlow() async throws {
        try await withCommand("sleep 100000", timeout: .milliseconds(200)) { own, folder in
            let error = await transcriptionError { try await own.transcribe(marked(0..<1), options: options) }
            #expect(error?.message.contains("did not finish") == true)
            #expect(error?.remedy == .retry(after: nil))
            let left = try entries(folder)
            #expect(left.isEmpty)
        }
    }

    @Test func cancellationKillsTheWholeGroup() async throws {
        // The inner process ignores the polite signal; a FIFO tells when it runs and, by its end, when it is gone.
        let script = #"trap '' TERM; (trap '' TERM; echo up > "$(dirname "$1")/pipe"; exec sleep 100000) & wait"#
        try await withCommand(script) { own, folder in
            let pipe = folder.appending("pipe")
            #expect(pipe.withPlatformString { mkfifo($0, 0o600) } == 0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await own.transcribe(marked(0..<1), options: options) }
                try await testPool.run {
                    let reader = try FileDescriptor.open(pipe, .readOnly)
                    defer { try? reader.close() }
                    var byte: [UInt8] = [0]
                    _ = try byte.withUnsafeMutableBytes { try reader.read(into: $0) }
                }
                group.cancelAll()
                let result = await group.nextResult()
                #expect(throws: CancellationError.self) { try result?.get() }
            }
            #expect(!commandLines().contains { $0.contains(folder.printable) })
        }
    }

    @Test func missingProgram() async throws {
        try await withTemporaryDirectory { folder in
            let settings = Self.settings(["/nonexistent/whisper", "{file}"], in: folder)
            let own = try CommandTranscriber(settings: settings, pool: testPool)
            let error = await transcriptionError { try await own.check() }
            #expect(error?.remedy == .giveUpRecording && error?.code == .engineUnavailable)
            #expect(error?.message.contains("/nonexistent/whisper") == true)
            #expect(error?.message.contains("[engines.own]") == true)
        }
        #expect(throws: TranscriptionError.self) {
            try CommandTranscriber(settings: Self.settings([], in: "/tmp"), pool: testPool)
        }
    }

    @Test func checkRunsTheProgram() async throws {
        try await withCommand("echo") { own, _ in
            let sentence = try await own.check().works
            #expect(sentence.contains("own"))
        }
    }

    /// The command lines of all processes of this user.
    private func commandLines() -> [String] {
        var lines: [String] = []
        try? DirectoryLister.forEach(in: "/proc") { entry in
            let path = FilePath("/proc").pushing(entry.name.path).appending("cmdline")
            if let descriptor = try? FileDescriptor.open(path, .readOnly) {
                defer { try? descriptor.close() }
                var bytes = [UInt8](repeating: 0, count: 4096)
                let count = (try? bytes.withUnsafeMutableBytes { try descriptor.read(into: $0) }) ?? 0
                lines.append(String(decoding: bytes.prefix(count), as: UTF8.self))
            }
            return true
        }
        return lines
    }
}
