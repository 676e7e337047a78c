/// Makes subtitles of a transcript: cuts it at sentences, clauses and pauses into cues that fit two lines, and gives each
/// cue its time. Shared by the SubRip and the WebVTT sidecar.
package struct CueBuilder: Sendable {
    private let rules: CueRules
    private let speakers: SpeakerLabels

    /// - Parameter speakers: where lines begin with who speaks.
    package init(rules: CueRules = CueRules(), speakers: SpeakerLabels = .never) {
        self.rules = rules
        self.speakers = speakers
    }

    /// The cues in order; gaps are cues of their own, and no cue holds the words of two speakers.
    package func cues(for transcript: Transcript) -> [Cue] {
        var cues: [Cue] = []
        var tokens: [CueToken] = []
        let hasSpeakers = transcript.hasSpeakers
        var before: Segment?
        func flush(before next: Int64?) {
            let speaking = hasSpeakers ? before : nil
            let voice = speaking.map { CueVoice($0.speaker, speakers, lineColumns: rules.lineColumns) }
            cues += CuePartition(tokens, rules: rules, limit: next, voice: voice).cues()
            tokens.removeAll()
        }
        for part in transcript.parts {
            switch part {
            case .segment(let segment):
                if hasSpeakers, segment.beginsTurn(after: before) {
                    flush(before: SampleClock.milliseconds(segment.range.start))
                }
                tokens += self.tokens(of: segment)
                before = segment
            case .gap(let gap):
                let start = SampleClock.milliseconds(gap.range.start)
                flush(before: start)
                before = nil
                let end = min(SampleClock.milliseconds(gap.range.end), start + rules.longest)
                cues.append(Cue(start: start, end: end, lines: [Sidecar.marker(of: gap)]))
            }
        }
        flush(before: nil)
        // The marker of a gap to an unknown end is shown behind the last sample that is known.
        let more = transcript.gaps.contains(where: \.isOpenEnded) ? rules.longest : 0
        return CueTiming(rules: rules, total: SampleClock.milliseconds(transcript.sampleCount) + more).arrange(cues)
    }

    private func tokens(of segment: Segment) -> [CueToken] {
        var segment = segment
        segment.text = WrittenText.clean(segment.text).replacingArrows
        return TimedText(segment, trimmingSilence: true).tokens.enumerated().flatMap { at, token in
            broken(CueToken(token, startsSegment: at == 0))
        }
    }

    /// A word wider than a line in pieces that fit, its time shared among them by width.
    private func broken(_ token: CueToken) -> [CueToken] {
        guard token.columns > rules.lineColumns else { return [token] }
        var texts: [String] = []
        var current = ""
        var width = 0
        for character in token.text {
            let columns = WrittenText.columns(character)
            if width + columns > rules.lineColumns, !current.isEmpty {
                texts.append(current)
                (current, width) = ("", 0)
            }
            // A base letter with a line's worth of marks on it: the marks beyond the line are left out.
            let shown = columns <= rules.lineColumns ? character : Character(character.unicodeScalars.first ?? " ")
            current.append(shown)
            width += WrittenText.columns(shown)
        }
        texts.append(current)
        let visible = texts.filter { WrittenText.isVisible($0) }
        let step = (token.end - token.start) / Int64(max(1, visible.count))
        return visible.enumerated().map { at, text in
            var piece = token
            piece.text = text
            piece.columns = WrittenText.columns(text)
            piece.start = token.start + Int64(at) * step
            piece.end = at == visible.count - 1 ? token.end : piece.start + step
            piece.spaceBefore = at == 0 && token.spaceBefore
            piece.startsSegment = at == 0 && token.startsSegment
            piece.endsSegment = at == visible.count - 1 && token.endsSegment
            return piece
        }
    }
}

/// A word on its way into a cue. Times in milliseconds.
struct CueToken {
    var text: String
    var columns: Int
    var start: Int64
    var end: Int64
    var spaceBefore: Bool
    var startsSegment: Bool
    var endsSegment: Bool

    init(_ token: TimedToken, startsSegment: Bool) {
        text = token.text
        columns = WrittenText.columns(token.text)
        start = SampleClock.milliseconds(token.range.start)
        end = SampleClock.milliseconds(token.range.end)
        spaceBefore = token.spaceBefore
        self.startsSegment = startsSegment
        endsSegment = token.endsSegment
    }
}

/// Who speaks in a stretch of cues.
struct CueVoice {
    let speaker: String?
    /// What the first line of a cue begins with: of the first cue, and of the others.
    let leads: (first: String?, others: String?)

    /// - Parameter lineColumns: a label takes two thirds of a line at most.
    init(_ speaker: String?, _ labels: SpeakerLabels, lineColumns: Int) {
        self.speaker = speaker
        func lead(_ isFirst: Bool) -> String? {
            labels.lead(of: speaker.map { Self.cut($0, to: lineColumns * 2 / 3) }, beginsTurn: isFirst)
        }
        leads = (lead(true), lead(false))
    }

    private static func cut(_ label: String, to columns: Int) -> String {
        guard WrittenText.columns(label) > columns else { return label.replacingArrows }
        var out = ""
        var width = 1
        for character in label {
            width += WrittenText.columns(character)
            if width > columns { break }
            out.append(character)
        }
        return (out.replacingArrows + "…")
    }
}

extension String {
    /// The arrow between the times of a cue must not occur in its text: parsers look for it.
    fileprivate var replacingArrows: String {
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
