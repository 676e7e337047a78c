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

    /// `text` without the key, and without what looks like the beginning of one: servers quote keys back in part.
    func redacted(from text: String) -> String {
        var out = text
        for length in [revealed.count, 16, 8] where revealed.count >= length && length >= 6 {
            out = out.replacing(String(revealed.prefix(length)), with: "<redacted>")
            out = out.replacing(String(revealed.suffix(length)), with: "<redacted>")
        }
        return out
    }
}
