/// Gives cues the time to be read without letting two of them meet. None begins before its first word; each lasts until its
/// last one ends, but for the space to the next cue.
struct CueTiming {
    let rules: CueRules
    /// The recording's length in milliseconds.
    let total: Int64

    /// Expects the cues in their order, each from its first word until it has been heard and read.
    func arrange(_ cues: [Cue]) -> [Cue] {
        var cues = cues
        separateStarts(&cues)
        for at in cues.indices {
            cues[at].end = end(of: cues[at], next: at + 1 < cues.count ? cues[at + 1].start : nil)
        }
        return cues
    }

    /// Starts go up by two milliseconds at least: one that is shown and one between. Times that an engine made up can lie
    /// together at the very end; those are pushed back into the recording.
    private func separateStarts(_ cues: inout [Cue]) {
        for at in cues.indices {
            let earliest = at > 0 ? cues[at - 1].start + 2 : 0
            cues[at].start = max(cues[at].start, earliest)
        }
        guard total >= 2 * Int64(cues.count) else { return }
        var latest = total - 1
        for at in cues.indices.reversed() {
            guard cues[at].start > latest else { break }
            cues[at].start = latest
            latest -= 2
        }
    }

    private func end(of cue: Cue, next: Int64?) -> Int64 {
        let wanted = cue.start + min(rules.maximumDuration, max(cue.end - cue.start, rules.minimumDuration))
        // What is said in the last moment is shown beyond the recording's end rather than for that moment.
        guard let next else { return min(wanted, max(total, cue.start + rules.minimumDuration)) }
        let spaced = next - rules.spacing
        // The space between cues gives way before the cue becomes too short.
        let latest =
            spaced - cue.start >= rules.minimumDuration ? spaced : min(next - 1, cue.start + rules.minimumDuration)
        if next - wanted < rules.chained { return max(cue.start + 1, min(latest, cue.start + rules.maximumDuration)) }
        return max(cue.start + 1, min(wanted, latest))
    }
}
