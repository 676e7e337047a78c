import AudioInput
import SystemSupport
import TestSupport
import Testing
import Transcription

/// The same sound is cut as before, whatever the plan says; other sound is not.
@Suite struct CutReplayTests {
    private static let speech = TestAudio.speech(seconds: 95)
    private static let short = plan(26, maximum: 29.5)
    private static let long = plan(60, maximum: 75)

    private static func plan(_ seconds: Double, maximum: Double) -> ChunkPlan {
        ChunkPlan(
            chunkSamples: SampleClock.samples(seconds: seconds),
            maximumChunkSamples: SampleClock.samples(seconds: maximum), expectedChunks: nil)
    }

    private func split(
        _ samples: [Int16], _ plan: ChunkPlan, known: [RecordingCuts] = [], block: Int = 32_000
    ) -> [Chunk] {
        var splitter = AudioSplitter(plan: plan, known: known)
        var chunks: [Chunk] = []
        samples.withUnsafeBufferPointer { all in
            for start in stride(from: 0, to: all.count, by: block) {
                chunks += splitter.push(UnsafeBufferPointer(rebasing: all[start..<min(all.count, start + block)]))
            }
        }
        return chunks + splitter.finish()
    }

    private func cuts(_ chunks: [Chunk]) -> RecordingCuts { RecordingCuts(chunks.map(RecordingCuts.Piece.init)) }

