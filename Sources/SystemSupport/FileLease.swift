import CLinux
import Glibc
package import SystemPackage

/// Read leases (fcntl F_SETLEASE): the kernel grants one only while nobody has the file open for writing.
package enum FileLease {
    package enum Answer: Sendable {
        case granted
        /// Somebody has it open for writing.
        case refused
        /// Not the owner and without CAP_LEASE, or a file system that does not know leases, or one (NFS, CIFS, FUSE)
        /// where a lease says nothing about writers on other machines.
        case unavailable
    }

    /// f_type of file systems whose writers may be elsewhere: NFS, SMB1, SMB2+, FUSE, 9p, Ceph (statfs(2)).
    private static let networkTypes: Set<Int64> = [
        0x6969, 0xFF53_4D42, 0xFE53_4D42, 0x6573_5546, 0x0102_1997, 0x00C3_6400,
    ]

    /// True for file systems that other machines write to without the kernel here knowing.
    package static func isOnNetwork(_ descriptor: FileDescriptor) -> Bool {
        networkTypes.contains(clinux_file_system_type(descriptor.rawValue))
    }

    /// Where the contents of a file end: before its size where room was made for a copy that stopped on the way. Moves
    /// the descriptor's offset.
    package static func dataEnd(_ descriptor: FileDescriptor, size: Int64) -> Int64 {
        clinux_data_end(descriptor.rawValue, size)
    }

    /// Takes a lease and gives it back at once. The process must ignore SIGIO (`ignoreBreakSignal`).
    package static func probe(_ descriptor: FileDescriptor) -> Answer {
        if isOnNetwork(descriptor) { return .unavailable }
        let status = clinux_probe_read_lease(descriptor.rawValue)
        if status == 0 { return .granted }
        return status == -EAGAIN ? .refused : .unavailable
    }

    /// A writer that opens the file in the moment of the probe makes the kernel send SIGIO, which would end the process.
    package static func ignoreBreakSignal() { signal(SIGIO, SIG_IGN) }
}
