import TestSupport
import Testing

/// Subtitles of languages with rules of their own, from a server's answer to the file in the outbox.
@Suite(.serialized)
struct SubtitleLanguageTests {
    private static let thai = "คณะกรรมการจะประชุมในเช้าวันจันทร์เพื่อพูดคุยเกี่ยวกับงบประมาณของปีหน้า"

    /// The lines of text of `talk.srt`, transcribed by the service with a server that hears one segment of 9 seconds.
    private func lines(of text: String, _ language: String, inbox settings: String = "") async throws -> [String] {
        let server = try FakeTranscriptionServer { _ in
            .init(
                text: """
                    {"text":"\(text)","language":"\(language)","duration":10,
                    "segments":[{"id":0,"start":0.2,"end":9.2,"text":"\(text)"}]}
                    """)
        }
        defer { server.stop() }
        return try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: settings)
            try place.writeMarks(0..<10, to: "inbox/talk.wav")
            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 0, "\(ended.errors)")
            return try place.text("outbox/talk.srt").split(separator: "\n").map(String.init).filter { line in
                !line.isEmpty && !line.allSatisfy(\.isNumber) && !line.contains("-->")
            }
        }
    }

    @Test func thaiIsNotCutInsideAWord() async throws {
        let words = Set([
            "คณะ", "กรรมการ", "คณะกรรมการ", "จะ", "ประชุม", "ใน", "เช้า", "วัน", "จันทร์", "วันจันทร์", "เพื่อ", "พูด", "คุย",
            "พูดคุย",
            "เกี่ยว", "กับ", "เกี่ยวกับ", "งบ", "ประมาณ", "งบประมาณ", "ของ", "ปี", "หน้า", "ปีหน้า",
        ])
        let lines = try await lines(of: Self.thai, "thai")
        #expect(lines.count >= 2 && lines.joined() == Self.thai)
        for line in lines {
            #expect(line.count <= 35)
            #expect(words.contains { line.hasPrefix($0) } && words.contains { line.hasSuffix($0) }, "\(line)")
        }
    }

    @Test func anInboxSetsColumnsAndRate() async throws {
        let text = "The committee will meet on Monday morning to discuss the budget for the next year."
        let wide = try await lines(of: text, "english")
        #expect(wide.contains { $0.count > 30 })
        let narrow = try await lines(of: text, "english", inbox: "subtitle_columns = 30\nsubtitle_rate = 15")
        #expect(narrow.allSatisfy { $0.count <= 30 })
        #expect(narrow.joined(separator: " ") == text)
    }
}
