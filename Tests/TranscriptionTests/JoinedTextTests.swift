import Testing
import Transcription

/// Scripts without spaces between words, and those with.
@Suite struct JoinedTextTests {
    @Test(arguments: [
        (["Good", "morning", "."], "Good morning ."), (["Good ", "morning"], "Good morning"),
        (["", "a", "", "b"], "a b"),
        (["你好", "世界"], "你好世界"), (["こんにちは", "世界"], "こんにちは世界"), (["สวัสดี", "ครับ"], "สวัสดีครับ"),
        (["ສະບາຍ", "ດີ"], "ສະບາຍດີ"), (["សួស្តី", "លោក"], "សួស្តីលោក"), (["မင်္ဂလာ", "ပါ"], "မင်္ဂလာပါ"),
        (["안녕", "하세요"], "안녕 하세요"), (["今天用", "Linux", "系统"], "今天用 Linux 系统"), (["好。", "Linux"], "好。Linux"),
        (["他说——", "你好", "……", "再见", "”", "吧"], "他说——你好……再见”吧"), (["he said—", "now"], "he said— now"),
        (["ราคา", "100", "บาท"], "ราคา 100 บาท"),
    ])
    func aSpaceStandsWhereTheScriptHasOne(_ row: (pieces: [String], text: String)) {
        #expect(row.pieces.joinedAsText() == row.text)
    }

    @Test func everyCharacterOfAScriptWithoutSpacesIsKnown() {
        for character in "漢かなカナㇰ。「ｱＡกຂកကㄅ" { #expect(character.isUnspaced, "\(character)") }
        for character in "añЯعא한हক1.…" { #expect(!character.isUnspaced, "\(character)") }
    }
}
