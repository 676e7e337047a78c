import Glibc
import Subprocess
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// What `parlograph transcribe` can be given, and where its text goes.
@Suite(.timeLimit(.minutes(20))) struct TranscribeInputTests {
    private static func withPlace(_ body: @Sendable (Workplace) async throws -> Void) async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server)
            try place.writeMarks(0..<3, to: "talk.wav")
            try await body(place)
        }
    }

    /// In a shell, with what it feeds to the program.
    private static func shell(_ place: Workplace, _ line: String) async throws -> (
        status: TerminationStatus, output: String, errors: String
    ) {
        let ended = try await Subprocess.run(
            .path("/bin/sh"),
            arguments: [
                "-c", line.replacing("parlograph", with: "\"$0\" transcribe --config parlograph.toml --engine fake"),
                Program.path.string,
            ],
            workingDirectory: place.folder, input: .none, output: .string(limit: 65_536), error: .string(limit: 65_536))
        return (ended.terminationStatus, ended.standardOutput, ended.standardError)
    }

    /// From a pipe, which cannot be read twice, and from a file; the text goes where the next program reads it.
    @Test(arguments: ["cat talk.wav | parlograph -", "parlograph - < talk.wav", "cat talk.wav | parlograph /dev/stdin"])
    func standardInputBecomesTextOnStandardOutput(_ line: String) async throws {
        try await Self.withPlace { place in
            let ended = try await Self.shell(place, line)
            #expect(ended.status == .exited(0), "\(ended.errors)")
            #expect(ended.output == "m0 m1 m2\n")
            #expect(try place.files("").filter { $0.hasPrefix("stdin") } == [])
        }
    }

    @Test func ofStandardInputSidecarsCanBeMadeToo() async throws {
        try await Self.withPlace { place in
            let ended = try await Self.shell(place, "cat talk.wav | TMPDIR=$PWD parlograph - -o new/folder")
            #expect(ended.status == .exited(0), "\(ended.errors)")
            #expect(try place.files("new/folder") == ["stdin.json", "stdin.srt", "stdin.txt"])
            #expect(try place.text("new/folder/stdin.json").contains("\"stdin\""))
            #expect(try place.files("").filter { $0.hasPrefix(".parlograph") } == [], "no copy is left")
        }
    }

    @Test func standardOutputTakesAnyOneFormat() async throws {
        try await Self.withPlace { place in
            let ended = try await Self.shell(place, "parlograph talk.wav -o - --output_format srt")
            #expect(ended.status == .exited(0), "\(ended.errors)")
            #expect(ended.output.hasPrefix("1\n00:00:00,"), "\(ended.output)")
            #expect(try !place.files("").contains("talk.srt"))
        }
    }

    @Test func aTextThatCannotBePrintedIsNoSuccess() async throws {
        try await Self.withPlace { place in
            let ended = try await Self.shell(place, "parlograph talk.wav -o - > /dev/full")
            #expect(ended.status == .exited(73), "\(ended.errors)")
            #expect(ended.errors.contains("Standard output cannot be written to"), "\(ended.errors)")
        }
    }

    /// Recordings, not what lies beside them; each set in the folder that its recording has.
    @Test func aFolderIsTranscribedWithAllThatIsBelowIt() async throws {
        try await Self.withPlace { place in
            for folder in ["in", "in/b", "in/b/deep", "in/.hidden"] { try place.makeFolder(folder) }
            try place.writeMarks(0..<1, to: "in/z.wav")
            try place.writeMarks(1..<2, to: "in/a.wav")
            try place.writeMarks(2..<3, to: "in/b/deep/c.wav")
            try place.writeMarks(3..<4, to: "in/.hidden/d.wav")
            try place.write("no sound", to: "in/notes.txt")
            try place.write("no sound", to: "in/picture.jpg")
            let ended = try await place.run(
                "transcribe", "--engine", "fake", "-r", "in", "-o", "out", "--formats", "txt")
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(ended.lines == ["out/a.txt", "out/z.txt", "out/b/deep/c.txt"])
            #expect(try place.text("out/b/deep/c.txt") == "m2\n")
            #expect(ended.errors.contains("3 recordings: 3 s of sound in "), "\(ended.errors)")

            let beside = try await place.run(
                "transcribe", "--engine", "fake", "-r", "in", "--formats", "txt", "--quiet")
            #expect(beside.lines == ["in/a.txt", "in/z.txt", "in/b/deep/c.txt"])
            #expect(beside.errors.isEmpty, "\(beside.errors)")

            try place.makeFolder("empty")
            let nothing = try await place.run("transcribe", "--engine", "fake", "-r", "empty")
            #expect(nothing.status == 66 && nothing.errors.contains("no recording in empty"), "\(nothing.errors)")
        }
    }

    /// One that cannot be used keeps none of the others from its transcript.
    @Test func theRunGoesOnBehindAWrongName() async throws {
        try await Self.withPlace { place in
            let ended = try await place.run(
                "transcribe", "--engine", "fake", "http://example.org/x.mp3", "nowhere.wav", "talk.wav", "--formats",
                "txt")
            #expect(ended.status == 66)
            #expect(ended.lines == ["./talk.txt"])
            #expect(ended.errors.contains("1 recording, 2 failed: 3 s of sound in "), "\(ended.errors)")
        }
    }

    @Test func theOptionsOfTheWhisperCommandAreUnderstood() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server)
            try place.writeMarks(0..<1, to: "talk.wav")
            let ended = try await place.run(
                "transcribe", "--engine", "fake", "talk.wav", "--output_dir", "out", "--output_format", "all",
                "--model",
                "large-v3", "--initial_prompt", "Names: Lindström", "--task", "transcribe", "--word_timestamps", "True",
                "--verbose", "False")
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(ended.errors.isEmpty)
            #expect(
                Set(try place.files("out")).isSuperset(of: [
                    "talk.json", "talk.srt", "talk.tsv", "talk.txt", "talk.vtt",
                ]))
            let request = try #require(server.requests.first)
            #expect(request.field("model") == "large-v3")
            #expect(request.field("prompt") == "Names: Lindström")
        }
    }

    @Test func whoEndsItIsToldHowItGoesOn() async throws {
        let gate = FakeTranscriptionServer.Gate()
        let server = try FakeTranscriptionServer.hearing(behind: gate)
        defer {
            gate.open()
            server.stop()
        }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server)
            try place.writeMarks(0..<3, to: "talk.wav")
            let ended = try await place.start("transcribe", "--engine", "fake", "talk.wav") { process in
                await server.arrived(1)
                process.send(SIGINT)
                return try await process.end()
            }
            #expect(ended.status == 130)
            #expect(ended.errors.contains("the same command goes on from there"), "\(ended.errors)")
        }
    }
}
