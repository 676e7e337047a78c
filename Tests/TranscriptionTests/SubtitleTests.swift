import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

private let run = RunFacts(processingTime: .milliseconds(1234))

private func render(_ transcript: Transcript, _ format: SidecarFormat) -> String {
    String(decoding: Sidecar.render(transcript, format, run: run), as: UTF8.self)
}

private func cues(_ transcript: Transcript) -> [Cue] { CueBuilder().cues(for: transcript) }

@Suite struct SubtitleTests {
    private static let vocabulary = [
        "a", "the", "of", "and", "committee,", "budget", "year.", "Monday", "morning;", "yes!", "no?",
        "internationalisation", "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
        "会議は月曜日の朝に開かれます。", "予算「案」を検討する、", "привет", "क्षत्रिय", "👩‍👩‍👧‍👦", "-->", "<b>", "{\\an8}",
        "line\nbreak", "bell\u{7}", "…", "\u{200D}", "한국어", "สวัสดีครับ",
    ]

    /// Whatever an engine sends, sensible or not.
    private static func randomTranscript(seed: Int) -> Transcript {
        var random = SeededGenerator(seed: UInt64(seed + 1))
        var segments: [Segment] = []
        var clock = 0.0
        let isSane = Bool.random(using: &random)
        for _ in 0..<Int.random(in: 0..<60, using: &random) {
            let words = (0..<Int.random(in: 0..<25, using: &random)).map { _ in
                vocabulary.randomElement(using: &random) ?? ""
            }
            let oddLengths: [Double] = [0, 0.01, 0.3, 2, 40]
            let length: Double = isSane ? Double(words.count) * 0.4 : oddLengths.randomElement(using: &random) ?? 0
            var timed: [Word] = []
            if Bool.random(using: &random) {
                timed = words.enumerated().map { at, word in
                    let start = clock + length * Double(at) / Double(max(1, words.count))
                    return Word(range: SampleRange(seconds(start), seconds(start + 0.2)), text: word)
                }
            }
            segments.append(segment(clock, clock + length, words.joined(separator: " "), words: timed))
            clock += length + Double.random(in: 0...3, using: &random) * (isSane ? 1 : 0)
        }
        var gaps: [Transcript.Gap] = []
        if Bool.random(using: &random), clock > 3 {
            let start = Double.random(in: 0..<clock - 1, using: &random)
            gaps.append(Transcript.Gap(range: SampleRange(seconds(start), seconds(start + 1)), reason: "It failed."))
        }
        return transcript(segments, length: clock + 1, gaps: gaps)
    }

