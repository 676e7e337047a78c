import Glibc
import ParlographCommands
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// The process that reads a text first, with shell scripts in its place.
@Suite struct TOMLPreflightTests {
    /// What is said of a text, and how often a process was asked about it.
    private struct Answer {
        var fault: String?
        var runs: Int
    }

    /// - Parameter script: its number, counted from 1, is `$n`.
    private static func ask(_ script: String, about text: String = "a = 1\n", in folder: FilePath) async throws
        -> Answer
    {
        let (file, draft) = (folder.appending("toml"), folder.appending("draft"))
        let counting = #"echo run >>"$0.runs"; n=0; while read -r run; do n=$((n + 1)); done <"$0.runs""#
        try TestAudioFile.write(Array("#!/bin/sh\n\(counting)\n\(script)\n".utf8), to: draft)
        // Made by another process: a program that is open for writing anywhere, as in a child of another test, cannot run.
        try await TestAudioFile.run("install", ["-m", "700", draft.string, file.string])
        let fault = await fault(of: text, file)
        let runs = (try? TestAudioFile.read(folder.appending("toml.runs"))) ?? []
        return Answer(fault: fault, runs: runs.count { $0 == UInt8(ascii: "\n") })
    }

    private static func fault(of text: String, _ executable: FilePath) async -> String? {
        await BlockingPool.files.run {
            do {
                try TOMLPreflight.check(text, name: "talk.toml", executable: executable)
                return nil
            } catch {
                return "\(error)"
            }
        }
    }

    /// As somebody who ends processes, or a machine without memory, does.
    @Test(arguments: ["KILL", "TERM"]) func oneThatIsEndedFromOutsideIsAskedAgain(_ signal: String) async throws {
        try await withTemporaryDirectory { folder in
            let answer = try await Self.ask("[ $n -gt 2 ] || kill -\(signal) $$", in: folder)
            #expect(answer.fault == nil && answer.runs == 3, "\(answer)")
        }
    }

    @Test func whatIsEndedEachTimeSaysNothingOfTheText() async throws {
        try await withTemporaryDirectory { folder in
            let answer = try await Self.ask("kill -KILL $$", in: folder)
            #expect(answer.runs == 3)
            let fault = try #require(answer.fault)
            #expect(fault.contains("talk.toml cannot be looked at now") && fault.contains("signal 9"), "\(fault)")
        }
    }

    @Test(arguments: ["ABRT", "SEGV"]) func oneThatBreaksDownAtTheTextIsBelieved(_ signal: String) async throws {
        try await withTemporaryDirectory { folder in
            let answer = try await Self.ask("kill -\(signal) $$", about: "a = 1", in: folder)
            #expect(answer.fault == "talk.toml, line 1: this is not TOML." && answer.runs == 1, "\(answer)")
        }
    }

    /// What is sent to the service's group, as a terminal does, is not sent to it.
    @Test func itIsInAProcessGroupOfItsOwn() async throws {
        try await withTemporaryDirectory { folder in
            let script = #"read -r id name state parent group rest </proc/$$/stat; echo "$id $group" >"$0.group""#
            #expect(try await Self.ask(script, in: folder).fault == nil)
            let text = String(decoding: try TestAudioFile.read(folder.appending("toml.group")), as: UTF8.self)
            let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { pid_t($0) }
            #expect(numbers.count == 2 && numbers.first == numbers.last, "\(text)")
            #expect(numbers.last != getpgrp())
        }
    }

    /// A process that recurses at it would have no room for 100,000 levels either.
    @Test(arguments: NestingTests.kinds.map(\.name)) func nobodyIsAskedAboutWhatNestsTooDeeply(name: String)
        async throws
    {
        let text = try #require(NestingTests.kinds.first { $0.name == name }).text
        try await withTemporaryDirectory { folder in
            for levels in [65, 6000] {
                let answer = try await Self.ask("exit 0", about: text(levels), in: folder)
                #expect(answer.fault?.contains("nested more than 64 levels deep") == true && answer.runs == 0)
            }
            #expect(try await Self.ask("exit 0", about: text(64), in: folder).fault == nil)
        }
    }

    @Test func theProgramItselfIsAsked() async throws {
        #expect(await Self.fault(of: "a = 1\n", Program.path) == nil)
        #expect(await Self.fault(of: "a = 1\n[.\n", Program.path) == "talk.toml, line 2: this is not TOML.")
    }

    /// It reads what somebody wrote, keys among it: that goes to no file when it breaks down.
    @Test func itLeavesNoCoreFile() async throws {
        try await withTemporaryDirectory { folder in
            let pipe = folder.appending("text")
            #expect(mkfifo(pipe.string, 0o600) == 0)
            // Open for writing as well, so that its end never comes.
            let writer = try OwnedDescriptor(opening: pipe, flags: O_RDWR)
            try await ShellCommand.run("exec '\(Program.path.string)' __toml <'\(pipe.string)'") { command in
                try await eventually("the limit", within: .seconds(60)) {
                    try ProcessLimit.all(of: command.process)["Max core file size"] == .init(soft: "0", hard: "0")
                }
            }
            withExtendedLifetime(writer) {}
        }
    }
}
