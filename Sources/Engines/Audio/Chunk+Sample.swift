import Glibc
import SystemSupport
import Transcription

extension Chunk {
    /// A second with a tone that rises and falls, for `check()`: long enough for every server, and not digital silence.
    static var sample: Chunk {
        let samples = (0..<Int(SampleClock.rate)).map { at -> Int16 in
            let t = Double(at) / Double(SampleClock.rate)
            return Int16(3000 * sin(2 * .pi * t) * sin(2 * .pi * (220 + 60 * t) * t))
        }
        let range = SampleRange(0, SampleClock.rate)
        let hash = samples.withUnsafeBytes { SHA256.digest(of: $0) }
        return Chunk(index: 0, range: range, owned: range, hash: hash, speech: [], audio: ChunkAudio(samples))
    }
}
