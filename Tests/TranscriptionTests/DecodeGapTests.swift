import SystemSupport
import TestSupport
import Testing
import Transcription

private let run = RunFacts(processingTime: .zero)

private func text(_ transcript: Transcript, _ format: SidecarFormat) -> String {
    String(decoding: Sidecar.render(transcript, format, run: run), as: UTF8.self)
}

/// What the decoder could not give, in the transcript and in its sidecars.
@Suite struct DecodeGapTests {
    private static let damage = Transcript.Gap(
        range: SampleRange(seconds(20), seconds(50)), reason: "The file is damaged here.", cause: .damage)
    private static let cut = Transcript.Gap(
        range: SampleRange(seconds(20), seconds(20)), reason: "Reading was cut short.", cause: .interruption,
        isOpenEnded: true)

    private func merged(_ gap: Transcript.Gap) -> Transcript {
        var facts = facts(length: 20)
        facts.decoded.gaps = [gap]
        return ResultMerger(facts).merge([
            outcome(0, (0, 10), [segment(1, 2, "One.")]), outcome(1, (10, 20), [segment(3, 4, "Two.")]),
        ])
    }

    @Test func whatADamagedFileHasLostIsMarkedAndIsNoPartialTranscript() {
        let transcript = merged(Self.damage)
        #expect(!transcript.isPartial)
        #expect(transcript.lostSampleCount == seconds(30))
        #expect(transcript.sampleCount == seconds(50))
        #expect(text(transcript, .txt) == "One.\n\nTwo.\n\n[untranscribed 00:00:20–00:00:50]\n")
        #expect(text(transcript, .srt).contains("00:00:20,000 --> "))
        #expect(text(transcript, .srt).contains("[untranscribed 00:00:20–00:00:50]"))
        #expect(text(transcript, .json).contains("\"damage\""))
    }

    @Test func whatWasCutOffFromOutsideIsPartialToItsEnd() {
        let transcript = merged(Self.cut)
        #expect(transcript.isPartial)
        #expect(transcript.sampleCount == seconds(20))
        #expect(text(transcript, .txt).hasSuffix("[untranscribed from 00:00:20 to the end]\n"))
        let cues = text(transcript, .srt)
        #expect(cues.contains("00:00:20,000 --> "), "\(cues)")
        #expect(cues.contains("[untranscribed from 00:00:20 to the end]"), "\(cues)")
        #expect(text(transcript, .json).contains("null"))
    }

    /// The next run must not be answered with a cut transcript.
    @Test(arguments: [(cut, 0), (damage, 1)])
    func onlyWhatIsWholeIsRememberedAsARecording(_ row: (gap: Transcript.Gap, stored: Int)) async throws {
        var source = FakeSource(chunks: chunks(2, seconds: 10))
        source.gaps = [row.gap]
        let store = FakeStore()
        let way = FakeWay(source: source, engine: FakeTranscriber { chunk, _, _ in numbered(chunk) }, store: store)
        let transcript = try await way.run()
        #expect(transcript.gaps == [row.gap])
        #expect(store.recordings.value.count == row.stored)
    }
}
