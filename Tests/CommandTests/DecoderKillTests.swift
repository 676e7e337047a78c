import AudioInput
import Glibc
import SystemPackage
import TestSupport
import Testing

/// The decoder process beside the program itself.
@Suite(.timeLimit(.minutes(20))) struct DecoderKillTests {
    /// Before, one that was stopped itself stayed for ever: it never saw that nobody reads what it writes.
    @Test(arguments: [("wav", [String]()), ("mka", ["-c:a", "libopus"])])
    func aStoppedDecoderDoesNotOutliveTheProgram(_ kind: (ending: String, options: [String])) async throws {
        try await withTemporaryDirectory { folder in
            // It never answers, so that the decoder has to wait for room.
            let place = try Workplace(
                folder,
                """
                [engines.slow]
                kind = "command"
                chunk_target_seconds = 10
                chunk_max_seconds = 12
                command = ["/bin/sh", "-c", "exec sleep 1000"]
                """)
            let talk = place["talk.\(kind.ending)"].string
            try await TestAudioFile.run(
                "ffmpeg",
                ["-v", "error", "-f", "lavfi", "-i", "sine=duration=1200:sample_rate=16000"] + kind.options + [talk])
            let decoder = try await place.start("transcribe", "--engine", "slow", "--no-cache", "talk.\(kind.ending)") {
                program in
                // It decodes by now.
                try await program.says("of 12")
                var decoder: pid_t?
                try await eventually("a decoder") {
                    decoder = program.id.flatMap { ChildProcesses.running(DecoderProcess.subcommand, of: $0) }
                    return decoder != nil
                }
                if let decoder { kill(decoder, SIGSTOP) }
                program.send(SIGKILL)
                return decoder
            }
            if let decoder { try await eventually("its end") { !ChildProcesses.exists(decoder) } }
        }
    }
}
