/// Who speaks in a stretch of cues.
struct CueVoice {
    let speaker: String?
    /// What the first line of the first cue begins with, and that of the others.
    let first: Lead?
    let others: Lead?

    struct Lead {
        let text: String
        /// Columns of it, with the space behind it.
        let columns: Int
    }

    /// - Parameters:
    ///   - beginsTurn: the stretch begins where somebody else ends.
    ///   - rules: a label is cut so that it fits into a line.
    init(_ speaker: String?, _ labels: SpeakerLabels, beginsTurn: Bool, _ rules: CueRules) {
        self.speaker = speaker
        let width = CueWidth(rules)
        let shown = speaker.map { Self.cut($0, to: rules.lineColumns - 1, width).replacingArrows }
        func lead(_ beginsTurn: Bool) -> Lead? {
            labels.lead(of: shown, beginsTurn: beginsTurn).map { Lead(text: $0, columns: width.columns($0) + 1) }
        }
        (first, others) = (lead(beginsTurn), lead(false))
    }

    private static func cut(_ label: String, to columns: Int, _ width: CueWidth) -> String {
        guard width.columns(label) > columns || label.unicodeScalars.count > columns else { return label }
        var out = ""
        // Of the mark that it is cut.
        var (used, codePoints) = (1, 1)
        for character in label {
            used += width.columns(character)
            codePoints += character.unicodeScalars.count
            if max(used, codePoints) > columns { break }
            out.append(character)
        }
        return out + "…"
    }
}
