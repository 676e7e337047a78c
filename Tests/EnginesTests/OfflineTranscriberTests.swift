import Engines
import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

@Suite(.timeLimit(.minutes(20))) struct OfflineTranscriberTests {
    /// One for all tests, so that its model is loaded once or twice.
    private static let shared = OfflineEngine.make(OfflineEngineSettings(threads: 2))

    /// The script finds fault with all that it is asked to look at.
    @Test(arguments: [(0, "auto", 1), (1, "auto", 0), (4, "auto", 1), (0, "en", 0)])
    func ofChunksWhoseLanguageIsNotToldEachFourthIsLookedAt(_ index: Int, _ language: String, _ count: Int)
        async throws
    {
        let script = #"""
            printf 'R\0\0\0\0\0\0\0\0'
            while header=$(head -c 9 | od -An -tu1) && [ -n "$header" ]; do
                set -- $header
                head -c $(($6 + $7 * 256 + $8 * 65536)) >/dev/null
                call=$(printf %03o $2)
                case $1 in
                72) printf "T\\$call\000\000\000\001\000\000\000." ;;
                104) printf "T\\$call\000\000\000\020\000\000\000d\tdisagreement\n." ;;
                esac
            done
            """#
        try await withTemporaryDirectory { folder in
            let engine = try await OfflineEngine.scripted(script, in: folder)
            let first = OfflineSpeech.chunk(OfflineSpeech.noise(seconds: 1))
            let chunk = Chunk(
                index: index, range: first.range, owned: first.owned, hash: first.hash, speech: first.speech,
                audio: first.audio)
            let options = TranscriptionOptions(language: language == "auto" ? nil : language)
            let warnings = try await engine.transcribe(chunk, options: options).warnings
            #expect(warnings.filter { $0.contains("may be invented") }.count == count, "\(warnings)")
        }
    }

    /// What it holds is somebody's recording: that goes to no file when it breaks down.
    @Test func itsProcessLeavesNoCoreFile() async throws {
        let engine = OfflineEngine.make(OfflineEngineSettings(threads: 1), idle: .seconds(3600))
        _ = try await engine.transcript(of: OfflineSpeech.noise(seconds: 1))
        let process = try #require(engine.processes.first)
        defer { kill(process, SIGKILL) }
        #expect(try ProcessLimit.all(of: process)["Max core file size"] == .init(soft: "0", hard: "0"))
    }

    @Test func clearSpeechBecomesTextWithCapitalsAndPunctuation() async throws {
        var rate = WordErrorRate()
        for sentence in OfflineSpeech.sentences {
            let samples = try await OfflineSpeech.samples(of: sentence)
            let transcript = try await Self.shared.transcript(of: samples)
            let text = transcript.segments.map(\.text).joined(separator: " ")
            #expect(transcript.language == "en")
            #expect(transcript.timesAreEstimated)
            #expect(text.first?.isUppercase == true && text.last == ".", "\(text)")
            rate.add(reference: sentence, hypothesis: text.lowercased().filter { !$0.isPunctuation })
            let words = transcript.segments.flatMap(\.words)
            #expect(words.map(\.text).joined(separator: " ") == text)
            #expect(words.allSatisfy { $0.range.start >= 0 && $0.range.end <= Int64(samples.count) })
            #expect(zip(words, words.dropFirst()).allSatisfy { $0.range.end <= $1.range.start })
        }
        #expect(rate.rate < 0.1, "\(rate)")
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

    @Test func aChunkGivesTheSameWordsWhateverWasHeardBeforeAndAfterADeath() async throws {
        var chunks: [[Int16]] = []
        for sentence in OfflineSpeech.short { chunks.append(try await OfflineSpeech.samples(of: sentence)) }
        let serial = OfflineEngine.make(OfflineEngineSettings(threads: 1))
        var first: [ChunkTranscript] = []
        for chunk in chunks { first.append(try await serial.transcript(of: chunk)) }
        for process in serial.processes { kill(process, SIGKILL) }
        for index in chunks.indices.reversed() {
            // Whoever asks while the process dies loses an attempt.
            let again: ChunkTranscript
            do { again = try await serial.transcript(of: chunks[index]) } catch is TranscriptionError {
                again = try await serial.transcript(of: chunks[index])
            }
            #expect(again == first[index])
        }
        // Two at a time, in a process with another past.
        let parallel = try await withThrowingTaskGroup(of: (Int, ChunkTranscript).self) { group in
            for index in chunks.indices {
                group.addTask { [chunks] in (index, try await Self.shared.transcript(of: chunks[index])) }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        for index in chunks.indices { #expect(parallel[index] == first[index]) }
    }

    private static func tone(_ hertz: [Double], seconds: Double) -> [Int16] {
        (0..<Int(seconds * 16_000)).map { at in
            Int16(hertz.reduce(0) { $0 + sin(2 * .pi * $1 * Double(at) / 16_000) } * 8000 / Double(hertz.count))
        }
    }

    @Test(arguments: [
        [], OfflineSpeech.noise(seconds: 10, amplitude: 0), OfflineSpeech.noise(seconds: 10, amplitude: 3),
        OfflineSpeech.noise(seconds: 10, amplitude: 3000), tone([440], seconds: 10), tone([350, 440], seconds: 10),
        tone([50, 100, 150], seconds: 10), Array(repeating: 1000, count: 100), Array(repeating: -1000, count: 1700),
    ]) func whatIsNoSpeechGivesNoText(_ samples: [Int16]) async throws {
        let transcript = try await Self.shared.transcript(of: samples)
        #expect(transcript.segments.isEmpty)
        #expect(transcript.warnings.isEmpty)
    }

    @Test func softSpeechIsHeard() async throws {
        let loud = try await OfflineSpeech.samples(of: OfflineSpeech.sentences[0])
        let soft = loud.map { $0 / 300 }
        var rate = WordErrorRate()
        rate.add(
            reference: OfflineSpeech.sentences[0],
            hypothesis: try await Self.shared.text(of: soft).lowercased().filter { !$0.isPunctuation })
        #expect(rate.rate <= 0.2, "\(rate)")
    }

    @Test func theProcessEndsWhenThereIsNoWork() async throws {
        let engine = OfflineEngine.make(OfflineEngineSettings(threads: 1), idle: .zero)
        _ = try await engine.transcript(of: OfflineSpeech.noise(seconds: 1))
        while !engine.processes.isEmpty { await Task.yield() }
        // And one is started again.
        _ = try await engine.transcript(of: OfflineSpeech.noise(seconds: 1))
    }

    @Test func otherLanguagesAreRefused() async throws {
        let samples = OfflineSpeech.noise(seconds: 0.1)
        let error = await #expect(throws: TranscriptionError.self) {
            _ = try await Self.shared.transcript(of: samples, language: "de")
        }
        #expect(error?.code == .languageNotSupported)
        #expect(error?.remedy == .giveUpRecording)
        #expect(error?.message.contains("knows en only, not “de”") == true)
        for language in ["en", "EN-gb"] { _ = try await Self.shared.transcript(of: samples, language: language) }
    }

    @Test func checkNamesTheModelItsLanguagesAndItsSpeed() async throws {
        let report = try await Self.shared.check()
        for words in ["moonshine-tiny-en", "Moonshine, en", "times as fast as people speak"] {
            #expect(report.works.contains(words), "\(report.works)")
        }
        #expect(report.notes.isEmpty)
    }

    @Test func theModelIsPartOfTheIdentityAndTheNameIsNot() {
        let one = OfflineTranscriber(OfflineEngineSettings(name: "a")).identity
        let other = OfflineTranscriber(OfflineEngineSettings(name: "a", model: "whisper-base")).identity
        #expect(one.kind == "offline" && one.model == "moonshine-tiny-en")
        #expect(one.settings.contains { $0.hasPrefix("encoder_model.ort=") })
        #expect(one.model != other.model)
    }
}
