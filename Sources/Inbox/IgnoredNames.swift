package import SystemSupport

/// Names in an inbox that are never recordings: what file managers, sync tools, editors, downloads in progress and NAS
/// boxes leave there, and what matches the inbox's own patterns.
package struct IgnoredNames: Sendable, Hashable {
    private static let suffixes = [
        ".tmp", ".temp", ".part", ".partial", ".crdownload", ".opdownload", ".download", ".filepart", ".!sync", ".swp",
        ".lnk", ".bak", "~", ".txt", ".srt", ".vtt", ".tsv", ".json", ".toml", ".md", ".ini", ".log",
    ].map { Array($0.utf8) }
    private static let prefixes = [".", "~$", "~syncthing~"].map { Array($0.utf8) }
    private static let whole = Set(
        [
            "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information", "@eadir",
            "#recycle",
            "lost+found",
        ].map { Array($0.utf8) })

    private let patterns: [NamePattern]

    /// - Parameter patterns: in addition to the built-in names.
    package init(_ patterns: [NamePattern] = []) { self.patterns = patterns }

    /// - Parameter name: one path component.
    package func contains(_ name: RawName) -> Bool {
        Self.contains(name) || patterns.contains { $0.matches(name) }
    }

    /// The built-in names only.
    /// - Parameter name: one path component.
    package static func contains(_ name: RawName) -> Bool {
        let bytes = name.bytes.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
        return whole.contains(bytes)
            || prefixes.contains { bytes.starts(with: $0) }
            || suffixes.contains { bytes.count > $0.count && bytes.suffix($0.count).elementsEqual($0) }
            // Numbered backups and what office programs keep of open files: `talk.~1~`.
            || zip(bytes, bytes.dropFirst()).contains { $0 == 0x2E && $1 == 0x7E }
    }
}

/// `*` for any characters, `?` for one; upper and lower case are the same, and so are the ways to write an accent.
package struct NamePattern: Sendable, Hashable {
    private let characters: [Character]

    package init(_ text: String) { characters = Array(text.lowercased()) }

    /// Whether the whole of `name` fits; bytes that are not UTF-8 fit to `*` and `?`.
    package func matches(_ name: RawName) -> Bool {
        let name = Array(String(decoding: name.bytes, as: UTF8.self).lowercased())
        var (at, taken) = (0, 0)
        // Where to go on when what follows the last star does not fit: the star takes one character more.
        var star: (pattern: Int, name: Int)?
        while taken < name.count {
            if at < characters.count, characters[at] == "*" {
                star = (at, taken)
                at += 1
            } else if at < characters.count, characters[at] == "?" || characters[at] == name[taken] {
                at += 1
                taken += 1
            } else if let last = star {
                at = last.pattern + 1
                taken = last.name + 1
                star = (last.pattern, taken)
            } else {
                return false
            }
        }
        return characters[at...].allSatisfy { $0 == "*" }
    }
}
