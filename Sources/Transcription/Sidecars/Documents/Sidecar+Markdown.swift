extension Sidecar {
    /// CommonMark: the recording's name as heading, speakers in bold, a paragraph a line. Nothing of the text becomes markup,
    /// in the dialects of GitHub and Pandoc either.
    static func markdown(_ transcript: Transcript, _ style: SidecarStyle) -> String {
        let title = "# " + MarkdownText.escaped(WrittenText.clean(transcript.source.name))
        let paragraphs = ParagraphBuilder.paragraphs(of: transcript, style.speakers, style.textTimes)
        return ([title] + paragraphs.map(markdown)).joined(separator: "\n\n") + "\n"
    }

    private static func markdown(_ paragraph: Paragraph) -> String {
        if paragraph.kind == .remark { return "*\(MarkdownText.escaped(paragraph.text))*" }
        var out = ""
        for span in paragraph.spans {
            switch span.kind {
            case .speaker:
                let name = span.text.hasSuffix(" ") ? span.text.dropLast() : span.text[...]
                out += "**\(MarkdownText.escaped(name))**" + (name.endIndex == span.text.endIndex ? "" : " ")
            case .time, .text: out += MarkdownText.escaped(span.text, beginsLine: out.isEmpty)
            }
        }
        return out
    }
}

/// Text that means itself in Markdown.
enum MarkdownText {
    private static let special = Set<Unicode.Scalar>("\\`*_{}[]<>#&~|$^=".unicodeScalars)
    /// They begin a list, a line, or a definition where they are the first of a line.
    private static let leading = Set<Unicode.Scalar>("+-:%".unicodeScalars)

    /// - Parameter beginsLine: it stands at the beginning of a line.
    static func escaped(_ text: some StringProtocol, beginsLine: Bool = false) -> String {
        let scalars = Array(text.unicodeScalars)
        var out = String.UnicodeScalarView()
        var digits = beginsLine
        for (at, scalar) in scalars.enumerated() {
            let next = at + 1 < scalars.count ? scalars[at + 1] : " "
            let isMarkup =
                switch scalar {
                case _ where special.contains(scalar), _ where at == 0 && beginsLine && leading.contains(scalar): true
                // "1." begins a list.
                case ".", ")": digits && at > 0 && next == " " || scalar == "." && isWebAddress(scalars[..<at])
                // "https://…" becomes a link, ":smile:" a picture.
                case ":": next == "/" || next == ":" || next.properties.isAlphabetic
                // An image.
                case "!": next == "["
                default: false
                }
            digits = digits && ("0"..."9").contains(scalar)
            if isMarkup { out.append("\\") }
            out.append(scalar)
        }
        return String(out)
    }

    private static func isWebAddress(_ before: ArraySlice<Unicode.Scalar>) -> Bool {
        before.count >= 3 && before.suffix(3).allSatisfy { $0 == "w" || $0 == "W" }
    }
}
