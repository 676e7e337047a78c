import SystemPackage
import SystemSupport
package import Transcription

/// What becomes of a job whose work ended with an error.
package enum JobVerdict: Sendable, Hashable {
    /// It stays in the journal as it is: the service stops, and the next start goes on with it.
    case leave
    /// It is none any more: the recording changed or went away, and intake looks again at what lies there.
    case forget
    case waitForEngine(EngineFault)
    case waitForOutbox
    case waitForSurroundings
    /// It failed, with a note for the person who put it there.
    case fail

    /// - Parameters:
    ///   - isStopping: the work was called off.
    ///   - once: as `serve --once`, which does not wait for what a person has to mend here; an engine's recordings it leaves in
    ///     their inbox.
    package init(_ error: any Error, isStopping: Bool, once: Bool) {
        let told = error as? TranscriptionError
        if error is CancellationError {
            self = .leave
        } else if let told, told.code == .recordingChanged || told.isAboutMissingFile {
            self = .forget
        } else if let fault = told?.engineFault {
            self = .waitForEngine(fault)
        } else if told?.code == .cannotWrite, !once {
            self = .waitForOutbox
        } else if SurroundingsFault(error) != nil, !once {
            self = .waitForSurroundings
        } else {
            self = isStopping ? .leave : .fail
        }
    }
}

extension TranscriptionError {
    /// The file vanished between being queued and being read.
    fileprivate var isAboutMissingFile: Bool {
        code == .noSuchInput && (cause as? SystemError)?.errno == .noSuchFileOrDirectory
    }
}
