import FoundationEssentials
import Testing
import Transcription

private let run = RunFacts(processingTime: .milliseconds(1234))

private func render(_ transcript: Transcript, _ format: SidecarFormat, _ speakers: SpeakerLabels = .change) -> String {
    String(
        decoding: Sidecar.render(transcript, format, run: run, style: SidecarStyle(speakers: speakers)), as: UTF8.self)
}

private func said(_ start: Double, _ end: Double, _ text: String, by speaker: String?) -> Segment {
    var segment = segment(start, end, text)
    segment.speaker = speaker
    return segment
}

private func word(_ start: Double, _ text: String, by speaker: String?) -> Word {
    Word(range: SampleRange(seconds(start), seconds(start + 0.4)), text: text, speaker: speaker)
}

private func merged(_ outcomes: [ChunkOutcome], length: Double = 60) -> Transcript {
    ResultMerger(facts(length: length)).merge(outcomes)
}

/// Who speaks, from the answers of engines to sidecars.
@Suite struct SpeakerTests {
    private let dialogue = transcript(
        [
            said(0.5, 2, "Hello Anna.", by: "Bert"), said(2.2, 4, "Hi Bert.", by: "Anna"),
            said(4.1, 6, "How are you?", by: "Anna"), said(6.2, 8, "Fine.", by: nil), said(8.2, 9, "Good.", by: "Bert"),
        ], length: 10)

    // MARK: Labels of several answers

    @Test func theSameLabelOfTwoChunksIsNotTheSamePerson() {
        let transcript = merged([
            outcome(0, (0, 10), [said(1, 2, "a", by: "A"), said(3, 4, "b", by: "B")]),
            outcome(1, (10, 20), [said(1, 2, "c", by: "A"), said(3, 4, "d", by: "C")]),
            outcome(2, (20, 30), [said(1, 2, "e", by: "A")]),
        ])
        #expect(transcript.segments.map(\.speaker) == ["A", "B", "A (2)", "C", "A (3)"])
        #expect(transcript.warnings.count == 1 && transcript.warnings[0].contains("each of the 3 parts"))
    }

    @Test func inOneChunkNothingIsTold() {
        let transcript = merged([
            outcome(0, (0, 10), [said(1, 2, "a", by: "A"), said(3, 4, "b", by: "A")]), outcome(1, (10, 20), []),
        ])
        #expect(transcript.segments.map(\.speaker) == ["A", "A"] && transcript.warnings.isEmpty)
    }

    @Test func bareNumbersBecomeSpeakersInTheOrderInWhichTheyAreHeard() {
        let transcript = merged([
            outcome(0, (0, 10), [said(1, 2, "a", by: "1"), said(3, 4, "b", by: "0"), said(5, 6, "c", by: "1")]),
            outcome(1, (10, 20), [said(1, 2, "d", by: "0")]),
        ])
        #expect(transcript.segments.map(\.speaker) == ["Speaker 1", "Speaker 2", "Speaker 1", "Speaker 3"])
    }

    @Test func namesThatLookLikeOursStayApart() {
        let transcript = merged([
            outcome(
                0, (0, 10),
                [said(1, 2, "a", by: "A"), said(3, 4, "b", by: "A (2)"), said(5, 6, "c", by: "Speaker 1")]),
            outcome(1, (10, 20), [said(1, 2, "d", by: "A"), said(3, 4, "e", by: "0")]),
        ])
        #expect(transcript.segments.map(\.speaker) == ["A", "A (2)", "Speaker 1", "A (3)", "Speaker 2"])
    }

    @Test func moreLabelsThanAnybodyTellsApartAreNoSpeakers() {
        let words = (0..<200).map { said(Double($0) / 10, Double($0 + 1) / 10, "w\($0)", by: "P\($0)") }
        let transcript = merged([outcome(0, (0, 20), words), outcome(1, (20, 30), [said(1, 2, "a", by: "A")])])
        #expect(transcript.segments.compactMap(\.speaker) == ["A"] && transcript.segments.count == 201)
        #expect(transcript.warnings.contains { $0.contains("named 200 speakers") })
    }

    // MARK: Labels of words

    @Test func aSegmentIsCutWhereWordsHaveAnotherSpeaker() {
        let words = [
            word(1, "how", by: "A"), word(1.5, "are", by: nil), word(2, "you", by: "A"), word(3, "fine", by: "B"),
            word(4, "good", by: "A"),
        ]
        var whole = segment(1, 5, "How are you? Fine, good.", words: words)
        whole.speaker = "A"
        let transcript = merged([outcome(0, (0, 10), [whole])])
        #expect(transcript.segments.map(\.text) == ["How are you?", "Fine,", "good."])
        #expect(transcript.segments.map(\.speaker) == ["A", "B", "A"])
        #expect(transcript.segments.map(\.words.count) == [3, 1, 1])
        #expect(transcript.segments.map(\.range.start) == [1, 3, 4].map { seconds($0) })
    }

