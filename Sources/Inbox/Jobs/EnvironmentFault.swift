import SystemPackage
import SystemSupport
import Transcription

/// A fault that lies neither in the recording nor in the engine and that passes when somebody mends it: too many open
/// files, a disk or a share that does not answer, rights that were taken away.
struct EnvironmentFault {
    init?(_ error: any Error) {
        let system = error as? SystemError ?? (error as? TranscriptionError)?.cause as? SystemError
        guard let system else { return nil }
        if let error = error as? TranscriptionError, error.code != .noSuchInput, error.code != .internalFault {
            return nil
        }
        // A file that is open already and cannot be read, whatever its disk or server says.
        if system.call == "pread" { return }
        switch system.errno {
        case .noSuchFileOrDirectory, .tooManySymbolicLinkLevels:
            // Of the inbox itself; a recording that is gone is a `TranscriptionError`.
            guard error is SystemError else { return nil }
        case .tooManyOpenFiles, .tooManyOpenFilesInSystem, .ioError, .noMemory, .resourceTemporarilyUnavailable,
            .noSpace, .readOnlyFileSystem, .permissionDenied, .notPermitted, .staleNFSFileHandle, .timedOut,
            .socketNotConnected, .hostIsDown, .noRouteToHost, .noSuchAddressOrDevice, .operationNotSupportedByDevice:
            break
        default: return nil
        }
    }
}
