import Transcription

/// Languages as users write them.
package enum Language {
    /// The `description` of the `LanguageTag` that is meant; nil for `auto`.
    /// - Throws: what `fault` makes of a sentence about what is no language.
    package static func read<Fault: Error>(_ text: String, fault: (String) -> Fault) throws -> String? {
        if text.lowercased() == "auto" { return nil }
        guard let tag = LanguageTag(text) else { throw fault(refusal(of: text)) }
        return tag.description
    }

    /// What a longer text was meant to be is not guessed, in bytes.
    private static let maximumGuessed = 40

    private static func refusal(of text: String) -> String {
        let wanted = "a language such as \"en\", \"pt-BR\" or \"german\", or \"auto\""
        guard !text.isEmpty, text.utf8.count <= maximumGuessed else { return "must be \(wanted)." }
        let small = text.lowercased()
        // What is wrong may be the region alone.
        let language = small.prefix { $0 != "-" && $0 != "_" }
        let nearest =
            LanguageTag(String(language)) != nil
            ? String(language)
            : LanguageTag.knownNames.min { (typingDistance(small, $0), $0) < (typingDistance(small, $1), $1) }
        let hint = nearest.map { "; the nearest known one is \"\($0)\"" } ?? ""
        return "\"\(text)\" is no language that is known here\(hint). It must be \(wanted)."
    }
}
