import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

private func failure(
    _ message: String = "It failed.", code: TranscriptionError.Code = .requestFailed,
    _ remedy: TranscriptionError.Remedy, pressure: TranscriptionError.Pressure? = nil
) -> TranscriptionError {
    TranscriptionError(code, message, remedy: remedy, pressure: pressure)
}

private func texts(_ transcript: Transcript) -> [String] { transcript.segments.map(\.text) }

/// From chunks to the transcript, with engine, decoder and cache played.
@Suite(.timeLimit(.minutes(20))) struct OrchestratorTests {
    /// 49: the answers come in any order and one chunk fails for good: a gap in its place, and nothing else moves.
    @Test func case49OutOfOrderWithAFailureIsPartialWithTheTimeRange() async throws {
        let gate = Gate()
        let done = SharedCounter()
        let way = FakeWay(
            source: FakeSource(chunks: chunks(6, seconds: 10)),
            engine: FakeTranscriber { chunk, _, _ in
                if chunk.index == 0 { try await gate.pass() }
                if chunk.index == 3 { throw failure("No.", .giveUpChunk) }
                if done.add(1) == 4 { gate.open() }
                return numbered(chunk)
            })
        let transcript = try await way.run()
        #expect(texts(transcript) == ["chunk 0", "chunk 1", "chunk 2", "chunk 4", "chunk 5"])
        #expect(transcript.segments.map(\.range.start) == [0, 10, 20, 40, 50].map { seconds($0) })
        #expect(transcript.gaps == [.init(range: SampleRange(seconds(30), seconds(40)), reason: "No.")])
        #expect(transcript.isPartial)
        let told = way.events.value
        #expect(told.contains(.cut(index: 3, owned: SampleRange(seconds(30), seconds(40)), hash: digest("chunk 3"))))
        #expect(told.contains(.sent(index: 3, attempt: 1, engine: "fake")))
        #expect(told.contains(.failed(index: 3, error: .requestFailed)))
        #expect(told.contains(.finished(index: 4, fromCache: false, engine: "fake")))
        #expect(transcript.chunks.map(\.index) == Array(0..<6))
    }

    @Test(arguments: [true, false]) func whenEveryChunkFailsTheEngineIsUnavailable(isTransient: Bool) async throws {
        var engine = FakeTranscriber { _, _, _ in
            throw isTransient ? failure("Away.", .retry(after: nil)) : failure("No.", .giveUpChunk)
        }
        engine.isAway = { failure("Away.", .retry(after: nil)) }
        let way = FakeWay(source: FakeSource(chunks: chunks(5, isSilent: { $0 == 2 })), engine: engine)
        let error = await #expect(throws: TranscriptionError.self) { try await way.run() }
        // Of one that never will, nobody can say that it is the engine's fault.
        #expect(error?.code == (isTransient ? .engineUnavailable : .requestFailed))
        #expect(error?.engineFault == (isTransient ? .away : nil))
        #expect(error?.remedy == (isTransient ? .retry(after: nil) : .giveUpRecording))
        #expect(error?.message.hasPrefix(isTransient ? "Away." : "No.") == true)
    }

    /// It would wait for ever for an engine that is there, and others behind it.
    @Test(arguments: [1, 3]) func whatFailsAtAnEngineThatIsThereIsTheRecordingsFault(count: Int) async throws {
        let way = FakeWay(
            source: FakeSource(chunks: chunks(count)),
            engine: FakeTranscriber { _, _, _ in throw failure("It ended with status 1.", .retry(after: nil)) })
        let error = await #expect(throws: TranscriptionError.self) { try await way.run() }
        #expect(error?.code == .requestFailed && error?.remedy == .giveUpRecording)
        #expect(error?.message == "It ended with status 1.")
    }

    @Test func whatEndsTheRecordingCallsOffAllElse() async throws {
        let gate = Gate()
        let cancelled = SharedCounter()
        let decoded = SharedCounter()
        let way = FakeWay(
            source: FakeSource(chunks: chunks(100), beforeNext: { _ in decoded.add(1) }),
            engine: FakeTranscriber { chunk, _, _ in
                if chunk.index == 2 {
                    try await eventually("the others under way") { gate.waiting == 2 }
                    throw failure("Wrong key.", code: .engineUnavailable, .giveUpRecording)
                }
                do {
                    try await gate.pass()
                } catch {
                    cancelled.add(1)
                    throw error
                }
                return numbered(chunk)
            }, concurrency: 3)
        let error = await #expect(throws: TranscriptionError.self) { try await way.run() }
        #expect(error?.message == "Wrong key.")
        #expect(cancelled.value == 2)
        #expect(way.engine.requests.value == 3)
        #expect(decoded.value <= 7)
    }

    /// However many wait for their turn, what they would meet has been seen.
    @Test(arguments: 0..<20) func aBadKeyIsShownOnce(round: Int) async throws {
        let way = FakeWay(
            source: FakeSource(chunks: chunks(40)),
            engine: FakeTranscriber { _, _, _ in
                for _ in 0..<round * 5 { await Task.yield() }
                throw failure("Wrong key.", code: .engineUnavailable, .giveUpRecording)
            }, concurrency: 8, firstAlone: .milliseconds(300))
        let error = await #expect(throws: TranscriptionError.self) { try await way.run() }
        #expect(error?.message == "Wrong key.")
        #expect(way.engine.requests.value == 1)
        #expect(way.events.value.count { if case .sent = $0 { true } else { false } } == 1)
    }

    @Test func noMoreChunksAliveThanThereArePlaces() async throws {
        let alive = Guarded((now: 0, most: 0))
        let way = FakeWay(
            source: FakeSource(
                chunks: chunks(60),
                beforeNext: { _ in
                    alive.change {
                        $0.now += 1
                        $0.most = max($0.most, $0.now)
                    }
                }),
            engine: FakeTranscriber { chunk, _, _ in
                await Task.yield()
                alive.change { $0.now -= 1 }
                return numbered(chunk)
            }, concurrency: 4)
        let transcript = try await way.run()
        #expect(transcript.segments.count == 60)
        // The one that is being decoded counts.
        #expect(alive.value.most <= 6)
    }

    @Test func silenceIsNotSent() async throws {
        let way = FakeWay(
            source: FakeSource(chunks: chunks(6, isSilent: { $0 % 2 == 0 })),
            engine: FakeTranscriber { chunk, _, _ in numbered(chunk) })
        let transcript = try await way.run()
        #expect(texts(transcript) == ["chunk 1", "chunk 3", "chunk 5"])
        #expect(way.engine.requests.value == 3)
        #expect(transcript.chunks.map(\.attempts) == [0, 1, 0, 1, 0, 1])
        #expect(!transcript.isPartial)
    }

    @Test func aDecoderThatFailsIsTheError() async throws {
        let gate = Gate()
        let way = FakeWay(
            source: FakeSource(
                chunks: chunks(10),
                beforeNext: { number in
                    if number == 2 { throw TranscriptionError(.undecodable, "Damaged.") }
                }),
            engine: FakeTranscriber { chunk, _, _ in
                try await gate.pass()
                return numbered(chunk)
            })
        let error = await #expect(throws: TranscriptionError.self) { try await way.run() }
        #expect(error?.code == .undecodable)
    }

    // MARK: Cutting again

    @Test func whatIsTooLargeIsCutAndItsPartsStandInTheirPlaces() async throws {
        let sent = Guarded<[Int64]>([])
        let way = FakeWay(
            source: FakeSource(chunks: chunks(2, seconds: 20)),
            engine: FakeTranscriber { chunk, _, _ in
                sent.change { $0.append(chunk.range.count) }
                guard chunk.range.count <= seconds(8) else {
                    throw failure("Too large.", .split(maximumSamples: seconds(8)))
                }
                let start = Double(chunk.range.start) / 16000
                return ChunkTranscript(
                    language: "en",
                    segments: [
                        Segment(
                            range: SampleRange(0, chunk.range.count), text: "from \(start)",
                            words: [Word(range: SampleRange(16, 32), text: "from")])
                    ])
            }, concurrency: 1)
        let transcript = try await way.run()
        #expect(sent.value.count { $0 > seconds(8) } == 2)
        #expect(sent.value.filter { $0 <= seconds(8) }.reduce(0, +) == seconds(40))
        for segment in transcript.segments {
            #expect(segment.text == "from \(Double(segment.range.start) / 16000)")
            #expect(segment.words.map(\.range.start) == [segment.range.start + 16])
        }
        #expect(transcript.segments.last?.range.end == seconds(40))
        #expect(transcript.chunks.count == 2)
        #expect(transcript.chunks.map(\.attempts).reduce(0, +) == sent.value.count)
    }

    @Test(arguments: [1.0, 1.3, 2.5, 4.99, 5, 5.01, 9, 13.3, 19.99])
    func noPartIsLongerThanTheLimitAndNothingIsLost(limit: Double) async throws {
        // Noise with pauses in odd places, so that cuts wander.
        var generator = SeededGenerator(seed: 7)
        let samples = (0..<Int(seconds(20))).map { at -> Int16 in
            at % 23_456 < 2000 ? 0 : Int16.random(in: -9000...9000, using: &generator)
        }
        let range = SampleRange(seconds(5), seconds(25))
        let chunk = Chunk(
            index: 0, range: range, owned: range, hash: digest("a"), speech: [SampleRange(0, range.count)],
            audio: ChunkAudio(samples))
        let sent = Guarded<[(range: SampleRange, audio: [Int16])]>([])
        let way = FakeWay(
            source: FakeSource(chunks: [chunk]),
            engine: FakeTranscriber(limits: EngineLimits(maximumChunkSamples: seconds(limit))) { chunk, _, _ in
                let audio = try chunk.audio.samples()
                sent.change { $0.append((chunk.range, audio)) }
                // As many words as people speak in that time: fewer would be doubted, and asked for again.
                let words = (0...chunk.range.count / 5000).map { "word\(chunk.range.start + $0)" }.joined(
                    separator: " ")
                return ChunkTranscript(
                    language: "en", segments: [Segment(range: SampleRange(0, chunk.range.count), text: words)])
            })
        _ = try await way.run()
        #expect(sent.value.allSatisfy { $0.range.count <= seconds(limit) && $0.range.count == Int64($0.audio.count) })
        // As one word: what differs in so many samples nobody reads, and to find it takes minutes.
        let isAll = sent.value.flatMap(\.audio) == samples
        #expect(isAll)
        #expect(sent.value.map(\.range.start) == [range.start] + sent.value.dropLast().map(\.range.end))
    }

    @Test func aServerThatTakesNothingIsNotAskedForEver() async throws {
        let way = FakeWay(
            source: FakeSource(chunks: chunks(1, seconds: 20)),
            engine: FakeTranscriber { _, _, _ in throw failure("Too large.", .split(maximumSamples: nil)) })
        let error = await #expect(throws: TranscriptionError.self) { try await way.run() }
        #expect(error?.code == .requestFailed)
        #expect(way.engine.requests.value < 10)
    }

    // MARK: Cancellation, change, cache

    @Test func cancellationEndsItAtOnceAndKeepsWhatIsDone() async throws {
        let store = FakeStore()
        let gate = Gate()
        let way = FakeWay(
            source: FakeSource(chunks: chunks(20)),
            engine: FakeTranscriber { chunk, _, _ in
                if chunk.index >= 3 { try await gate.pass() }
                return numbered(chunk)
            }, store: store, concurrency: 2)
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do {
                    _ = try await way.run()
                    return false
                } catch {
                    return error is CancellationError
                }
            }
            try? await eventually("two under way") { gate.waiting == 2 }
            group.cancelAll()
            let wasCancelled = await group.next()
            #expect(wasCancelled == true)
        }
        #expect(store.chunks.value.count == 3)
        #expect(store.recordings.value.isEmpty)
    }

    @Test func aRecordingThatIsWrittenToIsNotTrusted() async throws {
        let store = FakeStore()
        var way = FakeWay(
            source: FakeSource(chunks: chunks(2)), engine: FakeTranscriber { chunk, _, _ in numbered(chunk) },
            store: store)
        way.onDecoded = { path in
            let file = try FileDescriptor.open(path, .writeOnly, options: .append)
            try file.closeAfter { _ = try file.writeAll("more".utf8) }
        }
        let error = await #expect(throws: TranscriptionError.self) { try await way.run() }
        #expect(error?.code == .recordingChanged)
        #expect(store.recordings.value.isEmpty)
    }

    @Test func aRecordingSeenBeforeIsNotDecoded() async throws {
        let store = FakeStore()
        let decoded = SharedCounter()
        let way = FakeWay(
            source: FakeSource(chunks: chunks(3), beforeNext: { _ in decoded.add(1) }),
            engine: FakeTranscriber { chunk, _, _ in numbered(chunk) }, store: store)
        let first = try await way.run()
        let again = try await way.run()
        #expect(texts(again) == texts(first))
        #expect(decoded.value == 4)
        #expect(way.engine.requests.value == 3)
        #expect(again.cacheHits == 3)
        #expect(way.events.value.last == .answeredFromCache(samples: seconds(3), chunks: 3))
        // Another language is another question.
        _ = try await way.run(options: TranscriptionOptions(language: "de"))
        #expect(way.engine.requests.value == 6)
    }

    @Test func aPartialTranscriptIsNotRememberedAsAWhole() async throws {
        let store = FakeStore()
        let way = FakeWay(
            source: FakeSource(chunks: chunks(3)),
            engine: FakeTranscriber { chunk, _, number in
                if chunk.index == 1, number < 3 { throw failure("No.", .giveUpChunk) }
                return numbered(chunk)
            }, store: store)
        #expect(try await way.run().isPartial)
        let again = try await way.run()
        #expect(!again.isPartial)
        #expect(again.cacheHits == 2)
        #expect(way.engine.requests.value == 4)
    }

    // MARK: Languages

    /// 54: a chunk in another language stays as it is; the recording's language is that of most speech.
    @Test func case54AChunkInAnotherLanguageKeepsItsTextAndLanguage() async throws {
        let way = FakeWay(
            source: FakeSource(chunks: chunks(4, seconds: 10)),
            engine: FakeTranscriber { chunk, _, _ in
                var heard = numbered(chunk)
                if chunk.index == 2 {
                    heard.language = "ru"
                    heard.segments[0].text = "нет, подождите"
                }
                return heard
            })
        let transcript = try await way.run()
        #expect(transcript.language == "en")
        #expect(transcript.chunks.map(\.language) == ["en", "en", "ru", "en"])
        #expect(texts(transcript) == ["chunk 0", "chunk 1", "нет, подождите", "chunk 3"])
    }
}
