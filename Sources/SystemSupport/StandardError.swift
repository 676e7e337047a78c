import Synchronization
import SystemPackage

/// Standard error, with lines at its end that are drawn over: what else is written takes their place, and no line of one
/// thread is mixed with another's.
package enum StandardError {
    /// How many drawn lines stand at the cursor, which is at the beginning of the first.
    private static let drawn = Mutex(0)

    /// One write(2) for each text. Errors are nobody's to tell.
    @Sendable package static func write(_ text: String) {
        drawn.withLock { count in
            put(erasing(count) + text)
            count = 0
        }
    }

    /// Draws lines in place of those that were drawn before; for a terminal alone.
    /// - Parameter lines: without line breaks, shorter than the terminal is wide.
    package static func draw(_ lines: [String]) {
        drawn.withLock { count in
            let back = lines.count > 1 ? "\u{1B}[\(lines.count - 1)A" : ""
            put(erasing(count) + lines.joined(separator: "\n") + "\r" + back)
            count = lines.count
        }
    }

    /// Takes the drawn lines away.
    package static func eraseDrawn() {
        drawn.withLock { count in
            guard count > 0 else { return }
            put(erasing(count))
            count = 0
        }
    }

    /// Erases to the end of the screen (ECMA-48, ED); the cursor stays.
    private static func erasing(_ count: Int) -> String { count > 0 ? "\r\u{1B}[J" : "" }

    private static func put(_ text: String) { _ = try? FileDescriptor.standardError.writeAll(text.utf8) }
}
