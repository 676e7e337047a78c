/// Makes subtitles of a transcript: cuts it at sentences, clauses and pauses into cues that fit two lines, and gives each
/// cue its time. Shared by the SubRip and the WebVTT sidecar.
package struct CueBuilder: Sendable {
    private let limits: SubtitleLimits
    private let speakers: SpeakerLabels

    /// - Parameter speakers: where lines begin with who speaks.
    package init(limits: SubtitleLimits = SubtitleLimits(), speakers: SpeakerLabels = .never) {
        self.limits = limits
        self.speakers = speakers
    }

    /// The cues in order; gaps are cues of their own, and no cue holds segments with different rules or of two speakers.
    package func cues(for transcript: Transcript) -> [Cue] {
        var cues: [Cue] = []
        var tokens: [CueToken] = []
        var languages = CueLanguage(transcript)
        var language = languages.ofRecording
        var rules = limits.applied(to: CueRules(language: language))
        let hasSpeakers = transcript.hasSpeakers
        var before: Segment?
        var beginsTurn = false
        func flush(before next: Int64?) {
            guard !tokens.isEmpty else { return }
            let speaking = hasSpeakers ? before : nil
            let voice = speaking.map { CueVoice($0.speaker, speakers, beginsTurn: beginsTurn, rules) }
            cues += CuePartition(tokens, rules: rules, limit: next, voice: voice).cues()
            tokens.removeAll()
            beginsTurn = false
        }
        for part in transcript.parts {
            switch part {
            case .segment(let segment):
                let next = languages.next(segment)
                let isTurn = hasSpeakers && segment.beginsTurn(after: before)
                if isTurn || next != language { flush(before: SampleClock.milliseconds(segment.range.start)) }
                if next != language {
                    language = next
                    rules = limits.applied(to: CueRules(language: next))
                }
                beginsTurn = beginsTurn || isTurn
                tokens += Self.tokens(of: segment, rules)
                before = segment
            case .gap(let gap):
                let start = SampleClock.milliseconds(gap.range.start)
                flush(before: start)
                before = nil
                cues.append(Self.marker(of: gap, rules))
            }
        }
        flush(before: nil)
        // The marker of a gap to an unknown end is shown behind the last sample that is known.
        let more = transcript.gaps.contains(where: \.isOpenEnded) ? rules.maximumDuration : 0
        return CueTiming(rules: rules, total: SampleClock.milliseconds(transcript.sampleCount) + more).arrange(cues)
    }

    private static func tokens(of segment: Segment, _ rules: CueRules) -> [CueToken] {
        var segment = segment
        segment.text = WrittenText.clean(segment.text).replacingArrows
        let width = CueWidth(rules)
        return TimedText(segment, trimmingSilence: true, wholeWords: true).tokens.enumerated().flatMap { at, token in
            CueToken(token, startsSegment: at == 0, width: width).broken(width, lineColumns: rules.lineColumns)
        }
    }

    /// In two lines where one is too short for it; its times are never parted.
    private static func marker(of gap: Transcript.Gap, _ rules: CueRules) -> Cue {
        let start = SampleClock.milliseconds(gap.range.start)
        let end = min(SampleClock.milliseconds(gap.range.end), start + rules.maximumDuration)
        let text = Sidecar.marker(of: gap)
        var lines = [text]
        if CueWidth(rules).columns(text) > rules.lineColumns {
            let words = text.split(separator: " ")
            let middle = (words.count + 1) / 2
            lines = [words[..<middle], words[middle...]].map { $0.joined(separator: " ") }
        }
        return Cue(start: start, end: end, lines: lines)
    }
}

extension String {
    /// The arrow between the times of a cue must not occur in its text: parsers look for it.
    var replacingArrows: String {
        guard contains("-->") else { return self }
        var out = ""
        var dashes = 0
        for character in self {
            if character == ">", dashes >= 2 {
                out.removeLast(2)
                out += "→"
                dashes = 0
            } else {
                out.append(character)
                dashes = character == "-" ? dashes + 1 : 0
            }
        }
        return out
    }
}
