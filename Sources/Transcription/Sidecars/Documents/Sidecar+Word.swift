import SystemSupport

extension Sidecar {
    /// An Office Open XML document (ECMA-376, transitional) of the fewest parts that Word and LibreOffice open without a
    /// word: heading, speakers in bold, times in grey, gaps in italics.
    static func wordDocument(_ transcript: Transcript, _ style: SidecarStyle) -> [UInt8] {
        let language = transcript.language.flatMap { LanguageTag($0)?.description }
        let title = WrittenText.clean(transcript.source.name)
        var archive = ZipArchive()
        archive.add("[Content_Types].xml", Array((XMLText.declaration + WordParts.contentTypes).utf8))
        archive.add("_rels/.rels", Array((XMLText.declaration + WordParts.relations).utf8))
        archive.add("docProps/core.xml", Array((XMLText.declaration + WordParts.core(title, language)).utf8))
        archive.add("word/_rels/document.xml.rels", Array((XMLText.declaration + WordParts.documentRelations).utf8))
        archive.add("word/styles.xml", Array((XMLText.declaration + WordParts.styles(language)).utf8))
        archive.add("word/document.xml", wordBody(title, transcript, style))
        return archive.finished()
    }

    private static func wordBody(_ title: String, _ transcript: Transcript, _ style: SidecarStyle) -> [UInt8] {
        var out = Array((XMLText.declaration + WordParts.documentStart).utf8)
        let heading = [Paragraph.Span(kind: .text, text: title, start: 0)]
        append(Paragraph(kind: .spoken, spans: heading, start: 0), "Title", to: &out)
        for paragraph in ParagraphBuilder.paragraphs(of: transcript, style.speakers, style.textTimes) {
            append(paragraph, paragraph.kind == .remark ? "Gap" : nil, to: &out)
        }
        out.append(contentsOf: WordParts.documentEnd.utf8)
        return out
    }

    private static func append(_ paragraph: Paragraph, _ style: String?, to out: inout [UInt8]) {
        let isRightToLeft = paragraph.isRightToLeft
        let properties = (style.map { "<w:pStyle w:val=\"\($0)\"/>" } ?? "") + (isRightToLeft ? "<w:bidi/>" : "")
        out.append(contentsOf: "<w:p>".utf8)
        if !properties.isEmpty { out.append(contentsOf: "<w:pPr>\(properties)</w:pPr>".utf8) }
        for span in paragraph.spans {
            var run =
                switch span.kind {
                case .text: ""
                case .speaker: "<w:rStyle w:val=\"Speaker\"/>"
                case .time: "<w:rStyle w:val=\"Time\"/>"
                }
            // A time is read from the left whatever stands beside it.
            if isRightToLeft, span.kind != .time { run += "<w:rtl/>" }
            if span.kind == .text, let language = paragraph.language { run += WordParts.language(language) }
            let shown = run.isEmpty ? "" : "<w:rPr>\(run)</w:rPr>"
            out.append(
                contentsOf: "<w:r>\(shown)<w:t xml:space=\"preserve\">\(XMLText.escaped(span.text))</w:t></w:r>".utf8)
        }
        out.append(contentsOf: "</w:p>\n".utf8)
    }
}

/// What of a document is always the same, but for its name and language.
private enum WordParts {
    private static let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    private static let package = "http://schemas.openxmlformats.org/package/2006"
    private static let main = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    private static let mime = "application/vnd.openxmlformats-officedocument.wordprocessingml"

    static let contentTypes = """
        <Types xmlns="\(package)/content-types">\
        <Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>\
        <Default Extension="xml" ContentType="application/xml"/>\
        <Override PartName="/word/document.xml" ContentType="\(mime).document.main+xml"/>\
        <Override PartName="/word/styles.xml" ContentType="\(mime).styles+xml"/>\
        <Override PartName="/docProps/core.xml" \
        ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>
        """

    static let relations = """
        <Relationships xmlns="\(package)/relationships">\
        <Relationship Id="rId1" Type="\(office)/officeDocument" Target="word/document.xml"/>\
        <Relationship Id="rId2" Type="\(package)/relationships/metadata/core-properties" Target="docProps/core.xml"/>\
        </Relationships>
        """

    static let documentRelations = """
        <Relationships xmlns="\(package)/relationships">\
        <Relationship Id="rId1" Type="\(office)/styles" Target="styles.xml"/></Relationships>
        """

    static let documentStart = "<w:document xmlns:w=\"\(main)\"><w:body>\n"

    /// A4.
    static let documentEnd = """
        <w:sectPr><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1418" w:right="1418" w:bottom="1134" \
        w:left="1418" w:header="709" w:footer="709" w:gutter="0"/></w:sectPr></w:body></w:document>
        """

    static func core(_ title: String, _ language: String?) -> String {
        let told = language.map { "<dc:language>\(XMLText.escaped($0))</dc:language>" } ?? ""
        return """
            <cp:coreProperties xmlns:cp="\(package)/metadata/core-properties" \
            xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>\(XMLText.escaped(title))</dc:title>\(told)\
            </cp:coreProperties>
            """
    }

    /// Word asks for the language of each kind of script by itself.
    static func language(_ tag: String) -> String {
        let tag = XMLText.escaped(tag)
        return "<w:lang w:val=\"\(tag)\" w:eastAsia=\"\(tag)\" w:bidi=\"\(tag)\"/>"
    }

    static func styles(_ language: String?) -> String {
        """
        <w:styles xmlns:w="\(main)"><w:docDefaults><w:rPrDefault><w:rPr>\
        <w:rFonts w:ascii="Calibri" w:hAnsi="Calibri" w:cs="Arial"/><w:sz w:val="22"/><w:szCs w:val="22"/>\
        \(language.map(self.language) ?? "")</w:rPr></w:rPrDefault>\
        <w:pPrDefault><w:pPr><w:spacing w:after="160" w:line="276" w:lineRule="auto"/></w:pPr></w:pPrDefault>\
        </w:docDefaults>
        <w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/><w:qFormat/></w:style>
        <w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/><w:basedOn w:val="Normal"/>\
        <w:next w:val="Normal"/><w:qFormat/><w:pPr><w:keepNext/><w:spacing w:after="240"/></w:pPr>\
        <w:rPr><w:b/><w:bCs/><w:sz w:val="32"/><w:szCs w:val="32"/></w:rPr></w:style>
        <w:style w:type="paragraph" w:customStyle="1" w:styleId="Gap"><w:name w:val="Gap"/>\
        <w:basedOn w:val="Normal"/><w:rPr><w:i/><w:iCs/><w:color w:val="595959"/></w:rPr></w:style>
        <w:style w:type="character" w:default="1" w:styleId="DefaultParagraphFont">\
        <w:name w:val="Default Paragraph Font"/></w:style>
        <w:style w:type="character" w:customStyle="1" w:styleId="Speaker"><w:name w:val="Speaker"/>\
        <w:rPr><w:b/><w:bCs/></w:rPr></w:style>
        <w:style w:type="character" w:customStyle="1" w:styleId="Time"><w:name w:val="Time"/>\
        <w:rPr><w:color w:val="595959"/></w:rPr></w:style></w:styles>
        """
    }
}
