import Synchronization
import SystemSupport
import TestSupport
import Testing
import Transcription

/// How a fake tells where its words are.
enum FakeTimes: CaseIterable, Sendable {
    /// Each word has its time.
    case words
    /// One segment, with the times of its first and last word.
    case segments
    /// Text only.
    case none
}

/// Somebody who says a word every so often, and what an engine makes of it.
struct FakeSpeaker: Sendable {
    /// Seconds from one word to the next.
    var pace = 0.43
    var times = FakeTimes.words
    /// Is not heard, by the number of the word in the recording.
    var dropped: @Sendable (_ word: Int, _ chunk: Chunk) -> Bool = { _, _ in false }

    static let chunkSeconds = 27.0

    /// A recording of so many chunks in which somebody speaks.
    static func chunks(_ count: Int, seconds length: Double = chunkSeconds) -> [Chunk] {
        (0..<count).map { index in
            chunk(index, TestAudio.speech(seconds: length, phrase: 3, pause: 0.4, seed: UInt64(index + 1)))
        }
    }

    static func chunk(_ index: Int, _ samples: [Int16]) -> Chunk {
        var energies: [Float] = []
        samples.withUnsafeBufferPointer { PauseFinder.appendEnergies(of: $0, to: &energies) }
        let range = SampleRange(0, Int64(samples.count)).shifted(by: Int64(index * samples.count))
        return Chunk(
            index: index, range: range, owned: range, hash: digest("spoken \(index)"),
            speech: PauseFinder.speech(in: energies[...], sampleCount: Int64(samples.count)), audio: ChunkAudio(samples)
        )
    }

    func answer(_ chunk: Chunk) -> ChunkTranscript {
        var words: [Word] = []
        var number = Int((SampleClock.seconds(chunk.range.start) / pace).rounded(.up))
        while SampleClock.samples(seconds: Double(number) * pace) < chunk.range.end {
            let start = SampleClock.samples(seconds: Double(number) * pace) - chunk.range.start
            if !dropped(number, chunk) {
                words.append(Word(range: SampleRange(start, start + seconds(0.35)), text: "w\(number)"))
            }
            number += 1
        }
        guard let first = words.first, let last = words.last else {
            return ChunkTranscript(language: "en", segments: [])
        }
        let text = words.map(\.text).joined(separator: " ")
        let segment =
            switch times {
            case .words: Segment(range: SampleRange(first.range.start, last.range.end), text: text, words: words)
            case .segments: Segment(range: SampleRange(first.range.start, last.range.end), text: text)
            case .none: Segment(range: SampleRange(0, chunk.range.count), text: text)
            }
        return ChunkTranscript(language: "en", segments: [segment], timesAreEstimated: times == .none)
    }
}

/// Says that somebody speaks in these parts of any chunk; nil: it cannot tell.
private struct FakeDetector: SpeechDetector {
    var identity: String { "fake" }
    var voices: [SampleRange]?

    func speech(in audio: ChunkAudio) async throws -> [SampleRange]? { voices }
}

