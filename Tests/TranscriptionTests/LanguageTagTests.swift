import Testing
import Transcription

@Suite struct LanguageTagTests {
    @Test(arguments: [
        ("en", "en"), ("EN", "en"), ("en-us", "en-US"), ("en_US", "en-US"), ("en-UK", "en-GB"), ("pt-BR", "pt-BR"),
        ("zh-hans", "zh-Hans"), ("zh_Hant_TW", "zh-Hant-TW"), ("es-419", "es-419"), ("de-CH-1996", "de-CH-1996"),
        ("sr-Latn", "sr-Latn"), ("zh-yue", "yue"), ("cmn", "zh"), ("nb", "nb"), ("nb_NO", "nb-NO"), ("fil", "fil"),
        // Codes that were withdrawn, and countries instead of languages.
        ("iw", "he"), ("in", "id"), ("ji", "yi"), ("jw", "jv"), ("jp", "ja"), ("jp-JP", "ja-JP"), ("cz", "cs"),
        // Three letters.
        ("eng", "en"), ("ger", "de"), ("deu", "de"), ("zho", "zh"), ("ast", "ast"),
        // Names, in English and in the language itself.
        ("english", "en"), ("English", "en"), ("deutsch", "de"), ("Español", "es"), ("espanol", "es"),
        ("русский", "ru"), ("日本語", "ja"), ("Haitian Creole", "ht"), ("Brazilian Portuguese", "pt-BR"),
        ("Tiếng Việt", "vi"), ("  german ", "de"), ("Franc\u{327}ais", "fr"),
    ]) func whatPeopleWriteIsUnderstood(_ text: String, _ tag: String) throws {
        let understood = try #require(LanguageTag(text))
        #expect(understood.description == tag)
        #expect(LanguageTag(tag) == understood, "its own form means the same")
    }

    @Test(arguments: [
        "", "auto", "xx", "e", "englsh", "en-", "-en", "en-USA", "en-toolongsubtag", "de;rm", "und", "zz-ZZ",
        "en-US-US", "no-name", String(repeating: "en-", count: 100_000), "\u{0}", "en\u{202E}",
    ]) func whatIsNoLanguageIsNone(_ text: String) {
        #expect(LanguageTag(text) == nil)
    }

    @Test(arguments: [
        ("nb", ["no", "nb"]), ("no", ["no", "nb"]), ("nn", ["nn", "no"]), ("tl", ["tl", "fil"]), ("he", ["he", "iw"]),
        ("fil", ["tl", "fil"]), ("iw", ["he", "iw"]), ("in", ["id", "in"]),
        ("ji", ["yi", "ji"]), ("jw", ["jv", "jw"]), ("jp", ["ja"]), ("pt-BR", ["pt"]), ("zh-Hant", ["zh"]),
    ]) func speechModelsHaveCodesOfTheirOwn(_ text: String, _ codes: [String]) {
        #expect(LanguageTag(text)?.codes == codes)
    }

    @Test(arguments: [
        ("zh-TW", true), ("zh-HK", true), ("zh-Hant", true), ("zh-Hant-CN", true), ("zh-CN", false), ("zh-Hans", false),
        ("zh", nil), ("ja-JP", nil),
    ]) func chineseIsWrittenInTwoWays(_ text: String, _ isTraditional: Bool?) {
        #expect(LanguageTag(text)?.isTraditionalChinese == isTraditional)
    }

    @Test(arguments: [
        ("nb", "no"), ("nn", "no"), ("no", "no"), ("fil", "tl"), ("tl", "tl"), ("de", "de"), ("xx", "xx"),
    ]) func whatIsWrittenInTwoWaysIsSpokenAsOne(_ code: String, _ spoken: String) {
        #expect(LanguageTag.spoken(code) == spoken)
    }

    @Test(arguments: [("pt_BR", "pt"), ("ZH-hans", "zh"), ("qqq-x", "qqq"), ("", "")])
    func theFirstPartOfATagIsItsLanguage(_ tag: String, _ primary: String) {
        #expect(LanguageTag.primary(of: tag) == primary)
    }

    @Test func everyNameThatIsKnownMeansALanguage() {
        for name in LanguageTag.knownNames { #expect(LanguageTag(name) != nil, "\(name)") }
    }
}
