import TestSupport
import Testing
import Transcription

private let mebibyte: Int64 = 1_048_576

/// A file of `megabytes` at a nominal bit rate.
private func samples(_ bytes: Int64, kilobits: Int64) -> Int64 { bytes * 8 * 16 / kilobits }

@Suite struct DynamicChunkSizerTests {
    /// One row of the contract: what goes in, and how many chunks come out.
    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var bytes: Int64
        var kilobits: Int64 = 192
        var settings = DynamicChunkSizer.Settings.usual()
        var limits = EngineLimits()
        var chunks: Int
    }

    static let serial = DynamicChunkSizer.Settings.usual(maximumConcurrentChunks: 1)

    @Test(arguments: [
        Row(testDescription: "below 50 MB: 15", bytes: 45 * mebibyte, settings: serial, chunks: 3),
        Row(testDescription: "49 MB: 15", bytes: 50 * mebibyte - 1, settings: serial, chunks: 4),
        Row(testDescription: "50 MB: 20", bytes: 50 * mebibyte, settings: serial, chunks: 3),
        Row(testDescription: "below 100 MB: 20", bytes: 99 * mebibyte, settings: serial, chunks: 5),
        Row(testDescription: "from 100 MB on: 25", bytes: 100 * mebibyte, settings: serial, chunks: 4),
        Row(testDescription: "exact multiple", bytes: 200 * mebibyte, settings: serial, chunks: 8),
        Row(testDescription: "a byte more", bytes: 200 * mebibyte + 1, settings: serial, chunks: 9),
        Row(testDescription: "above 320: +5", bytes: 80 * mebibyte, kilobits: 1411, settings: serial, chunks: 4),
        Row(testDescription: "320 itself: as it is", bytes: 80 * mebibyte, kilobits: 320, settings: serial, chunks: 4),
        Row(
            testDescription: "above 320 but at most the maximum", bytes: 100 * mebibyte, kilobits: 1411,
            settings: serial, chunks: 4),
        Row(testDescription: "below 128: -5", bytes: 45 * mebibyte, kilobits: 64, settings: serial, chunks: 5),
        Row(testDescription: "128 itself: as it is", bytes: 45 * mebibyte, kilobits: 128, settings: serial, chunks: 3),
        Row(
            testDescription: "below 128 but at least the minimum", bytes: 45 * mebibyte, kilobits: 64,
            settings: .usual(minimumMegabytes: 14, maximumConcurrentChunks: 1), chunks: 4),
        Row(
            testDescription: "never above the upload limit", bytes: 100 * mebibyte,
            settings: .usual(maximumConcurrentChunks: 1, apiLimitMegabytes: 8), chunks: 13),
        Row(
            testDescription: "no upload limit", bytes: 100 * mebibyte,
            settings: .usual(maximumConcurrentChunks: 1, apiLimitMegabytes: nil), chunks: 4),
        Row(
            testDescription: "minimum above maximum gives way", bytes: 100 * mebibyte,
            settings: .usual(minimumMegabytes: 90, maximumMegabytes: 20, maximumConcurrentChunks: 1), chunks: 5),
        Row(
            testDescription: "zeros are one", bytes: 3 * mebibyte,
            settings: .usual(minimumMegabytes: 0, maximumMegabytes: 0, maximumConcurrentChunks: 0), chunks: 3),
        Row(testDescription: "balanced to waves of four", bytes: 130 * mebibyte, chunks: 8),
        Row(testDescription: "not below the minimum for that", bytes: 38 * mebibyte, chunks: 3),
        Row(testDescription: "small file", bytes: 12 * mebibyte, chunks: 1),
        Row(testDescription: "empty file with a length", bytes: 0, chunks: 1),
        Row(
            testDescription: "100 MB at 128 kbit/s, 816 s at most", bytes: 100_000_000, kilobits: 128,
            limits: .init(maximumChunkSamples: 816 * 16_000), chunks: 8),
        Row(
            testDescription: "engine's target", bytes: 10_000_000, kilobits: 128,
            limits: .init(targetChunkSamples: 30 * 16_000), chunks: 24),
        Row(
            testDescription: "engine with two slots", bytes: 130 * mebibyte,
            limits: .init(maximumConcurrency: 2), chunks: 6),
    ])
    func followsTheTable(row: Row) {
        let total = max(16_000, samples(row.bytes, kilobits: row.kilobits))
        let plan = DynamicChunkSizer(settings: row.settings, limits: row.limits)
            .plan(byteCount: row.bytes, estimatedSampleCount: total)
        #expect(plan.expectedChunks == row.chunks)
        if row.chunks > 1 {
            #expect(plan.chunkSamples == (total + Int64(row.chunks) - 1) / Int64(row.chunks))
        }
        #expect(plan.maximumChunkSamples >= plan.chunkSamples)
    }

    @Test func oneHundredMegabytesOfSpeechMakeEightEqualChunks() {
        let plan = DynamicChunkSizer(
            settings: .usual(), limits: EngineLimits(maximumChunkSamples: SampleClock.samples(seconds: 816))
        ).plan(byteCount: 100_000_000, estimatedSampleCount: SampleClock.samples(seconds: 6250))
        #expect(plan.expectedChunks == 8)
        #expect(plan.chunkSamples == SampleClock.samples(seconds: 781.25))
        #expect(plan.maximumChunkSamples == SampleClock.samples(seconds: 816))
    }

    @Test func unknownLengthGivesNoCountButAUsableLength() {
        let sizer = DynamicChunkSizer(settings: .usual(), limits: EngineLimits())
        let plan = sizer.plan(byteCount: 100 * mebibyte, estimatedSampleCount: nil)
        #expect(plan.expectedChunks == nil)
        #expect(plan.chunkSamples == SampleClock.samples(seconds: 1638.4))
        for bytes: Int64 in [0, 1, -1, .max / 2] {
            let plan = sizer.plan(byteCount: bytes, estimatedSampleCount: 0)
            #expect(plan.chunkSamples >= SampleClock.rate && plan.chunkSamples <= 3600 * SampleClock.rate)
        }
    }

    @Test func aHeaderThatPromisesOneSampleDoesNotMakeCrumbs() {
        let plan = DynamicChunkSizer(settings: .usual(), limits: EngineLimits())
            .plan(byteCount: 1 << 20, estimatedSampleCount: 1)
        #expect(plan.expectedChunks == 1)
        #expect(plan.chunkSamples >= 30 * SampleClock.rate)
    }

    @Test(arguments: [1, 2, 4, 7], [29, 120, 816, 1400])
    func eightHoursKeepToTheEngine(concurrency: Int, seconds: Int64) {
        let limits = EngineLimits(maximumChunkSamples: seconds * SampleClock.rate)
        let total = 8 * 3600 * SampleClock.rate
        let plan = DynamicChunkSizer(settings: .usual(maximumConcurrentChunks: concurrency), limits: limits)
            .plan(byteCount: 460_800_000, estimatedSampleCount: total)
        #expect(plan.maximumChunkSamples == seconds * SampleClock.rate)
        #expect(plan.chunkSamples < plan.maximumChunkSamples, "no room for cuts to move to a pause")
        #expect((plan.expectedChunks ?? 0) % concurrency == 0)
        #expect(Int64(plan.expectedChunks ?? 0) * plan.chunkSamples >= total)
    }

    @Test func shortRecordingsAreNotCutIntoPiecesTheEngineDislikes() {
        let limits = EngineLimits(targetChunkSamples: 26 * 16_000, maximumChunkSamples: 464_000)
        let plan = DynamicChunkSizer(settings: .usual(), limits: limits)
            .plan(byteCount: 500_000, estimatedSampleCount: 30 * 16_000)
        #expect(plan.expectedChunks == 2)
    }

    @Test func memoryIsBoundedWhereNobodyElseBoundsIt() {
        let plan = DynamicChunkSizer(settings: .usual(), limits: EngineLimits())
            .plan(byteCount: 100_000_000, estimatedSampleCount: 48 * 3600 * SampleClock.rate)
        #expect(plan.chunkSamples <= 3600 * SampleClock.rate)
    }
}
