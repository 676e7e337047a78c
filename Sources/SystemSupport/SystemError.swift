package import SystemPackage

/// A system call that failed: which call, on what, and why.
package struct SystemError: Error, Sendable, CustomStringConvertible {
    /// The name of the call, as its manual page has it (`renameat2`).
    package let call: String
    /// What the call worked on, printable (`FilePath.printable`); empty where there is no path.
    package let subject: String
    package let errno: Errno
    /// The fault and its remedy in words, where the errno alone would mislead.
    package let sentence: String?

    package init(_ call: String, _ subject: String = "", errno: Errno, saying sentence: String? = nil) {
        self.call = call
        self.subject = subject
        self.errno = errno
        self.sentence = sentence
    }

    /// Takes the negative errno that the functions of `CLinux` return.
    package init(_ call: String, _ subject: String = "", negative: some BinaryInteger) {
        self.init(call, subject, errno: Errno(rawValue: -CInt(negative)))
    }

    package var description: String {
        if let sentence { return sentence }
        return subject.isEmpty ? "\(call): \(errno)" : "\(subject): \(errno) (\(call))"
    }
}

extension FilePath {
    /// The path for people and logs: bytes that are not UTF-8 and control characters stand as `\xNN`, so that a name
    /// can neither break a log line nor drive a terminal.
    package var printable: String { RawName(self).printable }
}
