import CLinux
import Glibc
package import SystemPackage

/// Keeps two services off one state directory: an open-file-description lock on `lock` in it, which the kernel gives
/// back whatever way the process ends. The file holds the owner's process id.
package final class InstanceLock: Sendable {
    /// Somebody else has it.
    package struct Held: Error, Sendable {
        /// The other process; nil when it has not written its id yet.
        package let processID: Int32?
    }

    private let file: OwnedDescriptor

    /// - Throws: `Held`, or `SystemError` when the folder cannot be written to.
    package init(in directory: FilePath) throws {
        let path = directory.appending("lock")
        let file = try OwnedDescriptor(opening: path, flags: O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o644)
        let status = clinux_lock_file(file.descriptor.rawValue)
        guard status == 0 else {
            if status == -EAGAIN || status == -EACCES { throw Held(processID: Self.owner(of: file.descriptor)) }
            throw SystemError("fcntl", path.printable, negative: status)
        }
        let text = Array("\(getpid())\n".utf8)
        ftruncate(file.descriptor.rawValue, 0)
        _ = pwrite(file.descriptor.rawValue, text, text.count, 0)
        self.file = file
    }

    /// The process that holds the lock of `directory`; nil when nobody does.
    package static func holder(in directory: FilePath) -> Int32? {
        do {
            let file = try OwnedDescriptor(opening: directory.appending("lock"), flags: O_RDWR | O_NOFOLLOW)
            guard clinux_lock_file(file.descriptor.rawValue) != 0 else { return nil }
            return owner(of: file.descriptor)
        } catch {
            return nil
        }
    }

    private static func owner(of descriptor: FileDescriptor) -> Int32? {
        var buffer = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor.rawValue, &buffer, buffer.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: buffer.prefix { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self))
    }
}
