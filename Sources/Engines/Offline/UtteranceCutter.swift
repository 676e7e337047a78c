import Glibc

/// Cuts a chunk into utterances at its pauses.
///
/// Every pause of half a second ends an utterance, and an utterance reaches a fixed time into the pauses around it:
/// where it begins and ends is decided by the audio near it, not by where the chunk begins. So the same sentence gives
/// the decoder the same samples however the recording was cut into chunks, as long as those begin at multiples of a
/// frame.
package struct UtteranceCutter {
    /// 10 ms.
    package static let frame = 160
    /// The least pause that ends an utterance, in frames.
    private static let pauseFrames = 50
    /// How far an utterance reaches into a pause: consonants begin and end softly.
    private static let padFrames = 20
    private static let searchFrames = 15
    private static let slopeFrames = 5
    /// The decoder gains nothing from more context, and its memory and the wait for a cancelled one grow.
    private static let maximumFrames = 3000
    /// Less to be heard than this is a click.
    private static let leastLoudFrames = 6
    /// Frames on either side that decide what is quiet here.
    private static let windowFrames = 400

    private let levels: [Int]
    private let isQuiet: [Bool]
    private let sampleCount: Int

    package init(_ samples: [Int16]) {
        levels = Self.levels(samples)
        isQuiet = Self.quiet(levels)
        sampleCount = samples.count
    }

    /// In samples, in order, none longer than 30 s; empty when nothing is to be heard.
    package var utterances: [Range<Int>] {
        let speech = speechBetweenPauses
        var result: [Range<Int>] = []
        for (index, run) in speech.enumerated() {
            guard run.count(where: { !isQuiet[$0] }) >= Self.leastLoudFrames else { continue }
            let before = index > 0 ? (speech[index - 1].upperBound + run.lowerBound) / 2 : 0
            let after =
                index + 1 < speech.count ? (run.upperBound + speech[index + 1].lowerBound) / 2 : isQuiet.count
            let start = max(before, onset(near: run.lowerBound) - Self.padFrames)
            let end = min(after, offset(near: run.upperBound) + Self.padFrames)
            guard start < end else { continue }
            let padded = start..<end
            for piece in split(padded) {
                // The samples after the last whole frame belong to the last utterance.
                let end = piece.upperBound == isQuiet.count ? sampleCount : piece.upperBound * Self.frame
                result.append(piece.lowerBound * Self.frame..<end)
            }
        }
        return result
    }

    /// The steepest rise of loudness near `frame`. What is quiet is judged against some seconds around, of which a chunk
    /// that begins here has only a part; the steepest place is the same in both views.
    private func onset(near frame: Int) -> Int { steepest(near: frame) { rise(at: $0) } }

    private func offset(near frame: Int) -> Int { steepest(near: frame) { -rise(at: $0) } }

    private func steepest(near frame: Int, _ slope: (Int) -> Int) -> Int {
        let candidates = max(0, frame - Self.searchFrames)...min(levels.count, frame + Self.searchFrames)
        return candidates.max { slope($0) < slope($1) } ?? frame
    }

    private func rise(at frame: Int) -> Int {
        guard frame >= Self.slopeFrames, frame + Self.slopeFrames <= levels.count else { return 0 }
        let before = levels[frame - Self.slopeFrames..<frame].reduce(0, +)
        return levels[frame..<frame + Self.slopeFrames].reduce(0, +) - before
    }

    private var speechBetweenPauses: [Range<Int>] {
        var speech: [Range<Int>] = []
        var start = 0
        for run in quietRuns(in: 0..<isQuiet.count) {
            let touchesEnd = run.lowerBound == 0 || run.upperBound == isQuiet.count
            guard run.count >= Self.pauseFrames || touchesEnd else { continue }
            if run.lowerBound > start { speech.append(start..<run.lowerBound) }
            start = run.upperBound
        }
        if start < isQuiet.count { speech.append(start..<isQuiet.count) }
        return speech
    }

    /// Cuts in the longest quiet stretch, or where it is least loud, until no piece is too long.
    private func split(_ range: Range<Int>) -> [Range<Int>] {
        guard range.count > Self.maximumFrames else { return [range] }
        let inner = range.lowerBound + 100..<range.upperBound - 100
        let cut: Int
        if let longest = quietRuns(in: inner).max(by: { $0.count < $1.count }) {
            cut = (longest.lowerBound + longest.upperBound) / 2
        } else {
            cut = inner.min { levels[$0] < levels[$1] } ?? inner.lowerBound
        }
        return split(range.lowerBound..<cut) + split(cut..<range.upperBound)
    }

    private func quietRuns(in range: Range<Int>) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        var start: Int?
        for frame in range {
            if isQuiet[frame] {
                start = start ?? frame
            } else if let begin = start {
                runs.append(begin..<frame)
                start = nil
            }
        }
        if let begin = start { runs.append(begin..<range.upperBound) }
        return runs
    }

    // MARK: Loudness

    /// Mean power of 20 ms ending with each frame, in half decibels above a hundredth of a quantisation step squared,
    /// after a high-pass: hum and rumble are no speech.
    private static func levels(_ samples: [Int16]) -> [Int] {
        var powers: [Double] = []
        powers.reserveCapacity(samples.count / frame)
        var previous = Double(samples.first ?? 0)
        for start in stride(from: 0, to: samples.count - frame + 1, by: frame) {
            var sum = 0.0
            for index in start..<start + frame {
                let sample = Double(samples[index])
                let difference = sample - 0.97 * previous
                sum += difference * difference
                previous = sample
            }
            powers.append(sum / Double(frame))
        }
        return powers.indices.map { index in
            let power = (powers[index] + powers[max(0, index - 1)]) / 2
            return min(levelCount - 1, max(0, Int((20 * log10(power + 0.1)).rounded()) + 20))
        }
    }

    private static let levelCount = 240

    /// A frame is quiet when it is nearer to the background than to the speech within some seconds.
    private static func quiet(_ levels: [Int]) -> [Bool] {
        var histogram = [Int](repeating: 0, count: levelCount)
        var held = 0
        func level(at share: Double) -> Int {
            var left = Int(Double(held) * share)
            for (level, count) in histogram.enumerated() {
                left -= count
                if left < 0 { return level }
            }
            return levelCount - 1
        }
        for level in levels.prefix(windowFrames) {
            histogram[level] += 1
            held += 1
        }
        return levels.indices.map { index in
            if index + windowFrames < levels.count {
                histogram[levels[index + windowFrames]] += 1
                held += 1
            }
            if index > windowFrames {
                histogram[levels[index - windowFrames - 1]] -= 1
                held -= 1
            }
            let (background, speech) = (level(at: 0.1), level(at: 0.95))
            if levels[index] < absoluteSilence { return true }
            // Less than 8 dB between loud and soft: noise or music throughout; nothing tells a pause.
            guard speech - background >= 16 else { return speech < absoluteSilence + 10 }
            return levels[index] < background + max(8, Int(Double(speech - background) * 0.35))
        }
    }

    /// 5 dB: less than two quantisation steps.
    private static let absoluteSilence = 30
}
