import SystemSupport

extension Sidecar {
    /// An OpenDocument text (ISO/IEC 26300, version 1.3) that looks as the one of Word does.
    static func openDocument(_ transcript: Transcript, _ style: SidecarStyle) -> [UInt8] {
        let language = transcript.language.flatMap { LanguageTag($0) }
        let title = WrittenText.clean(transcript.source.name)
        var archive = ZipArchive()
        archive.add("mimetype", Array(OpenDocumentParts.mimeType.utf8), isStored: true)
        archive.add("META-INF/manifest.xml", Array((XMLText.declaration + OpenDocumentParts.manifest).utf8))
        archive.add("meta.xml", Array((XMLText.declaration + OpenDocumentParts.meta(title, language)).utf8))
        archive.add("styles.xml", Array((XMLText.declaration + OpenDocumentParts.styles(language)).utf8))
        let paragraphs = ParagraphBuilder.paragraphs(of: transcript, style.speakers, style.textTimes)
        archive.add("content.xml", openDocumentContent(title, paragraphs))
        return archive.finished()
    }

    private static func openDocumentContent(_ title: String, _ paragraphs: [Paragraph]) -> [UInt8] {
        var looks = ParagraphLooks()
        var body: [UInt8] = []
        let heading = [Paragraph.Span(kind: .text, text: title, start: 0)]
        append(Paragraph(kind: .spoken, spans: heading, start: 0), "Title", &looks, to: &body)
        for paragraph in paragraphs {
            append(paragraph, paragraph.kind == .remark ? "Gap" : "Standard", &looks, to: &body)
        }
        let start = XMLText.declaration + OpenDocumentParts.contentStart + looks.styles + OpenDocumentParts.bodyStart
        return Array(start.utf8) + body + Array(OpenDocumentParts.contentEnd.utf8)
    }

    private static func append(
        _ paragraph: Paragraph, _ style: String, _ looks: inout ParagraphLooks, to out: inout [UInt8]
    ) {
        let look = looks.name(style, isRightToLeft: paragraph.isRightToLeft, paragraph.language)
        out.append(contentsOf: "<text:p text:style-name=\"\(look)\">".utf8)
        for span in paragraph.spans {
            let text = XMLText.escaped(span.text)
            switch span.kind {
            case .text: out.append(contentsOf: text.utf8)
            case .speaker: out.append(contentsOf: "<text:span text:style-name=\"Speaker\">\(text)</text:span>".utf8)
            case .time: out.append(contentsOf: "<text:span text:style-name=\"Time\">\(text)</text:span>".utf8)
            }
        }
        out.append(contentsOf: "</text:p>\n".utf8)
    }
}

/// The styles that paragraphs need besides the common ones: each is declared once, before them.
private struct ParagraphLooks {
    private struct Look: Hashable {
        let parent: String
        let isRightToLeft: Bool
        let language: String?
    }

    private var names: [Look: String] = [:]
    private(set) var styles = ""

    mutating func name(_ parent: String, isRightToLeft: Bool, _ language: String?) -> String {
        let look = Look(parent: parent, isRightToLeft: isRightToLeft, language: language)
        guard isRightToLeft || language != nil else { return parent }
        if let known = names[look] { return known }
        let name = "P\(names.count + 1)"
        names[look] = name
        let direction =
            isRightToLeft
            ? "<style:paragraph-properties style:writing-mode=\"rl-tb\" fo:text-align=\"start\"/>" : ""
        let tag = language.flatMap { LanguageTag($0) }.map {
            "<style:text-properties \(OpenDocumentParts.language($0))/>"
        }
        styles += """
            <style:style style:name="\(name)" style:family="paragraph" style:parent-style-name="\(parent)">\
            \(direction)\(tag ?? "")</style:style>

            """
        return name
    }
}

