import Engines
import SystemPackage
import TestSupport
import Testing
import Transcription

@Suite(.timeLimit(.minutes(20))) struct OfflineTranscriberTests {
    /// One for all tests, so that its model is loaded once or twice.
    private static let shared = OfflineTranscriber(OfflineEngineSettings(threads: 2), idleSeconds: 5)

    @Test func understandsClearSpeech() async throws {
        var rate = WordErrorRate()
        for sentence in OfflineSpeech.sentences {
            let samples = try await OfflineSpeech.samples(of: sentence)
            let transcript = try await Self.shared.transcript(of: samples)
            #expect(transcript.language == "en")
            #expect(!transcript.timesAreEstimated)
            rate.add(reference: sentence, hypothesis: transcript.segments.map(\.text).joined(separator: " "))
            let words = transcript.segments.flatMap(\.words)
            #expect(words.allSatisfy { (0...1).contains($0.confidence ?? -1) })
            #expect(words.allSatisfy { $0.range.start >= 0 && $0.range.end <= Int64(samples.count) })
            #expect(zip(words, words.dropFirst()).allSatisfy { $0.range.end <= $1.range.start })
            #expect(words.allSatisfy { !$0.text.contains { "<[(+".contains($0) } })
        }
        #expect(rate.rate < 0.2, "\(rate)")
    }

    @Test func wordTimesAreRightAfterSilence() async throws {
        let speech = try await OfflineSpeech.samples(of: OfflineSpeech.short[0])
        let samples = OfflineSpeech.noise(seconds: 5) + speech + OfflineSpeech.noise(seconds: 4) + speech
        let segments = try await Self.shared.transcript(of: samples).segments
        #expect(segments.count == 2)
        let expected = [5 * 16_000, 9 * 16_000 + speech.count]
        for (segment, start) in zip(segments, expected) {
            #expect(abs(segment.range.start - Int64(start)) < 8000, "\(segment.range) \(start)")
        }
    }

    @Test func aChunkGivesTheSameWordsWhateverWasHeardBefore() async throws {
        var chunks: [[Int16]] = []
        for sentence in OfflineSpeech.short { chunks.append(try await OfflineSpeech.samples(of: sentence)) }
        let serial = OfflineTranscriber(OfflineEngineSettings(threads: 1), idleSeconds: 5)
        var first: [ChunkTranscript] = []
        for chunk in chunks { first.append(try await serial.transcript(of: chunk)) }
        for index in chunks.indices.reversed() {
            let again = try await serial.transcript(of: chunks[index])
            #expect(again == first[index])
        }
        // Two at a time, on decoders with another past.
        let parallel = try await withThrowingTaskGroup(of: (Int, ChunkTranscript).self) { group in
            for index in chunks.indices {
                group.addTask { [chunks] in (index, try await Self.shared.transcript(of: chunks[index])) }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        for index in chunks.indices { #expect(parallel[index] == first[index]) }
    }

    @Test func aCutInAPauseChangesNoWord() async throws {
        var whole = OfflineSpeech.noise(seconds: 1)
        var cuts: [Int] = []
        for sentence in OfflineSpeech.short {
            whole += try await OfflineSpeech.samples(of: sentence) + OfflineSpeech.noise(seconds: 1.5)
            cuts.append((whole.count - 11_000) / 160 * 160)
        }
        let together = try await Self.shared.text(of: whole)
        var parts: [String] = []
        for (from, to) in zip([0] + cuts, cuts) {
            parts.append(try await Self.shared.text(of: Array(whole[from..<to])))
        }
        #expect(parts.joined(separator: " ") == together)
    }

    @Test(arguments: [0, 3]) func silenceGivesNoWords(amplitude: Int) async throws {
        let samples = OfflineSpeech.noise(seconds: 10, amplitude: amplitude)
        let transcript = try await Self.shared.transcript(of: samples)
        #expect(transcript.segments.isEmpty)
    }

    @Test(arguments: [0, 1, 100, 159, 161]) func aTinyChunkIsNoFault(count: Int) async throws {
        let transcript = try await Self.shared.transcript(of: Array(repeating: 1000, count: count))
        #expect(transcript.segments.isEmpty)
    }

    @Test func memoryIsGivenBackWhenIdle() async throws {
        let engine = OfflineTranscriber(OfflineEngineSettings(threads: 1), idleSeconds: 0)
        _ = try await engine.transcript(of: OfflineSpeech.noise(seconds: 1))
        while engine.decoderCount > 0 { await Task.yield() }
        // And it works again afterwards.
        _ = try await engine.transcript(of: OfflineSpeech.noise(seconds: 1))
    }

    /// An hour of speech: a call that went on to its end would meet the limit of time.
    @Test(.timeLimit(.minutes(20))) func aCancelledCallDoesNotGoOnToItsEnd() async throws {
        let engine = OfflineTranscriber(OfflineEngineSettings(threads: 1), idleSeconds: 0)
        var samples: [Int16] = []
        for sentence in OfflineSpeech.sentences { samples += try await OfflineSpeech.samples(of: sentence) }
        while samples.count < 3600 * 16_000 { samples += samples }
        let task = Task { [samples] in try await engine.transcript(of: samples) }
        while engine.decoderCount == 0 { await Task.yield() }
        task.cancel()
        await #expect(throws: CancellationError.self) { _ = try await task.value }
    }

    @Test func otherLanguagesAreRefused() async throws {
        let samples = OfflineSpeech.noise(seconds: 0.1)
        let error = await #expect(throws: TranscriptionError.self) {
            _ = try await Self.shared.transcript(of: samples, language: "de")
        }
        #expect(error?.code == .languageNotSupported)
        #expect(error?.remedy == .giveUpRecording)
        #expect(error?.message.contains("English only") == true)
        for language in ["en", "EN-gb"] { _ = try await Self.shared.transcript(of: samples, language: language) }
    }

    @Test func aMissingModelIsNamedWithTheRemedy() async throws {
        try await withTemporaryDirectory { folder in
            let engine = OfflineTranscriber(OfflineEngineSettings(modelDirectory: folder), idleSeconds: 0)
            for _ in 0..<2 {
                let error = await #expect(throws: TranscriptionError.self) { _ = try await engine.check() }
                #expect(error?.code == .engineUnavailable)
                #expect(error?.message.contains("pocketsphinx-en-us") == true)
            }
        }
    }

    @Test func checkNamesTheModel() async throws {
        let sentence = try await Self.shared.check().works
        #expect(sentence.contains("/usr/share/pocketsphinx/model/en-us"))
    }

    @Test func speedIsPartOfTheIdentityAndTheNameIsNot() {
        let normal = OfflineTranscriber(OfflineEngineSettings(name: "a")).identity
        let fast = OfflineTranscriber(OfflineEngineSettings(name: "a", speed: .fast)).identity
        #expect(normal.kind == "offline")
        #expect(normal.settings != fast.settings)
    }
}
