import Transcription

/// The names that servers give languages.
enum LanguageName {
    /// The code of `name` by ISO 639: an English name as Whisper has them (`russian`), a code (`ru`), or a BCP 47 tag
    /// (`ru-RU`). Nil for `auto`, `unknown`, the empty string and what nobody knows.
    static func code(for name: String) -> String? {
        if let tag = LanguageTag(name) { return tag.primary }
        // Models know languages that no table here has.
        let primary = LanguageTag.primary(of: name.trimmed)
        guard (2...3).contains(primary.utf8.count), primary != "und", primary != "mul", primary != "unk",
            primary.utf8.allSatisfy({ (0x61...0x7A).contains($0) })
        else { return nil }
        return primary
    }
}