/// Speech without text is seen, asked for again, and marked where it stays without.
@Suite(.timeLimit(.minutes(20))) struct CoverageTests {
    private func words(_ transcript: Transcript) -> [String] {
        transcript.segments.flatMap { $0.text.split(separator: " ").map(String.init) }
    }

    private func way(
        _ chunks: [Chunk], _ speaker: FakeSpeaker, store: any TranscriptStore = FakeStore(), concurrency: Int = 4,
        detector: (any SpeechDetector)? = nil
    ) -> FakeWay {
        var way = FakeWay(
            source: FakeSource(chunks: chunks), engine: FakeTranscriber { chunk, _, _ in speaker.answer(chunk) },
            store: store, concurrency: concurrency)
        way.detector = detector
        return way
    }

    @Test(arguments: FakeTimes.allCases) func wholeAnswersAreAskedForOnce(times: FakeTimes) async throws {
        let way = way(FakeSpeaker.chunks(6), FakeSpeaker(times: times))
        let transcript = try await way.run()
        #expect(way.engine.requests.value == 6)
        #expect(transcript.gaps.isEmpty && transcript.warnings.isEmpty)
        #expect(transcript.coverage == 1 && transcript.chunks.allSatisfy { $0.coverage == 1 })
    }

    /// As speaches did: 12 of 61 words, without a warning.
    @Test(arguments: FakeTimes.allCases) func mostOfAChunkThatIsDroppedIsRecovered(times: FakeTimes) async throws {
        let chunks = FakeSpeaker.chunks(3)
        let first = Int((FakeSpeaker.chunkSeconds / 0.43).rounded(.up))
        let dropping = FakeSpeaker(times: times) { word, chunk in
            chunk.index == 1 && chunk.range.count == seconds(FakeSpeaker.chunkSeconds) && word >= first + 12
        }
        let way = way(chunks, dropping)
        let transcript = try await way.run()
        let whole = try await self.way(chunks, FakeSpeaker(times: times)).run()
        #expect(words(transcript) == words(whole))
        #expect(way.engine.requests.value == 5)
        #expect(transcript.gaps.isEmpty && transcript.coverage == 1)
        #expect(transcript.chunks.map(\.attempts) == [1, 3, 1])
    }

    /// The last 20 s of every third chunk, also when they are asked for again.
    @Test(arguments: FakeTimes.allCases) func whatStaysWithoutTextIsMarked(times: FakeTimes) async throws {
        let chunks = FakeSpeaker.chunks(6)
        let dropping = FakeSpeaker(times: times) { word, chunk in
            let time = seconds(Double(word) * 0.43)
            return chunk.index % 3 == 2 && time >= chunks[chunk.index].range.end - seconds(20)
        }
        let way = way(chunks, dropping)
        let transcript = try await way.run()
        #expect(way.engine.requests.value == 10)
        #expect(transcript.gaps.count == 2)
        for (gap, chunk) in zip(transcript.gaps, [chunks[2], chunks[5]]) {
            #expect(gap.cause == .uncovered && gap.reason.contains("asked again"))
            #expect(gap.range.overlap(with: chunk.range) == gap.range.count)
            // Text alone does not say where in its part it ends.
            #expect(gap.range.count >= seconds(times == .none ? 10 : 18) && gap.range.count <= seconds(22))
        }
        #expect(!transcript.isPartial)
        #expect(transcript.coverage < 0.9 && transcript.chunks[2].coverage < 0.6 && transcript.chunks[0].coverage == 1)
        let text = String(
            decoding: Sidecar.render(transcript, .txt, run: RunFacts(processingTime: .zero)), as: UTF8.self)
        #expect(text.split(separator: "[untranscribed").count == 3)
    }

    /// 0.6 words a second, all of them there.
    @Test(arguments: FakeTimes.allCases) func slowSpeechIsLeftAlone(times: FakeTimes) async throws {
        let way = way(FakeSpeaker.chunks(20), FakeSpeaker(pace: 1.67, times: times))
        let transcript = try await way.run()
        #expect(transcript.gaps.isEmpty && transcript.coverage == 1)
        #expect(transcript.warnings.isEmpty)
        #expect(way.engine.requests.value <= 22)
    }

    @Test(arguments: ["", "[MUSIC]", "♪♪"]) func musicIsLeftAlone(answer: String) async throws {
        let music = TestAudio.tone(seconds: 27, frequency: 220)
        let chunks = (0..<6).map { index in
            index % 2 == 0 ? FakeSpeaker.chunks(index + 1)[index] : FakeSpeaker.chunk(index, music)
        }
        let way = FakeWay(
            source: FakeSource(chunks: chunks),
            engine: FakeTranscriber { chunk, _, _ in
                guard chunk.index % 2 == 1 else { return FakeSpeaker().answer(chunk) }
                return ChunkTranscript(
                    language: "en",
                    segments: answer.isEmpty ? [] : [Segment(range: SampleRange(0, chunk.range.count), text: answer)])
            })
        let transcript = try await way.run()
        #expect(transcript.gaps.isEmpty && transcript.coverage == 1)
        // Only an answer without a word on it is doubted.
        #expect(way.engine.requests.value == (answer.isEmpty ? 12 : 6))
        #expect(transcript.suppressed.map(\.text) == (answer.isEmpty ? [] : [answer, answer, answer]))
    }

    /// Sound that goes up and down like speech, in which nobody speaks: two answers agree, or the detector knows at once.
    @Test(arguments: [true, false]) func aDetectorSettlesWhatOnlySoundsLikeSpeech(isThere: Bool) async throws {
        let silent = FakeSpeaker { word, _ in word >= 20 }
        let way = way(
            FakeSpeaker.chunks(1), silent,
            detector: isThere ? FakeDetector(voices: [SampleRange(0, seconds(8.6))]) : nil)
        let transcript = try await way.run()
        #expect(way.engine.requests.value == (isThere ? 1 : 3))
        #expect(transcript.gaps.isEmpty == isThere)
    }

    @Test func aDetectorThatHearsNobodyUnderTheTextIsNotAsked() async throws {
        let silent = FakeSpeaker { word, _ in word >= 20 }
        let transcript = try await way(FakeSpeaker.chunks(1), silent, detector: FakeDetector(voices: [])).run()
        #expect(transcript.gaps.count == 1)
    }

    /// 40 chunks that all lose half: ten and a fifth of the chunks in requests, in the order of the recording.
    @Test func secondLooksAreBounded() async throws {
        let chunks = FakeSpeaker.chunks(40, seconds: 12)
        let dropping = FakeSpeaker { word, chunk in
            seconds(Double(word) * 0.43) >= chunks[chunk.index].range.start + seconds(6)
        }
        let store = FakeStore()
        let way = way(chunks, dropping, store: store)
        let transcript = try await way.run()
        #expect(way.engine.requests.value <= 40 + 10 + 8)
        #expect(transcript.gaps.count == 40)
        #expect(transcript.gaps.first?.reason.contains("also when it was asked again") == true)
        #expect(transcript.gaps.dropFirst(30).first?.reason.contains("not asked again: too many") == true)
        #expect(store.recordings.value.count == 1, "the bound would be the same again")
        #expect(transcript.chunks.prefix(5).allSatisfy { $0.attempts > 1 })
    }

    @Test func theOrderOfAnswersChangesNothing() async throws {
        let chunks = FakeSpeaker.chunks(24, seconds: 12)
        let dropping = FakeSpeaker { word, chunk in
            chunk.index % 2 == 1 && seconds(Double(word) * 0.43) >= chunks[chunk.index].range.start + seconds(6)
        }
        var seen: [Transcript] = []
        for concurrency in [1, 6] {
            let way = FakeWay(
                source: FakeSource(chunks: chunks),
                engine: FakeTranscriber { chunk, _, number in
                    // Later chunks are answered first.
                    for _ in 0..<(concurrency == 1 ? 0 : (7 * number) % 40) { await Task.yield() }
                    return dropping.answer(chunk)
                }, concurrency: concurrency)
            seen.append(try await way.run())
        }
        #expect(seen[0] == seen[1])
        #expect(seen[0].chunks.contains { $0.attempts > 1 } && seen[0].gaps.count == 12)
    }

    @Test func whatWasAskedAgainIsNotPaidForTwice() async throws {
        let chunks = FakeSpeaker.chunks(3)
        let store = FakeStore()
        let dropping = FakeSpeaker { word, chunk in chunk.range.count == seconds(27) && word % 63 >= 12 }
        let first = try await way(chunks, dropping, store: store).run()
        store.recordings.change { $0 = [:] }
        let again = way(chunks, dropping, store: store)
        let second = try await again.run()
        #expect(again.engine.requests.value == 0)
        #expect(second.segments == first.segments && second.gaps == first.gaps)
        #expect(second.chunks.allSatisfy { $0.fromCache })
    }

    @Test func moreTextIsNotBetterWhenNobodyCanSayIt() async throws {
        let speaker = FakeSpeaker { word, _ in word >= 20 }
        let way = FakeWay(
            source: FakeSource(chunks: FakeSpeaker.chunks(1)),
            engine: FakeTranscriber { chunk, _, number in
                guard number > 0 else { return speaker.answer(chunk) }
                let words = (0..<400).map { "x\($0)" }.joined(separator: " ")
                return ChunkTranscript(
                    language: "en", segments: [Segment(range: SampleRange(0, chunk.range.count), text: words)])
            })
        let transcript = try await way.run()
        #expect(words(transcript).count == 20)
    }

    /// Text whose times only say that it reaches over everything: 34 words for 51.
    @Test func anAnswerThatHasLostWordsIsNotTakenForItsTimes() async throws {
        let chunks = FakeSpeaker.chunks(1)
        let speaker = FakeSpeaker { word, _ in (30..<42).contains(word) }
        let way = FakeWay(
            source: FakeSource(chunks: chunks),
            engine: FakeTranscriber { chunk, _, number in
                guard number > 0 else { return speaker.answer(chunk) }
                let text = (0..<17).map { "x\($0)" }.joined(separator: " ")
                return ChunkTranscript(
                    language: "en", segments: [Segment(range: SampleRange(0, chunk.range.count), text: text)])
            })
        let transcript = try await way.run()
        #expect(way.engine.requests.value == 3)
        #expect(words(transcript) == speaker.answer(chunks[0]).segments[0].words.map(\.text))
        #expect(transcript.gaps.count == 1 && transcript.coverage < 1)
    }

    /// 32 words, then a loop to the end, and nothing at all when it is asked again.
    @Test func aLoopDoesNotCostTheTextBesideIt() async throws {
        let speaker = FakeSpeaker { word, _ in word >= 32 }
        let way = FakeWay(
            source: FakeSource(chunks: FakeSpeaker.chunks(1)),
            engine: FakeTranscriber { chunk, _, number in
                guard number == 0 else { return ChunkTranscript(language: "en", segments: []) }
                var answer = speaker.answer(chunk)
                let loop = Array(repeating: "thank you very much", count: 20).joined(separator: " ")
                answer.segments.append(segment(14, FakeSpeaker.chunkSeconds, loop))
                return answer
            })
        let transcript = try await way.run()
        #expect(way.engine.requests.value == 3)
        #expect(words(transcript) == (0..<32).map { "w\($0)" } + ["thank", "you", "very", "much"])
        #expect(transcript.warnings.contains { $0.contains("repeated the same words") })
        #expect(transcript.gaps.count == 1 && transcript.coverage < 1)
    }

    @Test func aSecondLookThatFailedIsTriedAgainTheNextTime() async throws {
        let chunks = FakeSpeaker.chunks(3)
        let store = FakeStore()
        let dropping = FakeSpeaker { word, chunk in
            chunk.index == 1 && chunk.range.count == seconds(FakeSpeaker.chunkSeconds) && word % 63 >= 12
        }
        let failing = FakeWay(
            source: FakeSource(chunks: chunks),
            engine: FakeTranscriber { chunk, _, _ in
                guard chunk.range.count == seconds(FakeSpeaker.chunkSeconds) else {
                    throw TranscriptionError(.requestFailed, "The server is full.", remedy: .giveUpChunk)
                }
                return dropping.answer(chunk)
            }, store: store)
        let first = try await failing.run()
        #expect(first.gaps.map(\.cause) == [.uncovered])
        #expect(first.gaps.first?.reason.hasSuffix("and asking again failed: The server is full.") == true)
        let well = way(chunks, dropping, store: store)
        let second = try await well.run()
        #expect(well.engine.requests.value == 2, "the two parts")
        #expect(second.gaps.isEmpty && second.coverage == 1)
        #expect(try await way(chunks, dropping, store: store).run().chunks.allSatisfy { $0.fromCache })
    }

    @Test(arguments: [true, false]) func whatTheDetectorCouldNotJudgeIsNotRemembered(canTell: Bool) async throws {
        let silent = FakeSpeaker { word, _ in word >= 20 }
        let store = FakeStore()
        let voices = [SampleRange(0, seconds(FakeSpeaker.chunkSeconds))]
        let transcript = try await way(
            FakeSpeaker.chunks(1), silent, store: store, detector: FakeDetector(voices: canTell ? voices : nil)
        ).run()
        #expect(transcript.gaps.count == 1)
        #expect(store.recordings.value.count == (canTell ? 1 : 0))
    }

    /// As whisper.cpp did: 14 words at one place in time.
    @Test func timesWithoutWidthAreNotHeldAgainstTheText() async throws {
        let whole = FakeSpeaker(times: .segments)
        let way = FakeWay(
            source: FakeSource(chunks: FakeSpeaker.chunks(1)),
            engine: FakeTranscriber { chunk, _, _ in
                var answer = whole.answer(chunk)
                let words = answer.segments[0].text.split(separator: " ").prefix(40)
                let (half, rest) = (words.prefix(20), words.dropFirst(20))
                answer.segments = [
                    Segment(range: SampleRange(seconds(1), seconds(1)), text: half.joined(separator: " ")),
                    Segment(range: SampleRange(seconds(13), seconds(13.1)), text: rest.joined(separator: " ")),
                ]
                return answer
            })
        let transcript = try await way.run()
        #expect(way.engine.requests.value == 1)
        #expect(transcript.gaps.isEmpty)
    }
}
