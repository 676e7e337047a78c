import SystemSupport
import Testing
import Transcription

private func texts(_ transcript: Transcript) -> [String] { transcript.segments.map(\.text) }

@Suite struct ResultMergerTests {
    @Test func ordersByIndexAndShiftsByTheChunksStart() {
        let merged = ResultMerger(facts(length: 30)).merge([
            outcome(2, (20, 30), [segment(1, 2, "three")]),
            outcome(0, (0, 10), [segment(9, 10, "one")]),
            outcome(1, (10, 20), [segment(0, 1, "two")]),
        ])
        #expect(texts(merged) == ["one", "two", "three"])
        #expect(merged.segments.map(\.range.start) == [seconds(9), seconds(10), seconds(21)])
        #expect(merged.chunks.map(\.index) == [0, 1, 2])
    }

    @Test func aRepetitionAcrossASilentCutIsKept() {
        let merged = ResultMerger(facts(length: 20)).merge([
            outcome(0, (0, 10), [segment(9, 10, "нет.")]), outcome(1, (10, 20), [segment(0, 1, "нет.")]),
        ])
        #expect(texts(merged) == ["нет.", "нет."])
    }

    @Test func aFailedChunkIsAGapAndMovesNothing() {
        let merged = ResultMerger(facts(length: 30)).merge([
            outcome(0, (0, 10), [segment(0, 10, "before")]), failure(1, (10, 20), reason: "The server said no."),
            outcome(2, (20, 30), [segment(0, 10, "after")]),
        ])
        #expect(texts(merged) == ["before", "after"])
        #expect(merged.segments.last?.range == SampleRange(seconds(20), seconds(30)))
        #expect(
            merged.gaps == [
                Transcript.Gap(range: SampleRange(seconds(10), seconds(20)), reason: "The server said no.")
            ])
        #expect(merged.isPartial)
    }

    @Test func besideAFailedChunkNoWordOfItsOwnIsLost() {
        let merged = ResultMerger(facts(length: 30)).merge([
            outcome(0, (0, 12), owned: (0, 10), [segment(5, 8, "safe"), segment(9, 11.5, "on the edge")]),
            failure(1, (8, 22), owned: (10, 20), reason: "It failed."),
            outcome(2, (18, 30), owned: (20, 30), [segment(0, 1.5, "in the gap"), segment(1.5, 4, "tail")]),
        ])
        #expect(texts(merged) == ["safe", "on the edge", "tail"])
        #expect(merged.gaps.map(\.range) == [SampleRange(seconds(10), seconds(20))])
    }

    @Test func anEmptyNeighbourTakesNothingAway() {
        let words = [Word(range: SampleRange(seconds(10.5), seconds(11)), text: "late")]
        let merged = ResultMerger(facts(length: 40)).merge([
            outcome(0, (0, 12), owned: (0, 10), [segment(10.5, 11, "late", words: words)]),
            outcome(1, (8, 22), owned: (10, 20), []),
            outcome(2, (18, 30), owned: (20, 30), [segment(0.5, 1.5, "early")]), outcome(3, (30, 40), []),
        ])
        #expect(texts(merged) == ["late", "early"])
    }

    @Test func timesOutsideChunkAndRecordingAreClamped() {
        let merged = ResultMerger(facts(length: 15)).merge([
            outcome(0, (0, 10), [segment(-5, 3, "a"), segment(2, 500, "b"), segment(1, 2, "c")]),
            outcome(1, (10, 20), [segment(2, 900, "d")]),
        ])
        #expect(texts(merged) == ["a", "b", "c", "d"])
        var clock: Int64 = 0
        for range in merged.segments.map(\.range) {
            #expect(range.start >= clock && range.end >= range.start && range.end <= seconds(15))
            clock = range.start
        }
    }

    @Test func languageIsThatOfMostSpeech() {
        let merged = ResultMerger(facts(length: 30)).merge([
            outcome(0, (0, 10), [segment(0, 2, "hi")], language: "en"),
            outcome(1, (10, 20), [segment(0, 9, "hallo")], language: "de"),
            outcome(2, (20, 30), [segment(0, 3, "bye")], language: "en"),
        ])
        #expect(merged.language == "de")
        let tie = ResultMerger(facts(length: 20)).merge([
            outcome(0, (0, 10), [segment(0, 2, "a")], language: "fr"),
            outcome(1, (10, 20), [segment(0, 2, "b")], language: "de"),
        ])
        #expect(tie.language == "fr")
        #expect(ResultMerger(facts(length: 1)).merge([]).language == nil)
    }

    @Test func warningsSayWhereAndOnlyOnce() {
        let merged = ResultMerger(facts(length: 30, warnings: ["The file is truncated."])).merge([
            outcome(0, (0, 10), [], warnings: ["Slow."]), outcome(1, (10, 20), [], warnings: ["Slow."]),
            outcome(2, (20, 30), [], warnings: ["Odd."]),
        ])
        #expect(
            merged.warnings == ["The file is truncated.", "00:00:00–00:00:20: Slow.", "00:00:20–00:00:30: Odd."])
    }

    @Test func joinsTextWhereTheEngineGaveNoWordTimes() {
        let merged = ResultMerger(facts(length: 20)).merge([
            outcome(
                0, (0, 12), owned: (0, 10),
                [segment(6, 12, "we have seen that the quick brown fox jumps ov")]),
            outcome(1, (8, 20), owned: (10, 20), [segment(0, 6, "Sing that the quick brown fox jumps over the dog.")]),
        ])
        #expect(texts(merged).joined(separator: " ") == "we have seen that the quick brown fox jumps over the dog.")
    }

    @Test func oneSubstitutedWordDoesNotHideTheCommonRun() {
        let merged = ResultMerger(facts(length: 20)).merge([
            outcome(0, (0, 12), owned: (0, 10), [segment(8, 12, "alpha bravo charlie delta")]),
            outcome(1, (8, 20), owned: (10, 20), [segment(0, 6, "alpha bravo Charly delta echo foxtrot")]),
        ])
        #expect(merged.segments.flatMap { $0.text.split(separator: " ") }.count == 6)
        #expect(merged.warnings.isEmpty)
    }

    @Test func withNothingInCommonItSaysSo() {
        let merged = ResultMerger(facts(length: 20)).merge([
            outcome(0, (0, 12), owned: (0, 10), [segment(4, 12, "one two three")]),
            outcome(1, (8, 20), owned: (10, 20), [segment(0, 10, "vier fünf sechs")]),
        ])
        #expect(texts(merged) == ["one two three", "vier fünf sechs"])
        #expect(merged.warnings.first?.hasPrefix("00:00:10: ") == true)
    }

    @Test func aCutSegmentKeepsItsPunctuation() {
        func words(_ list: [(String, Double)]) -> [Word] {
            list.map { Word(range: SampleRange(seconds($0.1), seconds($0.1 + 0.4)), text: $0.0) }
        }
        let merged = ResultMerger(facts(length: 20)).merge([
            outcome(
                0, (0, 12), owned: (0, 10),
                [
                    segment(
                        8.5, 12, "Well, yes: it works. Or",
                        words: words([("Well", 8.5), ("yes", 9), ("it", 9.5), ("works", 10.5), ("Or", 11)]))
                ]),
            outcome(
                1, (8, 20), owned: (10, 20),
                [
                    segment(
                        1.5, 4, "It works. Or not.",
                        words: words([("It", 1.5), ("works", 2.5), ("Or", 3), ("not", 3.5)]))
                ]
            ),
        ])
        #expect(texts(merged) == ["Well, yes: it", "works. Or not."])
    }

    enum Style: CaseIterable, Sendable { case words, markers, sentences }

    /// Random cuts through a known row of words: every word comes back, once and in order.
    @Test(arguments: Style.allCases, 0..<40)
    func randomCutsGiveBackTheWords(style: Style, seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed + 1))
        var spoken: [(text: String, start: Double, end: Double)] = []
        var clock = 0.5
        while clock < 200 {
            let length = Double.random(in: 0.2...0.5, using: &random)
            // Real repetitions, but not in the style that can only go by text.
            let isRepetition = style != .sentences && Int.random(in: 0..<6, using: &random) == 0
            spoken.append(
                (isRepetition ? spoken.last?.text ?? "w0" : "w\(spoken.count)", clock, clock + length))
            clock += length + Double.random(in: 0.02...0.15, using: &random)
        }
        let total = clock + 1
        var outcomes: [ChunkOutcome] = []
        var start = 0.0
        var forcedAtStart = false
        while start < total {
            var end = min(total, start + Double.random(in: 8...25, using: &random))
            if total - end < 6 { end = total }
            let forced = end < total && Bool.random(using: &random)
            if !forced, let inside = spoken.first(where: { $0.start < end && $0.end > end }) { end = inside.end + 0.01 }
            let range = (forcedAtStart ? start - 2 : start, forced ? end + 2 : end)
            outcomes.append(
                heard(spoken, outcomes.count, range, owned: (start, end), style: style, random: &random))
            (start, forcedAtStart) = (end, forced)
        }
        outcomes.shuffle(using: &random)
        let merged = ResultMerger(facts(length: total)).merge(outcomes)
        #expect(merged.segments.flatMap { $0.text.split(separator: " ").map(String.init) } == spoken.map(\.text))
        if style == .words { #expect(merged.segments.flatMap { $0.words.map(\.text) } == spoken.map(\.text)) }
        let starts = merged.segments.map(\.range.start)
        #expect(starts == starts.sorted())
    }

    /// What an engine would hear of `spoken` in `range`: whole words only, times a little off.
    private func heard(
        _ spoken: [(text: String, start: Double, end: Double)], _ index: Int, _ range: (Double, Double),
        owned: (Double, Double), style: Style, random: inout SeededGenerator
    ) -> ChunkOutcome {
        let words = spoken.filter { $0.start >= range.0 && $0.end <= range.1 }.map { word in
            let shift = style == .sentences ? 0 : Double.random(in: -0.06...0.06, using: &random)
            let start = seconds(max(0, word.start - range.0 + shift))
            return Word(range: SampleRange(start, start + seconds(word.end - word.start)), text: word.text)
        }
        var segments: [Segment] = []
        var rest = words[...]
        while let first = rest.first {
            let count = style == .markers ? 1 : Int.random(in: 3...9, using: &random)
            let group = Array(rest.prefix(count))
            rest = rest.dropFirst(count)
            segments.append(
                Segment(
                    range: SampleRange(first.range.start, group.last?.range.end ?? 0),
                    text: group.map(\.text).joined(separator: " "), words: style == .words ? group : []))
        }
        return outcome(index, range, owned: owned, segments)
    }

    @Test(.timeLimit(.minutes(20))) func thousandsOfChunksAreMerged() {
        let outcomes = (0..<2000).map { index -> ChunkOutcome in
            let start = Double(index) * 10
            let first: Double = index > 0 ? start - 2 : 0
            return outcome(
                index, (first, start + 12), owned: (start, start + 10),
                [segment(2, 5, "chunk \(index) says this"), segment(5, 9, "and then it says that")])
        }
        let merged = ResultMerger(facts(length: 20_010)).merge(outcomes)
        #expect(merged.segments.count == 4000)
    }
}
