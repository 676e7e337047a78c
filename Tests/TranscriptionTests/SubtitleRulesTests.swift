import Testing
import Transcription

/// Subtitles of all languages against an independent checker of the published rules.
@Suite struct SubtitleRulesTests {
    /// A transcript and what was said in it.
    private struct Talk {
        var segments: [Segment] = []
        var spoken = SpokenText()
        /// Seconds.
        var clock = 0.5

        /// Adds a segment of pieces, spoken at `speed` characters a second.
        mutating func add(
            _ pieces: some Collection<(text: String, spaceBefore: Bool)>, speed: Double, hasWordTimes: Bool,
            pauses: () -> Double = { 0 }
        ) {
            let start = clock
            var text = ""
            var words: [Word] = []
            for (number, piece) in pieces.enumerated() {
                // Nobody pauses inside a word.
                if number > 0, piece.spaceBefore { clock += pauses() }
                let from = clock
                clock += Double(piece.text.count + 1) / speed
                text += (number > 0 && piece.spaceBefore ? " " : "") + piece.text
                words.append(Word(range: SampleRange(seconds(from), seconds(clock)), text: piece.text))
                spoken.pieces.append(
                    SpokenText.Piece(
                        scalars: Array(piece.text.unicodeScalars), spaceBefore: piece.spaceBefore,
                        segment: segments.count,
                        start: Int64((hasWordTimes ? from : start) * 1000),
                        end: hasWordTimes ? Int64(clock * 1000) : nil))
            }
            segments.append(segment(start, clock, text, words: hasWordTimes ? words : []))
        }

        func cues(language: String?, limits: SubtitleLimits = SubtitleLimits()) -> [Cue] {
            CueBuilder(limits: limits).cues(for: transcript(segments, length: clock + 1, language: language))
        }
    }

    private static func pieces(_ text: SubtitleText) -> [(text: String, spaceBefore: Bool)] {
        text.sentences.flatMap { sentence in
            var pieces = SpokenText.pieces(of: sentence)
            pieces[0].spaceBefore = true
            return pieces
        }
    }

    /// Sentence after sentence, as an engine of today hears it.
    @Test(arguments: SubtitleText.all, [true, false])
    func textAsItIsSpokenKeepsTheRules(text: SubtitleText, hasWordTimes: Bool) {
        var talk = Talk()
        for sentence in text.sentences {
            talk.add(SpokenText.pieces(of: sentence), speed: text.speed, hasWordTimes: hasWordTimes)
            talk.clock += 0.4
        }
        let check = SubtitleCheck(
            spoken: talk.spoken, limits: PublishedLimits(text.language), language: text.language)
        #expect(check.faults(of: talk.cues(language: text.language)) == [])
    }

