package import Glibc
import SystemPackage
import SystemSupport

/// One of a process's limits, in the kernel's words: `0`, `unlimited`.
package struct ProcessLimit: Sendable, Equatable {
    package let soft: String
    /// What it cannot raise again.
    package let hard: String

    package init(soft: String, hard: String) {
        self.soft = soft
        self.hard = hard
    }

    /// By name, as /proc/PID/limits has them.
    /// - Throws: `SystemError` when there is no such process.
    package static func all(of process: pid_t) throws -> [String: ProcessLimit] {
        let bytes = try SmallFile.read(FilePath("/proc/\(process)/limits"), limit: 1 << 16)
        var found: [String: ProcessLimit] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst() {
            // Columns of 26, 21 and 21 characters.
            let name = line.prefix(26).split(separator: " ").joined(separator: " ")
            let values = line.dropFirst(26).split(separator: " ").map(String.init)
            if values.count > 1 { found[name] = ProcessLimit(soft: values[0], hard: values[1]) }
        }
        return found
    }
}
