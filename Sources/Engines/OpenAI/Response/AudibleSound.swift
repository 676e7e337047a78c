import Transcription

/// Where there is more than digital silence: a quiet voice would be heard there, if anywhere.
enum AudibleSound {
    /// 20 ms.
    private static let block = Int(SampleClock.rate / 50)
    /// Dither, and what a lossy codec leaves of digital silence (-72 dBFS). The quietest rooms and recorders have more.
    private static let silence = -8...8
    /// Unpacked at a time: a minute.
    private static let stride = Int(60 * SampleClock.rate)

    /// In samples from the start of `audio`, in order, to 20 ms. All of it where it cannot be unpacked. Blocks for the time
    /// of that.
    static func ranges(of audio: ChunkAudio) -> [SampleRange] {
        var found: [SampleRange] = []
        let count = Int(audio.sampleCount)
        for part in Swift.stride(from: 0, to: count, by: stride) {
            guard let samples = try? audio.samples(in: part..<min(part + stride, count)) else {
                return [SampleRange(0, audio.sampleCount)]
            }
            for start in Swift.stride(from: 0, to: samples.count, by: block) {
                let end = min(start + block, samples.count)
                guard samples[start..<end].contains(where: { !silence.contains(Int($0)) }) else { continue }
                let range = SampleRange(Int64(part + start), Int64(part + end))
                if let last = found.last, last.end == range.start {
                    found[found.count - 1].end = range.end
                } else {
                    found.append(range)
                }
            }
        }
        return found
    }
}
