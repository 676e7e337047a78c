package import SystemSupport

/// Names in an inbox that are never recordings: what file managers, sync tools, editors, downloads in progress and NAS
/// boxes leave there.
package enum IgnoredNames {
    private static let suffixes = [
        ".tmp", ".temp", ".part", ".partial", ".crdownload", ".opdownload", ".download", ".filepart", ".!sync", ".swp",
        ".lnk", ".bak", "~", ".txt", ".srt", ".vtt", ".tsv", ".json", ".toml", ".md", ".ini", ".log",
    ].map { Array($0.utf8) }
    private static let prefixes = [".", "~$", "~wr", "~syncthing~"].map { Array($0.utf8) }
    private static let whole = Set(
        [
            "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information", "@eadir",
            "#recycle",
            "lost+found",
        ].map { Array($0.utf8) })

    /// - Parameter name: one path component.
    package static func contains(_ name: RawName) -> Bool {
        let bytes = name.bytes.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
        return whole.contains(bytes)
            || prefixes.contains { bytes.starts(with: $0) }
            || suffixes.contains { bytes.count > $0.count && bytes.suffix($0.count).elementsEqual($0) }
    }
}