    /// Cut into segments anywhere between words, spoken slowly or fast, with and without pauses.
    @Test(arguments: SubtitleText.all, 0..<12)
    func whateverTheSegmentsAreTheRulesHold(text: SubtitleText, seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed + 1))
        var talk = Talk()
        var rest = Array(repeatElement(Self.pieces(text), count: 6).joined())[...]
        let hasWordTimes = seed % 2 == 0
        while !rest.isEmpty {
            let count = Int.random(in: 1...60, using: &random)
            let speed = text.speed * Double.random(in: 0.6...1.6, using: &random)
            let mostPauses = Double.random(in: 0...2.5, using: &random)
            talk.add(rest.prefix(count), speed: speed, hasWordTimes: hasWordTimes) {
                hasWordTimes && Int.random(in: 0..<10, using: &random) == 0
                    ? Double.random(in: 0...mostPauses, using: &random) : 0
            }
            rest = rest.dropFirst(count)
            if Bool.random(using: &random) { talk.clock += Double.random(in: 0...3, using: &random) }
        }
        let check = SubtitleCheck(
            spoken: talk.spoken, limits: PublishedLimits(text.language), language: text.language)
        #expect(check.faults(of: talk.cues(language: text.language)) == [])
    }

    /// The script tells the limits of those languages that have their own, whatever the engine says of the language.
    @Test(arguments: SubtitleText.all.filter { ["zh", "ja", "ko", "th"].contains($0.language) }, [nil, "en", "xx"])
    func theScriptDecidesWhereTheLanguageIsUnknownOrWrong(text: SubtitleText, language: String?) {
        var talk = Talk()
        talk.add(Self.pieces(text), speed: text.speed, hasWordTimes: false)
        let columns = PublishedLimits(text.language)
        #expect(talk.cues(language: language).flatMap(\.lines).allSatisfy { columns.columns($0) <= columns.columns })
    }

    @Test func eachSegmentHasTheLimitsOfItsLanguage() {
        let chinese = "委员会将在星期一早上开会讨论明年的预算大家都可以提问"
        let english = "The committee will meet on Monday morning."
        var source = transcript(
            [segment(0, 6, chinese), segment(6, 9, english), segment(9, 15, chinese)], length: 15, language: "zh")
        let cues = CueBuilder().cues(for: source)
        #expect(cues.flatMap(\.lines).contains(english))
        #expect(cues.flatMap(\.lines).allSatisfy { $0 == english || $0.count <= 16 })
        // By the chunks' languages: Japanese in Han alone looks like Chinese.
        source.chunks = [(0.0, "ja-JP"), (9.0, "zh")].map { start, language in
            Transcript.ChunkReport(
                index: start == 0 ? 0 : 1, range: SampleRange(seconds(start), seconds(start + 6)), hash: digest("x"),
                fromCache: false, attempts: 1, language: language)
        }
        let lines = CueBuilder().cues(for: source).map(\.lines)
        #expect(lines.first?.contains { $0.count > 16 } == false || lines.first?.contains { $0.count <= 23 } == true)
        #expect(lines.last?.allSatisfy { $0.count <= 16 } == true)
    }

    @Test func anInboxMayWantOtherLimits() {
        var talk = Talk()
        for text in SubtitleText.all where text.language == "en" {
            talk.add(Self.pieces(text), speed: 14, hasWordTimes: true)
        }
        let narrow = talk.cues(language: "en", limits: SubtitleLimits(columns: 28))
        #expect(narrow.flatMap(\.lines).allSatisfy { $0.count <= 28 })
        #expect(narrow.flatMap(\.lines).contains { $0.count > 20 })
        let slow = CueBuilder(limits: SubtitleLimits(rate: 5)).cues(
            for: transcript([segment(1, 2, "Twenty characters ok"), segment(12, 13, "Next.")], length: 20))
        #expect(slow.first.map { $0.end - $0.start } == 4000)
    }

    @Test(arguments: [
        ("en", "They had been told that nobody would come to the house of the old man with the dog"),
        ("de", "Niemand hatte ihnen gesagt dass der Bericht über die Schule in der Stadt noch immer fehlt"),
        ("ru", "Никто не сказал им что отчёт о новой школе в нашем городе ещё не готов и что его ждут"),
    ])
    func linesBeginWithConjunctionsAndPrepositionsRatherThanEndWithThem(language: String, text: String) {
        let poor: Set<Substring> = [
            "that", "to", "of", "with", "the", "dass", "der", "über", "die", "in", "что", "о", "в", "и",
        ]
        let cues = CueBuilder().cues(for: transcript([segment(0, 6, text)], length: 7, language: language))
        for line in cues.flatMap(\.lines) {
            #expect(line.split(separator: " ").last.map(poor.contains) == false, "\(line)")
        }
    }

    @Test(arguments: [
        ("de", "Er sah seinen von bogenförmigen Versteifungen geteilten Bauch", "geteilten", 36),
        ("ru", "Вчера вечером комитет обсудил ежегодный государственный бюджет", "государственный", 52),
        ("en", "Everybody came here yesterday to see the new public library", "public", 50),
        ("fr", "Hier tout le monde est venu pour regarder la nouvelle école", "nouvelle", 52),
    ])
    func adjectivesAreKeptWithTheirNouns(language: String, text: String, adjective: String, columns: Int) {
        let cues = CueBuilder(limits: SubtitleLimits(columns: columns)).cues(
            for: transcript([segment(0, 5, text)], length: 6, language: language))
        let lines = cues.flatMap(\.lines)
        #expect(lines.count == 2 && lines.joined(separator: " ") == text)
        #expect(lines.allSatisfy { !$0.hasSuffix(adjective) }, "\(lines)")
    }

    /// Whatever the columns are, as long as the two fit a line.
    @Test(arguments: ["42 km", "10 000 Euro", "5 %", "Mr. Brown", "the bridge", "Nr. 5", "§ 7"], 20...60)
    func whatBelongsTogetherStaysOnALine(pair: String, columns: Int) {
        let text = "Nobody said that \(pair) were near when they came here and saw that \(pair) had gone away again"
        let cues = CueBuilder(limits: SubtitleLimits(columns: columns)).cues(
            for: transcript([segment(0, 9, text)], length: 10))
        let pieces = cues.flatMap(\.lines)
        #expect(pieces.reduce(0) { $0 + $1.ranges(of: pair).count } == 2, "\(pieces)")
    }

    @Test func frenchMarksStayWithTheirWords() {
        let text =
            "Comment allez-vous depuis que nous nous sommes vus ? Très bien ! Et vous ? Bien : merci « beaucoup »"
        let cues = CueBuilder().cues(for: transcript([segment(0, 8, text)], length: 9, language: "fr"))
        for line in cues.flatMap(\.lines) {
            #expect(line.first.map("?!:»".contains) == false && line.last != "«", "\(line)")
        }
    }

    @Test(arguments: ["de", "en", nil])
    func wordsLongerThanALineAreBrokenWhereTheyHaveSeams(language: String?) {
        let address = "https://www.example.org/hearings/2026/november/transcripts/committee-on-education/part-12.html"
        let compound = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz"
        let cues = CueBuilder().cues(
            for: transcript([segment(0, 9, "Siehe \(address) und \(compound).")], length: 10, language: language))
        let lines = cues.flatMap(\.lines)
        #expect(lines.allSatisfy { $0.count <= 42 })
        #expect(lines.joined().filter { $0 != " " } == "Siehe\(address)und\(compound).")
        #expect(lines.contains { $0.contains("https://") && "/-.".contains($0.last ?? " ") })
    }

    @Test func aLongWordInChineseIsNotBroken() {
        let text = "我们在服务器上使用internationalization这个库，然后用KubernetesOperators部署。"
        let lines = CueBuilder().cues(for: transcript([segment(0, 9, text)], length: 10, language: "zh")).flatMap(
            \.lines)
        #expect(lines.contains { $0.contains("internationalization") })
        #expect(lines.contains { $0.contains("KubernetesOperators") })
        #expect(lines.joined() == text)
    }

    @Test func clustersAreNeverPartedAndMarksTakeNoColumns() {
        let families = String(repeating: "👩‍👩‍👧‍👦👍🏽🇩🇪", count: 30)
        let marked = String(repeating: "e\u{301}o\u{308}", count: 21)
        let source = transcript([segment(0, 5, families), segment(5, 9, marked)], length: 10, language: "en")
        let lines = CueBuilder().cues(for: source).flatMap(\.lines)
        #expect(lines.joined().filter { $0 != " " } == families + marked)
        #expect(lines.contains(marked))
        #expect(lines.allSatisfy { $0.count <= 42 })
        let crowded = "a" + String(repeating: "\u{301}", count: 5000) + " b"
        let bounded = CueBuilder().cues(for: transcript([segment(0, 2, crowded)], length: 3)).flatMap(\.lines)
        #expect(bounded == ["a b"])
    }

    @Test func tenThousandWordsWithoutPunctuationOrTimesOfWords() {
        let words = (0..<10_000).map { ["and", "the", "river", "goes", "on", "to", "sea"][$0 % 7] }
        let text = words.joined(separator: " ")
        let cues = CueBuilder().cues(for: transcript([segment(0, 4000, text)], length: 4001))
        #expect(cues.flatMap(\.lines).joined(separator: " ") == text)
        #expect(cues.allSatisfy { $0.end - $0.start <= 7000 && $0.lines.allSatisfy { $0.count <= 42 } })
        let thai = String(repeating: "คณะกรรมการจะประชุมในเช้าวันจันทร์", count: 600)
        let lines = CueBuilder().cues(for: transcript([segment(0, 3000, thai)], length: 3001, language: "th"))
            .flatMap(\.lines)
        #expect(lines.joined() == thai)
    }

    @Test func aMarkerFitsTheLinesOfEachLanguage() {
        let gap = Transcript.Gap(range: SampleRange(seconds(10), seconds(20)), reason: "It failed.")
        let source = transcript([segment(0, 3, "委员会将在星期一早上开会。")], length: 30, gaps: [gap], language: "zh")
        #expect(CueBuilder().cues(for: source).last?.lines == ["[untranscribed", "00:00:10–00:00:20]"])
        let first = transcript([segment(25, 28, "委员会将开会。")], length: 30, gaps: [gap], language: "zh-CN")
        #expect(CueBuilder().cues(for: first).first?.lines == ["[untranscribed", "00:00:10–00:00:20]"])
    }
}
