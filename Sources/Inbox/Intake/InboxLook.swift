import AudioContainers
import Glibc
package import SystemPackage
package import SystemSupport

/// Looks at files of an inbox without trusting anything about them: no link is followed, nothing outside the inbox is
/// opened, nothing blocks on a pipe or a lease, and only a bounded part of a file is read. Blocks on the file system.
package struct InboxLook: Sendable {
    /// Asks about writers; replaced in tests of file systems that do not tell.
    package typealias Probe = @Sendable (FileDescriptor) -> FileLease.Answer

    let probe: Probe

    /// - Parameter probe: default is the kernel's answer.
    package init(probe: @escaping Probe = { FileLease.probe($0) }) { self.probe = probe }

    /// One look at each of `paths`, relative to `root`.
    func look(at paths: some Collection<RawName>, beneath root: FilePath) -> [CompletenessRule.Look] {
        guard let folder = try? OpenFolder(root: root) else {
            return paths.map { _ in .inboxAway }
        }
        return paths.map { look(at: $0, beneath: folder.descriptor) }
    }

    private func look(at path: RawName, beneath folder: FileDescriptor) -> CompletenessRule.Look {
        do {
            let file = try OwnedDescriptor(
                opening: path, beneath: folder, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY)
            let status = try FileStatus(of: file.descriptor)
            guard status.kind == .regular else { return .notARecording }
            let lease: CompletenessRule.Lease =
                switch probe(file.descriptor) {
                case .granted: .free
                case .refused: .writer
                case .unavailable: .unknown
                }
            let contents = contents(of: file.descriptor, size: status.identity.byteCount)
            // What was read while it changed says nothing of what it is now.
            guard try FileStatus(of: file.descriptor).identity == status.identity else {
                return .present(status.identity, .writer, .open)
            }
            return .present(status.identity, lease, contents)
        } catch let error as SystemError {
            switch error.errno {
            case .noSuchFileOrDirectory, .notDirectory: return .gone
            // ENXIO: a socket, or a device that is not there.
            case .tooManySymbolicLinkLevels, .isDirectory, .noSuchAddressOrDevice: return .notARecording
            case .resourceTemporarilyUnavailable, .resourceBusy, .textFileBusy: return .locked
            default: return .unreadable(error.errno)
            }
        } catch {
            return .gone
        }
    }

    private func contents(of descriptor: FileDescriptor, size: Int64) -> CompletenessRule.Contents {
        let dataEnd = FileLease.dataEnd(descriptor, size: size)
        if dataEnd < size { return .short(.init(arrived: dataEnd, expected: size)) }
        switch DeclaredLength(of: FileBytes(descriptor: descriptor.rawValue)) {
        case .met: return .whole
        case .undeclared: return .open
        case .headerOnly: return .headerOnly
        case .short(let expected): return .short(.init(arrived: size, expected: expected))
        }
    }
}
