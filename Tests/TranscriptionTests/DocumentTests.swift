import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

private let run = RunFacts(processingTime: .milliseconds(1234))

private func said(_ start: Double, _ end: Double, _ text: String, by speaker: String? = nil) -> Segment {
    var segment = segment(start, end, text)
    segment.speaker = speaker
    return segment
}

/// `.docx` and `.odt` as another reader has them: Python's own, for zip files and XML.
@Suite struct DocumentTests {
    /// Prints each paragraph as `style|rtl|language|text`, with `*` around speakers and `@` around times.
    private static let reader = """
        import sys, zipfile, zlib, xml.etree.ElementTree as E
        path = sys.argv[1]
        z = zipfile.ZipFile(path)
        assert z.testzip() is None
        assert all(i.date_time == (1980, 1, 1, 0, 0, 0) for i in z.infolist())
        for i in z.infolist():
            z.fp.seek(i.header_offset + 30 + len(i.filename))
            raw, stream = z.fp.read(i.compress_size), zlib.decompressobj(-15)
            assert i.compress_type == 0 or (stream.decompress(raw) and stream.eof and not stream.unused_data)
        parts = {n: E.fromstring(z.read(n)) for n in z.namelist() if n != "mimetype"}
        if path.endswith(".docx"):
            W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
            marks = {"Speaker": "*", "Time": "@"}
            lang = parts["word/styles.xml"].find(".//" + W + "rPrDefault//" + W + "lang")
            print("language", None if lang is None else lang.get(W + "val"))
            for p in parts["word/document.xml"].iter(W + "p"):
                style = p.find(W + "pPr/" + W + "pStyle")
                text, own = "", ""
                for r in p.iter(W + "r"):
                    kind = r.find(W + "rPr/" + W + "rStyle")
                    mark = "" if kind is None else marks[kind.get(W + "val")]
                    text += mark + "".join(t.text or "" for t in r.iter(W + "t")) + mark
                    lang = r.find(W + "rPr/" + W + "lang")
                    own = own if lang is None else lang.get(W + "val")
                bidi = p.find(W + "pPr/" + W + "bidi") is not None
                print("|".join(["Standard" if style is None else style.get(W + "val"), "rtl" if bidi else "", own, text]))
        else:
            first = z.infolist()[0]
            assert first.filename == "mimetype" and first.compress_type == 0 and first.header_offset == 0 and not first.extra
            assert z.read("mimetype") == b"application/vnd.oasis.opendocument.text"
            X = "urn:oasis:names:tc:opendocument:xmlns:"
            S, T, F = ("{%s%s}" % (X, n) for n in ("style:1.0", "text:1.0", "xsl-fo-compatible:1.0"))
            lang = parts["styles.xml"].find(".//" + S + "default-style/" + S + "text-properties").get(F + "language")
            print("language", lang)
            styles = {s.get(S + "name"): s for s in parts["content.xml"].iter(S + "style")}
            for p in parts["content.xml"].iter(T + "p"):
                style, bidi, own = p.get(T + "style-name"), "", ""
                if style in styles:
                    s = styles[style]
                    style = s.get(S + "parent-style-name")
                    q = s.find(S + "paragraph-properties")
                    bidi = "" if q is None else {"rl-tb": "rtl"}[q.get(S + "writing-mode")]
                    q = s.find(S + "text-properties")
                    own = "" if q is None else q.get(F + "language")
                text = p.text or ""
                for span in p:
                    mark = {"Speaker": "*", "Time": "@"}[span.get(T + "style-name")]
                    text += mark + (span.text or "") + mark + (span.tail or "")
                print("|".join([style, bidi, own, text]))
        """