    @Test(arguments: 0..<150)
    func keepsTheRulesWhateverComes(seed: Int) {
        let source = Self.randomTranscript(seed: seed)
        let cues = cues(source)
        for (at, cue) in cues.enumerated() {
            #expect(cue.start >= 0 && cue.end > cue.start)
            #expect(cue.end - cue.start <= 7000)
            if at > 0 { #expect(cue.start > cues[at - 1].end, "cues meet") }
            #expect((1...2).contains(cue.lines.count))
            for line in cue.lines {
                #expect(line.count <= 42)
                #expect(line.contains { !$0.isWhitespace } && !line.contains("-->"))
                #expect(!line.unicodeScalars.contains { $0.value < 0x20 })
                #expect(line.first != " " && line.last != " ")
            }
        }
        // Nothing is lost: the same letters in the same order.
        func letters(_ texts: [String]) -> [Unicode.Scalar] {
            texts.flatMap { $0.unicodeScalars.filter { $0.properties.isAlphabetic } }
        }
        if source.gaps.isEmpty {
            #expect(letters(cues.flatMap(\.lines)) == letters(source.segments.map(\.text)))
        }
    }

    @Test func cuesLastLongEnoughWhereSpeechAllows() {
        let source = transcript(
            [segment(1, 1.3, "Yes."), segment(3, 3.2, "No."), segment(9, 9.2, "Well.")], length: 20)
        let cues = cues(source)
        #expect(cues.map(\.lines) == [["Yes."], ["No."], ["Well."]])
        #expect(cues.allSatisfy { $0.end - $0.start >= 833 })
        #expect(cues.map(\.start) == [1000, 3000, 9000])
    }

    @Test func breaksAtSentencesAndClausesIntoBalancedLines() {
        let text =
            "The committee will meet on Monday morning, and it will discuss the budget for the next financial year. "
            + "After that, the members may ask questions."
        let cues = cues(transcript([segment(0, 9, text)], length: 10))
        #expect(cues.count == 2 || cues.count == 3)
        #expect(cues.dropLast().allSatisfy { [",", "."].contains($0.lines.last?.last) })
        for cue in cues where cue.lines.count == 2 {
            #expect(abs(cue.lines[0].count - cue.lines[1].count) < 20)
        }
    }

    @Test func timesOfWordsWinOverShares() {
        let words = [
            Word(range: SampleRange(seconds(0), seconds(0.5)), text: "One"),
            Word(range: SampleRange(seconds(8), seconds(8.5)), text: "two"),
        ]
        let cues = cues(transcript([segment(0, 9, "One. Two.", words: words)], length: 9))
        #expect(cues.map(\.start) == [0, 8000])
        #expect(cues.map(\.lines) == [["One."], ["Two."]])
    }

    @Test func textStretchedOverSilenceIsShownWhenItIsSaid() {
        let cues = cues(transcript([segment(10, 40, "Thank you.")], length: 60))
        #expect(cues.count == 1)
        #expect(cues.first.map { $0.start == 10_000 && $0.end <= 17_000 } == true)
    }

    @Test func chineseIsBrokenWithoutSpacesAndNotBeforePunctuation() {
        let text = String(repeating: "今天我们讨论明年的预算，大家可以提问。", count: 6)
        let cues = cues(transcript([segment(0, 30, text)], length: 30))
        #expect(cues.flatMap(\.lines).joined() == text)
        #expect(cues.flatMap(\.lines).allSatisfy { !$0.hasPrefix("，") && !$0.hasPrefix("。") && $0.count <= 16 })
    }

    @Test func subRipIsExactlyThis() {
        let gap = Transcript.Gap(range: SampleRange(seconds(600), seconds(900)), reason: "It failed.")
        let source = transcript(
            [segment(1.5, 3, "a <b>b</b> --> c"), segment(900, 902, "after")], length: 910, gaps: [gap])
        #expect(
            render(source, .srt) == """
                1
                00:00:01,500 --> 00:00:03,000
                a ‹b>b‹/b> → c

                2
                00:10:00,000 --> 00:10:07,000
                [untranscribed 00:10:00–00:15:00]

                3
                00:15:00,000 --> 00:15:02,000
                after


                """)
    }

    @Test func webVTTEscapes() {
        let source = transcript([segment(3600, 3602, "R&D <i> -->")], length: 3700)
        #expect(
            render(source, .vtt) == """
                WEBVTT

                01:00:00.000 --> 01:00:02.000
                R&amp;D &lt;i&gt; →


                """)
        #expect(render(transcript([], length: 1), .vtt) == "WEBVTT\n\n")
        #expect(render(transcript([], length: 1), .srt) == "")
    }

    /// An independent reader: ffmpeg's SubRip demuxer must find the same cues.
    @Test(arguments: [SidecarFormat.srt, .vtt])
    func ffmpegReadsTheSameCues(format: SidecarFormat) async throws {
        let source = Self.randomTranscript(seed: 11)
        let expected = cues(source)
        try #require(expected.count > 5)
        try await withTemporaryDirectory { folder in
            let name = try #require(FilePath.Component("x.\(format.rawValue)"))
            try AtomicFile.write(Sidecar.render(source, format, run: run), named: name, in: folder, rights: nil)
            let file = folder.appending(name).string
            let command = "ffprobe -v error -show_entries packet=pts_time,duration_time -of csv=p=0 '\(file)' 2>&1"
            let lines = await BlockingPool.files.run { output(of: command) }.split(separator: "\n")
            let times = lines.map { $0.split(separator: ",").prefix(2).map { Double($0) ?? -1 } }
            #expect(times.count == expected.count)
            for (time, cue) in zip(times, expected) {
                #expect(abs(time[0] * 1000 - Double(cue.start)) < 1.5)
                #expect(abs(time[1] * 1000 - Double(cue.end - cue.start)) < 1.5)
            }
        }
    }
}

/// What a shell command prints.
private func output(of command: String) -> String {
    guard let pipe = popen(command, "re") else { return "" }
    defer { pclose(pipe) }
    var bytes: [UInt8] = []
    while true {
        let byte = fgetc(pipe)
        guard byte >= 0 else { return String(decoding: bytes, as: UTF8.self) }
        bytes.append(UInt8(byte))
    }
}
