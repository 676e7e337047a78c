/// Which language's rules hold for the subtitles of a segment: the one its chunk was heard in, unless its script says
/// otherwise.
struct CueLanguage {
    private let chunks: [Transcript.ChunkReport]
    /// Of the recording as a whole; ISO 639-1, nil where it is not known.
    let ofRecording: String?
    private var at = 0

    init(_ transcript: Transcript) {
        chunks = transcript.chunks
        var scripts = ScriptShares()
        for segment in transcript.segments { scripts.add(segment.text) }
        ofRecording = transcript.language.map(LanguageTag.primary(of:)) ?? scripts.language(told: nil)
    }

    /// Of a segment. Segments are asked for in their order.
    mutating func next(_ segment: Segment) -> String? {
        while at + 1 < chunks.count, chunks[at + 1].range.start <= segment.range.start { at += 1 }
        let heard = at < chunks.count ? chunks[at].language.map(LanguageTag.primary(of:)) : nil
        let told = heard ?? ofRecording
        var scripts = ScriptShares()
        scripts.add(segment.text)
        if let written = scripts.language(told: told) { return written }
        // In an alphabet: only what fits a line of that language anyway keeps its rules.
        let rules = CueRules(language: told)
        let isNarrow = rules.lineColumns < CueRules(language: nil).lineColumns
        return isNarrow && segment.text.count > rules.lineColumns ? nil : told
    }
}

/// How much of a text is written in the scripts that have limits of their own.
private struct ScriptShares {
    private var han = 0
    private var kana = 0
    private var hangul = 0
    private var thai = 0
    /// Words in other scripts.
    private var words = 0
    private var isInWord = false

    mutating func add(_ text: String) {
        isInWord = false
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x3FFFD: han += 1
            case 0x3041...0x30FF, 0x31F0...0x31FF, 0xFF66...0xFF9D: kana += 1
            case 0x1100...0x11FF, 0x3130...0x318F, 0xAC00...0xD7A3: hangul += 1
            case 0x0E01...0x0E7F: thai += 1
            default:
                let isLetter = scalar.properties.isAlphabetic
                if isLetter, !isInWord { words += 1 }
                isInWord = isLetter || isInWord && scalar.properties.isCaseIgnorable
                continue
            }
            isInWord = false
        }
    }

    /// The language that most of the text must be in by its script; nil where it is in another one. A word of an alphabet
    /// counts as two Han characters or six Thai ones.
    func language(told: String?) -> String? {
        let shares = [("th", thai / 3), ("ko", hangul), ("zh", han + kana), ("", 2 * words)]
        guard let most = shares.max(by: { $0.1 < $1.1 }), most.1 > 0, !most.0.isEmpty else { return nil }
        guard most.0 == "zh" else { return most.0 }
        switch told {
        case "ja": return "ja"
        case "zh", "yue": return kana > han / 2 ? "ja" : told
        default: return kana > han / 8 ? "ja" : "zh"
        }
    }
}
