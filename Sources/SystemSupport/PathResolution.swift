import CLinux
import Glibc
import SystemPackage

/// How a path below an open folder is followed without any symbolic link.
package enum PathResolution: Sendable {
    /// By openat2(2), and step by step where the kernel does not have it or a seccomp filter refuses it.
    case kernel
    /// Folder by folder, as on kernels before 5.6.
    case stepwise

    /// - Returns: a descriptor, or a negative errno: -ELOOP for a link, -EINVAL for a path that leads up or away.
    func open(_ path: RawName, beneath root: FileDescriptor, flags: CInt) -> CInt {
        let parts = path.components
        guard let name = parts.last, path.bytes.first != 0x2F,
            !parts.contains(where: { $0.bytes == [0x2E] || $0.bytes == [0x2E, 0x2E] }), !path.bytes.contains(0)
        else { return -EINVAL }
        if self == .kernel {
            let fd = path.withCString { clinux_open_without_links(root.rawValue, $0, flags, 1) }
            guard fd == -ENOSYS || fd == -EPERM else { return fd }
        }
        var (folder, status) = (root.rawValue, CInt(0))
        for part in parts.dropLast() {
            status = Self.step(part, from: folder, flags: O_DIRECTORY)
            if folder != root.rawValue { close(folder) }
            guard status >= 0 else { return status }
            folder = status
        }
        defer { if folder != root.rawValue { close(folder) } }
        let opened = name.withCString { clinux_openat(folder, $0, flags | O_NOFOLLOW, 0) }
        return Self.isLink(name, in: folder, after: opened) ? -ELOOP : opened
    }

    /// A hold on one entry; with O_DIRECTORY it sets off an automount, as openat2(2) does.
    static func step(_ name: RawName, from folder: CInt, flags: CInt) -> CInt {
        let fd = name.withCString { clinux_open_place(folder, $0, flags) }
        return isLink(name, in: folder, after: fd) ? -ELOOP : fd
    }

    /// With O_DIRECTORY a link is told as no folder.
    private static func isLink(_ name: RawName, in folder: CInt, after status: CInt) -> Bool {
        status == -ENOTDIR
            && (try? FileStatus(of: name, in: FileDescriptor(rawValue: folder)))?.kind == .symbolicLink
    }
}
