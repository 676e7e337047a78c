import Testing
import Transcription

/// What is made of the times in an answer; the numbers are those of the list of known cases.
@Suite struct ResponseTimesTests: AnswerParsing {
    @Test func case07_nanosecondsAndWordsNamedText() throws {
        let heard = try parse(
            #"""
            {"text":"Hi you.","segments":[{"id":0,"start":0,"end":9640000000,"text":"Hi you.",
            "words":[{"start":1000000000,"end":2000000000,"text":"Hi"},{"start":2000000000,"end":3000000000,
            "text":"you."}]}]}
            """#)
        #expect(times(heard) == [[0, 9.64]])
        #expect(heard.segments[0].words.map(\.text) == ["Hi", "you."])
        #expect(heard.segments[0].words[0].range == SampleRange(16_000, 32_000))
    }

    @Test(arguments: [1e3, 1e6, 1e9]) func case07_unitsAreTold(_ unit: Double) throws {
        let (a, b) = (Int(2.5 * unit), Int(27.25 * unit))
        let heard = try parse(
            #"{"segments":[{"start":0,"end":\#(a),"text":"a"},{"start":\#(a),"end":\#(b),"text":"b"}]}"#)
        #expect(times(heard) == [[0, 2.5], [2.5, 27.25]])
    }

    @Test func case07_timesThatMakeNoSenseAreEstimated() throws {
        let heard = try parse(#"{"segments":[{"start":0,"end":1e17,"text":"All of it."}]}"#)
        #expect(heard.timesAreEstimated)
        #expect(text(heard) == "All of it.")
        #expect(heard.warnings.count == 1)
    }

    @Test(arguments: ["500", "2e10", "1e300", "1e18"]) func case07_oneAbsurdTimeLeavesTheOthers(_ absurd: String) throws
    {
        let last = try parse(
            #"{"segments":[{"start":0,"end":3,"text":"a"},{"start":5,"end":8,"text":"b"},{"start":15,"end":\#(absurd),"text":"c"}]}"#,
            seconds: 20, speech: [])
        #expect(times(last) == [[0, 3], [5, 8], [15, 20]])
        #expect(last.warnings.count == 1 && !last.timesAreEstimated)
        let middle = try parse(
            #"{"segments":[{"start":0,"end":3,"text":"a"},{"start":\#(absurd),"end":\#(absurd),"text":"b"},{"start":15,"end":18,"text":"c"}]}"#,
            seconds: 20, speech: [])
        #expect(times(middle) == [[0, 3], [3, 15], [15, 18]])
        #expect(middle.warnings.count == 1)
    }

    @Test func case07_oneAbsurdTimeAmongNanoseconds() throws {
        let heard = try parse(
            #"{"segments":[{"start":0,"end":3000000000,"text":"a"},{"start":5000000000,"end":8000000000,"text":"b"},{"start":15000000000,"end":1e18,"text":"c"}]}"#,
            seconds: 20, speech: [])
        #expect(times(heard) == [[0, 3], [5, 8], [15, 20]])
        #expect(heard.warnings.count == 1)
    }

    @Test func case07_anAbsurdTimeOfAWordIsTakenFromItsNeighbours() throws {
        let heard = try parse(
            #"{"segments":[{"start":0,"end":9,"text":"a b c","words":[{"word":"a","start":1,"end":2},{"word":"b","start":3e12,"end":4e12},{"word":"c","start":7,"end":8}]}]}"#,
            seconds: 20, speech: [])
        #expect(times(heard) == [[0, 9]])
        let words = heard.segments.first?.words.map(\.range) ?? []
        #expect(words.map { $0.start / 16_000 } == [1, 2, 7] && words.count == 3)
        #expect(words.allSatisfy { !$0.isEmpty } && words[1].end <= words[2].start)
        #expect(heard.warnings.count == 1)
    }

    /// No unit makes sense of all of it, or only one in which everything is said in the first moment.
    @Test(arguments: [[(0, 500)], [(0, 3), (100, 103), (200, 500)], [(3600, 3603), (3605, 3610)]])
    func case07_timesThatFitNoUnitAreEstimated(_ sent: [(Int, Int)]) throws {
        let list = sent.map { #"{"start":\#($0.0),"end":\#($0.1),"text":"Some words."}"# }.joined(separator: ",")
        let heard = try parse(
            #"{"segments":[\#(list)]}"#, seconds: 20, speech: [SampleRange(0, 320_000)])
        #expect(heard.timesAreEstimated)
        #expect(heard.warnings == ["The engine gave times that make no sense; they are estimated."])
        #expect(heard.segments.last?.range.end == 320_000)
    }

    @Test func case07_wordsInNanosecondsAreGroupedAsOthersAre() throws {
        let heard = try parse(
            #"{"text":"Hi you. Bye.","words":[{"word":"Hi","start":1000000000,"end":2000000000},{"word":"you","start":2000000000,"end":3000000000},{"word":"Bye","start":27000000000,"end":28000000000}]}"#
        )
        #expect(heard.segments.map(\.text) == ["Hi you.", "Bye."])
        #expect(times(heard) == [[1, 3], [27, 28]])
    }

    @Test func case12_numbersAsStrings() throws {
        #expect(times(try parse(#"{"segments":[{"start":"1.5","end":"2.25","text":"a"}]}"#)) == [[1.5, 2.25]])
        // A decimal comma is no number: the time counts as missing.
        #expect(times(try parse(#"{"segments":[{"start":"1.5","end":"2,25","text":"a"}]}"#)) == [[1.5, 29]])
        for odd in ["0x10", "inf", "nan", "1e", "1_0", "١"] {
            #expect(times(try parse(#"{"segments":[{"start":"1.5","end":"\#(odd)","text":"a"}]}"#)) == [[1.5, 29]])
        }
        #expect(times(try parse(#"{"segments":[{"start":"15e-1","end":" 2.25 ","text":"a"}]}"#)) == [[1.5, 2.25]])
    }

    @Test func case13_disorder() throws {
        let swapped = try parse(
            #"{"segments":[{"start":5,"end":4,"text":"b"},{"start":4.5,"end":6,"text":"a"},{"start":7,"end":9,"text":"c"}]}"#
        )
        #expect(swapped.segments.map(\.text) == ["a", "b", "c"])
        // Far out of order the text's order counts, and starts never go back.
        let descending = try parse(
            #"{"segments":[{"start":20,"end":22,"text":"a"},{"start":10,"end":12,"text":"b"},{"start":1,"end":2,"text":"c"}]}"#
        )
        #expect(descending.segments.map(\.text) == ["a", "b", "c"])
        #expect(
            zip(descending.segments, descending.segments.dropFirst()).allSatisfy { $0.range.start <= $1.range.start })
        #expect(descending.segments.allSatisfy { !$0.range.isEmpty })
    }

    @Test func case14_endOfTheWindowNotOfTheAudio() throws {
        let heard = try parse(#"{"segments":[{"start":0,"end":29.98,"text":"Short."}]}"#, seconds: 4.2, speech: [])
        #expect(heard.segments[0].range == SampleRange(0, 67_200))
        #expect(heard.warnings.isEmpty)
    }

    @Test func case15_driftPastTheEndKeepsTheText() throws {
        let heard = try parse(
            #"{"segments":[{"start":27,"end":31,"text":"a"},{"start":31,"end":32,"text":"b"}]}"#)
        #expect(heard.segments.map(\.text) == ["a", "b"])
        #expect(heard.segments.allSatisfy { !$0.range.isEmpty && $0.range.end <= 480_000 })
        #expect(heard.warnings.count == 1)
    }

    @Test func case16_literalsThatJSONHasNot() throws {
        let heard = try parse(
            #"{"text":"a","segments":[{"start":NaN,"end":Infinity,"text":"a","avg_logprob":-Infinity},{"start":5,"end":6,"text":"b"}]}"#
        )
        #expect(times(heard) == [[0, 5], [5, 6]])
    }
}
