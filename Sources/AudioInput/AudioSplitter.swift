import SystemSupport
package import Transcription

/// Cuts a stream of samples into chunks, in pauses where there are any, or as the same sound was cut before.
///
/// Planned places are the multiples of the plan's length in the recording, so that early or late cuts do not add up. A
/// cut waits until all samples that it may depend on have come; what is held never exceeds the plan's greatest length,
/// or that of a chunk that was cut before.
package struct AudioSplitter: ~Copyable {
    private let plan: ChunkPlan
    /// How far a cut may be from its planned place.
    private let reach: Int
    /// Beyond a forced cut, on both sides: 2 s.
    private let overlap: Int
    /// Samples from `rangeStart` on.
    private var samples: [Int16] = []
    private var energies: [Float] = []
    /// Of the first `hashedCount` samples: the chunk holds them wherever its cut will be. So that a cut, for which the decoder
    /// would have to wait, leaves little to do.
    private var hash = SHA256()
    private var hashedCount = 0
    private var rangeStart: Int64 = 0
    private var ownedStart: Int64 = 0
    private var index = 0
    private let capacity: Int
    /// While it is not empty, cuts are made by it and not by the plan.
    private var replay: CutReplay

    /// - Parameters:
    ///   - plan: lengths below one second are taken for one second.
    ///   - known: how recordings were cut that may be this one (`RecordingCuts.isUsable`), the likeliest first; where the
    ///     sound differs from all of them, the plan takes over.
    package init(plan: ChunkPlan, known: [RecordingCuts] = []) {
        let chunk = max(plan.chunkSamples, SampleClock.rate)
        let maximum = max(plan.maximumChunkSamples, chunk)
        self.plan = ChunkPlan(
            chunkSamples: chunk, maximumChunkSamples: maximum, expectedChunks: plan.expectedChunks)
        reach = Int(min(chunk / 5, 30 * SampleClock.rate))
        overlap = Int(min(2 * SampleClock.rate, maximum / 8))
        replay = CutReplay(known)
        capacity = max(Int(min(chunk + Int64(reach + overlap), maximum)) + 65_536, replay.longest)
        samples.reserveCapacity(capacity)
    }

    /// Takes the next samples of the recording.
    /// - Returns: the chunks that are now complete, mostly none.
    package mutating func push(_ block: UnsafeBufferPointer<Int16>) -> [Chunk] {
        var done: [Chunk] = []
        var rest = block
        while !rest.isEmpty {
            if let end = replay.nextEnd {
                let part = UnsafeBufferPointer(rebasing: rest.prefix(Int(end - rangeStart) - samples.count))
                samples.append(contentsOf: part)
                rest = UnsafeBufferPointer(rebasing: rest.dropFirst(part.count))
                if rangeStart + Int64(samples.count) == end { done += replayCut() }
                continue
            }
            // Never more than a cut needs, so that what is held stays within the greatest length.
            let window = cutWindow()
            let wanted = max(1, window.upperBound + overlap - samples.count)
            let part = UnsafeBufferPointer(rebasing: rest.prefix(wanted))
            samples.append(contentsOf: part)
            rest = UnsafeBufferPointer(rebasing: rest.dropFirst(part.count))
            measure()
            hash(upTo: min(samples.count, window.lowerBound))
            if samples.count >= window.upperBound + overlap { done.append(cut(within: window)) }
        }
        return done
    }

    /// The last chunk, or several where the recording ends before the one that it was taken for; none for a recording
    /// without samples. The splitter is used up.
    package mutating func finish() -> [Chunk] {
        guard !samples.isEmpty else { return [] }
        let end = rangeStart + Int64(samples.count)
        if !replay.isOver, !replay.ends(at: end, with: samples) {
            let done = cutAgain()
            return done + finish()
        }
        measure()
        return [chunk(samples, energies[...], owned: SampleRange(ownedStart, end))]
    }

    // MARK: As before

    /// All samples are there that tell whether the sound is still that of the recording known.
    private mutating func replayCut() -> [Chunk] {
        guard let next = replay.take(samples) else { return cutAgain() }
        measure()
        let position = Int(next.owned.start - rangeStart)
        return [cut(at: position, end: samples.count, next: Int(next.range.start - rangeStart))]
    }

    /// The sound is another one: what is held is cut as another recording known, or by the plan.
    private mutating func cutAgain() -> [Chunk] {
        let held = samples
        samples.removeAll(keepingCapacity: true)
        return held.withUnsafeBufferPointer { push($0) }
    }

    // MARK: By the plan

    /// Where the next cut may be, relative to `rangeStart`, and the place planned for it.
    private var planned: Int {
        // The next multiple that leaves at least half a chunk.
        let after = ownedStart + plan.chunkSamples / 2
        let multiple = (after + plan.chunkSamples - 1) / plan.chunkSamples * plan.chunkSamples
        return Int(min(multiple - rangeStart, plan.maximumChunkSamples - Int64(overlap)))
    }

    private func cutWindow() -> Range<Int> {
        let planned = planned
        let latest = Int(plan.maximumChunkSamples) - overlap
        let upper = min(planned + reach, latest)
        let lower = max(
            min(planned - reach, upper - reach), Int(ownedStart - rangeStart) + Int(SampleClock.rate) / 2, 1)
        return min(lower, upper - 1)..<upper
    }

    private mutating func cut(within window: Range<Int>) -> Chunk {
        let (position, isPause) = PauseFinder.quietestCut(in: energies, near: planned, window: window)
        let extra = isPause ? 0 : overlap
        return cut(at: position, end: position + extra, next: position - extra)
    }

    // MARK: Chunks

    /// - Parameters:
    ///   - position: of the cut, relative to `rangeStart`, as the others.
    ///   - end: of the chunk.
    ///   - nextStart: of the next one.
    private mutating func cut(at position: Int, end: Int, next nextStart: Int) -> Chunk {
        let cut = rangeStart + Int64(position)
        var next: [Int16] = []
        next.reserveCapacity(capacity)
        next.append(contentsOf: samples[nextStart...])
        samples.removeLast(samples.count - end)
        let chunk = chunk(
            samples, energies[..<min(energies.count, end / PauseFinder.frameSamples)],
            owned: SampleRange(ownedStart, cut))
        samples = next
        energies.removeAll(keepingCapacity: true)
        rangeStart += Int64(nextStart)
        ownedStart = cut
        return chunk
    }

    /// Brings `energies` up to the samples.
    private mutating func measure() {
        samples.withUnsafeBufferPointer { all in
            let from = energies.count * PauseFinder.frameSamples
            PauseFinder.appendEnergies(of: UnsafeBufferPointer(rebasing: all[from...]), to: &energies)
        }
    }

    private mutating func hash(upTo end: Int) {
        guard end > hashedCount else { return }
        samples.withUnsafeBufferPointer {
            hash.update(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: $0[hashedCount..<end])))
        }
        hashedCount = end
    }

    private mutating func chunk(_ samples: [Int16], _ energies: ArraySlice<Float>, owned: SampleRange) -> Chunk {
        let range = SampleRange(rangeStart, rangeStart + Int64(samples.count))
        defer { index += 1 }
        hash(upTo: samples.count)
        hashedCount = 0
        var complete = SHA256()
        swap(&hash, &complete)
        return Chunk(
            index: index, range: range, owned: owned, hash: complete.finish(),
            speech: PauseFinder.speech(in: energies, sampleCount: range.count), audio: ChunkAudio(samples))
    }
}
