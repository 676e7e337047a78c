import Glibc
import Subprocess
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// `parlograph init` and `check --fix`: from nothing to a service.
@Suite(.timeLimit(.minutes(20))) struct InitTests {
    private static func run(_ folder: FilePath, _ arguments: String...) async throws -> Program.Ended {
        try await Program.run(arguments.map { Array($0.utf8) }, folder: folder)
    }

    @Test func aConfigurationIsWrittenItsFoldersAreMadeAndItWorks() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder)
            let office = folder.appending("büro \"1\"")
            let written = try await Self.run(
                folder, "init", "--config", "own.toml", "--inbox", office.appending("in").string, "--engine",
                "\(server.url)/v1", "--language", "german")
            #expect(written.status == 0, "\(written.errors)")
            #expect(written.lines == ["own.toml"])
            #expect(written.errors.contains("parlograph check --fix --config own.toml"), "\(written.errors)")
            try place.write(
                "state_directory = \"\(folder.string)/state\"\ncache_directory = \"\(folder.string)/cache\"\n"
                    + (try place.text("own.toml")).replacing(/(?m)^state_directory.*$/, with: ""), to: "own.toml")

            let fixed = try await Self.run(folder, "check", "--config", "own.toml", "--fix")
            for name in ["inbox", "outbox", "done", "failed", "state_directory"] {
                #expect(
                    fixed.lines.contains { $0.hasPrefix("fixed  \(name) ") && $0.contains(": made") }, "\(fixed.lines)")
            }
            for name in ["in", "outbox", "done", "failed"] {
                #expect(try FileStatus(at: office.appending(name)).mode == 0o2775, "\(name)")
            }
            let again = try await Self.run(folder, "check", "--config", "own.toml", "--fix")
            #expect(!again.lines.contains { $0.hasPrefix("fixed") || $0.hasPrefix("FAIL") }, "\(again.lines)")

            try TestAudioFile.write(
                TestWave(MarkedAudio.samples(seconds: 0..<2)).bytes, to: office.appending("in").appending("talk.wav"))
            let served = try await Self.run(folder, "serve", "--once", "--config", "own.toml")
            #expect(served.status == 0, "\(served.errors)")
            let text = try TestAudioFile.read(office.appending("outbox").appending("talk.txt"))
            #expect(String(decoding: text, as: UTF8.self) == "m0 m1\n")
            #expect(server.requests.last?.field("language") == "de")
        }
    }

    /// The rights of a folder that is there are somebody's choice.
    @Test func aFolderThatIsThereKeepsItsRights() async throws {
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, Workplace.inbox(in: folder))
            for name in ["inbox", "outbox"] {
                try place.makeFolder(name)
                _ = place[name].withPlatformString { chmod($0, 0o1777) }
            }
            let fixed = try await place.run("check", "--fix")
            #expect(fixed.lines.filter { $0.hasPrefix("fixed") }.count == 3, "\(fixed.lines)")
            for name in ["inbox", "outbox"] { #expect(try FileStatus(at: place[name]).mode == 0o1777) }
        }
    }

    /// The service reads it as a user of its own, whatever the umask of who wrote it.
    @Test func theServiceMayReadWhatIsMade() async throws {
        try await withTemporaryDirectory { folder in
            let ended = try await Subprocess.run(
                .path("/bin/sh"),
                arguments: [
                    "-c",
                    "umask 077 && \"$0\" init --config new/own.toml --inbox \"$PWD/a/b/in\" && \"$0\" check --fix --config new/own.toml",
                    Program.path.string,
                ],
                environment: .inherit.updating(["HOME": folder.string]), workingDirectory: folder, input: .none,
                output: .discarded, error: .string(limit: 65_536))
            #expect(ended.standardError.contains("\n[[inbox]]\n"), "\(ended.standardError)")
            #expect(try FileStatus(at: folder.appending("new/own.toml")).mode == 0o644)
            for name in ["new", "a", "a/b"] { #expect(try FileStatus(at: folder.appending(name)).mode == 0o755) }
        }
    }

    /// Nobody's settings are lost to a second try.
    @Test func aFileThatIsThereStaysAsItIs() async throws {
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder)
            let before = try place.text("parlograph.toml")
            let ended = try await Self.run(folder, "init", "--config", "parlograph.toml")
            #expect(ended.status == 73 && ended.errors.contains("is there already"), "\(ended.errors)")
            #expect(try place.text("parlograph.toml") == before)
        }
    }

    @Test(arguments: [
        (["--engine", "whisper"], "neither offline nor an address"), (["--language", "klingonisch"], "language"),
        (["--inbox", "/a/b", "--outbox", "/a/b/out"], "lies inside the inbox"),
    ])
    func anAnswerThatIsNoneWritesNothing(_ options: [String], _ words: String) async throws {
        try await withTemporaryDirectory { folder in
            let ended = try await Program.run(
                (["init", "--config", "new.toml"] + options).map { Array($0.utf8) }, folder: folder)
            #expect(ended.status == 78, "\(ended.errors)")
            #expect(ended.errors.contains(words), "\(ended.errors)")
            #expect((try? FileStatus(at: folder.appending("new.toml"))) == nil)
        }
    }
}
