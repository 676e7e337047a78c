import Engines
import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// The recognizer process beside the program itself.
@Suite(.serialized, .timeLimit(.minutes(10))) struct RecognizerKillTests {
    private static func recognizer(of parent: pid_t) -> pid_t? {
        ChildProcesses.running(RecognizerProcess.subcommand, of: parent)
    }

    private static let sentences = [
        "The committee will meet on Monday morning to discuss the budget for the next financial year.",
        "The weather report says that there will be heavy rain in the north tomorrow afternoon.",
        "Please send the letter to the office before the end of the week.",
    ]

    /// A minute and a half of speech.
    private static func place(_ folder: FilePath) async throws -> Workplace {
        let place = try Workplace(
            folder, "[processing]\nchunk_retry_delay_seconds = 0\n[engines.offline]\nthreads = 1\n")
        let text = (0..<6).flatMap { _ in sentences }.joined(separator: " ")
        try await TestAudioFile.run("flite", ["-voice", "slt", "-t", text, "-o", place["talk.wav"].string])
        return place
    }

    @Test func killedInTheMiddleOfItsWorkItCostsNoWord() async throws {
        try await withTemporaryDirectory { folder in
            let place = try await Self.place(folder)
            let whole = try await place.run("transcribe", "--no-cache", "-o", place["whole"].string, "talk.wav")
            #expect(whole.status == 0, "\(whole.errors)")
            try await place.start("transcribe", "--no-cache", "-o", place["killed"].string, "talk.wav") { program in
                try await eventually("a recognizer") { program.id.flatMap(Self.recognizer) != nil }
                if let process = program.id.flatMap(Self.recognizer) { kill(process, SIGKILL) }
                let ended = try await program.end(within: .seconds(300))
                #expect(ended.status == 0, "\(ended.errors)")
            }
            #expect(try place.text("killed/talk.txt") == place.text("whole/talk.txt"))
            #expect(try place.text("killed/talk.srt") == place.text("whole/talk.srt"))
        }
    }

    @Test func itDoesNotOutliveTheProgram() async throws {
        try await withTemporaryDirectory { folder in
            let place = try await Self.place(folder)
            let process = try await place.start("transcribe", "--no-cache", "-o", place["out"].string, "talk.wav") {
                program in
                try await eventually("a recognizer") { program.id.flatMap(Self.recognizer) != nil }
                let process = program.id.flatMap(Self.recognizer)
                program.send(SIGKILL)
                return process
            }
            if let process { try await eventually("its end") { !ChildProcesses.exists(process) } }
        }
    }
}
