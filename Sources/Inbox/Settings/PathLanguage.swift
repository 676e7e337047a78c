import SystemSupport
import Transcription

/// Languages that people name in folders and file names.
enum PathLanguage {
    /// `de` of a folder called `de`, `DE`, `German` or `Deutsch`; `pt-BR` of `pt_br`.
    static func folder(_ name: RawName) -> String? { language(name.bytes[...]) }

    /// `de` of `talk.de.mp3` and `talk.deutsch.mp3`.
    static func suffix(of name: RawName) -> String? {
        let parts = name.bytes.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard parts.count >= 3 else { return nil }
        return language(parts[parts.count - 2])
    }

    /// Other codes of three letters are words that folders are called by: `new`, `may`, `mar`, `war`.
    private static let longCodes: Set<String> = ["fil", "gsw", "haw", "nds", "yue"]
    /// Where codes that are words are followed by a region, only the one in which the language is spoken is meant by it:
    /// `to-do` is not Tongan.
    private static let regionsOfWords = [
        "am": ["ET"], "an": ["ES"], "as": ["IN"], "be": ["BY"], "da": ["DK", "GL"], "he": ["IL"], "hi": ["IN"],
        "id": ["ID"], "is": ["IS"], "it": ["CH", "IT", "SM", "VA"], "la": ["VA"], "my": ["MM"], "no": ["NO"],
        "or": ["IN"], "so": ["DJ", "ET", "KE", "SO"], "to": ["TO"],
    ]

    private static func language(_ bytes: ArraySlice<UInt8>) -> String? {
        guard let name = String(validating: bytes, as: UTF8.self), let tag = LanguageTag(name) else { return nil }
        let first = name.prefix { $0 != "-" && $0 != "_" }
        if first.utf8.count == 3, !longCodes.contains(first.lowercased()) { return nil }
        if let region = tag.region, let usual = regionsOfWords[tag.primary], !usual.contains(region) { return nil }
        return tag.description
    }
}
