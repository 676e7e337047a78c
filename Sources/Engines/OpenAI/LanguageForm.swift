import Transcription

/// How a server wants to be told a language.
package enum LanguageForm: String, Sendable, CaseIterable, Codable {
    /// `pt`: ISO 639, without a region, by the code that Whisper knows.
    case primary
    /// `pt-BR`, as far as the region was named.
    case bcp47
    /// `pt`, but `zh-cn` and `zh-tw` for Chinese in simplified and in traditional characters.
    case openai

    /// What to send for `language`; where a server refuses one, the next is tried.
    package func spellings(of language: String) -> [String] {
        guard let tag = LanguageTag(language) else { return [language] }
        let wanted: String? =
            switch self {
            case .primary: nil
            case .bcp47: tag.description
            case .openai: tag.isTraditionalChinese.map { $0 ? "zh-tw" : "zh-cn" }
            }
        guard let wanted else { return tag.codes }
        return [wanted] + tag.codes.filter { $0 != wanted }
    }
}
