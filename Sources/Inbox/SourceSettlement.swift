import Glibc
package import SystemPackage
import SystemSupport

/// Takes a finished recording out of the inbox: moved to `done` or `failed` under the same sub-folder, kept or deleted.
/// Blocks.
package enum SourceSettlement {
    package struct Result: Sendable {
        package let disposal: Job.SourceDisposal
        /// Where it is now; nil when it was not moved.
        package let place: FilePath?
        /// Another file, or other contents, lie in the inbox under its name: a recording of its own.
        package var isReplaced = false
    }

    /// Leaves a file alone that is not the one that was transcribed, looked at right before it is moved or deleted.
    /// - Throws: `SystemError`; the recording is still in the inbox then.
    package static func settle(_ job: Job, inbox: InboxSettings, failed: Bool) throws -> Result {
        let source = inbox.path.pushing(job.path.path)
        guard let now = try? FileStatus(at: source, followingLinks: false) else {
            return Result(disposal: .deleted, place: nil)
        }
        guard now.identity == job.identity else { return Result(disposal: .deleted, place: nil, isReplaced: true) }
        switch (failed, inbox.after) {
        case (_, .keep): return Result(disposal: .kept, place: nil)
        case (false, .delete):
            guard source.withPlatformString({ unlink($0) }) == 0 else {
                throw SystemError("unlink", source.printable, errno: Errno(rawValue: errno))
            }
            return Result(disposal: .deleted, place: nil)
        case (true, _), (false, .move):
            let root = failed ? inbox.failed : inbox.done
            let folder = try FileMover.makeFolders(job.path.folder, below: root)
            let name = try FileMover.move(source, to: folder, named: job.path.last)
            return Result(disposal: .moved, place: folder.pushing(name.path))
        }
    }
}
