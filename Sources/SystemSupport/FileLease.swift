import CLinux
import Glibc
package import SystemPackage

/// Read leases (fcntl F_SETLEASE): the kernel grants one only while nobody has the file open for writing.
package enum FileLease {
    /// What the kernel says to the wish for a lease.
    package enum Answer: Sendable {
        case granted
        /// Somebody has it open for writing.
        case refused
        /// Not the owner and without CAP_LEASE, or a file system that does not know leases, or one (NFS, CIFS, FUSE)
        /// where a lease says nothing about writers on other machines.
        case unavailable
    }

    /// Where the contents of a file end: before its size where room was made for a copy that stopped on the way. Moves
    /// the descriptor's offset.
    package static func dataEnd(_ descriptor: FileDescriptor, size: Int64) -> Int64 {
        clinux_data_end(descriptor.rawValue, size)
    }

    /// Takes a lease and gives it back at once. The process must ignore SIGIO (`ignoreBreakSignal`).
    package static func probe(_ descriptor: FileDescriptor) -> Answer {
        if FileSystemKind.isOnNetwork(descriptor) { return .unavailable }
        let status = clinux_probe_read_lease(descriptor.rawValue)
        if status == 0 { return .granted }
        return status == -EAGAIN ? .refused : .unavailable
    }

    /// A writer that opens the file in the moment of the probe makes the kernel send SIGIO, which would end the process.
    package static func ignoreBreakSignal() { signal(SIGIO, SIG_IGN) }
}
