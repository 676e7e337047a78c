import Glibc
import SystemPackage

/// How a run of the decoder ended. Only the decoder itself can say that it is done: everything else is an end of the run, not
/// of the recording.
enum DecodingEnd: Equatable {
    /// All that the file gives has come.
    case complete
    /// The decoder says that the file gives no more, and why.
    case failed(DecodingFailure)
    /// It needs a program for this format, and has not begun.
    case needs(ProgramNeeded)
    /// The decoder broke down: at the file, as it seems.
    case crashed(String)
    /// Something outside ended it, or it stood still.
    case stopped(String)
    /// Reading the recording failed: its disk or server is at fault.
    case unreadable(Errno)

    /// How often a run is begun before the recording is left as it is. A decoder that breaks down at a file does so again; a
    /// stop from outside may hit the same recording twice; a disk or server that is away for a moment is waited for, and a
    /// recording whose disk stays away is not delivered at all.
    var attempts: Int {
        switch self {
        case .complete, .failed, .needs: 1
        case .crashed: 2
        case .stopped: 3
        case .unreadable: 4
        }
    }

    /// The decoder itself has said how it ended.
    var isOwnWord: Bool {
        switch self {
        case .complete, .failed: true
        case .needs, .crashed, .stopped, .unreadable: false
        }
    }

    /// Signals that a process brings upon itself.
    static let ownSignals: Set<Int32> = [
        SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP, SIGXCPU, SIGXFSZ, SIGPIPE,
    ]

    /// The end of a process that did not say how it ended.
    /// - Parameter status: the exit status, or the negative number of the signal; nil where it does not end.
    static func unexplained(status: Int32?) -> DecodingEnd {
        guard let status else { return .stopped("no answer") }
        guard status < 0 else { return .crashed("status \(status)") }
        if status == -SIGXCPU { return .crashed("it took more time than any honest file needs") }
        let text = "signal \(-status)"
        return ownSignals.contains(-status) ? .crashed(text) : .stopped(text)
    }
}

/// The decoder process cannot read the format; ffmpeg may.
struct ProgramNeeded: Equatable {
    let demuxer: String
    let format: String
    let title: String
    /// How it is to go about it (`ExternalReading`).
    let reading: String
}
