import SystemSupport
import TestSupport
import Testing
import Transcription

/// Remarks about sounds leave the text and are kept where one can look them up.
@Suite(.timeLimit(.minutes(20))) struct SoundRemarkTests {
    private func run(
        _ segments: [Segment], language: String? = "en", samples: [Int16]? = nil
    ) async throws -> Transcript {
        let chunk = samples.map { FakeSpeaker.chunk(0, $0) } ?? chunks(1, seconds: 12)[0]
        return try await FakeWay(
            source: FakeSource(chunks: [chunk]),
            engine: FakeTranscriber { _, _, _ in ChunkTranscript(language: language, segments: segments) }
        ).run(options: TranscriptionOptions(language: language))
    }

    @Test(arguments: [
        ("[BLANK_AUDIO]", "en"), ("[MUSIC]", "en"), ("[ Music ]", "en"), ("(applause)", "en"), ("♪", "en"),
        ("♪ ♪", nil),
        ("(upbeat music)", "en"), ("[Music playing]", "en"), ("[MUSIC]", "de"), ("[Musik]", "de"), ("*Musik*", "de"),
        ("(leise Musik)", "de-AT"), ("[Musique]", "fr"), ("[Música]", "es"), ("[музыка]", "ru"),
        ("[Аплодисменты]", "ru"),
        ("(音楽)", "ja"), ("【音乐】", "zh"), ("[음악]", "ko"), ("[Laughter].", "en"), ("[musique]", nil), ("(♪)", "en"),
    ])
    func aRemarkIsNoText(_ remark: String, _ language: String?) async throws {
        let transcript = try await run(
            [segment(0, 4, "Good morning."), segment(4, 8, remark), segment(8, 12, "We begin.")], language: language)
        #expect(transcript.segments.map(\.text) == ["Good morning.", "We begin."])
        #expect(transcript.suppressed.count == 1)
        #expect(transcript.suppressed.first?.reason == .sound)
        #expect(transcript.suppressed.first?.range == SampleRange(seconds(4), seconds(8)))
    }

    @Test(arguments: [
        ("[inaudible]", "en"), ("(speaking French)", "en"), ("(the music of the spheres)", "en"), ("[Musik]", "en"),
        ("(I love music)", "en"), ("[1]", "en"), ("Music", "en"), ("2 * 3 * 4", "en"), ("♪ Happy birthday ♪", "en"),
        ("(Meier)", "de"), ("「音楽」", "ja"), ("[MUSIC", "en"),
    ])
    func whatMayHaveBeenSaidStays(_ text: String, _ language: String?) async throws {
        let transcript = try await run([segment(0, 4, text)], language: language)
        #expect(transcript.segments.map(\.text) == [text])
        #expect(transcript.suppressed.isEmpty)
    }

    @Test func aRemarkWithinASegmentTakesItsWordsAlong() async throws {
        let words = [("Hello", 0.0), ("there.", 1), ("[Upbeat", 2), ("music]", 3), ("Welcome", 4), ("back.", 5)].map {
            Word(range: SampleRange(seconds($1), seconds($1 + 0.8)), text: $0)
        }
        let heard = try await run([segment(0, 6, "Hello there. [Upbeat music] Welcome back.", words: words)])
        #expect(heard.segments.map(\.text) == ["Hello there. Welcome back."])
        #expect(heard.segments[0].words.map(\.text) == ["Hello", "there.", "Welcome", "back."])
        #expect(heard.suppressed.map(\.range) == [SampleRange(seconds(2), seconds(3.8))])
    }

    /// A step that is quadratic in their number would not end in time.
    @Test func manyRemarksInOneSegmentAreLookedThroughInSeconds() async throws {
        let count = 60_000
        let words = (0..<count).map {
            Word(range: SampleRange(Int64($0), Int64($0) + 1), text: $0 % 2 == 0 ? "(bgm)" : "s\($0)")
        }
        let text = words.map(\.text).joined(separator: " ")
        let heard = try await run([segment(0, 12, text, words: words)])
        #expect(heard.suppressed.count == count / 2)
        #expect(heard.suppressed.last?.range == words[count - 2].range)
        #expect(heard.segments.map(\.words.count) == [count / 2])
    }

    @Test func sidecarsHaveRemarksOnlyWhereTheyAreKept() throws {
        var whole = transcript([segment(0, 2, "Good morning."), segment(6, 8, "We begin.")], length: 10)
        whole.suppressed = [
            SuppressedText(range: SampleRange(seconds(3), seconds(5)), text: "[MUSIC]", reason: .sound),
            SuppressedText(range: SampleRange(seconds(9), seconds(10)), text: "you.", reason: .invention),
        ]
        let run = RunFacts(processingTime: .zero)
        func set(_ choice: SoundRemarkChoice) -> [SidecarFormat: String] {
            // What is packed cannot be looked into here; it is made of the same paragraphs.
            let formats = SidecarFormat.allCases.filter { $0 != .docx && $0 != .odt }
            return Sidecar.renderSet(whole, formats, run: run, style: SidecarStyle(sounds: choice))
                .mapValues { String(decoding: $0, as: UTF8.self) }
        }
        for (format, text) in set(.drop) where format != .json { #expect(!text.contains("MUSIC"), "\(format)") }
        let dropped = try #require(set(.drop)[.json])
        #expect(dropped.contains(#"{"start": 3.0, "end": 5.0, "text": "[MUSIC]", "reason": "sound"}"#))
        #expect(dropped.contains(#""text": "Good morning. We begin.""#))
        for (format, text) in set(.keep) {
            // Markdown takes brackets for a link.
            #expect(text.contains(format == .md ? #"\[MUSIC\]"# : "[MUSIC]"), "\(format)")
        }
        let kept = try #require(set(.keep)[.json])
        #expect(kept.contains(#""text": "Good morning. [MUSIC] We begin.""#))
        #expect(!kept.contains(#""reason": "sound""#))
        for choice in SoundRemarkChoice.allCases {
            for (format, text) in set(choice) where format != .json { #expect(!text.contains("you."), "\(format)") }
            #expect(set(choice)[.json]?.contains(#""reason": "invention""#) == true)
        }
    }

    /// "you." with both scores bad over noise; each by itself proves nothing.
    @Test(arguments: [(0.9, -1.8, true), (0.9, -0.4, false), (0.2, -1.8, false)])
    func bothScoresOverNoiseAreAnInvention(silence: Double, logarithm: Double, isInvented: Bool) async throws {
        var doubted = segment(4, 10, "you.")
        (doubted.noSpeechProbability, doubted.averageLogProbability) = (silence, logarithm)
        let speech = TestAudio.speech(seconds: 4)
        let samples = speech + TestAudio.noise(seconds: 8, amplitude: 3_000)
        let transcript = try await run([segment(0, 4, "We begin with the minutes of May."), doubted], samples: samples)
        #expect(transcript.segments.map(\.text).contains("you.") == !isInvented)
        #expect(transcript.suppressed.map(\.reason) == (isInvented ? [.invention] : []))
    }
}
