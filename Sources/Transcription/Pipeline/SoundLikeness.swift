/// Tells speech from music and steady noise by the energy of a chunk's frames, where no better judge is at hand.
///
/// Speech goes up and down with its syllables: of the 10 ms frames of a second a quarter to a half have less than a quarter of
/// that second's mean energy; of music, tones and noise less than a tenth (the share of low-energy frames of Scheirer and
/// Slaney, "Construction and evaluation of a robust multifeature speech/music discriminator", ICASSP 1997; of 25 clips of speech
/// the lowest had 0.25, of music and noise the highest 0.09).
struct SoundLikeness: Sendable {
    enum Verdict: Sendable, Hashable {
        case noSpeech
        /// Speech over music, music with a beat.
        case unclear
        case speech
    }

    private static let lowestOfSpeech = 0.15
    private static let highestOfSteady = 0.08
    /// Frames in a second.
    private static let window = Int(SampleClock.rate) / PauseFinder.frameSamples

    private let energies: [Float]

    init(_ samples: [Int16]) {
        var energies: [Float] = []
        energies.reserveCapacity(samples.count / PauseFinder.frameSamples)
        samples.withUnsafeBufferPointer { PauseFinder.appendEnergies(of: $0, to: &energies) }
        self.energies = energies
    }

    /// - Parameter range: in samples from the first one; less than a second of it is not judged by itself.
    func verdict(on range: SampleRange) -> Verdict {
        let all = SampleRange(0, Int64(energies.count * PauseFinder.frameSamples))
        let range = range.clamped(to: all)
        let first = Int(range.start) / PauseFinder.frameSamples
        let last = Int(range.end) / PauseFinder.frameSamples
        var (low, judged) = (0, 0)
        for start in stride(from: first, to: last - Self.window + 1, by: Self.window) {
            let frames = energies[start..<start + Self.window]
            let mean = frames.reduce(0, +) / Float(Self.window)
            guard mean > PauseFinder.silence else { continue }
            low += frames.count { $0 < mean / 4 }
            judged += Self.window
        }
        guard judged > 0 else { return last - first < Self.window ? .unclear : .noSpeech }
        let share = Double(low) / Double(judged)
        return share >= Self.lowestOfSpeech ? .speech : share < Self.highestOfSteady ? .noSpeech : .unclear
    }
}
