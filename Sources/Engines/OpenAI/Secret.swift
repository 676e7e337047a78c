/// A key that no description, dump or interpolation shows.
package struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The key itself, for the one header that needs it.
    package let revealed: String

    /// Takes `text` without white space at its ends (key files end with a line break). Nil where nothing is left.
    package init?(_ text: String) {
        let text = text.trimmed
        guard !text.isEmpty else { return nil }
        revealed = text
    }

    package var description: String { "<redacted>" }
    package var debugDescription: String { "<redacted>" }
    package var customMirror: Mirror { Mirror(reflecting: "<redacted>") }

    /// Can stand in a header line: no line break, no control character, ASCII.
    package var isHeaderSafe: Bool { revealed.utf8.allSatisfy { (0x21...0x7E).contains($0) } }
}
