import GRDB
import Logging
import Synchronization
import SystemPackage
import SystemSupport

/// Says once that the job journal cannot be used, with the cause, and once that it can be used again.
final class JournalFaultReport: Sendable {
    private struct State {
        /// What was logged and still lasts.
        var cause: String?
        var since: ContinuousClock.Instant?
        var failures = 0
    }

    private let path: FilePath
    private let logger: Logger
    private let state = Mutex(State())

    init(path: FilePath, logger: Logger) {
        self.path = path
        self.logger = logger
    }

    /// - Parameter error: a passing fault; see `PassingFault`.
    /// - Returns: how many there were since it could be used.
    @discardableResult
    func record(_ error: any Error) -> Int {
        guard let fault = PassingFault(error) else { return 0 }
        let (isNew, failures) = state.withLock { state in
            let isNew = state.cause != fault.cause
            state.cause = fault.cause
            state.since = state.since ?? .now
            state.failures += 1
            return (isNew, state.failures)
        }
        guard isNew else { return failures }
        var metadata: Logger.Metadata = ["journal": "\(path.printable)", "error": "\(fault.reason)"]
        if let code = fault.code { metadata["sqlite"] = "\(code)" }
        logger.error("job journal cannot be used; everything waits until it can", metadata: metadata)
        return failures
    }

    func noteRecovery() {
        let since = state.withLock { state in
            defer { state = State() }
            return state.since
        }
        guard let since else { return }
        logger.notice(
            "job journal can be used again",
            metadata: ["journal": "\(path.printable)", "after": "\(since.duration(to: .now))"])
    }
}

/// A fault of what the journal needs around it: disk full or broken, read-only, rights, another process.
struct PassingFault {
    /// For people.
    let reason: String
    /// Tells one from another.
    let cause: String
    /// SQLite's extended one.
    let code: Int32?

    /// Nil where waiting changes nothing.
    init?(_ error: any Error) {
        switch error {
        case let error as DatabaseError where error.mayPass:
            reason = error.message ?? "no message"
            cause = "\(error.resultCode) \(reason)"
            code = error.extendedResultCode.rawValue
        // A damaged file could not be set aside.
        case let error as SystemError:
            reason = "\(error)"
            cause = reason
            code = nil
        default: return nil
        }
    }
}