    /// What the other reader finds, a paragraph a line, behind the document's language.
    private func read(
        _ transcript: Transcript, _ format: SidecarFormat, _ style: SidecarStyle = SidecarStyle()
    ) async throws -> [String] {
        let bytes = Sidecar.render(transcript, format, run: run, style: style)
        #expect(bytes == Sidecar.render(transcript, format, run: run, style: style))
        return try await withTemporaryDirectory { folder in
            try TestAudioFile.write(Array(Self.reader.utf8), to: folder.appending("read.py"))
            try TestAudioFile.write(bytes, to: folder.appending("talk.\(format.fileExtension)"))
            let command = """
                cd \(folder.string.shellWord); PYTHONIOENCODING=utf-8 python3 read.py talk.\(format.fileExtension) \
                >found 2>&1; echo ended
                """
            try await ShellCommand.run(command) { #expect(await $0.line() == "ended") }
            let found = String(decoding: try TestAudioFile.read(folder.appending("found")), as: UTF8.self)
            return found.split(separator: "\n").map(String.init)
        }
    }

    @Test(arguments: [SidecarFormat.docx, .odt]) func holdTitleSpeakersParagraphsTimesAndGaps(
        _ format: SidecarFormat
    ) async throws {
        let gap = Transcript.Gap(range: SampleRange(seconds(600), seconds(900)), reason: "It failed.")
        let source = transcript(
            [
                said(0, 2, "Hello Anna.", by: "Bert"), said(2.5, 4, "Hi <b>Bert</b> & all.", by: "Anna"),
                said(10, 11, "Still me.", by: "Anna"), said(900, 901, "After.", by: "Bert"),
            ], length: 910, gaps: [gap])
        #expect(
            try await read(source, format) == [
                "language en", "Title|||talk.mp3", "Standard|||*Bert: *Hello Anna.",
                "Standard|||*Anna: *Hi <b>Bert</b> & all.", "Standard|||Still me.",
                "Gap|||[untranscribed 00:10:00–00:15:00]", "Standard|||*Bert: *After.",
            ])
        #expect(
            try await read(source, format, SidecarStyle(speakers: .never, textTimes: .paragraph)).dropFirst(2) == [
                "Standard|||@[00:00:00] @Hello Anna.", "Standard|||@[00:00:02] @Hi <b>Bert</b> & all.",
                "Standard|||@[00:00:10] @Still me.", "Gap|||[untranscribed 00:10:00–00:15:00]",
                "Standard|||@[00:15:00] @After.",
            ])
    }

    @Test(arguments: [SidecarFormat.docx, .odt]) func areWellFormedWhateverIsSaid(_ format: SidecarFormat) async throws
    {
        var source = transcript(
            [
                said(
                    0, 1, "]]> <script>alert(1)</script> &amp; \u{0}\u{1}\u{B}\u{1B}\u{FFFE}\u{FFFF}😀👩‍👩‍👧 end",
                    by: "A\u{0}\"'<"),
                said(1, 2, "مرحبا بكم في الاجتماع iPhone", by: "ب"), said(9, 10, "שלום לכולם", by: "ב"),
            ], length: 12, language: "ar")
        source.source.name = "]]><x>\u{8}\"talk\"&.mp3"
        #expect(
            try await read(source, format) == [
                "language ar", "Title|||]]><x> \"talk\"&.mp3",
                "Standard|||*A\"'<: *]]> <script>alert(1)</script> &amp; 😀👩‍👩‍👧 end",
                "Standard|rtl||*ب: *مرحبا بكم في الاجتماع iPhone", "Standard|rtl||*ב: *שלום לכולם",
            ])
    }

    @Test(arguments: [SidecarFormat.docx, .odt]) func sayWhereAnotherLanguageIsSpoken(_ format: SidecarFormat)
        async throws
    {
        var source = transcript([said(0, 1, "Guten Tag."), said(20, 21, "Hello.")], length: 30, language: "de")
        var second = source.chunks[0]
        (source.chunks[0].range, second.range) = (SampleRange(0, seconds(10)), SampleRange(seconds(10), seconds(30)))
        (second.index, second.language) = (1, "en")
        source.chunks.append(second)
        #expect(
            try await read(source, format) == [
                "language de", "Title|||talk.mp3", "Standard|||Guten Tag.", "Standard||en|Hello.",
            ])
    }

    @Test(arguments: [SidecarFormat.docx, .odt]) func areNeverEmpty(_ format: SidecarFormat) async throws {
        #expect(
            try await read(transcript([], length: 3, language: nil), format) == [
                "language None", "Title|||talk.mp3", "Gap|||[no speech recognized]",
            ])
        let gap = Transcript.Gap(range: SampleRange(0, seconds(3)), reason: "It failed.")
        #expect(
            try await read(transcript([], length: 3, gaps: [gap]), format).last
                == "Gap|||[untranscribed 00:00:00–00:00:03]")
    }

    // MARK: Markdown

    private func markdown(_ text: String, by speaker: String? = nil, _ style: SidecarStyle = SidecarStyle()) -> String {
        let bytes = Sidecar.render(
            transcript([said(61, 62, text, by: speaker)], length: 70), .md, run: run, style: style)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: [
        (
            "Plain text, with: everything (at 10:30) - 1.5 % + more!",
            "Plain text, with: everything (at 10:30) - 1.5 % + more!"
        ),
        ("*a* _b_ `c` [d](e) <f> ![g](h) & \\", ##"\*a\* \_b\_ \`c\` \[d\](e) \<f\> \!\[g\](h) \& \\"##),
        ("# one", ##"\# one"##), ("1. one", ##"1\. one"##), ("12) one", ##"12\) one"##), ("- one", ##"\- one"##),
        ("+ one", ##"\+ one"##), ("> one", ##"\> one"##), ("--- ", ##"\---"##), ("=== x", ##"\=\=\= x"##),
        (": term", ##"\: term"##), ("~~x~~ |a|b| $x$ x^2^", ##"\~\~x\~\~ \|a\|b\| \$x\$ x\^2\^"##),
        ("see https://a.b and www.a.b :smile:", ##"see https\://a.b and www\.a.b \:smile:"##),
        ("% title", ##"\% title"##),
        ("2024. Then", ##"2024\. Then"##), ("3.5", "3.5"), ("a. b", "a. b"),
    ]) func nothingOfTheTextBecomesMarkup(_ text: String, _ written: String) {
        #expect(markdown(text) == "# talk.mp3\n\n\(written)\n")
    }

    @Test func markdownHasSpeakersInBoldAndTimes() {
        #expect(markdown("Hi.", by: "A*") == "# talk.mp3\n\n**A\\*:** Hi.\n")
        #expect(
            markdown("1. Hi.", by: "A", SidecarStyle(textTimes: .paragraph))
                == "# talk.mp3\n\n\\[00:01:01\\] **A:** 1. Hi.\n")
        #expect(
            String(decoding: Sidecar.render(transcript([], length: 1), .md, run: run), as: UTF8.self)
                == "# talk.mp3\n\n*\\[no speech recognized\\]*\n")
    }

    // MARK: Times

    private func text(_ segments: [Segment], _ times: TextTimes) -> String {
        let source = transcript(segments, length: 1000)
        return String(
            decoding: Sidecar.render(source, .txt, run: run, style: SidecarStyle(textTimes: times)), as: UTF8.self)
    }

    @Test func textHasTimesWhereTheyAreWanted() {
        let segments = [
            said(1, 2, "One."), said(2.5, 58, "Two."), said(59, 61, "Three."), said(61, 119, "Four."),
            said(130, 140, "Five."), said(140, 150, "Six."),
        ]
        #expect(text(segments, .none) == "One. Two. Three. Four.\n\nFive. Six.\n")
        #expect(text(segments, .paragraph) == "[00:00:01] One. Two. Three. Four.\n\n[00:02:10] Five. Six.\n")
        #expect(
            text(segments, .minute)
                == "[00:00:01] One. Two. Three. [00:01:01] Four.\n\n[00:02:10] Five. Six.\n")
    }

    /// An engine without times gives one segment for a whole chunk: its sentences have the times of their words.
    @Test func sentencesOfALongSegmentHaveTheirOwnTimes() {
        let sentence = "This sentence has exactly fifty characters in it. "
        let long = said(0, 200, String(repeating: sentence, count: 40))
        let times = text([long], .minute).matches(of: /\[(\d\d:\d\d:\d\d)\]/).map { String($0.output.1) }
        #expect(times.map { $0.prefix(5) } == ["00:00", "00:01", "00:02", "00:03"])
        #expect(text([long], .paragraph).split(separator: "\n\n").allSatisfy { $0.hasPrefix("[00:0") })
    }
}
