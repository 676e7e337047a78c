import AudioInput
import CLinux
import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// A decoder that dies, babbles, hangs or is refused things, played by shell scripts.
@Suite struct DecoderDeathTests {
    /// Properties of a WAV of 16 kHz that declares two seconds, as `printf` takes them.
    private static let declaring = #"printf 'P\023\000\000\000wav\n16000\n1\n-\n32000'; "#
    /// The same without a declared length.
    private static let properties = #"printf 'P\017\000\000\000wav\n16000\n1\n-\n-'; "#
    /// Half a second of samples that are all `letters`.
    private static func half(_ letters: String) -> String {
        #"printf 'S\200\076\000\000'; head -c 16000 /dev/zero | tr '\0' '"# + letters + "'; "
    }
    private static let beginning = properties + half("A") + half("B")
    private static let end = #"printf 'E\000\000\000\000'; "#

    private struct Outcome {
        var samples: [Int16]
        var summary: DecodeSummary
        var runs: Int
    }

    /// - Parameter script: is run for each decoder, in a folder of its own; `$1` is the number of the run, from 1.
    private func decode(
        script: String, maximumStall: Duration = .seconds(600), sleep: @escaping @Sendable (Duration) -> Void = { _ in }
    ) async throws -> Outcome {
        try await withTemporaryDirectory { folder in
            let program = folder.appending("decoder")
            let count = "cd '\(folder.string)'; echo run >> runs; set -- $(wc -l < runs)"
            try TestAudioFile.write(Array("#!/bin/sh\n\(count)\n\(script)\n".utf8), to: program)
            program.withPlatformString { _ = chmod($0, 0o755) }
            let path = folder.appending("talk.wav")
            try TestAudioFile.write(TestWave(TestAudio.tone(seconds: 1)).bytes, to: path)
            let recording = try Recording(opening: path, followingLinks: false)
            let plan = ChunkPlan(chunkSamples: 160_000, maximumChunkSamples: 200_000, expectedChunks: nil)
            let source = DecodingAudioSource(
                executable: program, maximumStall: maximumStall, ffmpeg: nil, logger: Decoded.logger,
                sleep: { sleep($0) })
            return try await source.withChunks(of: recording, plan: { _ in plan }) { _, reader in
                var samples: [Int16] = []
                while let chunk = try await reader.next() { samples += try chunk.audio.samples() }
                let runs = try TestAudioFile.read(folder.appending("runs")).count { $0 == 0x0A }
                return Outcome(samples: samples, summary: reader.summary, runs: runs)
            }
        }
    }

    @Test(arguments: [
        ("kill -SEGV $$", "signal 11"), ("exit 3", "status 3"), ("", "status 0"),
        ("echo hello; exec sleep 1000", "it wrote what is no sound"),
    ])
    func aDecoderThatBreaksDownAtTheFileCostsOneRecording(_ death: (script: String, reason: String)) async throws {
        let error = await #expect(throws: TranscriptionError.self) { try await decode(script: death.script) }
        #expect(error?.code == .undecodable)
        #expect(error?.message.contains("(\(death.reason)) while reading talk.wav") == true)
    }

    @Test(arguments: ["KILL", "TERM", "INT", "HUP", "USR1"])
    func aDecoderThatIsEndedFromOutsideSaysNothingAboutTheFile(signal: String) async throws {
        let error = await #expect(throws: TranscriptionError.self) { try await decode(script: "kill -\(signal) $$") }
        #expect(error?.code == .decodingInterrupted)
        #expect(error?.message.contains("no fault of the file") == true)
    }

    /// Neither a signal, nor a status, nor the end of its output is a decoder's word that it is done.
    @Test(arguments: [
        "kill -TERM $$", "kill -KILL $$", "kill -SEGV $$", "exit 0", "exit 3", "printf nonsense",
        "printf 'S\\377\\377\\377\\377'", #"printf 'I\011\000\000\000stop\ngone'"#,
    ])
    func whatEndedEarlyIsBegunAgainAndIsWholeThen(death: String) async throws {
        let script = "\(Self.beginning) [ $1 = 1 ] && { \(death); exit; }; \(Self.half("C")) \(Self.end)"
        let outcome = try await decode(script: script)
        #expect(outcome.runs == 2)
        let parts = [Int16(0x4141), 0x4242, 0x4343].flatMap { [Int16](repeating: $0, count: 8_000) }
        #expect(outcome.samples == parts)
        #expect(outcome.summary == DecodeSummary(sampleCount: 24_000, warnings: []))
    }

