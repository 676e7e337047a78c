import Transcription

/// A language in one of the ways in which files and people write it: `de`, `deu`, `ger`, `de-AT`. Equal where the language is,
/// whatever the region.
package struct TrackLanguage: Hashable {
    private let code: String

    /// - Parameter tag: of ISO 639-1 or 639-2, or a BCP 47 tag that begins with one.
    package init(_ tag: String) {
        let primary = LanguageTag(tag)?.primary ?? String(tag.lowercased().prefix { $0 != "-" && $0 != "_" })
        // Norwegian is written in two ways and spoken as one; Filipino is the standard form of Tagalog.
        code = ["nb": "no", "nn": "no", "fil": "tl"][primary] ?? primary
    }
}
