import Transcription

/// A language in one of the ways in which files and people write it: `de`, `deu`, `ger`, `de-AT`. Equal where the language is,
/// whatever the region, and however it is written.
package struct TrackLanguage: Hashable {
    private let code: String

    /// - Parameter tag: of ISO 639-1 or 639-2, or a BCP 47 tag that begins with one.
    package init(_ tag: String) {
        code = LanguageTag.spoken(LanguageTag(tag)?.primary ?? LanguageTag.primary(of: tag))
    }
}
