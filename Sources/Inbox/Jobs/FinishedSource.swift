import Glibc
package import SystemPackage
import SystemSupport

/// Takes a finished recording out of the inbox: moved to `done` or `failed` under the same sub-folder, kept or deleted.
/// Blocks.
package enum FinishedSource {
    package struct Result: Sendable {
        package let disposal: Job.SourceDisposal
        /// Where it is now; nil when it was not moved.
        package let place: FilePath?
        /// Another file, or other contents, lie in the inbox under its name: a recording of its own.
        package var isReplaced = false
    }

    /// Leaves a file alone that is not the one that was transcribed, looked at right before it is moved or deleted, in a
    /// folder that was opened below the inbox without following a link. What is not transcribed as a whole is never
    /// deleted: it goes to `failed`, where it can be tried again.
    /// - Parameters:
    ///   - outcome: what became of the job.
    ///   - checkRoot: throws where `done` or `failed` is not the folder that it should be.
    ///   - isCancelled: ends a long copy; the recording is still in the inbox then.
    /// - Throws: `SystemError`, `CancellationError`; the recording is still in the inbox then.
    package static func dispose(
        _ job: Job, inbox: InboxSettings, as outcome: Job.State,
        checkRoot: (FilePath) throws -> Void = { _ in }, isCancelled: () -> Bool = { false }
    ) throws -> Result {
        let gone = Result(disposal: .deleted, place: nil)
        guard let source = try folder(of: job, inbox) else { return gone }
        let replaced = Result(disposal: .deleted, place: nil, isReplaced: true)
        guard (try? source.status(of: job.path.last))?.identity == job.identity else { return replaced }
        switch (outcome, inbox.after) {
        case (_, .keep): return Result(disposal: .kept, place: nil)
        case (.delivered, .delete):
            try source.unlink(job.path.last)
            return gone
        case (_, .delete), (_, .move):
            let root = target(of: inbox, as: outcome)
            try checkRoot(root)
            let folder = try OpenFolder(root: root).making(job.path.folder)
            do {
                let name = try FileMover.move(
                    job.path.last, in: source, to: folder, named: job.path.last, identity: job.identity,
                    isCancelled: isCancelled)
                return Result(disposal: .moved, place: folder.path.pushing(name.path))
            } catch is FileMover.SourceChanged {
                return replaced
            }
        }
    }

    /// Whether the folder is there that `dispose` would move the recording into, if it would. Blocks.
    /// - Parameter checkRoot: as for `dispose`.
    /// - Throws: `SystemError` as `dispose`.
    package static func checkTarget(
        of job: Job, inbox: InboxSettings, as outcome: Job.State, checkRoot: (FilePath) throws -> Void = { _ in }
    ) throws {
        let root = target(of: inbox, as: outcome)
        guard root != inbox.path, let source = try folder(of: job, inbox),
            (try? source.status(of: job.path.last))?.identity == job.identity
        else { return }
        try checkRoot(root)
        _ = try OpenFolder(root: root)
    }

    /// Why a recording stays in its inbox, and the remedy, in sentences. Blocks.
    /// - Parameter error: of `dispose`.
    static func obstacle(_ error: any Error, _ job: Job, inbox: InboxSettings, as outcome: Job.State) -> String {
        let folder = inbox.path.pushing(job.path.folder.path)
        let target = target(of: inbox, as: outcome)
        guard let fault = error as? SystemError else { return "\(error)" }
        if let sentence = fault.sentence { return sentence }
        switch fault.errno {
        case .noSpace, Errno(rawValue: EDQUOT):
            return "It cannot be moved to \(target.printable), which is full: free some space there."
        case .permissionDenied, .notPermitted, .readOnlyFileSystem:
            let place = mayWrite(folder) ? target : folder
            let remedy =
                fault.errno == .readOnlyFileSystem
                ? "it is read-only"
                : "let the service write there: chgrp parlograph \(place.printable.shellWord); chmod g+rwxs "
                    + "\(place.printable.shellWord)"
            return "It cannot be moved from \(folder.printable) to \(target.printable): the service may not change "
                + "\(place.printable); \(remedy)"
        case .noSuchFileOrDirectory where (try? OpenFolder(root: target)) == nil:
            return "It cannot be moved to \(target.printable), which is not there: mount it or make it again."
        default: return "It cannot be moved to \(target.printable): \(fault). Look at its disk or server."
        }
    }

    private static func mayWrite(_ folder: FilePath) -> Bool {
        folder.withPlatformString { faccessat(AT_FDCWD, $0, W_OK | X_OK, AT_EACCESS) } == 0
    }

    /// The folder that `dispose` moves into; the inbox itself where nothing is moved.
    static func target(of inbox: InboxSettings, as outcome: Job.State) -> FilePath {
        switch (outcome, inbox.after) {
        case (_, .keep), (.delivered, .delete): inbox.path
        case (.failed, .move), (_, .delete): inbox.failed
        case (_, .move): inbox.done
        }
    }

    /// - Returns: the folder that the recording lies in; nil when it is gone for sure.
    /// - Throws: `SystemError` when it cannot be told: a folder that may not be read now, an inbox that is not mounted.
    private static func folder(of job: Job, _ inbox: InboxSettings) throws -> OpenFolder? {
        let root = try OpenFolder(root: inbox.path)
        do {
            let folder = try root.opening(job.path.folder)
            _ = try folder.status(of: job.path.last)
            return folder
        } catch let error as SystemError where error.isAboutAbsence {
            guard try InboxRoot.holds(job, in: root) else { throw error }
            return nil
        }
    }
}

extension SystemError {
    /// Nothing lies there, or something else than a folder on the way.
    var isAboutAbsence: Bool {
        [.noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels].contains(errno)
    }
}

/// Tells an inbox that has lost a recording from one that is not mounted. Blocks.
enum InboxRoot {
    /// - Returns: false when another, empty folder lies where the inbox was: its mount point.
    /// - Throws: `SystemError` when it cannot be read.
    static func holds(_ job: Job, in inbox: borrowing OpenFolder) throws -> Bool {
        guard try FileStatus(of: inbox.descriptor).identity.device != job.identity.device else { return true }
        var isEmpty = true
        try DirectoryLister.forEach(of: inbox.descriptor, inbox.path.printable) { _ in
            isEmpty = false
            return false
        }
        return !isEmpty
    }
}
