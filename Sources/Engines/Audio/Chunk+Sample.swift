import Glibc
import SystemSupport
import Transcription

extension Chunk {
    /// Of `sample`.
    static let sampleHash = sample.hash

    /// A second of something like speech, for `check()`: four syllables without a word, long enough for every server.
    ///
    /// Pulses of a falling voice through the first two formants of four vowels (Peterson, Barney 1952).
    static var sample: Chunk {
        let formants: [[Double]] = [[730, 1090], [270, 2290], [530, 1840], [300, 870]]
        let rate = Double(SampleClock.rate)
        var phase = 0.0
        var (last, lastButOne) = ([0.0, 0.0], [0.0, 0.0])
        let voice = (0..<Int(SampleClock.rate)).map { at -> Double in
            let time = Double(at) / rate
            let syllable = Int(time * 4)
            phase += (140 - 40 * time) / rate
            var value = phase >= 1 ? 1.0 : 0
            if phase >= 1 { phase -= 1 }
            for (at, frequency) in formants[syllable].enumerated() {
                // A resonance about 80 Hz wide.
                let radius = exp(-.pi * 80 / rate)
                let tuning = 2 * radius * cos(2 * .pi * frequency / rate)
                value += tuning * last[at] - radius * radius * lastButOne[at]
                (last[at], lastButOne[at]) = (value, last[at])
            }
            return value * sin(.pi * (time * 4 - Double(syllable)))
        }
        var samples: [Int16] = []
        for start in stride(from: 0, to: voice.count, by: voice.count / 4) {
            let syllable = voice[start..<start + voice.count / 4]
            let peak = syllable.reduce(1e-9) { max($0, abs($1)) }
            samples += syllable.map { Int16(9000 * $0 / peak) }
        }
        let range = SampleRange(0, SampleClock.rate)
        let hash = samples.withUnsafeBytes { SHA256.digest(of: $0) }
        return Chunk(index: 0, range: range, owned: range, hash: hash, speech: [], audio: ChunkAudio(samples))
    }
}
