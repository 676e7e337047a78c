import CLinux
import Glibc
package import SystemPackage

/// Keeps two services off one state directory: an open-file-description lock on `lock` in it, which the kernel gives
/// back whatever way the process ends. The file's first line is the owner's process id.
package final class InstanceLock: Sendable {
    /// Somebody else has it.
    package struct Held: Error, Sendable {
        /// The other process; nil when it has not written its id yet.
        package let processID: Int32?
    }

    private let file: OwnedDescriptor
    /// Processes that held it before and did not end cleanly: they may have left temporary files behind.
    package let crashed: Set<Int32>

    /// - Throws: `Held`, or `SystemError` when the folder cannot be written to.
    package init(in directory: FilePath) throws {
        let path = directory.appending("lock")
        let file = try OwnedDescriptor(opening: path, flags: O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o644)
        FileOwner.takeFromFolder(path)
        let status = clinux_lock_file(file.descriptor.rawValue)
        guard status == 0 else {
            if status == -EAGAIN || status == -EACCES { throw Held(processID: Self.owner(of: file.descriptor)) }
            throw SystemError("fcntl", path.printable, negative: status)
        }
        // This process may be killed before it has looked after its predecessors: they stay in the file until then.
        let before = Self.processes(in: file.descriptor).prefix(Self.maximumCrashed)
        crashed = Set(before)
        self.file = file
        write([getpid()] + before)
    }

    private static let maximumCrashed = 100

    /// What the crashed ones left behind is gone.
    package func forgetCrashed() { write([getpid()]) }

    /// Nothing is left behind.
    package func endCleanly() { ftruncate(file.descriptor.rawValue, 0) }

    private func write(_ processes: [Int32]) {
        let text = Array(processes.map { "\($0)\n" }.joined().utf8)
        ftruncate(file.descriptor.rawValue, 0)
        _ = pwrite(file.descriptor.rawValue, text, text.count, 0)
    }

    /// The process that holds the lock of `directory`; nil when nobody does.
    package static func holder(in directory: FilePath) -> Int32? {
        do {
            let file = try OwnedDescriptor(opening: directory.appending("lock"), flags: O_RDONLY | O_NOFOLLOW)
            guard clinux_is_locked(file.descriptor.rawValue) == 1 else { return nil }
            return owner(of: file.descriptor)
        } catch {
            return nil
        }
    }

    /// Nobody holds the lock of `directory`, for sure.
    package static func isFree(in directory: FilePath) -> Bool {
        do {
            let file = try OwnedDescriptor(opening: directory.appending("lock"), flags: O_RDONLY | O_NOFOLLOW)
            return clinux_is_locked(file.descriptor.rawValue) == 0
        } catch {
            return (error as? SystemError)?.errno == .noSuchFileOrDirectory
        }
    }

    private static func owner(of descriptor: FileDescriptor) -> Int32? { processes(in: descriptor).first }

    private static func processes(in descriptor: FileDescriptor) -> [Int32] {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = pread(descriptor.rawValue, &buffer, buffer.count, 0)
        guard count > 0 else { return [] }
        return buffer.prefix(count).split(separator: 0x0A).compactMap { Int32(String(decoding: $0, as: UTF8.self)) }
    }
}
