package import Transcription

/// When the status note of a recording in work is written: once that takes longer than a moment, then every ten seconds,
/// and earlier where the recording does not go on any more, or goes on again.
package struct StatusNoteSchedule: Sendable {
    /// Before each look at how far it is.
    static let pause = Duration.seconds(2)
    private static let looksForEachNote = 5

    /// What the note that was written last tells, and how often it was looked since.
    private var last: (stall: ProgressStall.Reason?, looks: Int)?

    package init() {}

    /// Takes a look into account.
    /// - Parameter stall: why it does not go on; nil: it does.
    /// - Returns: whether the note is to be written now.
    package mutating func isDue(_ stall: ProgressStall.Reason?) -> Bool {
        if let known = last, known.stall == stall, known.looks < Self.looksForEachNote {
            last?.looks += 1
            return false
        }
        last = (stall, 1)
        return true
    }
}
