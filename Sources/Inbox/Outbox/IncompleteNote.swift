import SystemSupport
import Transcription

/// `talk.wav.error.txt` in the outbox while the end of `talk.wav` is missing, or while it cannot be read.
enum IncompleteNote {
    /// What is to be told a person.
    static func text(_ recording: RawName, _ reason: Intake.Incomplete.Reason) -> String {
        switch reason {
        case .short(let shortfall, _): text(recording.last, shortfall)
        case .unreadable: unreadableText(recording.last)
        }
    }

    private static func unreadableText(_ name: RawName) -> String {
        """
        \(name.printable) cannot be read: its rights allow it to you alone.

        It was left in the inbox and is transcribed as soon as the group of the inbox may read it. Copy it there again
        instead of moving it, or ask your administrator.

        """
    }

    private static func text(_ name: RawName, _ shortfall: CompletenessRule.Shortfall) -> String {
        let arrived = ByteCount.text(shortfall.arrived)
        let what =
            shortfall.expected.map { "\(arrived) of \(ByteCount.text($0)) arrived." }
            ?? "\(arrived) arrived, its end is missing."
        return """
            \(name.printable) is not complete: \(what)

            Copy it again. It was left in the inbox and is transcribed as soon as the rest is there.
            If there is no more of it, give it another name: then what is there is transcribed.

            """
    }
}
