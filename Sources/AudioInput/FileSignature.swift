import AudioContainers

/// Things that people put into an inbox by mistake.
enum FileSignature {
    /// What a file is that is no recording, with its article: "a PDF document"; nil when that cannot be told.
    static func kind(of head: [UInt8]) -> String? {
        let marks: [(StaticString, String)] = [
            ("%PDF", "a PDF document"), ("PK\u{3}\u{4}", "a ZIP archive or an office document"),
            ("PK\u{5}\u{6}", "an empty ZIP archive"), ("GIF8", "a picture (GIF)"), ("Rar!", "a RAR archive"),
            ("{\\rtf", "an RTF document"), ("SQLite format 3", "a SQLite database"),
            ("MThd", "MIDI, notes without sound"),
            ("BZh", "a bzip2 archive"), ("#EXTM3U", "a playlist"), ("[playlist]", "a playlist"), ("MZ", "a program"),
            ("-----BEGIN", "a key or certificate"),
        ]
        if let found = marks.first(where: { head.has($0.0) }) { return found.1 }
        if head.starts(with: [0x89, 0x50, 0x4E, 0x47]) { return "a picture (PNG)" }
        if head.starts(with: [0xFF, 0xD8, 0xFF]) { return "a picture (JPEG)" }
        let photos: [StaticString] = ["II*\0", "MM\0*", "IIU\0", "IIRO", "IIRS", "MMOR", "FUJIFILMCCD-RAW"]
        if photos.contains(where: { head.has($0) }) { return "a picture (TIFF or a camera's RAW)" }
        if head.has("BM"), head.has("\0\0\0\0", at: 6) { return "a picture (BMP)" }
        if head.has("RIFF"), head.has("WEBP", at: 8) { return "a picture (WebP)" }
        if head.starts(with: [0x7F, 0x45, 0x4C, 0x46]) { return "a program" }
        if head.starts(with: [0x1F, 0x8B]) { return "a gzip archive" }
        if head.starts(with: [0x37, 0x7A, 0xBC, 0xAF]) { return "a 7-Zip archive" }
        if head.starts(with: [0xFD, 0x37, 0x7A, 0x58]) { return "an xz archive" }
        if head.starts(with: [0xD0, 0xCF, 0x11, 0xE0]) { return "an old office document" }
        if head.starts(with: [0x62, 0x6F, 0x6F, 0x6B]) { return "a bookmark file" }
        return textKind(head)
    }

    private static func textKind(_ head: [UInt8]) -> String? {
        let sample = head.prefix(4096)
        guard sample.count >= 2, !sample.contains(where: { $0 < 9 || ($0 > 13 && $0 < 32 && $0 != 27) || $0 == 127 }),
            sample.lazy.filter({ $0 >= 0x80 }).count * 4 <= sample.count
        else { return nil }
        let lower = sample.map { (0x41...0x5A).contains($0) ? $0 + 32 : $0 }
        if lower.containsText("<html") || lower.containsText("<!doctype html") { return "an HTML page" }
        if lower.starts(with: Array("<?xml".utf8)) { return "an XML document" }
        return "plain text"
    }
}
