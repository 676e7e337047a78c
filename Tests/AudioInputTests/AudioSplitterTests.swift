import AudioInput
import SystemSupport
import TestSupport
import Testing
import Transcription

@Suite struct AudioSplitterTests {
    private func plan(_ seconds: Double, maximum: Double) -> ChunkPlan {
        ChunkPlan(
            chunkSamples: SampleClock.samples(seconds: seconds),
            maximumChunkSamples: SampleClock.samples(seconds: maximum), expectedChunks: nil)
    }

    private func split(_ samples: [Int16], _ plan: ChunkPlan, block: Int = 32_000) -> [Chunk] {
        var splitter = AudioSplitter(plan: plan)
        var chunks: [Chunk] = []
        samples.withUnsafeBufferPointer { all in
            for start in stride(from: 0, to: all.count, by: block) {
                chunks += splitter.push(UnsafeBufferPointer(rebasing: all[start..<min(all.count, start + block)]))
            }
        }
        return chunks + splitter.finish()
    }

    /// The owned parts are the recording, each sample once, and the audio of a chunk is that of its range.
    private func expectWhole(_ chunks: [Chunk], of samples: [Int16]) throws {
        var at: Int64 = 0
        for (index, chunk) in chunks.enumerated() {
            #expect(chunk.index == index)
            #expect(chunk.owned.start == at)
            #expect(chunk.range.start <= chunk.owned.start && chunk.range.end >= chunk.owned.end)
            let audio = try chunk.audio.samples()
            #expect(audio == Array(samples[Int(chunk.range.start)..<Int(chunk.range.end)]))
            #expect(chunk.hash == audio.withUnsafeBytes { SHA256.digest(of: $0) })
            at = chunk.owned.end
        }
        #expect(at == Int64(samples.count))
    }

    @Test func nothingGivesNoChunk() {
        #expect(split([], plan(10, maximum: 12)).isEmpty)
    }

    @Test func oneSampleGivesOneChunk() throws {
        let chunks = split([7], plan(10, maximum: 12))
        #expect(chunks.count == 1)
        try expectWhole(chunks, of: [7])
    }

    @Test(arguments: [317, 4_096, 32_768, 1_000_000])
    func speechIsCutInPausesHoweverItArrives(block: Int) throws {
        let samples = TestAudio.speech(seconds: 95)
        let chunks = split(samples, plan(26, maximum: 29.5), block: block)
        try expectWhole(chunks, of: samples)
        #expect(chunks.count == 4)
        for chunk in chunks.dropLast() {
            #expect(!chunk.isForcedAtEnd)
            // Silence of ±12 steps around the cut.
            let around = samples[Int(chunk.owned.end - 1_600)..<Int(chunk.owned.end + 1_600)]
            #expect(around.allSatisfy { abs(Int($0)) <= 12 })
        }
    }

    @Test func cutsDoNotDriftFromTheirPlannedPlaces() throws {
        let samples = TestAudio.speech(seconds: 400, phrase: 5.3, pause: 0.4)
        let chunks = split(samples, plan(20, maximum: 29.5))
        try expectWhole(chunks, of: samples)
        #expect(chunks.count == 20)
        for (number, chunk) in chunks.dropLast().enumerated() {
            #expect(abs(SampleClock.seconds(chunk.owned.end) - 20 * Double(number + 1)) <= 4)
        }
    }

    @Test func anExactMultipleGivesExactlySoManyChunks() throws {
        let samples = TestAudio.speech(seconds: 60)
        let chunks = split(samples, plan(20, maximum: 29.5))
        try expectWhole(chunks, of: samples)
        #expect(chunks.count == 3)
    }

    @Test func aShortTailBelongsToTheLastChunk() throws {
        let samples = TestAudio.speech(seconds: 40.4)
        let chunks = split(samples, plan(20, maximum: 25))
        try expectWhole(chunks, of: samples)
        #expect(chunks.count == 2)
    }

    @Test func withoutPausesCutsAreForcedWithOverlap() throws {
        let samples = TestAudio.tone(seconds: 100)
        let chunks = split(samples, plan(26, maximum: 29.5))
        try expectWhole(chunks, of: samples)
        #expect(chunks.count == 4)
        for chunk in chunks {
            #expect(chunk.range.count <= SampleClock.samples(seconds: 29.5))
            #expect(chunk.isForcedAtStart == (chunk.index > 0))
            #expect(chunk.isForcedAtEnd == (chunk.index < 3))
            if chunk.isForcedAtEnd { #expect(chunk.range.end - chunk.owned.end == 32_000) }
            if chunk.isForcedAtStart { #expect(chunk.owned.start - chunk.range.start == 32_000) }
        }
    }

    @Test(arguments: [(1.0, 1.0), (3, 3), (5, 5.5), (26, 26), (26, 29.5), (60, 60)])
    func noChunkIsLongerThanAllowed(lengths: (Double, Double)) throws {
        var samples = TestAudio.speech(seconds: 70, phrase: 4, pause: 0.3)
        samples += TestAudio.tone(seconds: 70)
        samples += TestAudio.silence(seconds: 70)
        let chunks = split(samples, plan(lengths.0, maximum: lengths.1))
        try expectWhole(chunks, of: samples)
        #expect(chunks.allSatisfy { $0.range.count <= SampleClock.samples(seconds: lengths.1) })
    }

    @Test func silenceHasNoSpeechAndIsCutWithoutOverlap() throws {
        let samples = TestAudio.silence(seconds: 50)
        let chunks = split(samples, plan(20, maximum: 29.5))
        try expectWhole(chunks, of: samples)
        #expect(chunks.allSatisfy { $0.speech.isEmpty && !$0.isForcedAtEnd })
    }

    @Test func eightHoursAreCutWithoutHoldingThem() {
        // One phrase of 3.5 s, again and again: 461 million samples.
        let phrase = TestAudio.speech(seconds: 3.5)
        var splitter = AudioSplitter(plan: plan(600, maximum: 660))
        var at: Int64 = 0
        var count = 0
        let total = 8 * 3_600 * SampleClock.rate
        var pushed: Int64 = 0
        while pushed < total {
            let part = phrase.prefix(Int(min(Int64(phrase.count), total - pushed)))
            pushed += Int64(part.count)
            for chunk in part.withUnsafeBufferPointer({ splitter.push($0) }) {
                #expect(chunk.owned.start == at && !chunk.isForcedAtEnd)
                at = chunk.owned.end
                count += 1
            }
        }
        let last = splitter.finish().last
        #expect(last?.owned.start == at)
        #expect(last?.owned.end == total)
        #expect(count + 1 == 48)
    }
}
