import SystemSupport
import TestSupport
import Testing
import Transcription

private func texts(_ transcript: Transcript) -> [String] { transcript.segments.map(\.text) }

/// What engines invent is left out where the audio proves it; the numbers are those of the list of known cases.
@Suite(.timeLimit(.minutes(20))) struct HallucinationFilterTests {
    /// One chunk of 30 s with speech at these seconds, and what the engine says to it, one answer after the other.
    private func run(
        speech: [(Double, Double)], prompt: String? = nil, _ answers: [Segment]..., estimated: Bool = false
    ) async throws -> (transcript: Transcript, requests: Int, prompts: [String?]) {
        let samples = [Int16](repeating: 7, count: Int(seconds(30)))
        let range = SampleRange(0, seconds(30))
        let chunk = Chunk(
            index: 0, range: range, owned: range, hash: digest("a"),
            speech: speech.map { SampleRange(seconds($0.0), seconds($0.1)) }, audio: ChunkAudio(samples))
        let prompts = Guarded<[String?]>([])
        let way = FakeWay(
            source: FakeSource(chunks: [chunk]),
            engine: FakeTranscriber { _, options, number in
                prompts.change { $0.append(options.prompt) }
                return ChunkTranscript(
                    language: "en", segments: answers[min(number, answers.count - 1)], timesAreEstimated: estimated)
            }, concurrency: 1)
        let transcript = try await way.run(options: TranscriptionOptions(prompt: prompt))
        return (transcript, way.engine.requests.value, prompts.value)
    }

    @Test func case50AnInventedPhraseOverSilenceIsLeftOut() async throws {
        let heard = try await run(
            speech: [(0, 20)],
            [segment(0, 20, "We begin with the minutes."), segment(22, 29, "Thank you for watching!")])
        #expect(texts(heard.transcript) == ["We begin with the minutes."])
        #expect(heard.transcript.warnings.count == 1)
        #expect(heard.transcript.warnings.first?.contains("nothing is to be heard") == true)
        #expect(!heard.transcript.isPartial)
    }

    @Test(arguments: [[(0.0, 20.0), (23.0, 24.5)], [(0, 21.2)], [(0, 20), (21.3, 21.9)]])
    func case50TheSamePhraseReallySpokenStays(speech: [(Double, Double)]) async throws {
        // Under it, running into its start unclaimed, or shortly before its start, where nothing else claims it.
        let heard = try await run(
            speech: speech, [segment(0, 20, "We begin with the minutes."), segment(22, 29, "Thank you for watching!")])
        #expect(heard.transcript.segments.count == 2)
        #expect(heard.transcript.warnings.isEmpty)
    }

    @Test func case50AnythingElseOverSilenceStaysUnlessTheEngineDoubtsIt() async throws {
        var doubted = segment(22, 25, "and so on")
        (doubted.noSpeechProbability, doubted.averageLogProbability) = (0.9, -1.4)
        var unsure = segment(25, 28, "it is late")
        (unsure.noSpeechProbability, unsure.averageLogProbability) = (0.9, -0.4)
        let heard = try await run(
            speech: [(0, 20)], [segment(0, 20, "We begin."), segment(20, 22, "A quiet word."), doubted, unsure])
        #expect(texts(heard.transcript) == ["We begin.", "A quiet word.", "it is late"])
    }

    @Test func case50WithoutTimesNothingIsLeftOut() async throws {
        let heard = try await run(speech: [(0, 20)], [segment(22, 29, "Thank you.")], estimated: true)
        #expect(texts(heard.transcript) == ["Thank you."])
    }

    private static let loop = Array(repeating: "I think that we should go.", count: 12).joined(separator: " ")

    @Test func case50ALoopIsAskedForAgainInHalvesAndWithoutThePrompt() async throws {
        let heard = try await run(
            speech: [(0, 30)], prompt: "Names", [segment(0, 30, "So. " + Self.loop)],
            [segment(0, 10, "So I think")], [segment(0, 10, "that we should go.")])
        #expect(texts(heard.transcript) == ["So I think", "that we should go."])
        #expect(heard.requests == 3)
        #expect(heard.prompts == ["Names", "", ""])
        #expect(heard.transcript.segments[1].range.start > seconds(12))
        #expect(heard.transcript.warnings.isEmpty)
        #expect(heard.transcript.chunks.map(\.attempts) == [3])
    }

    @Test func case50ALoopThatStaysStandsThereOnce() async throws {
        let repeated = (0..<12).map { segment(Double($0), Double($0) + 1, "I think that we should go.") }
        let heard = try await run(speech: [(0, 30)], [segment(0, 30, "So. " + Self.loop)], repeated)
        #expect(texts(heard.transcript).joined(separator: " ") == "I think that we should go.")
        #expect(heard.transcript.warnings.contains { $0.contains("repeated the same words") })
        #expect(heard.requests == 3)
    }

    @Test func case50WordTimesStayWithTheirWords() async throws {
        let texts = ["Well,"] + (0..<8).flatMap { _ in ["over", "and", "over"] } + ["done."]
        let words = texts.enumerated().map { at, text in
            Word(range: SampleRange(seconds(Double(at)), seconds(Double(at) + 0.5)), text: text)
        }
        let heard = try await run(
            speech: [(0, 30)], [segment(0, 27, texts.joined(separator: " "), words: words)])
        #expect(heard.requests == 3)
        for segment in heard.transcript.segments {
            #expect(segment.text == segment.words.map(\.text).joined(separator: " "))
        }
    }

    @Test(arguments: [
        "No no no no no no.", "one two three four five six seven eight nine ten eleven twelve thirteen fourteen",
        "yes, yes, yes, and then yes again, yes, yes, yes, and so on, yes, and yes, as I said before, yes",
        "left right left right left right left right",
    ])
    func case50RealRepetitionIsNoLoop(text: String) async throws {
        let heard = try await run(speech: [(0, 30)], [segment(0, 20, text)])
        #expect(texts(heard.transcript) == [text])
        #expect(heard.requests == 1)
        #expect(heard.transcript.warnings.isEmpty)
    }

    /// 51: an empty chunk takes nothing from its neighbours.
    @Test func case51AnEmptyChunkTakesNothingAway() {
        let merged = ResultMerger(facts(length: 40)).merge([
            outcome(0, (0, 10), [segment(1, 9, "one")]), outcome(1, (10, 20), []),
            outcome(2, (20, 30), [segment(0, 9, "three")]), outcome(3, (30, 40), []),
        ])
        #expect(texts(merged) == ["one", "three"])
        #expect(merged.chunks.count == 4)
    }

    /// 52: what was said twice across a cut in silence stands there twice.
    @Test func case52RepetitionAtASilentCutIsKept() {
        let merged = ResultMerger(facts(length: 20)).merge([
            outcome(0, (0, 10), [segment(8, 9.5, "нет.")]), outcome(1, (10, 20), [segment(0.2, 1, "нет.")]),
        ])
        #expect(texts(merged) == ["нет.", "нет."])
    }

    /// 53: a word that a forced cut goes through is heard by both chunks and stands there once.
    @Test(arguments: [true, false]) func case53ACutInsideAWordGivesOneCopy(withWordTimes: Bool) {
        func spoken(_ list: [(String, Double, Double)]) -> Segment {
            let words = list.map { Word(range: SampleRange(seconds($0.1), seconds($0.2)), text: $0.0) }
            return segment(
                list[0].1, list[list.count - 1].2, list.map(\.0).joined(separator: " "),
                words: withWordTimes ? words : [])
        }
        let merged = ResultMerger(facts(length: 20)).merge([
            outcome(
                0, (0, 12), owned: (0, 10),
                [spoken([("the", 8.4, 8.7), ("board", 8.8, 9.3), ("unanimously", 9.5, 10.4), ("agreed", 10.6, 11.2)])]),
            outcome(
                1, (8, 20), owned: (10, 20),
                [
                    spoken([
                        ("the", 0.4, 0.7), ("board", 0.8, 1.3), ("unanimously", 1.5, 2.4), ("agreed", 2.6, 3.2),
                        ("yesterday", 3.4, 4),
                    ])
                ]),
        ])
        #expect(texts(merged).joined(separator: " ") == "the board unanimously agreed yesterday")
    }

    /// 57: no crumb is left when a chunk is cut again: parts are of nearly equal length. (The splitter's own tail has its
    /// test where the splitter is.)
    @Test(arguments: [8.0, 9.99, 10.01, 19.95]) func case57NoCrumbWhenAChunkIsCutAgain(limit: Double) async throws {
        let sent = Guarded<[Int64]>([])
        let way = FakeWay(
            source: FakeSource(chunks: chunks(1, seconds: 20)),
            engine: FakeTranscriber { chunk, _, _ in
                if chunk.range.count > seconds(limit) {
                    throw TranscriptionError(
                        .requestFailed, "Too long.", remedy: .split(maximumSamples: seconds(limit)))
                }
                sent.change { $0.append(chunk.range.count) }
                return numbered(chunk)
            })
        _ = try await way.run()
        #expect(sent.value.reduce(0, +) == seconds(20))
        #expect((sent.value.min() ?? 0) > seconds(3))
    }
}