    /// Before, such an end was taken for the end of a damaged file: a cut transcript was delivered as whole.
    @Test(arguments: [
        ("kill -TERM $$", 3), ("kill -KILL $$", 3), ("kill -SEGV $$", 2), ("exit 0", 2), ("printf nonsense", 2),
    ])
    func whatEndsEarlyAgainAndAgainIsAGapToTheDeclaredEnd(_ death: (script: String, runs: Int)) async throws {
        let beginning = Self.declaring + Self.half("A") + Self.half("B")
        let outcome = try await decode(script: beginning + death.script)
        #expect(outcome.runs == death.runs)
        #expect(outcome.samples.count == 16_000)
        #expect(outcome.summary.sampleCount == 16_000)
        #expect(outcome.summary.gaps.map(\.range) == [SampleRange(16_000, 32_000)])
        #expect(outcome.summary.gaps.allSatisfy { $0.cause == .interruption && !$0.isOpenEnded })
        #expect(outcome.summary.warnings.count == 1)
    }

    /// It was ended when it had said what the file lacks, and not yet that it was done: that is one gap, not two.
    @Test func whatIsCutShortIsToldOnce() async throws {
        let loss = #"printf 'L\013\000\000\00016000\n32000'; "#
        let outcome = try await decode(
            script: Self.declaring + Self.half("A") + Self.half("B") + loss + "kill -KILL $$")
        #expect(outcome.summary.gaps.map(\.range) == [SampleRange(16_000, 32_000)])
        #expect(outcome.summary.gaps.map(\.cause) == [.interruption])
    }

    @Test func withoutADeclaredLengthTheGapGoesToTheEnd() async throws {
        let outcome = try await decode(script: Self.beginning + "kill -KILL $$")
        #expect(outcome.samples.count == 16_000)
        #expect(outcome.summary.gaps.map(\.range) == [SampleRange(16_000, 16_000)])
        #expect(outcome.summary.gaps.allSatisfy { $0.cause == .interruption && $0.isOpenEnded })
    }

    /// A disk or server that is away: no partial transcript of what lies there whole.
    private static let unreadable = #"printf 'U\001\000\000\0005'; exit; "#

    @Test func aRecordingThatCannotBeReadForAMomentIsWaitedFor() async throws {
        let pauses = Guarded<[Duration]>([])
        let script = "\(Self.declaring) \(Self.half("A")) [ $1 -lt 3 ] && { \(Self.unreadable) }; "
        let outcome = try await decode(
            script: script + Self.half("B") + Self.half("C") + Self.half("D") + Self.end,
            sleep: { pause in pauses.change { $0.append(pause) } })
        #expect(outcome.runs == 3 && pauses.value == [.seconds(1), .seconds(2)])
        #expect(outcome.samples.count == 32_000)
        #expect(outcome.summary == DecodeSummary(sampleCount: 32_000, warnings: []))
    }

