import FoundationEssentials
import SystemPackage
import SystemSupport
import Testing
import Transcription

private let run = RunFacts(processingTime: .milliseconds(1234))

/// `.html`: the page with the player.
@Suite struct PageTests {
    private let link = RelativeLink(from: "/srv/outbox/a", to: "/srv/done/a/talk.mp3")

    private func page(_ transcript: Transcript, _ link: RelativeLink?, _ style: SidecarStyle = SidecarStyle()) -> String
    {
        String(decoding: Sidecar.render(transcript, .html, run: run, style: style, recording: link), as: UTF8.self)
    }

    private func said(_ start: Double, _ text: String, by speaker: String?, confidences: [Double?]) -> Segment {
        let words = text.split(separator: " ").enumerated().map { at, word in
            let from = seconds(start + Double(at))
            return Word(
                range: SampleRange(from, from + seconds(0.8)), text: String(word), confidence: confidences[at])
        }
        var said = segment(start, start + Double(words.count), text, words: words)
        said.speaker = speaker
        return said
    }

    @Test(arguments: [
        ("/srv/outbox", "/srv/done/talk.mp3", "../done/talk.mp3"), ("/srv/x", "/srv/x/talk.mp3", "talk.mp3"),
        ("/srv/outbox/a/b", "/srv/done/a/b/c.mp3", "../../../done/a/b/c.mp3"), ("/", "/a/b.mp3", "a/b.mp3"),
        ("/srv/x", "/srv/x/a:b \"<&#?%ä'.mp3", "a%3Ab%20%22%3C%26%23%3F%25%C3%A4%27.mp3"),
        ("/srv/x", "/srv/x/javascript:alert(1)", "javascript%3Aalert%281%29"),
    ]) func theLinkLeadsToTheRecording(_ folder: String, _ file: String, _ text: String) {
        #expect(RelativeLink(from: FilePath(folder), to: FilePath(file)).text == text)
    }

    @Test func aWordSaysWhenItIsHeard() {
        let source = transcript(
            [said(1, "Hello Anna", by: "B", confidences: [0.9, 0.2]), said(4, "Hi.", by: "A", confidences: [nil])],
            length: 10)
        let html = page(source, link)
        #expect(html.contains("src=\"../../done/a/talk.mp3\""))
        #expect(
            html.contains(
                """
                <p class="s0"><a class="t" data-s="1.00" href="../../done/a/talk.mp3#t=1.00">00:00:01</a> <b>B: </b>\
                <span data-s="1.00">Hello</span> <span class="u" data-s="2.00">Anna</span></p>
                <p class="s1"><a
                """))
        #expect(html.contains("Mark uncertain words") && html.contains("<main lang=\"en\">"))
        // Where it cannot be played there is nothing to click, and no script.
        let silent = page(source, nil)
        #expect(!silent.contains("data-s=\"") && !silent.contains("<audio") && !silent.contains("<script"))
        #expect(silent.contains("<b>B: </b>Hello <span class=\"u\">Anna</span></p>"))
        let unnamed = page(source, nil, SidecarStyle(speakers: .never))
        #expect(!unnamed.contains("<b>") && !unnamed.contains("class=\"s0\""))
        #expect(!page(transcript([segment(0, 1, "a")], length: 1), link).contains("Mark uncertain"))
    }

    /// The policy names the style and the script that stand there, and lets nothing else in.
    @Test func thePolicyAllowsWhatThePageHas() throws {
        let html = page(transcript([segment(0, 1, "a")], length: 1), link)
        let policy = try #require(html.firstMatch(of: /Content-Security-Policy" content="([^"]*)"/)?.output.1)
        for (tag, directive) in [("style", "style-src"), ("script", "script-src")] {
            let start = try #require(html.firstRange(of: "<\(tag)>")?.upperBound)
            let end = try #require(html.firstRange(of: "</\(tag)>")?.lowerBound)
            let digest = Array(html[start..<end].utf8).withUnsafeBytes { SHA256.digest(of: $0) }
            #expect(policy.contains("\(directive) 'sha256-\(Data(digest.bytes).base64EncodedString())'"))
        }
        #expect(policy.hasPrefix("default-src 'none';") && !policy.contains("unsafe") && !policy.contains("http"))
        #expect(!html.contains("http://") && !html.contains("https://") && !html.contains("@import"))
    }

    @Test func nothingOfTheTextBecomesMarkup() {
        let evil = "</script><script>alert(1)</script> ]]> <img src=x onerror=alert(1)> \u{0} \"' &lt;"
        var source = transcript(
            [said(1, evil, by: "<i>\"", confidences: [Double?](repeating: 0.1, count: 20))], length: 10)
        source.source.name = "</title><script>alert(2)</script>\" onload=\"x"
        source.language = "\"><script>"
        let html = page(source, RelativeLink(from: "/a", to: "/a/\"><script>.mp3"))
        #expect(html.ranges(of: "<script").count == 1 && !html.contains("<img") && !html.contains("<i>"))
        #expect(html.contains("<title>&lt;/title&gt;&lt;script&gt;alert(2)") && !html.contains("\u{0}"))
        #expect(html.contains("src=\"%22%3E%3Cscript%3E.mp3\"") && html.contains("<main>"))
    }

    @Test func whatIsWrittenFromTheRightIsShownSo() {
        let html = page(transcript([segment(0, 1, "مرحبا بكم")], length: 1, language: "ar"), link)
        #expect(html.contains("<main lang=\"ar\">\n<p dir=\"rtl\">"))
        let gap = Transcript.Gap(range: SampleRange(0, seconds(1)), reason: "x")
        #expect(
            page(transcript([], length: 1, gaps: [gap]), link).contains(
                "<p class=\"gap\">[untranscribed 00:00:00–00:00:01]</p>"))
    }
}