    @Test func wordsThatAgreeNameTheSegment() {
        let words = [word(1, "one", by: nil), word(2, "two", by: "B")]
        let transcript = merged([outcome(0, (0, 10), [segment(1, 3, "One two.", words: words)])])
        #expect(transcript.segments.map(\.text) == ["One two."] && transcript.segments.map(\.speaker) == ["B"])
    }

    @Test func labelsThatChangeEachWordLoseNoText() {
        // Numbers that the list of words lacks, and a script without spaces.
        for text in ["One 2 three, four five 6 seven.", "会议周一早上开始讨论预算"] {
            let heard = ["one", "three", "four", "five", "seven"]
            let words = (0..<5).map { word(Double($0), heard[$0], by: "P\($0 % 2)") }
            let transcript = merged([outcome(0, (0, 10), [segment(0, 6, text, words: words)])])
            let joined = transcript.segments.map(\.text).joined()
            #expect(joined.filter { !$0.isWhitespace } == text.filter { !$0.isWhitespace })
            let starts = transcript.segments.map(\.range.start)
            #expect(starts == starts.sorted())
            #expect(transcript.segments.flatMap(\.words).map(\.text) == heard)
            #expect(transcript.segments.last?.range.end == seconds(6))
        }
    }

    @Test func thousandsOfTurnsTakeNoTime() {
        let count = 20_000
        let words = (0..<count).map { word(Double($0) / 10, "w\($0)", by: "P\($0 % 2)") }
        let text = words.map(\.text).joined(separator: " ")
        let transcript = merged(
            [outcome(0, (0, 2000), [segment(0, 2000, text, words: words)])], length: 2000)
        #expect(transcript.segments.count == count)
        #expect(render(transcript, .srt, .always).contains("P1: w\(count - 1)"))
    }

    // MARK: Sidecars

