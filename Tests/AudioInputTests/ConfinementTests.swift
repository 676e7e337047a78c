import AudioInput
import CLinux
import Glibc
import SystemPackage
import TestSupport
import Testing
import Transcription

/// What the processes that decode cannot do, tried from inside, and what holds them while they decode.
@Suite struct ConfinementTests {
    /// Runs the decoder process with these arguments to its end.
    private func decoder(_ arguments: [String]) async throws -> (status: Int32, lines: [String]) {
        try await withTemporaryDirectory { folder in
            let output = folder.appending("output")
            let status = try await TestDecoder.run(Decoded.executable, arguments, output: output)
            let text = String(decoding: try TestAudioFile.read(output), as: UTF8.self)
            return (status, text.split(separator: "\n").map(String.init))
        }
    }

    @Test(arguments: ["decoder", "ffmpeg"])
    func everythingElseIsRefused(process: String) async throws {
        let (status, lines) = try await decoder(["try", process])
        #expect(lines.filter { !$0.hasSuffix(": refused") } == [])
        #expect(status == 0)
        let required = [
            "kill the parent", "tgkill the parent", "tkill", "rt_sigqueueinfo", "pidfd_send_signal", "fork", "vfork",
            "clone a process", "clone into a user namespace", "clone3", "execve", "unshare", "setns", "fchmodat2",
            "setxattr",
            "utimensat", "limits of the parent", "new limits", "sched_setaffinity", "shmget", "socket", "ptrace",
            "openat: read", "openat: write", "openat: truncate", "openat: create", "mmap: more memory than the limit",
            "ppoll: more open files than the limit", "a core file",
        ]
        #expect(required.filter { !lines.contains("\($0): refused") } == [])
    }

    @Test func theDecoderKnowsNoPath() async throws {
        let lines = try await decoder(["try", "decoder"]).lines
        let required = ["stat", "newfstatat", "statx", "access", "readlink", "getcwd", "fcntl", "ioctl"]
        #expect(required.filter { !lines.contains("\($0): refused") } == [])
    }

    #if arch(x86_64)
        @Test(arguments: ["i386", "x32"], ["decoder", "ffmpeg"])
        func anotherInterfaceOfTheKernelEndsTheProcess(interface: String, process: String) async throws {
            let (status, lines) = try await decoder(["try", process, interface])
            #expect(status == -SIGSYS)
            #expect(lines == [])
        }
    #endif

    /// Both hang at their first full pipe, and are looked at.
    @Test func limitsAreInForceWhileDecoding() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder.appending("long.m4a")
            try await Self.makeLongM4A(path)
            try await TestDecoder.hanging(Decoded.executable, Self.external, on: path) { decoder, ffmpeg in
                for (process, memory) in [(decoder, 1 << 30), (ffmpeg, 2 << 30)] {
                    let limits = try ProcessLimit.all(of: process)
                    #expect(limits["Max address space"]?.soft == "\(memory)")
                    #expect(limits["Max open files"]?.soft == "64")
                    #expect(limits["Max core file size"] == .init(soft: "0", hard: "0"))
                    let seconds = try #require(limits["Max cpu time"].flatMap { Int($0.soft) })
                    #expect((600..<700).contains(seconds))
                    for thread in try ProcFile.threads(of: process) {
                        #expect(thread["Seccomp"] == "2" && thread["NoNewPrivs"] == "1")
                    }
                }
            }
        }
    }

    @Test func aKilledDecoderTakesFFmpegWithIt() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder.appending("long.m4a")
            try await Self.makeLongM4A(path)
            try await TestDecoder.hanging(Decoded.executable, Self.external, on: path) { decoder, ffmpeg in
                let watched = try #require(TestDecoder.watch(ffmpeg))
                defer { close(watched) }
                // Stopped, it does not see that nobody reads its pipe any more.
                kill(ffmpeg, SIGSTOP)
                kill(decoder, SIGKILL)
                var polled = pollfd(fd: watched, events: Int16(POLLIN), revents: 0)
                let isGone = poll(&polled, 1, 120_000) == 1
                #expect(isGone)
                if !isGone { kill(ffmpeg, SIGKILL) }
            }
        }
    }

    @Test func aScriptIsNoFFmpeg() async throws {
        try await withTemporaryDirectory { folder in
            let program = folder.appending("ffmpeg")
            try TestAudioFile.write(Array("#!/bin/sh\nexec /usr/bin/ffmpeg \"$@\"\n".utf8), to: program)
            program.withPlatformString { _ = chmod($0, 0o755) }
            let bytes = try await Decoded.encoded(
                TestWave(TestAudio.tone(seconds: 1)), as: "a.m4a", "ffmpeg",
                ["-v", "error", "-i", "IN", "-c:a", "aac", "OUT"])
            let error = try await refusal(bytes, named: "memo.m4a", ffmpeg: program)
            #expect(error.message.contains("cannot be started") && error.message.contains("not a script"))
        }
    }

    private static let external = [Decoded.ffmpeg?.string ?? "", "mov", "m4a", "MPEG-4 audio (m4a)", "", ""]

    /// Ten minutes: more than all pipes hold.
    private static func makeLongM4A(_ path: FilePath) async throws {
        try await TestAudioFile.run(
            "ffmpeg",
            ["-v", "error", "-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-t", "600", "-c:a", "aac", path.string])
    }
}