    /// Owned parts are the recording, each sample once, and audio and hash are those of the range.
    private func expectWhole(_ chunks: [Chunk], of samples: [Int16]) throws {
        #expect(chunks.map(\.index) == Array(chunks.indices))
        #expect(chunks.first?.owned.start == 0 && chunks.last?.owned.end == Int64(samples.count))
        for (chunk, next) in zip(chunks, chunks.dropFirst()) { #expect(chunk.owned.end == next.owned.start) }
        for chunk in chunks {
            let audio = try chunk.audio.samples()
            #expect(audio == Array(samples[Int(chunk.range.start)..<Int(chunk.range.end)]))
            #expect(chunk.hash == audio.withUnsafeBytes { SHA256.digest(of: $0) })
        }
    }

    @Test(arguments: [317, 32_768, 10_000_000]) func theSameSoundIsCutAsBeforeHoweverItArrives(block: Int) throws {
        let before = split(Self.speech, Self.short)
        let again = split(Self.speech, Self.long, known: [cuts(before)], block: block)
        #expect(before.count == 4 && split(Self.speech, Self.long).count == 2)
        #expect(cuts(again) == cuts(before))
        #expect(again.map(\.speech) == before.map(\.speech))
        try expectWhole(again, of: Self.speech)
    }

    @Test func forcedCutsAreRepeatedWithTheirOverlap() throws {
        let noise = TestAudio.noise(seconds: 70, amplitude: 5_000)
        let before = split(noise, Self.short)
        #expect(before.first?.isForcedAtEnd == true)
        let again = split(noise, Self.long, known: [cuts(before)])
        #expect(cuts(again) == cuts(before))
        try expectWhole(again, of: noise)
    }

    @Test func whereTheSoundDiffersThePlanTakesOver() throws {
        var other = Self.speech
        for at in 900_000..<900_400 { other[at] = 77 }
        let before = cuts(split(Self.speech, Self.short))
        let kept = before.pieces.prefix { $0.range.end <= 900_000 }
        #expect(kept.count == 2)
        let chunks = split(other, Self.long, known: [before])
        #expect(cuts(chunks).pieces.starts(with: kept))
        try expectWhole(chunks, of: other)
        // From the first sample on, it is as if nothing had been known.
        other[100] = 99
        #expect(cuts(split(other, Self.long, known: [before])) == cuts(split(other, Self.long)))
    }

    /// One that was cut off, and the whole of it: the end of the shorter one is no pause.
    @Test func whatGoesOnOrEndsSoonerIsNotTakenForTheSame() throws {
        let half = Array(Self.speech.prefix(700_000))
        let (whole, cutOff) = (cuts(split(Self.speech, Self.short)), cuts(split(half, Self.short)))
        let longer = split(Self.speech, Self.short, known: [cutOff])
        #expect(cuts(longer) == whole)
        let shorter = split(half, Self.short, known: [whole])
        #expect(cuts(shorter) == cutOff)
        try expectWhole(shorter, of: half)
        // The very end: with one sample more or less it is another recording.
        let less = Array(Self.speech.dropLast())
        #expect(cuts(split(less, Self.short, known: [whole])) == cuts(split(less, Self.short)))
        let more = Self.speech + [5]
        #expect(cuts(split(more, Self.short, known: [whole])) == cuts(split(more, Self.short)))
    }

    /// A remembered chunk may be longer than the plan would make one: then it is cut.
    @Test func whatIsHeldWhenTheSoundDiffersIsCutByThePlan() throws {
        let before = cuts(split(Self.speech, Self.long))
        var other = Self.speech
        other[20_000] = 99
        #expect(cuts(split(other, Self.short, known: [before])) == cuts(split(other, Self.short)))
        let end = Array(other.prefix(900_000))
        #expect(cuts(split(end, Self.short, known: [before])) == cuts(split(end, Self.short)))
    }

    @Test func ofSeveralThatBeginAlikeTheRightOneIsFound() throws {
        let intro = TestAudio.speech(seconds: 40, seed: 5)
        let talks = (1...3).map { intro + TestAudio.speech(seconds: 60, seed: UInt64(10 + $0)) }
        let known = talks.map { cuts(split($0, Self.short)) }
        #expect(Set(known.map(\.pieces[0])).count == 1 && Set(known.map(\.pieces[1])).count == 3)
        for (talk, made) in zip(talks, known) {
            #expect(cuts(split(talk, Self.long, known: known)) == made)
            #expect(cuts(split(talk, Self.long, known: known.reversed())) == made)
        }
        let fourth = intro + TestAudio.speech(seconds: 60, seed: 99)
        try expectWhole(split(fourth, Self.long, known: known), of: fourth)
    }

    @Test func theLikeliestIsTriedFirst() throws {
        let intro = TestAudio.speech(seconds: 40, seed: 5)
        let talks = (1...2).map { intro + TestAudio.speech(seconds: 60, seed: UInt64(10 + $0)) }
        let known = [cuts(split(talks[0], Self.short)), cuts(split(talks[1], Self.long))]
        #expect(cuts(split(talks[1], Self.short, known: known.reversed())) == known[1])
        #expect(cuts(split(talks[0], Self.long, known: known)) == known[0])
        // It is not the first, whose first chunk is longer than that of the second.
        #expect(cuts(split(talks[0], Self.long, known: known.reversed())) == known[0])
        try expectWhole(split(talks[1], Self.short, known: known), of: talks[1])
    }

    @Test func whatWasStoredIsUsedOnlyIfItCanBe() {
        let maximum = SampleClock.samples(seconds: 30)
        let good = cuts(split(Self.speech, Self.short))
        #expect(good.isUsable(maximum: maximum))
        #expect(!good.isUsable(maximum: SampleClock.samples(seconds: 20)))
        #expect(!RecordingCuts([]).isUsable(maximum: maximum))
        #expect(!RecordingCuts(Array(good.pieces.dropFirst())).isUsable(maximum: maximum))
        #expect(!RecordingCuts(good.pieces.reversed()).isUsable(maximum: maximum))
        var pieces = good.pieces
        pieces.remove(at: 1)
        #expect(!RecordingCuts(pieces).isUsable(maximum: maximum))
        #expect(!RecordingCuts(good.pieces + good.pieces).isUsable(maximum: maximum))
        #expect(RecordingCuts(Array(good.pieces.dropLast())).isUsable(maximum: maximum))
    }
}
