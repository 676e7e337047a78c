/// Gives cues the time to be read without letting two of them meet.
struct CueTiming {
    let rules: CueRules
    /// The recording's length in milliseconds.
    let total: Int64

    /// Expects the cues in their order with the times of their words.
    func arrange(_ cues: [Cue]) -> [Cue] {
        var cues = cues
        separateStarts(&cues)
        for at in cues.indices {
            let start = cues[at].start
            let next = at + 1 < cues.count ? cues[at + 1].start : nil
            cues[at].end = end(of: cues[at], next: next)
            let missing = rules.shortest - (cues[at].end - start)
            guard missing > 0 else { continue }
            // No time after it: begin before the speech does, as far as the cue before allows.
            let earliest = at > 0 ? cues[at - 1].end + rules.spacing : 0
            cues[at].start = min(start, max(earliest, start - min(missing, rules.chained)))
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
        let width = cue.lines.reduce(0) { $0 + WrittenText.columns($1) }
        let reading = Int64(Double(width) / rules.columnsPerSecond * 1000)
        let wanted = cue.start + min(rules.longest, max(cue.end - cue.start, rules.shortest, reading))
        guard let next else { return max(cue.start + 1, min(wanted, max(total, cue.start + 1))) }
        let spaced = next - rules.spacing
        // The space between cues gives way before the cue becomes too short.
        let latest = spaced - cue.start >= rules.shortest ? spaced : min(next - 1, cue.start + rules.shortest)
        if next - wanted < rules.chained { return max(cue.start + 1, min(latest, cue.start + rules.longest)) }
        return max(cue.start + 1, min(wanted, latest))
    }
}
