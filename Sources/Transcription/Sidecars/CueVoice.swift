/// Who speaks in a stretch of cues.
struct CueVoice {
    let speaker: String?
    /// What the first line of a cue begins with: of the first cue, and of the others.
    let leads: (first: String?, others: String?)
    private let width: CueWidth

    /// A label takes two thirds of a line at most.
    init(_ speaker: String?, _ labels: SpeakerLabels, _ rules: CueRules) {
        self.speaker = speaker
        let width = CueWidth(rules)
        self.width = width
        func lead(_ isFirst: Bool) -> String? {
            labels.lead(
                of: speaker.map { Self.cut($0, to: rules.lineColumns * 2 / 3, width) }, beginsTurn: isFirst)
        }
        leads = (lead(true), lead(false))
    }

    func columns(_ lead: String) -> Int { width.columns(lead) }

    private static func cut(_ label: String, to columns: Int, _ width: CueWidth) -> String {
        guard width.columns(label) > columns else { return label.replacingArrows }
        var out = ""
        var used = 1
        for character in label {
            used += width.columns(character)
            if used > columns { break }
            out.append(character)
        }
        return (out.replacingArrows + "…")
    }
}
