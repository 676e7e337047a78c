import AudioContainers
import Glibc
package import SystemPackage
package import SystemSupport

/// Looks at files of an inbox without trusting anything about them: no link is followed, nothing outside the inbox is
/// opened, nothing blocks on a pipe or a lease, and only a bounded part of a file is read. Blocks on the file system.
package struct InboxLook: Sendable {
    /// Asks about writers; replaced in tests of file systems that do not tell.
    package typealias Probe = @Sendable (FileDescriptor) -> FileLease.Answer

    /// Whether a file is sound by its content, with a bounded number of bytes read and nothing decoded.
    package typealias SoundProbe = @Sendable (FileDescriptor) -> Bool

    /// Whoever makes a larger file makes it of holes.
    private static let maximumProbed: Int64 = 1 << 50

    let probe: Probe
    let isSound: SoundProbe

    /// - Parameters:
    ///   - probe: default is the kernel's answer.
    ///   - isSound: is asked about files whose names do not say what they are.
    package init(
        probe: @escaping Probe = { FileLease.probe($0) }, isSound: @escaping SoundProbe = { _ in true }
    ) {
        self.probe = probe
        self.isSound = isSound
    }

    /// One look at each of `paths`, relative to `root`.
    /// - Parameters:
    ///   - leavesForeign: files that are no recordings are told as such, and not looked at any further.
    ///   - skipsSubtitled: so are recordings with subtitles beside them.
    func look(
        at paths: some Collection<RawName>, beneath root: FilePath, leavesForeign: Bool = false,
        skipsSubtitled: Bool = false
    ) -> [CompletenessRule.Look] {
        guard let folder = try? OpenFolder(root: root) else {
            return paths.map { _ in .inboxAway }
        }
        var subtitles: [RawName: SubtitledNames] = [:]
        if skipsSubtitled {
            for place in Set(paths.map(\.folder)) { subtitles[place] = SubtitledNames(of: place, beneath: folder) }
        }
        return paths.map { path in
            look(at: path, beneath: folder.descriptor, leavesForeign, subtitles[path.folder] ?? SubtitledNames())
        }
    }

    private func look(
        at path: RawName, beneath folder: FileDescriptor, _ leavesForeign: Bool, _ subtitles: SubtitledNames
    ) -> CompletenessRule.Look {
        do {
            let file = try OwnedDescriptor(
                opening: path, beneath: folder, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY)
            let status = try FileStatus(of: file.descriptor)
            guard status.kind == .regular else { return .notARecording }
            let isForeign =
                leavesForeign && status.identity.byteCount <= Self.maximumProbed
                && ForeignFileRule.isForeign(path.last) { isSound(file.descriptor) }
            // One that changes meanwhile is looked at as any other.
            if isForeign, try FileStatus(of: file.descriptor).identity == status.identity {
                return .foreign(status.identity)
            }
            if subtitles.contains(path.last) { return .subtitled(status.identity) }
            let lease: CompletenessRule.Lease =
                switch probe(file.descriptor) {
                case .granted: .free
                case .refused: .writer
                case .unavailable: .unknown
                }
            let contents = contents(of: file.descriptor, path.path.extension, size: status.identity.byteCount)
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

    private func contents(
        of descriptor: FileDescriptor, _ fileExtension: String?, size: Int64
    ) -> CompletenessRule.Contents {
        let dataEnd = FileLease.dataEnd(descriptor, size: size)
        if dataEnd < size { return .short(.init(arrived: dataEnd, expected: size)) }
        switch DeclaredLength(of: FileBytes(descriptor: descriptor.rawValue), fileExtension: fileExtension) {
        case .met: return .whole
        case .undeclared: return .open
        case .headerOnly: return .headerOnly
        case .short(let expected): return .short(.init(arrived: size, expected: expected))
        }
    }
}
