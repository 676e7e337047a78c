import Glibc
package import Logging

/// Log lines on standard error: with syslog's priority in front (`<3>`, sd-daemon(3)) under systemd, with the time
/// of day on a terminal. One record is one line whatever is in it, and never longer than 4 KiB.
package struct SystemdLogHandler: LogHandler {
    package enum Style: Sendable { case systemd, terminal }

    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    private let style: Style
    private let write: @Sendable (String) -> Void

    /// - Parameters:
    ///   - write: takes a whole line with its line break; standard error by default.
    package init(level: Logger.Level, style: Style, write: @escaping @Sendable (String) -> Void = StandardError.write) {
        self.logLevel = level
        self.style = style
        self.write = write
    }

    /// `systemd` when standard error is connected to its journal (JOURNAL_STREAM names its device and inode).
    package static var detectedStyle: Style {
        var status = stat()
        guard let stream = getenv("JOURNAL_STREAM"), fstat(STDERR_FILENO, &status) == 0 else { return .terminal }
        return String(cString: stream) == "\(status.st_dev):\(status.st_ino)" ? .systemd : .terminal
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let values = metadata.merging(event.metadata ?? [:]) { $1 }
        var line =
            style == .systemd ? "<\(Self.priority(event.level))>" : "\(Self.timeOfDay()) \(Self.mark(event.level))"
        line += "\(event.message)".printable
        for (key, value) in values.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(Self.quoted("\(value)"))" }
        if line.utf8.count > 4095 { line = String(decoding: line.utf8.prefix(4090), as: UTF8.self) + "…" }
        write(line + "\n")
    }

    /// In quotes where it could be taken for more than one value, with `\"` and `\\` for what would end or escape them:
    /// nobody's name or words add a field to the line.
    private static func quoted(_ text: String) -> String {
        func isPlain(_ scalar: Unicode.Scalar) -> Bool {
            !scalar.properties.isWhitespace && scalar != "=" && scalar != "\""
        }
        guard text.isEmpty || !text.unicodeScalars.allSatisfy(isPlain) else { return text.printable }
        let escaped = text.unicodeScalars.reduce(into: "") { out, scalar in
            if scalar == "\"" || scalar == "\\" { out += "\\" }
            out.unicodeScalars.append(scalar)
        }
        return "\"\(escaped.printable)\""
    }

    /// syslog(3) priorities.
    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    private static func mark(_ level: Logger.Level) -> String {
        switch level {
        case .trace: "trace: "
        case .debug: "debug: "
        case .info, .notice: ""
        case .warning: "warning: "
        case .error: "error: "
        case .critical: "critical: "
        }
    }

    private static func timeOfDay() -> String {
        var now = time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
    }
}
