import Glibc
package import SystemPackage
import SystemSupport

/// What can be learnt of a service from outside: its figures, and whether they are of now.
package struct ServiceReport: Sendable {
    package enum Standing: String, Sendable, Codable {
        case running
        /// It runs and has reported nothing for a while: it hangs, or cannot write.
        case silent
        /// It runs and has not reported yet.
        case starting
        case stopped
    }

    package let standing: Standing
    /// What a service wrote last; nil: nothing that can be read.
    package let status: ServiceStatus?
    /// Of the service that runs.
    package let process: Int32?
    /// What is to be said before the figures; nil: they are of now.
    package let remark: String?

    /// Several times as long as a service that is well takes to report, in seconds.
    private static let patience: Int64 = 30
    /// The same where the disk is full: just longer than the time between two reports.
    package static let patienceWithFullDisk: Int64 = 12
    /// What a report takes.
    private static let minimumFree: Int64 = 64 << 10

    /// Blocks.
    /// - Parameter directory: the service's state directory.
    package init(of directory: FilePath) {
        let status = ServiceStatus.read(from: directory)
        process = InstanceLock.holder(in: directory)
        self.status = status
        let age = status.map { UnixTime.now() - $0.updatedAt }
        switch (process, status) {
        case (nil, _):
            standing = .stopped
            remark = status.map { "The service is not running; figures of \(LocalTime.moment($0.updatedAt))." }
        case (let process?, let status?) where status.processID == process:
            // A clock that was set back says nothing.
            let isFull = Self.isFull(directory)
            let patience = isFull ? Self.patienceWithFullDisk : Self.patience
            standing = (age ?? 0) > patience ? .silent : .running
            remark =
                standing == .running
                ? nil : Self.silence(of: process, since: status.updatedAt, directory, isFull: isFull)
        case (_?, _):
            standing = .starting
            remark = nil
        }
    }

    /// Nil unless its figures are of now.
    package var current: ServiceStatus? { standing == .running ? status : nil }

    private static func silence(of process: Int32, since: Int64, _ directory: FilePath, isFull: Bool) -> String {
        "The service (process \(process)) has not reported since \(LocalTime.moment(since)); figures of then. "
            + (isFull ? "The disk of \(directory.printable) is full: free some space there." : cause(process))
    }

    private static func isFull(_ directory: FilePath) -> Bool {
        FreeSpace.freeBytes(directory).map { $0 < minimumFree } ?? false
    }

    private static func cause(_ process: Int32) -> String {
        switch state(of: process) {
        case UInt8(ascii: "T"), UInt8(ascii: "t"):
            return "It was stopped by a signal. Let it go on: kill -CONT \(process)"
        case UInt8(ascii: "D"):
            return "It waits for a disk or a share that does not answer: journalctl -u parlograph may tell which."
        default:
            return
                "It hangs, or waits for its job journal: journalctl -u parlograph tells; systemctl restart parlograph "
                + "begins anew, and loses nothing."
        }
    }

    /// The letter of proc_pid_stat(5).
    private static func state(of process: Int32) -> UInt8? {
        guard let bytes = try? SmallFile.read(FilePath("/proc/\(process)/stat"), limit: 4096),
            let end = bytes.lastIndex(of: UInt8(ascii: ")")), end + 2 < bytes.count
        else { return nil }
        return bytes[end + 2]
    }
}
