import Inbox
import SystemSupport
import Testing

/// `status.html` for the people who use an outbox.
@Suite struct StatusPageTests {
    @Test func tellsWhatRunsWaitsIsDoneAndFailed() {
        var page = StatusPage()
        page.running = [
            .init(name: "a.mp3", percent: 25, remaining: "about 2 min"),
            .init(name: "b.mp3", percent: nil, remaining: nil),
        ]
        page.waiting = ["c.mp3", "d.mp3"]
        page.waitingCount = 12
        page.arriving = 1
        page.finished = [.init(name: "e.mp3", at: 0, remark: "parts of it could not be transcribed")]
        page.failed = [.init(name: "f.mp3", at: 0, remark: "It is no audio.")]
        let html = page.html(now: 0)
        for words in [
            "In work (2)", "value=\"25\"", "about 2 min", "Waiting (12)", "<bdi>c.mp3</bdi>", "and 10 more.",
            "1 more recording is arriving", "Finished today (1)", "parts of it could not", "Failed (1)",
            "It is no audio.",
            "<meta http-equiv=\"refresh\"", "lang=\"en\"", StatusPage.mark,
        ] { #expect(html.contains(words), "\(words)") }
        #expect(!html.contains("<script"))
        #expect(StatusPage().html(now: 0).contains("None."))
    }

    @Test func saysThatTheServiceIsStoppedOrShortOfSpace() {
        var page = StatusPage()
        page.isShortOfSpace = true
        #expect(page.html(now: 0).contains("too little space"))
        page.stoppedAt = 86_400
        #expect(page.html(now: 0).contains("not running since \(LocalTime.moment(86_400))"))
    }

    /// Names come from whoever may write into the inbox.
    @Test(arguments: [
        "<script>alert(1)</script>.mp3", "\"><img src=x onerror=alert(1)>.mp3", "a&lt;b.mp3", "'onload='x.mp3",
        "</bdi></th></table><h1>.mp3", "<!--.mp3", "]]>.mp3",
    ]) func hostileNamesStayText(_ name: String) {
        var page = StatusPage()
        page.running = [.init(name: name, percent: 1, remaining: name)]
        page.waiting = [name]
        page.waitingCount = 1
        page.finished = [.init(name: name, at: 0, remark: name)]
        page.failed = [.init(name: name, at: 0, remark: name)]
        var plain = page
        plain.running = [.init(name: "x", percent: 1, remaining: "x")]
        plain.waiting = ["x"]
        plain.finished = [.init(name: "x", at: 0, remark: "x")]
        plain.failed = [.init(name: "x", at: 0, remark: "x")]
        func marks(_ html: String) -> [Character] { html.filter { "<>\"'".contains($0) }.map { $0 } }
        // No mark-up but what a harmless name has as well, and the name as it is for the reader.
        let html = page.html(now: 0)
        #expect(marks(html) == marks(plain.html(now: 0)))
        let shown = html.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&quot;", with: "\"")
            .replacing("&#39;", with: "'").replacing("&amp;", with: "&")
        #expect(shown.contains("<bdi>\(name)</bdi>"))
    }
}
