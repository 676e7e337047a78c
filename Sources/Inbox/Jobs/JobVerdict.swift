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
    case waitForEnvironment
    /// It failed, with a note for the person who put it there.
    case fail

    /// A decoder that is ended from outside says nothing about the recording. So often it is begun again; a file at which it
    /// is ended each time (for want of memory, say) must not be tried for ever.
    package static let maximumInterruptions = 8

    /// - Parameters:
    ///   - interruptions: how often its decoder was ended from outside by now.
    ///   - isStopping: the work was called off.
    ///   - once: as `serve --once`, which does not wait for what a person has to mend here; an engine's recordings it leaves in
    ///     their inbox.
    package init(_ error: any Error, interruptions: Int = 1, isStopping: Bool, once: Bool) {
        let told = error as? TranscriptionError
        if error is CancellationError {
            self = .leave
        } else if let told, told.code == .recordingChanged || told.isAboutMissingFile {
            self = .forget
        } else if let fault = told?.engineFault {
            self = .waitForEngine(fault)
        } else if told?.code == .cannotWrite, !once {
            self = .waitForOutbox
        } else if told?.code == .decodingInterrupted, !once, interruptions < Self.maximumInterruptions {
            self = .waitForEnvironment
        } else if EnvironmentFault(error) != nil, !once {
            self = .waitForEnvironment
        } else {
            self = isStopping ? .leave : .fail
        }
    }
}

extension TranscriptionError {
    /// The file vanished between being queued and being read, or its folder did, or a link is in its place.
    fileprivate var isAboutMissingFile: Bool {
        code == .noSuchInput && (cause as? SystemError)?.isAboutAbsence == true
    }
}
