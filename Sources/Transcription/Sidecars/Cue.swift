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

/// What makes a subtitle readable. The figures are those common to public timed-text style guides (42 characters, two
/// lines, 5/6 s to 7 s, two frames between cues).
package struct CueRules: Sendable, Hashable {
    /// Columns in a line: a wide (CJK) character takes two of them.
    package var lineColumns = 42
    /// Milliseconds from here on.
    package var shortest: Int64 = 833
    package var longest: Int64 = 7000
    /// Two frames at 24 a second.
    package var spacing: Int64 = 83
    /// Cues nearer to each other than this are drawn together up to `spacing`, which flickers less.
    package var chained: Int64 = 500
    /// No cue stretches over a pause longer than this.
    package var maximumPause: Int64 = 1500
    /// A goal, not a limit.
    package var columnsPerSecond: Double = 20

    package init() {}
}
