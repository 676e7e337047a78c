/// One subtitle: at most two lines for a stretch of time.
package struct Cue: Sendable, Hashable {
    /// Milliseconds of the recording; the end lies after the start and not after the next cue's start.
    package var start: Int64
    package var end: Int64
    /// One or two lines, neither empty, without line breaks and controls.
    package var lines: [String]
    /// Who speaks, if that is known; it stands in `lines` only where the builder was to write it there.
    package var speaker: String?

    package init(start: Int64, end: Int64, lines: [String], speaker: String? = nil) {
        self.start = start
        self.end = end
        self.lines = lines
        self.speaker = speaker
    }
}

/// What makes a subtitle readable. The figures are those common to public timed-text style guides (two lines, 5/6 s to 7 s,
/// two frames between cues); columns and characters a second are those of Netflix's guides for each language.
package struct CueRules: Sendable, Hashable {
    /// Columns in a line, as `CueWidth` counts them.
    package var lineColumns = 42
    /// Full-width characters take one column, as the limits of Chinese, Japanese and Korean count; elsewhere two.
    package var countsFullWidthAsOne = false
    /// A goal, not a limit.
    package var columnsPerSecond: Double = 17
    /// Milliseconds from here on.
    package var minimumDuration: Int64 = 833
    package var maximumDuration: Int64 = 7000
    /// Two frames at 24 a second.
    package var spacing: Int64 = 83
    /// Cues nearer to each other than this are drawn together up to `spacing`, which flickers less.
    package var chained: Int64 = 500
    /// No cue stretches over a pause longer than this.
    package var maximumPause: Int64 = 1500
    /// What lines may end and begin with.
    var functionWords: FunctionWords

    /// - Parameter language: ISO 639-1; nil where it is not known.
    package init(language: String?) {
        functionWords = FunctionWords(language: language)
        switch language {
        case "en", "ar": columnsPerSecond = 20
        case "hi": columnsPerSecond = 22
        case "th": lineColumns = 35
        case "ja": (lineColumns, columnsPerSecond, countsFullWidthAsOne) = (23, 4, true)
        case "zh", "yue": (lineColumns, columnsPerSecond, countsFullWidthAsOne) = (16, 9, true)
        case "ko": (lineColumns, columnsPerSecond, countsFullWidthAsOne) = (16, 12, true)
        default: break
        }
    }
}

/// What an inbox wants otherwise than the rules of the language have it.
package struct SubtitleLimits: Sendable, Hashable {
    /// In a line; nil: as the language has it.
    package var columns: Int?
    /// Characters a second that people read; nil: as the language has it.
    package var rate: Int?

    package init(columns: Int? = nil, rate: Int? = nil) {
        self.columns = columns
        self.rate = rate
    }

    func applied(to rules: CueRules) -> CueRules {
        var rules = rules
        if let columns { rules.lineColumns = columns }
        if let rate { rules.columnsPerSecond = Double(rate) }
        return rules
    }
}
