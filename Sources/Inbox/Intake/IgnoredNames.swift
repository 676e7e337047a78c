package import SystemSupport
import Transcription

/// Names in an inbox that are never recordings: what file managers, sync tools, editors, downloads in progress and NAS
/// boxes leave there, and what matches the inbox's own patterns.
package struct IgnoredNames: Sendable, Hashable {
    /// Of sidecars those of plain text: a document or a page is a file as any other that is no recording, and counted.
    private static let suffixes =
        (others + SidecarFormat.allCases.filter { !$0.isDocument }.map { ".\($0.fileExtension)" }).map {
            Array($0.utf8)
        }
    /// Endings besides those of sidecars.
    private static let others = [
        ".tmp", ".temp", ".part", ".partial", ".crdownload", ".opdownload", ".download", ".filepart", ".!sync", ".swp",
        ".lnk", ".bak", "~", ".toml", ".ini", ".log",
    ]
    /// Folders that a browser or an uploader fills before it gives them their name. What a file's ending says of a file
    /// says nothing of a folder: "Archive.bak" may be full of recordings.
    private static let folderSuffixes = [".tmp", ".download", ".crdownload"].map { Array($0.utf8) }
    private static let prefixes = [".", "~$", "~syncthing~"].map { Array($0.utf8) }
    private static let whole = Set(
        [
            "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information", "@eadir",
            "#recycle",
            "lost+found",
        ].map { Array($0.utf8) })

    /// What `suffixes` has not of sidecars.
    private static let documents = SidecarFormat.allCases.filter(\.isDocument).map {
        Array(".\($0.fileExtension)".utf8)
    }

    private let patterns: [NamePattern]
    private let ignoresDocuments: Bool

    /// - Parameters:
    ///   - patterns: in addition to the built-in names.
    ///   - allSidecars: documents, too, are never recordings: for an inbox that is its own outbox.
    package init(_ patterns: [NamePattern] = [], allSidecars: Bool = false) {
        self.patterns = patterns
        ignoresDocuments = allSidecars
    }

    /// - Parameter name: one path component.
    package func contains(_ name: RawName) -> Bool {
        Self.contains(name) || patterns.contains { $0.matches(name) }
            || (ignoresDocuments && Self.ends(Self.lowercased(name), in: Self.documents))
    }

    /// The same for a folder, with all that is in it.
    /// - Parameter name: one path component.
    package func containsFolder(_ name: RawName) -> Bool {
        let bytes = Self.lowercased(name)
        return Self.isJunk(bytes) || Self.ends(bytes, in: Self.folderSuffixes) || patterns.contains { $0.matches(name) }
    }

    /// The built-in names of files only.
    /// - Parameter name: one path component.
    package static func contains(_ name: RawName) -> Bool {
        let bytes = lowercased(name)
        return isJunk(bytes) || ends(bytes, in: suffixes) || isNumberedBackup(bytes)
    }

    private static func lowercased(_ name: RawName) -> [UInt8] {
        name.bytes.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
    }

    private static func isJunk(_ name: [UInt8]) -> Bool {
        whole.contains(name) || prefixes.contains { name.starts(with: $0) }
    }

    private static func ends(_ name: [UInt8], in suffixes: [[UInt8]]) -> Bool {
        suffixes.contains { name.count > $0.count && name.suffix($0.count).elementsEqual($0) }
    }

    /// Numbered backups and what office programs keep of open files: `talk.~1~`.
    private static func isNumberedBackup(_ name: [UInt8]) -> Bool {
        zip(name, name.dropFirst()).contains { $0 == 0x2E && $1 == 0x7E }
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
