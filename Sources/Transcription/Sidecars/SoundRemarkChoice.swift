/// Whether remarks about sounds (`[MUSIC]`, `(applause)`, `♪`) that an engine writes stand in the sidecars.
package enum SoundRemarkChoice: String, Sendable, Codable, CaseIterable {
    /// Nowhere but under `suppressed` in `.json`.
    case drop
    /// As the engine wrote them.
    case keep
}

extension Transcript {
    /// With remarks about sounds among the segments where they are to be kept; inventions stay out.
    func withSounds(_ choice: SoundRemarkChoice) -> Transcript {
        let sounds = suppressed.filter { $0.reason == .sound }
        guard choice == .keep, !sounds.isEmpty else { return self }
        var out = self
        out.suppressed.removeAll { $0.reason == .sound }
        var next = 0
        out.segments = []
        func add(_ sound: SuppressedText) {
            // One that stood within a segment without word times comes behind it.
            let start = max(sound.range.start, out.segments.last?.range.end ?? 0)
            out.segments.append(Segment(range: SampleRange(start, max(start, sound.range.end)), text: sound.text))
        }
        for segment in segments {
            while next < sounds.count, sounds[next].range.start < segment.range.start {
                add(sounds[next])
                next += 1
            }
            out.segments.append(segment)
        }
        for sound in sounds[next...] { add(sound) }
        return out
    }
}
