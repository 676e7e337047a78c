import Glibc
import Subprocess
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// `parlograph transcribe` as somebody on a laptop has it: no server, no key.
@Suite(.serialized)
struct TranscribeTests {
    private static let sentence =
        "The committee will meet on Monday morning to discuss the budget for the next financial year."

    @Test func speechBecomesSidecarsBesideTheRecordingWithoutAnySetUp() async throws {
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder)
            try await TestAudioFile.run(
                "flite", ["-voice", "slt", "-t", Self.sentence, "-o", place["talk.wav"].string])
            let ended = try await place.run("transcribe", place["talk.wav"].string)
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(ended.lines == ["txt", "srt", "json"].map { place["talk.\($0)"].string })

            #expect(try place.text("talk.txt").split(separator: "\n").joined(separator: " ") == Self.sentence)
            #expect(try place.text("talk.srt").hasPrefix("1\n00:00:0"))
            let transcript = try place.transcript("talk.json")
            #expect(abs(transcript.duration - 5.3) < 1.5)
            #expect(transcript.cache_hits == 0)

            // Into another folder, made if missing, in other formats; nothing is recognised a second time.
            let again = try await place.run(
                "transcribe", "-o", place["out/of/a/case"].string, "--formats", "txt,vtt,tsv", "talk.wav")
            #expect(again.status == 0, "\(again.errors)")
            #expect(again.lines == ["txt", "vtt", "tsv"].map { place["out/of/a/case/talk.\($0)"].string })
            #expect(try place.files("out/of/a/case") == ["talk.tsv", "talk.txt", "talk.vtt"])
            #expect(try place.text("out/of/a/case/talk.txt") == place.text("talk.txt"))
            #expect(try place.text("out/of/a/case/talk.vtt").hasPrefix("WEBVTT\n"))
            #expect(try place.text("out/of/a/case/talk.tsv").hasPrefix("start\tend\ttext\n"))
        }
    }

    /// With less, threads cannot be made at times, and it would wait for them for ever.
    @Test func tooLittleAddressSpaceIsSaid() async throws {
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder)
            try place.writeMarks(0..<2, to: "talk.wav")
            let ended = try await Subprocess.run(
                .path("/bin/sh"),
                arguments: ["-c", "ulimit -v 250000 && exec \"$0\" transcribe talk.wav", Program.path.string],
                workingDirectory: folder, input: .none, output: .discarded, error: .string(limit: 4096))
            #expect(ended.terminationStatus == .exited(69))
            #expect(ended.standardError.contains("ulimit -v"), "\(ended.standardError)")
            #expect(try !place.files("").contains("talk.txt"))
        }
    }

    @Test func quietMeansNoProgressButStillWarnings() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server)
            try place.writeMarks(0..<2, to: "talk.wav")
            try place.write("in the way", to: "cache")
            let ended = try await place.run("transcribe", "--quiet", "--engine", "fake", "talk.wav")
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(ended.errors.contains("warning: ") && ended.errors.contains("cache"), "\(ended.errors)")
        }
    }

    @Test func aRecordingThatSomebodyStillWritesIsNotTakenForWhole() async throws {
        // The answer comes when the recording has grown.
        let gate = FakeTranscriptionServer.Gate()
        let server = try FakeTranscriptionServer.hearing(behind: gate)
        defer {
            gate.open()
            server.stop()
        }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server)
            try place.writeMarks(0..<4, to: "talk.wav")
            let writer = try FileDescriptor.open(
                place["talk.wav"], .writeOnly, options: [.append, .closeOnExec])
            let grown = try await place.start("transcribe", "--engine", "fake", place["talk.wav"].string) { process in
                await server.arrived(1)
                try writer.writeAll([0, 0, 0, 0])
                gate.open()
                return try await process.end()
            }
            #expect(grown.status == 65)
            #expect(grown.errors.contains("another program has it open for writing"), "\(grown.errors)")
            #expect(grown.errors.contains("run it again when nobody writes to it any more"))
            #expect(try place.files("").filter { $0.hasPrefix("talk.") } == ["talk.wav"])
            // Once nobody does, it is one like any other, and new to the cache as a whole.
            try writer.close()
            let ended = try await place.run("transcribe", "--engine", "fake", place["talk.wav"].string)
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(!ended.errors.contains("open for writing"))
        }
    }

    @Test func wrongInputIsRefusedWithItsNameTheFaultAndTheStatusOfSysexits() async throws {
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder)
            try place.write("Dear all, this is the agenda of the meeting.\n", to: "agenda.mp3")
            try place.write("", to: "empty.wav")
            try place.writeMarks(0..<2, to: "talk.wav")
            let cases: [(arguments: [String], status: Int32, words: [String])] = [
                (["nowhere.mp3"], 66, ["nowhere.mp3", "No such file"]),
                (["agenda.mp3"], 65, ["agenda.mp3", "audio"]),
                (["empty.wav"], 65, ["empty.wav", "empty"]),
                ([folder.string], 66, ["is a folder", "-r"]),
                (["https://example.org/talk.mp3"], 66, ["is an address", "curl -LO https://example.org/talk.mp3"]),
                (["--task", "translate", "talk.wav"], 64, ["no engine here translates"]),
                (["--word_timestamps", "maybe", "talk.wav"], 64, ["True or False", "maybe"]),
                (["--prompt", "Lindström", "talk.wav"], 78, ["--prompt", "offline", "no prompt"]),
                (["--threads", "0", "talk.wav"], 78, ["--threads", "a whole number from"]),
                (["-o", "-", "--formats", "txt,srt", "talk.wav"], 64, ["one format", "-o"]),
                (["-", "talk.wav"], 64, ["-o"]),
                (["--formats", "txt,doc", "talk.wav"], 64, ["doc", "txt, srt, vtt, tsv, json, md, docx, odt, html"]),
                (["--engine", "cloud", "talk.wav"], 78, ["cloud", "offline"]),
                (["--language", "english!", "talk.wav"], 64, ["english!"]),
                ([], 64, ["<file>"]),
                (["-o", "agenda.mp3/out", "talk.wav"], 73, ["agenda.mp3/out"]),
                (["--nonsense", "talk.wav"], 64, ["--nonsense"]),
            ]
            for (arguments, status, words) in cases {
                let all = (["transcribe"] + arguments).map { Array($0.utf8) }
                let ended = try await place.run(all)
                #expect(ended.status == status, "\(arguments): \(ended.errors)")
                #expect(ended.output.isEmpty, "\(arguments)")
                for word in words { #expect(ended.errors.contains(word), "\(arguments): \(ended.errors)") }
            }
            #expect(
                try place.files("").filter { !$0.hasPrefix(".run-") && !$0.hasPrefix("cache/") }
                    == ["agenda.mp3", "empty.wav", "parlograph.toml", "talk.wav"])
        }
    }

    @Test func faultsOfTheConfigurationNameKeyLineAndNearestKey() async throws {
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, "[processing]\nmax_concurent_chunks = 2\n")
            try place.writeMarks(0..<1, to: "talk.wav")
            let unknown = try await place.run("transcribe", "talk.wav")
            #expect(unknown.status == 78)
            #expect(unknown.errors.contains("parlograph.toml, line 5: unknown key \"max_concurent_chunks\""))
            #expect(unknown.errors.contains("\"max_concurrent_chunks\""))

            let fine = try Workplace(folder, "[processing]\nmax_concurrent_chunks = 2\n")
            let variable = "PARLOGRAPH_PROCESSING_MAX_CONCURRENT_CHUNKS"
            let wrong = try await fine.run("transcribe", "talk.wav", environment: [variable: "abc"])
            #expect(wrong.status == 78)
            #expect(wrong.errors.contains(variable))

            let missing = try await Program.run(
                ["transcribe", "--config", "nowhere.toml", "talk.wav"].map { Array($0.utf8) }, folder: folder)
            #expect(missing.status == 78)
            #expect(missing.errors.contains("nowhere.toml"))
        }
    }

    @Test func versionAndHelpGoToStandardOutput() async throws {
        try await withTemporaryDirectory { folder in
            let version = try await Program.run([Array("--version".utf8)], folder: folder)
            #expect(version.status == 0)
            #expect(version.lines.count == 1)
            #expect(version.lines.first?.first?.isNumber == true)
            for command in [[], ["transcribe"], ["serve"], ["jobs", "retry"]] {
                let help = try await Program.run((command + ["--help"]).map { Array($0.utf8) }, folder: folder)
                #expect(help.status == 0)
                #expect(help.errors.isEmpty)
                #expect(String(decoding: help.output, as: UTF8.self).contains("USAGE: parlograph"))
            }
        }
    }

    @Test func namesAreBytesAndMayBeginWithADash() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server)
            try place.writeMarks(3..<5, to: "-o.wav")
            let latin = RawName(bytes: Array("caf".utf8) + [0xE9] + Array(".wav".utf8))
            try TestAudioFile.write(
                TestWave(MarkedAudio.samples(seconds: 0..<2)).bytes, to: folder.pushing(latin.path))
            let ended = try await place.run(
                ["transcribe", "--engine", "fake", "--formats", "txt", "--"].map { Array($0.utf8) }
                    + [latin.bytes, Array("-o.wav".utf8)])
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(ended.output == Array("./caf".utf8) + [0xE9] + Array(".txt\n./-o.txt\n".utf8))
            let text = RawName(bytes: Array("caf".utf8) + [0xE9] + Array(".txt".utf8))
            #expect(try TestAudioFile.read(folder.pushing(text.path)) == Array("m0 m1\n".utf8))
            #expect(try place.text("-o.txt") == "m3 m4\n")
        }
    }

    @Test func noSidecarTakesThePlaceOfARecordingOrOfAnotherTranscript() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server)
            try place.writeMarks(0..<2, to: "talk.wav")
            try place.writeMarks(5..<7, to: "talk.wave")
            // A recording whose name is that of a sidecar.
            try place.writeMarks(8..<9, to: "dictation.txt")
            let recording = try TestAudioFile.read(place["dictation.txt"])
            let arguments = ["transcribe", "--engine", "fake", "--formats", "txt"]
            let ended = try await place.run(
                (arguments + ["talk.wav", "talk.wave", "dictation.txt"]).map { Array($0.utf8) })
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(ended.lines == ["./talk.txt", "./talk.wave.txt", "./dictation (2).txt"])
            #expect(try TestAudioFile.read(place["dictation.txt"]) == recording)
            #expect(try place.text("talk.txt") == "m0 m1\n")
            #expect(try place.text("talk.wave.txt") == "m5 m6\n")
        }
    }
}