    @Test func aRecordingThatStaysUnreadableIsNotDeliveredInPart() async throws {
        let pauses = Guarded<[Duration]>([])
        let error = await #expect(throws: TranscriptionError.self) {
            try await decode(
                script: Self.declaring + Self.half("A") + Self.half("B") + Self.unreadable,
                sleep: { pause in pauses.change { $0.append(pause) } })
        }
        #expect(pauses.value == [.seconds(1), .seconds(2), .seconds(4)])
        // What makes a job wait, and ends a command with 66.
        #expect(error?.code == .noSuchInput && (error?.cause as? SystemError)?.errno == .ioError)
        #expect(error?.message == "talk.wav cannot be read: Input/output error. Look at its disk or server.")
    }

    /// ffmpeg makes up some samples where it is ended: a run that gives as much but for these lacks nothing.
    @Test func aFewSamplesLessThanBeforeAreNoLoss() async throws {
        let end = #"printf 'S\004\000\000\000AAAA'; "#
        let script = "\(Self.declaring) \(Self.half("A")) [ $1 = 1 ] && { \(end) kill -KILL $$; }; \(Self.end)"
        let outcome = try await decode(script: script)
        #expect(outcome.runs == 2)
        #expect(outcome.summary == DecodeSummary(sampleCount: 8_002, warnings: []))
    }

    /// ffmpeg that is gone by now, or too little memory: what an earlier run gave shows that there is more.
    @Test(arguments: [#"printf 'X\026\000\000\000undecodable\nis broken.'"#, end])
    func theWordOfARunThatGaveLessDoesNotCount(
        word: String
    ) async throws {
        let script =
            "\(Self.declaring) \(Self.half("A")) [ $1 = 1 ] && { \(Self.half("B")) kill -KILL $$; exit; }; \(word)"
        let outcome = try await decode(script: script)
        #expect(outcome.runs == 3)
        #expect(outcome.samples.count == 16_000)
        #expect(outcome.summary.gaps.map(\.range) == [SampleRange(16_000, 32_000)])
        #expect(outcome.summary.gaps.first?.cause == .interruption)
    }

    /// The last run is ended before it has said anything.
    @Test func theDeclaredEndIsThatOfTheRunThatCameFarthest() async throws {
        let script = "[ $1 = 1 ] && { \(Self.declaring) \(Self.half("A")) kill -KILL $$; }; kill -KILL $$"
        let outcome = try await decode(script: script)
        #expect(outcome.samples.count == 8_000)
        #expect(outcome.summary.gaps.map(\.range) == [SampleRange(8_000, 32_000)])
    }

    /// What a failing disk withholds looks like the end of the file: it is said to be none. Of a folder nothing can be read.
    @Test func aFaultOfReadingIsNotTheEndOfTheFile() async throws {
        try await withTemporaryDirectory { folder in
            let output = folder.appending("output")
            let status = try await TestDecoder.run(Decoded.executable, [], input: folder, output: output)
            #expect(status == 0)
            var messages: [DecoderMessage] = []
            var parser = MessageParser()
            try TestAudioFile.read(output).withUnsafeBytes { bytes in
                try parser.consume(bytes, onSamples: { _ in }, onMessage: { messages.append($0) })
            }
            let said = messages.filter { if case .debug = $0 { false } else { true } }
            #expect(said == [.unreadable(EISDIR)])
        }
    }

    /// Looking for sound in a large file of something else takes long, and gives nothing meanwhile.
    @Test func aDecoderThatWorksDoesNotStandStill() async throws {
        let work =
            "end=$(($(date +%s) + 4)); "
            + "while [ $(date +%s) -lt $end ]; do i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; done; "
        let outcome = try await decode(script: work + Self.beginning + Self.end, maximumStall: .seconds(1))
        #expect(outcome.runs == 1 && outcome.samples.count == 16_000)
    }

    /// A fault of reading may look like one of the file: such a word is asked for once more, and believed then.
    @Test(arguments: [1, 2]) func aDoubtfulWordIsAskedForOnceMore(doubts: Int) async throws {
        let doubtful =
            Self.properties + Self.half("A") + #"printf '?\000\000\000\000X\026\000\000\000undecodable\nis broken.'"#
        let outcome = try await decode(
            script: "[ $1 -le \(doubts) ] && { \(doubtful); exit; }; \(Self.beginning) \(Self.end)")
        #expect(outcome.runs == 2)
        #expect(outcome.samples.count == (doubts == 1 ? 16_000 : 8_000))
        let isBroken = outcome.summary.warnings.contains { $0.contains("is broken.") }
        #expect(isBroken == (doubts == 2), "\(outcome.summary.warnings)")
    }

    /// Stopped (SIGSTOP), or waiting for a file system that hangs.
    @Test(arguments: ["kill -STOP $$", "exec sleep 100000"])
    func aDecoderThatStandsStillIsEndedAndBegunAgain(way: String) async throws {
        let script = "\(Self.beginning) [ $1 = 1 ] && { \(way); exit; }; \(Self.half("C")) \(Self.end)"
        let outcome = try await decode(script: script, maximumStall: .milliseconds(500))
        #expect(outcome.samples.count == 24_000)
        #expect(outcome.summary.gaps.isEmpty)
    }

    /// What it started goes with it, and signals to this process's group do not reach it.
    @Test func aDecoderHasASessionOfItsOwnThatEndsWithIt() async throws {
        try await withTemporaryDirectory { folder in
            let file = folder.appending("child")
            let outcome = try await decode(
                script: "[ $(ps -o sid= -p $$) -eq $$ ] || exit 3; sleep 100000 >/dev/null 2>&1 & "
                    + "echo $! > '\(file.string)'; " + Self.beginning + Self.end)
            #expect(outcome.runs == 1)
            #expect(outcome.summary == DecodeSummary(sampleCount: 16_000, warnings: []))
            let text = String(decoding: try TestAudioFile.read(file), as: UTF8.self)
            let child = try #require(pid_t(text.prefix { $0.isNumber }))
            try await eventually("the end of what it started") { kill(child, 0) != 0 || Self.isZombie(child) }
        }
    }

    /// Nobody has asked for its end yet.
    private static func isZombie(_ process: pid_t) -> Bool {
        let stat = (try? TestAudioFile.read(FilePath("/proc/\(process)/stat"))) ?? []
        return String(decoding: stat, as: UTF8.self).contains(") Z ")
    }

    @Test func ffmpegMayReadTheRecordingAndNoOtherFile() async {
        await #expect(processExitsWith: .success) {
            var limits = clinux_confinement()
            close(0)
            guard open("/etc/hostname", O_RDONLY) == 0 else { exit(2) }
            let status = "/usr/bin/ffmpeg".withCString {
                limits.program = $0
                return clinux_confine(&limits)
            }
            guard status == 0 else { exit(3) }
            guard open("/etc/hostname", O_RDONLY) >= 0, open("/usr/bin/env", O_RDONLY) >= 0 else { exit(4) }
            guard open("/etc/passwd", O_RDONLY) < 0, open("/tmp/x", O_WRONLY | O_CREAT, 0o600) < 0 else { exit(5) }
            guard open("/etc/hostname", O_RDWR) < 0 else { exit(6) }
            exit(0)
        }
    }
}
