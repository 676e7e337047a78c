import Inbox
import SystemPackage
import SystemSupport
import Testing
import Transcription

/// What a failure means for a job.
@Suite struct JobVerdictTests {
    private static func error(
        _ code: TranscriptionError.Code, _ remedy: TranscriptionError.Remedy = .giveUpRecording, _ errno: Errno? = nil
    ) -> any Error {
        TranscriptionError(code, "x", cause: errno.map { SystemError("open", "x", errno: $0) }, remedy: remedy)
    }

    @Test(
        arguments: [
            ("stopped", CancellationError(), .leave, .leave),
            ("changed", error(.recordingChanged), .forget, .forget),
            ("gone", error(.noSuchInput, .giveUpRecording, .noSuchFileOrDirectory), .forget, .forget),
            ("no answer", error(.engineUnavailable, .retry(after: nil)), .waitForEngine(.away), .waitForEngine(.away)),
            ("wrong key", error(.engineUnavailable), .waitForEngine(.refused), .waitForEngine(.refused)),
            (
                "no program", error(.engineUnavailable, .giveUpRecording, .noSuchFileOrDirectory),
                .waitForEngine(.refused),
                .waitForEngine(.refused)
            ),
            ("outbox full", error(.cannotWrite, .giveUpRecording, .noSpace), .waitForOutbox, .fail),
            ("bad disk", SystemError("read", "x", errno: .ioError), .waitForEnvironment, .fail),
            ("server away", SystemError("pread", "x", errno: Errno(rawValue: 121)), .waitForEnvironment, .fail),
            ("no rights", error(.noSuchInput, .giveUpRecording, .permissionDenied), .waitForEnvironment, .fail),
            ("refused chunk", error(.requestFailed), .fail, .fail),
            ("chunk of no engine", error(.engineUnavailable, .giveUpChunk), .fail, .fail),
            ("language", error(.languageNotSupported), .fail, .fail),
            ("too large", error(.tooLarge), .fail, .fail),
            ("decoder killed", error(.decodingInterrupted), .waitForEnvironment, .fail),
            ("no audio", error(.notARecording), .fail, .fail),
            ("must be told the language", error(.configuration), .fail, .fail),
        ] as [(String, any Error, JobVerdict, JobVerdict)])
    func isTold(_ what: String, _ error: any Error, _ serving: JobVerdict, _ once: JobVerdict) {
        #expect(JobVerdict(error, isStopping: false, once: false) == serving, "\(what)")
        #expect(JobVerdict(error, isStopping: false, once: true) == once, "\(what), once")
        // Nothing fails because the service stops.
        #expect(JobVerdict(error, isStopping: true, once: false) != .fail, "\(what), stopping")
    }

    @Test(arguments: [1, 7, 8, 100]) func aRecordingAtWhichEachDecoderIsEndedIsNotTriedForEver(interruptions: Int) {
        let verdict = JobVerdict(
            Self.error(.decodingInterrupted), interruptions: interruptions, isStopping: false, once: false)
        #expect(verdict == (interruptions < 8 ? .waitForEnvironment : .fail))
    }
}