private enum OpenDocumentParts {
    static let mimeType = "application/vnd.oasis.opendocument.text"
    private static let name = "urn:oasis:names:tc:opendocument:xmlns"
    private static let namespaces = """
        xmlns:office="\(name):office:1.0" xmlns:style="\(name):style:1.0" xmlns:text="\(name):text:1.0" \
        xmlns:fo="\(name):xsl-fo-compatible:1.0" xmlns:meta="\(name):meta:1.0" \
        xmlns:dc="http://purl.org/dc/elements/1.1/" office:version="1.3"
        """

    static let manifest = """
        <manifest:manifest xmlns:manifest="\(name):manifest:1.0" manifest:version="1.3">\
        <manifest:file-entry manifest:full-path="/" manifest:version="1.3" manifest:media-type="\(mimeType)"/>\
        <manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>\
        <manifest:file-entry manifest:full-path="styles.xml" manifest:media-type="text/xml"/>\
        <manifest:file-entry manifest:full-path="meta.xml" manifest:media-type="text/xml"/></manifest:manifest>
        """

    static func meta(_ title: String, _ language: LanguageTag?) -> String {
        let told = language.map { "<dc:language>\($0.description)</dc:language>" } ?? ""
        return """
            <office:document-meta \(namespaces)><office:meta><dc:title>\(XMLText.escaped(title))</dc:title>\(told)\
            </office:meta></office:document-meta>
            """
    }

    /// For each kind of script, since the format asks for it by itself.
    static func language(_ tag: LanguageTag) -> String {
        let country = tag.region ?? "none"
        let others = ["asian", "complex"].map {
            " style:language-\($0)=\"\(tag.primary)\" style:country-\($0)=\"\(country)\""
        }
        return "fo:language=\"\(tag.primary)\" fo:country=\"\(country)\"" + others.joined()
    }

    static let contentStart = "<office:document-content \(namespaces)><office:automatic-styles>\n"
    static let bodyStart = "</office:automatic-styles><office:body><office:text>\n"
    static let contentEnd = "</office:text></office:body></office:document-content>"

    private static let grey = "fo:color=\"#595959\""
    private static let bold = """
        fo:font-weight="bold" style:font-weight-asian="bold" style:font-weight-complex="bold"
        """
    private static let italic = """
        fo:font-style="italic" style:font-style-asian="italic" style:font-style-complex="italic"
        """

    /// - Returns: sizes of all kinds of script.
    private static func size(_ points: Int) -> String {
        "fo:font-size=\"\(points)pt\" style:font-size-asian=\"\(points)pt\" style:font-size-complex=\"\(points)pt\""
    }

    static func styles(_ language: LanguageTag?) -> String {
        """
        <office:document-styles \(namespaces)><office:styles>
        <style:default-style style:family="paragraph"><style:paragraph-properties fo:margin-bottom="0.28cm" \
        fo:line-height="115%" style:writing-mode="page"/><style:text-properties \(size(11)) \
        \(language.map(self.language) ?? "")/></style:default-style>
        <style:style style:name="Standard" style:family="paragraph" style:class="text"/>
        <style:style style:name="Title" style:family="paragraph" style:parent-style-name="Standard" \
        style:class="chapter"><style:paragraph-properties fo:margin-bottom="0.42cm" fo:keep-with-next="always"/>\
        <style:text-properties \(size(16)) \(bold)/></style:style>
        <style:style style:name="Gap" style:family="paragraph" style:parent-style-name="Standard">\
        <style:text-properties \(italic) \(grey)/></style:style>
        <style:style style:name="Speaker" style:family="text"><style:text-properties \(bold)/></style:style>
        <style:style style:name="Time" style:family="text"><style:text-properties \(grey)/></style:style>
        </office:styles>
        <office:automatic-styles><style:page-layout style:name="Page"><style:page-layout-properties \
        fo:page-width="21cm" fo:page-height="29.7cm" fo:margin="2.5cm"/></style:page-layout></office:automatic-styles>
        <office:master-styles><style:master-page style:name="Standard" style:page-layout-name="Page"/>\
        </office:master-styles></office:document-styles>
        """
    }
}