    @Test func textNamesWhoBeginsToSpeak() {
        #expect(
            render(dialogue, .txt)
                == "Bert: Hello Anna.\n\nAnna: Hi Bert. How are you?\n\n?: Fine.\n\nBert: Good.\n")
        #expect(render(dialogue, .txt, .never) == "Hello Anna.\n\nHi Bert. How are you?\n\nFine.\n\nGood.\n")
    }

    @Test func eachParagraphIsNamedWhereThatIsWanted() {
        let source = transcript([said(0, 1, "One.", by: "A"), said(5, 6, "Two.", by: "A")], length: 10)
        #expect(render(source, .txt) == "A: One.\n\nTwo.\n")
        #expect(render(source, .txt, .always) == "A: One.\n\nA: Two.\n")
        #expect(render(source, .srt).contains("A: One.") && !render(source, .srt).contains("A: Two."))
        #expect(render(source, .srt, .always).contains("A: Two."))
    }

    @Test func behindAGapTheSpeakerIsNamedAgain() {
        let gap = Transcript.Gap(range: SampleRange(seconds(2), seconds(4)), reason: "It failed.")
        let source = transcript([said(0, 1, "One.", by: "A"), said(5, 6, "Two.", by: "A")], length: 10, gaps: [gap])
        #expect(render(source, .txt) == "A: One.\n\n[untranscribed 00:00:02–00:00:04]\n\nA: Two.\n")
        #expect(render(source, .srt).contains("A: Two."))
    }

    @Test func subtitlesHoldOneSpeakerEach() {
        #expect(
            render(dialogue, .srt) == """
                1
                00:00:00,500 --> 00:00:02,117
                Bert: Hello Anna.

                2
                00:00:02,200 --> 00:00:06,117
                Anna: Hi Bert. How are you?

                3
                00:00:06,200 --> 00:00:08,117
                ?: Fine.

                4
                00:00:08,200 --> 00:00:09,033
                Bert: Good.


                """)
        let cues = CueBuilder(speakers: .change).cues(for: dialogue)
        #expect(cues.map(\.speaker) == ["Bert", "Anna", nil, "Bert"])
    }

    /// Where the language changes the rules do, and another stretch of cues begins; the speaker goes on.
    @Test func aLabelIsNotRepeatedWhereOnlyTheLanguageChanges() {
        let source = transcript(
            [said(0, 2, "Guten Morgen.", by: "A"), said(2.2, 4, "สวัสดีครับ", by: "A"), said(4.2, 6, "Hallo.", by: "B")],
            length: 10, language: "de")
        #expect(render(source, .srt).split(separator: "A: ", omittingEmptySubsequences: false).count == 2)
        #expect(CueBuilder().cues(for: source).map(\.speaker) == ["A", "A", "B"])
    }

    @Test func aLabelLeavesItsNumberInTheShortestLine() {
        let source = transcript([said(0, 8, "会议周一早上开始讨论预算", by: "Speaker 10")], length: 10, language: "zh")
        #expect(render(source, .srt).contains("Speaker 10:"))
    }

    @Test func webVTTHasVoices() {
        let vtt = render(dialogue, .vtt)
        #expect(vtt.contains("\n<v Bert>Hello Anna.\n") && vtt.contains("\n<v Anna>Hi Bert. How are you?\n"))
        #expect(vtt.contains("\nFine.\n"))
        #expect(!render(dialogue, .vtt, .never).contains("<v"))
    }

    @Test func theTableHasAColumnMore() {
        #expect(
            render(dialogue, .tsv)
                == "start\tend\ttext\tspeaker\n500\t2000\tHello Anna.\tBert\n2200\t4000\tHi Bert.\tAnna\n"
                + "4100\t6000\tHow are you?\tAnna\n6200\t8000\tFine.\t\n8200\t9000\tGood.\tBert\n")
        #expect(render(dialogue, .tsv, .never).hasPrefix("start\tend\ttext\n500\t2000\tHello Anna.\n"))
    }

    private struct Read: Decodable {
        struct Part: Decodable { let speaker: String? }
        let speakers: [String]?
        let segments: [Part]
        let words: [Part]?
    }

    @Test(arguments: SpeakerLabels.allCases) func jsonAlwaysHasThem(_ labels: SpeakerLabels) throws {
        var source = dialogue
        source.segments[0].words = [word(0.5, "Hello", by: "Bert"), word(1, "Anna.", by: nil)]
        let read = try JSONDecoder().decode(Read.self, from: Data(render(source, .json, labels).utf8))
        #expect(read.speakers == ["Bert", "Anna"])
        #expect(read.segments.map(\.speaker) == ["Bert", "Anna", "Anna", nil, "Bert"])
        #expect(read.words?.map(\.speaker) == ["Bert", nil])
    }

    @Test(arguments: SidecarFormat.allCases) func withoutSpeakersNothingIsSaidOfThem(_ format: SidecarFormat) {
        let source = transcript([segment(0, 1, "One."), segment(1.2, 2, "Two.")], length: 10)
        for labels in SpeakerLabels.allCases {
            #expect(render(source, format, labels) == render(source, format, .never))
            // A page has their colours in its style.
            #expect(format == .html || !render(source, format, labels).contains("speaker"))
        }
    }

    @Test(arguments: [
        "<b>Bob</b>", "a --> b", "{\\an8}x", "A\tB\nC", "\u{202E}evil", "Dr. Anna-Maria Müller-Lüdenscheidt von und zu",
        String(repeating: "x", count: 100_000), "😀😀😀", "שרה", "0", "?", ":", "A: B", "&amp;", "说话人一",
        "e" + String(repeating: "\u{301}", count: 5000),
    ]) func labelsOfAnyKindBreakNoFormat(_ raw: String) throws {
        let label = try #require(SpeakerLabel.cleaned(raw))
        #expect(label.unicodeScalars.count <= SpeakerLabel.maximumLength && !label.contains("\u{202E}"))
        let text = "Internationalisation and a lot of other things that people say to each other on Mondays, again."
        let source = transcript(
            [said(0, 8, text, by: label), said(8.2, 9, "Hi.", by: "B"), said(9.2, 16, text, by: label)], length: 20)
        for labels in SpeakerLabels.allCases {
            for cue in CueBuilder(speakers: labels).cues(for: source) {
                #expect((1...2).contains(cue.lines.count) && cue.lines.allSatisfy { !$0.isEmpty && $0.count <= 42 })
                #expect(!cue.lines.joined().contains("-->"))
            }
            let srt = render(source, .srt, labels).split(separator: "\n", omittingEmptySubsequences: false)
            #expect(srt.count { $0.contains("-->") } == CueBuilder(speakers: labels).cues(for: source).count)
            #expect(!render(source, .srt, labels).contains("<b"))
            let vtt = render(source, .vtt, labels).split(separator: "\n", omittingEmptySubsequences: false)
            #expect(vtt.allSatisfy { line in line.count { $0 == "<" } == (line.hasPrefix("<v ") ? 1 : 0) })
            let rows = render(source, .tsv, labels).split(separator: "\n")
            #expect(rows.count == 4 && rows.allSatisfy { $0.count { $0 == "\t" } == (labels == .never ? 2 : 3) })
            let read = try JSONDecoder().decode(Read.self, from: Data(render(source, .json, labels).utf8))
            #expect(read.speakers == [label, "B"])
        }
    }
}
