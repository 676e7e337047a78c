/// How fast people speak, in words for a second in which something is heard.
///
/// From the syllables a second of Pellegrino, Coupé and Marsico, "A cross-language perspective on speech information rate"
/// (Language 87, 2011) and Coupé et al. (Science Advances 5, 2019), divided by the syllables of a word and rounded down, since
/// what is heard is more than syllables. Rules ask for a part of these only.
enum SpeakingRate {
    private static let usual: [String: Double] = [
        "en": 2.6, "de": 2.1, "fr": 2.6, "es": 2.5, "ca": 2.4, "it": 2.3, "pt": 2.3, "nl": 2.3, "sv": 2.3, "da": 2.4,
        "no": 2.4, "nb": 2.4, "ru": 1.9, "uk": 1.9, "pl": 1.9, "cs": 1.9, "sk": 1.9, "sr": 1.9, "hr": 1.9, "bg": 2.0,
        "ro": 2.2, "el": 2.1, "tr": 1.7, "fi": 1.6, "et": 1.7, "hu": 1.7, "eu": 1.7, "ko": 1.8, "ar": 1.9, "he": 1.9,
        "hi": 2.4, "id": 1.9, "vi": 3.0, "ja": 3.2, "zh": 2.3, "yue": 2.4, "th": 2.4,
    ]
    /// Of a language that is not in the table, or not known: of the slower ones.
    private static let unknown = 1.8

    /// - Parameter language: a code, with or without a region.
    static func usual(of language: String?) -> Double {
        let code = language?.lowercased().prefix { $0 != "-" && $0 != "_" }
        return code.flatMap { usual[String($0)] } ?? unknown
    }

    /// Words of a text. In scripts that have no spaces two characters count as a word, in those with an alphabet four.
    static func words(in text: some StringProtocol) -> Double {
        var count = 0.0
        var isInWord = false
        for character in text {
            guard character.isLetter || character.isNumber else {
                if character.isWhitespace { isInWord = false }
                continue
            }
            if character.isUnspaced {
                let isAlphabet = character.unicodeScalars.first.map { $0.value < 0x2E80 } ?? false
                count += isAlphabet ? 0.25 : 0.5
                isInWord = false
            } else if !isInWord {
                count += 1
                isInWord = true
            }
        }
        return count
    }
}
