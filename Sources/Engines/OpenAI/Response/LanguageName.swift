/// The names that servers give languages, as ISO 639-1 codes.
enum LanguageName {
    /// The code of `name`: an English name as Whisper has them (`russian`), a code (`ru`), or a BCP 47 tag (`ru-RU`). Nil for
    /// `auto`, `unknown`, the empty string and what nobody knows.
    static func code(for name: String) -> String? {
        let name = name.trimmed.lowercased()
        if let code = codes[name] { return code }
        let primary = name.prefix { $0 != "-" && $0 != "_" }
        guard (2...3).contains(primary.utf8.count), primary != "und", primary != "mul", primary != "unk",
            primary.utf8.allSatisfy({ (0x61...0x7A).contains($0) })
        else { return nil }
        return String(primary)
    }

    /// Names of openai/whisper's tokenizer, its aliases included.
    private static let codes: [String: String] = {
        let table = """
            english en chinese zh german de spanish es russian ru korean ko french fr japanese ja portuguese pt turkish tr \
            polish pl catalan ca dutch nl arabic ar swedish sv italian it indonesian id hindi hi finnish fi vietnamese vi \
            hebrew he ukrainian uk greek el malay ms czech cs romanian ro danish da hungarian hu tamil ta norwegian no \
            thai th urdu ur croatian hr bulgarian bg lithuanian lt latin la maori mi malayalam ml welsh cy slovak sk \
            telugu te persian fa latvian lv bengali bn serbian sr azerbaijani az slovenian sl kannada kn estonian et \
            macedonian mk breton br basque eu icelandic is armenian hy nepali ne mongolian mn bosnian bs kazakh kk \
            albanian sq swahili sw galician gl marathi mr punjabi pa sinhala si khmer km shona sn yoruba yo somali so \
            afrikaans af occitan oc georgian ka belarusian be tajik tg sindhi sd gujarati gu amharic am yiddish yi lao lo \
            uzbek uz faroese fo pashto ps turkmen tk nynorsk nn maltese mt sanskrit sa luxembourgish lb myanmar my \
            tibetan bo tagalog tl malagasy mg assamese as tatar tt lingala ln hausa ha bashkir ba javanese jv \
            sundanese su burmese my valencian ca flemish nl letzeburgesch lb pushto ps panjabi pa moldavian ro \
            moldovan ro sinhalese si castilian es mandarin zh
            """
        let words = table.split(whereSeparator: \.isWhitespace).map(String.init)
        var codes: [String: String] = ["haitian creole": "ht", "haitian": "ht", "hawaiian": "haw", "cantonese": "yue"]
        for at in stride(from: 0, to: words.count - 1, by: 2) { codes[words[at]] = words[at + 1] }
        return codes
    }()
}
