import CLinux
import Glibc
package import SystemPackage

/// What kind of file system a folder is on.
package enum FileSystemKind {
    /// f_type of statfs(2), from linux/magic.h.
    private static let ofThisMachine: [Int64: String] = [
        0xEF53: "ext4", 0x5846_5342: "xfs", 0x9123_683E: "btrfs", 0x0102_1994: "tmpfs", 0x794C_7630: "overlay",
        0x2FC1_2FC1: "zfs",
    ]
    /// Those whose writers may be elsewhere: no events tell of them, and no lease.
    private static let onNetwork: [Int64: String] = [
        0x6573_5546: "FUSE", 0x6969: "NFS", 0xFE53_4D42: "SMB", 0xFF53_4D42: "SMB1", 0x0102_1997: "9p",
        0x00C3_6400: "Ceph",
    ]

    /// True for file systems that other machines write to without the kernel here knowing: they are scanned.
    package static func isOnNetwork(_ descriptor: FileDescriptor) -> Bool {
        onNetwork[clinux_file_system_type(descriptor.rawValue)] != nil
    }

    /// As mount(8) calls the type; its number where it has no name here.
    package static func name(of descriptor: FileDescriptor) -> String {
        let type = clinux_file_system_type(descriptor.rawValue)
        return ofThisMachine[type] ?? onNetwork[type] ?? "file system 0x\(String(type, radix: 16))"
    }

    /// Bytes an unprivileged process may still write; nil when the file system does not tell.
    package static func freeBytes(_ descriptor: FileDescriptor) -> Int64? {
        var status = statvfs()
        guard fstatvfs(descriptor.rawValue, &status) == 0 else { return nil }
        return Int64(status.f_bavail) * Int64(status.f_frsize)
    }
}
