import SystemSupport

extension Sidecar {
    /// Below this confidence a word counts as uncertain.
    private static let uncertain = 0.5
    /// Speakers have so many colours; then they begin anew.
    private static let colors = 8

    /// The transcript as a page of one file that asks nobody for anything: text with times, speakers in colours, and a player
    /// whose recording is jumped into by a click.
    /// - Parameter recording: where it lies, as seen from the page; nil: it cannot be played from there.
    static func page(_ transcript: Transcript, _ style: SidecarStyle, recording: RelativeLink?) -> [UInt8] {
        let paragraphs = ParagraphBuilder.paragraphs(of: transcript, style.speakers, .none, dividesWords: true)
        let hasUncertain = paragraphs.contains { $0.spans.contains(where: isUncertain) }
        var page = TranscriptPage(link: recording.map { XMLText.escaped($0.text) })
        page.begin(
            title: WrittenText.clean(transcript.source.name),
            language: transcript.language.flatMap { LanguageTag($0)?.description }, hasUncertain: hasUncertain)
        let speakers = style.speakers == .never ? [] : transcript.segments.speakers
        let colors = Dictionary(uniqueKeysWithValues: speakers.enumerated().map { ($1, $0 % Self.colors) })
        for paragraph in paragraphs { page.append(paragraph, color: paragraph.speaker.flatMap { colors[$0] }) }
        return page.finished()
    }

    fileprivate static func isUncertain(_ span: Paragraph.Span) -> Bool {
        span.confidence.map { $0 < uncertain } ?? false
    }
}

/// Writes the page from its beginning to its end.
private struct TranscriptPage {
    /// Escaped; nil: there is no player.
    let link: String?
    private var out: [UInt8] = []

    init(link: String?) { self.link = link }

    mutating func begin(title: String, language: String?, hasUncertain: Bool) {
        let title = XMLText.escaped(title)
        put(
            """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="\(PageParts.policy)">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\(title)</title>
            <style>\(PageParts.style)</style></head><body>
            <header><h1 dir="auto">\(title)</h1>

            """)
        if let link {
            put(
                """
                <audio id="player" controls preload="metadata" aria-label="Recording" src="\(link)"></audio>
                <p id="away" role="status" hidden>The recording cannot be played from here.</p>

                """)
        }
        if hasUncertain {
            put("<label><input id=\"uncertain\" type=\"checkbox\">Mark uncertain words</label>\n")
        }
        put("</header>\n<main\(language.map { " lang=\"\(XMLText.escaped($0))\"" } ?? "")>\n")
    }

    /// - Parameter color: the number of the speaker's.
    mutating func append(_ paragraph: Paragraph, color: Int?) {
        let classes = [color.map { "s\($0)" }, paragraph.kind == .remark ? "gap" : nil].compactMap(\.self)
        var attributes = classes.isEmpty ? "" : " class=\"\(classes.joined(separator: " "))\""
        if let language = paragraph.language { attributes += " lang=\"\(XMLText.escaped(language))\"" }
        if paragraph.isRightToLeft { attributes += " dir=\"rtl\"" }
        put("<p\(attributes)>")
        if paragraph.kind == .spoken { putTime(paragraph.start) }
        for span in paragraph.spans {
            switch span.kind {
            case .speaker: put("<b>\(XMLText.escaped(span.text))</b>")
            case .text where paragraph.kind == .spoken: putWord(span)
            case .time, .text: put(XMLText.escaped(span.text))
            }
        }
        put("</p>\n")
    }

    private mutating func putTime(_ time: Int64) {
        let clock = TimeText.clock(time)
        if let link {
            // Works without a script as well: it opens the recording there.
            let seconds = Self.seconds(time)
            put("<a class=\"t\" data-s=\"\(seconds)\" href=\"\(link)#t=\(seconds)\">\(clock)</a> ")
        } else {
            put("<span class=\"t\">\(clock)</span> ")
        }
    }

    private mutating func putWord(_ span: Paragraph.Span) {
        let isUncertain = Sidecar.isUncertain(span)
        let text = XMLText.escaped(span.text)
        guard link != nil || isUncertain else { return put(text) }
        let isSpaced = text.hasSuffix(" ")
        put("<span")
        if isUncertain { put(" class=\"u\"") }
        if link != nil { put(" data-s=\"\(Self.seconds(span.start))\"") }
        put(">\(isSpaced ? text.dropLast() : text[...])</span>\(isSpaced ? " " : "")")
    }

    consuming func finished() -> [UInt8] {
        put("</main>\n")
        if link != nil { put("<script>\(PageParts.script)</script>\n") }
        put("</body></html>\n")
        return out
    }

    /// In hundredths, rounded down: what is jumped to is heard from its beginning.
    private static func seconds(_ samples: Int64) -> String {
        let hundredths = max(0, samples) / (SampleClock.rate / 100)
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }

    private mutating func put(_ text: some StringProtocol) { out.append(contentsOf: text.utf8) }
}
