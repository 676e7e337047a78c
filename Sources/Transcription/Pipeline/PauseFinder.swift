/// Finds pauses in 16 kHz speech by the energy of 10 ms frames, for cuts and for telling where something is heard.
///
/// The energy is the variance within a frame, so that a constant offset of a cheap recorder counts for nothing. Limits
/// adapt to the recording: the floor is its quiet part, the speech its loud part.
package enum PauseFinder {
    /// Samples a frame: 10 ms.
    package static let frameSamples = 160
    /// A pause is at least 100 ms long; the shortest that other voice-activity detectors cut at is 98 ms.
    static let minimumPause = 10
    /// Variance up to which a frame is silence in any recording: steady noise of 3 steps of the converter.
    static let silence: Float = 10

    /// Appends the variance of each whole frame of `samples`.
    package static func appendEnergies(of samples: UnsafeBufferPointer<Int16>, to energies: inout [Float]) {
        guard var sample = samples.baseAddress else { return }
        for _ in 0..<(samples.count / frameSamples) {
            let end = sample + frameSamples
            var sum: Int32 = 0
            var squares: Int64 = 0
            while sample < end {
                let value = Int32(truncatingIfNeeded: sample.pointee)
                sum &+= value
                squares &+= Int64(truncatingIfNeeded: value &* value)
                sample += 1
            }
            let mean = Float(sum) / Float(frameSamples)
            energies.append(max(0, Float(squares) / Float(frameSamples) - mean * mean))
        }
    }

    /// The best place for a cut: the middle of a pause that is long, quiet and near `near`; without a pause the quietest
    /// 100 ms. A pause shows as clearly quieter than the speech around.
    /// - Parameters:
    ///   - samples: a chunk or more, so that its loudness is known.
    ///   - near: the place wished for.
    ///   - window: where the cut may be; clamped to the samples.
    /// - Returns: a sample index within `window`, and whether it lies in a pause.
    package static func quietestCut(
        in samples: [Int16], near: Int, window: Range<Int>
    ) -> (position: Int, isPause: Bool) {
        var energies: [Float] = []
        energies.reserveCapacity(samples.count / frameSamples)
        samples.withUnsafeBufferPointer { appendEnergies(of: $0, to: &energies) }
        let window = window.clamped(to: 0..<samples.count)
        return quietestCut(in: energies, near: near, window: window)
    }

    /// The same over the energies of frames, for a caller that has them.
    package static func quietestCut(
        in energies: [Float], near: Int, window: Range<Int>
    ) -> (position: Int, isPause: Bool) {
        let first = (window.lowerBound + frameSamples - 1) / frameSamples
        let last = min(window.upperBound / frameSamples, energies.count)
        guard last > first else { return (min(max(near, window.lowerBound), window.upperBound), false) }
        let frames = energies[first..<last]
        if let pause = bestPause(in: frames, near: near / frameSamples, limit: pauseLimit(frames, of: energies)) {
            return (min(max(pause * frameSamples, window.lowerBound), window.upperBound), true)
        }
        let quietest = quietestStretch(in: frames, near: near / frameSamples)
        return (min(max(quietest * frameSamples, window.lowerBound), window.upperBound), false)
    }

    /// 10 dB above the quiet part of the window, but at least 12 dB below the speech of the whole.
    private static func pauseLimit(_ window: ArraySlice<Float>, of all: [Float]) -> Float {
        let levels = LoudnessHistogram(window)
        let speech = max(levels.level(above: 0.95), LoudnessHistogram(all[...]).level(above: 0.95))
        let adaptive = min(levels.level(above: 0.05) * 10, speech / 16)
        return max(silence, adaptive)
    }

    private static func bestPause(in frames: ArraySlice<Float>, near: Int, limit: Float) -> Int? {
        var best: (score: Float, middle: Int)?
        let reach = Float(max(near - frames.startIndex, frames.endIndex - near, 1))
        var start: Int?
        for frame in frames.startIndex...frames.endIndex {
            if frame < frames.endIndex, frames[frame] <= limit {
                if start == nil { start = frame }
                continue
            }
            guard let from = start else { continue }
            start = nil
            guard frame - from >= minimumPause else { continue }
            let middle = (from + frame) / 2
            // Half a second is as good as more; quietness counts half as much, and so does the way from `near`.
            let mean = frames[from..<frame].reduce(0, +) / Float(frame - from)
            let length = min(1, Float(frame - from) / 50)
            let depth = 0.5 * (1 - mean / max(limit, 1))
            let score = length + depth - 0.5 * Float(abs(middle - near)) / reach
            if best.map({ score > $0.score }) ?? true { best = (score, middle) }
        }
        return best?.middle
    }

    /// The middle of the 100 ms with the least energy; of equal ones that nearest to `near`.
    private static func quietestStretch(in frames: ArraySlice<Float>, near: Int) -> Int {
        let length = min(minimumPause, frames.count)
        var sum = frames.prefix(length).reduce(0, +)
        var best = (sum: sum, start: frames.startIndex)
        for start in (frames.startIndex + 1)..<max(frames.startIndex + 1, frames.endIndex - length + 1) {
            sum = frames[start..<(start + length)].reduce(0, +)
            let isNearer = abs(start + length / 2 - near) < abs(best.start + length / 2 - near)
            if sum < best.sum || (sum == best.sum && isNearer) { best = (sum, start) }
        }
        return best.start + length / 2
    }

    /// Where something is heard, in samples from the first frame: without islands below 80 ms, with gaps below 200 ms
    /// closed. Meant to err on the side of speech; empty only for silence.
    /// - Parameters:
    ///   - energies: of consecutive frames.
    ///   - sampleCount: of the stretch, of which the last part may be shorter than a frame.
    package static func speech(in energies: ArraySlice<Float>, sampleCount: Int64) -> [SampleRange] {
        let levels = LoudnessHistogram(energies)
        let floor = levels.level(above: 0.05)
        let loud = levels.level(above: 0.99)
        guard loud > silence else { return [] }
        // Less than 6 dB between quiet and loud: one steady sound, all of it is heard. Otherwise halfway into the pauses,
        // and never above -35 dBFS.
        let upper = loud < floor * 4 ? 0 : max(silence, min(floor * 10, loud / 16, 340_000))
        let lower = upper / 2.5
        var runs: [(start: Int, end: Int)] = []
        var start: Int?
        for (frame, energy) in energies.enumerated() {
            if start == nil, energy > upper {
                start = frame
            } else if let from = start, energy <= lower {
                runs.append((from, frame))
                start = nil
            }
        }
        if let from = start { runs.append((from, energies.count)) }
        var joined: [(start: Int, end: Int)] = []
        for run in runs {
            if let last = joined.last, run.start - last.end < 20 {
                joined[joined.count - 1].end = run.end
            } else {
                joined.append(run)
            }
        }
        return joined.filter { $0.end - $0.start >= 8 }.map { run in
            let end = run.end == energies.count ? sampleCount : Int64(run.end * frameSamples)
            return SampleRange(Int64(run.start * frameSamples), end)
        }
    }
}

/// How loud frames are, in steps of 1 dB.
struct LoudnessHistogram {
    private var counts = [Int](repeating: 0, count: 100)
    private var total = 0

    init(_ energies: ArraySlice<Float>) {
        for energy in energies { counts[Self.step(energy)] += 1 }
        total = energies.count
    }

    /// The variance below which the given part of the frames lies.
    func level(above part: Double) -> Float {
        var left = Int(Double(total) * part)
        for (step, count) in counts.enumerated() {
            left -= count
            if left < 0 { return Self.powers[step] }
        }
        return Self.powers[counts.count - 1]
    }

    /// 10^(step / 10)
    private static let powers: [Float] = {
        var powers: [Float] = []
        var power = 1.0
        for _ in 0..<100 {
            powers.append(Float(power))
            power *= 1.2589254117941673
        }
        return powers
    }()

    /// The number of powers not above `energy`, by the float's own exponent first.
    private static func step(_ energy: Float) -> Int {
        guard energy > 1 else { return 0 }
        // 3.0103 dB an octave; then up to three comparisons.
        var step = min(98, Int(Float(energy.exponent) * 3.0103))
        while step < 98, powers[step + 1] <= energy { step += 1 }
        return step
    }
}
