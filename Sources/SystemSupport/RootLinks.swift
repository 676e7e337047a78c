import CLinux
import Glibc
import SystemPackage

/// Whose symbolic links may lead to a folder that a configuration names. Below that folder no link is ever followed.
package enum RootLinks: Sendable {
    /// Whoever made them: for what a user names on a command line and uses with his own rights.
    case anybodys
    /// Those of some users: another one could lead a service, which may do more than he, to where he may not write.
    case of(Set<UInt32>)

    /// Those of root and of this process's own user.
    package static var trusted: RootLinks { .of([0, geteuid()]) }

    /// As many as the kernel follows, path_resolution(7).
    private static let maximumLinks = 40

    func open(_ path: FilePath, _ resolution: PathResolution) throws -> OwnedDescriptor {
        let flags = O_RDONLY | O_DIRECTORY
        guard case .of(let owners) = self else { return try OwnedDescriptor(opening: path, flags: flags) }
        if resolution == .kernel {
            let fd = path.withPlatformString { clinux_open_without_links(AT_FDCWD, $0, flags, 0) }
            if fd >= 0 { return OwnedDescriptor(owning: FileDescriptor(rawValue: fd)) }
            guard fd == -ELOOP || fd == -ENOSYS || fd == -EPERM else {
                throw SystemError("open", path.printable, negative: fd)
            }
        }
        let place = try Self.walk(path, owners)
        let fd = clinux_openat(place.descriptor.rawValue, ".", flags, 0)
        guard fd >= 0 else { throw SystemError("open", path.printable, negative: fd) }
        return OwnedDescriptor(owning: FileDescriptor(rawValue: fd))
    }

    /// Step by step, looking at the owner of each link that is followed.
    private static func walk(_ path: FilePath, _ owners: Set<UInt32>) throws -> OwnedDescriptor {
        var (at, shown) = (
            path.isAbsolute ? FilePath("/") : FilePath("."), path.isAbsolute ? FilePath("/") : FilePath()
        )
        var here = try place(RawName(at), from: AT_FDCWD, path)
        var rest = Array(RawName(path).components.reversed())
        var links = 0
        while let name = rest.popLast() {
            let fd = PathResolution.step(name, from: here.descriptor.rawValue, flags: O_DIRECTORY)
            shown.push(name.path)
            guard fd == -ELOOP else {
                guard fd >= 0 else { throw SystemError("open", path.printable, negative: fd) }
                here = OwnedDescriptor(owning: FileDescriptor(rawValue: fd))
                continue
            }
            let link = try OwnedDescriptor(holding: name, in: here.descriptor)
            let status = try FileStatus(of: link.descriptor)
            guard owners.contains(status.owner) else { throw refusal(of: shown, status.owner, path) }
            links += 1
            guard links <= maximumLinks else {
                throw SystemError("open", path.printable, errno: .tooManySymbolicLinkLevels)
            }
            let target = try target(of: link.descriptor, path)
            if target.bytes.first == 0x2F {
                at = "/"
                here = try place(RawName(at), from: AT_FDCWD, path)
                shown = at
            } else {
                shown.removeLastComponent()
            }
            rest += target.components.reversed()
        }
        return here
    }

    private static func place(_ name: RawName, from folder: CInt, _ path: FilePath) throws -> OwnedDescriptor {
        let fd = PathResolution.step(name, from: folder, flags: O_DIRECTORY)
        guard fd >= 0 else { throw SystemError("open", path.printable, negative: fd) }
        return OwnedDescriptor(owning: FileDescriptor(rawValue: fd))
    }

    private static func target(of link: FileDescriptor, _ path: FilePath) throws -> RawName {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlinkat(link.rawValue, "", &buffer, buffer.count)
        guard count >= 0 else { throw SystemError("readlink", path.printable, errno: Errno(rawValue: errno)) }
        return RawName(bytes: buffer.prefix(count).map { UInt8(bitPattern: $0) })
    }

    private static func refusal(of link: FilePath, _ owner: UInt32, _ path: FilePath) -> SystemError {
        SystemError(
            "open", path.printable, errno: .tooManySymbolicLinkLevels,
            saying: """
                The way to the folder \(path.printable) leads over the symbolic link \(link.printable), which belongs to \
                user \(owner) and is not followed: only links of root and of the service's own user are. Put a folder \
                there, or have root make the link.
                """)
    }
}
